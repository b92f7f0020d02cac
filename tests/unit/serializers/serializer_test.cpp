#include <kurier/serializer.hpp>

#include <kurier/serializers/optional.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace user {

struct order
{
    std::string id;
    int amount = 0;
};

struct trade
{
    int price = 0;
};

struct address
{
    std::string street;
};

} // namespace user

template <> struct kurier::serializer<user::order> // general, void
{
    void serialize(const user::order& o, byte_writer& out) const
    {
        out.put(o.id);
        out.put(std::byte{'|'});
        out.put_int(static_cast<std::int16_t>(o.amount));
    }
};

template <> struct kurier::serializer<user::trade> // sized, with a null
{
    bool is_null(const user::trade& t) const noexcept { return t.price < 0; }
    std::size_t size(const user::trade& t) const { return static_cast<std::size_t>(t.price); }
    void write(const user::trade& t, std::byte* at) const
    {
        for (int i = 0; i < t.price; ++i) at[i] = std::byte{'$'};
    }
};

namespace {

using namespace kurier;
using boost::system::error_code;

struct address_serializer // with state, context, headers and errors; not copyable
{
    error_code serialize(const user::address& a, byte_writer& out, const serialize_context& context)
    {
        if (a.street.empty()) return make_error_code(boost::system::errc::invalid_argument);
        if (a.street == "throw") throw std::runtime_error{"no such street"};
        context.headers.add("schema",
                            std::string_view{context.part == serialized_part::key ? "key" : "value"});
        out.put(context.topic);
        out.put(std::string_view{a.street});
        ++*calls;
        return {};
    }
    std::unique_ptr<int> calls = std::make_unique<int>(0);
};

struct result
{
    error_code error;
    bool null;
    std::string text;
};

template <class T, class S> result run(S& s, serialized_argument<T> value, headers_builder& headers)
{
    std::vector<std::byte> scratch{std::byte{1}, std::byte{2}};
    nullable_bytes bytes;
    const error_code error =
        serialize_to<T>(s, value, scratch, {"topic-", serialized_part::value, headers}, bytes);
    return {error, bytes.is_null(), std::string{as_text(bytes.view())}};
}

} // namespace

TEST_CASE("serializer: a specialisation of the user's own, general form")
{
    static_assert(check_serializer<serializer<user::order>, user::order>());
    static_assert(!sized_serializer_for<serializer<user::order>, user::order>);
    serializer<user::order> s;
    headers_builder headers;
    CHECK(run<user::order>(s, {"id", 0x4142}, headers).text == "id|AB");
}

TEST_CASE("serializer: sized form and its null")
{
    serializer<user::trade> s;
    headers_builder headers;
    CHECK(run<user::trade>(s, {3}, headers).text == "$$$");
    CHECK_FALSE(run<user::trade>(s, {0}, headers).null);
    CHECK(run<user::trade>(s, {-1}, headers).null);
}

TEST_CASE("serializer: an object with state sees the topic, adds headers, reports errors, throws")
{
    static_assert(check_serializer<address_serializer, user::address>());
    address_serializer s;
    const std::vector<header_view> given{{"given", "1"}};
    headers_builder headers{given};
    CHECK(run<user::address>(s, {"street"}, headers).text == "topic-street");
    CHECK(*s.calls == 1);
    REQUIRE(headers.view().size() == 2);
    CHECK(headers.view()[0].name == "given");
    CHECK(headers.view()[1].name == "schema");
    CHECK(headers.view()[1].value == nullable_bytes{"value"});
    CHECK(run<user::address>(s, {""}, headers).error == boost::system::errc::invalid_argument);
    CHECK_THROWS_AS(run<user::address>(s, {"throw"}, headers), std::runtime_error);
    address_serializer moved = std::move(s);
    CHECK(*moved.calls == 1);
}

TEST_CASE("serializer: optional of a type of the user's own")
{
    using optional_order = std::optional<user::order>;
    serializer<optional_order> s;
    headers_builder headers;
    const user::order o{"x", 0x4142};
    CHECK(run<optional_order>(s, in{o}, headers).text == "x|AB");
    CHECK(run<optional_order>(s, std::nullopt, headers).null);
    serializer<std::optional<user::trade>> t;
    const user::trade none{-1};
    CHECK(run<std::optional<user::trade>>(t, in{none}, headers).null); // T's own null
}

TEST_CASE("serializer: the same scratch serves any number of records")
{
    serializer<user::order> s;
    headers_builder headers;
    std::vector<std::byte> scratch;
    scratch.reserve(64);
    const std::byte* storage = scratch.data();
    for (int i = 0; i < 100; ++i) {
        nullable_bytes bytes;
        CHECK_FALSE(
            serialize_to<user::order>(s, {"id", i}, scratch, {"t", serialized_part::key, headers}, bytes));
        CHECK(bytes.data() == storage);
        CHECK(bytes.size() == 5);
    }
}

TEST_CASE("headers_builder: keeps what it was given, owns what was added")
{
    const std::vector<header_view> given{{"a", "1"}};
    headers_builder headers{given};
    CHECK(headers.view().data() == given.data()); // nothing added, nothing copied
    for (int i = 0; i < 100; ++i)
        headers.add("name" + std::to_string(i), std::string_view{std::to_string(i)});
    headers.add("null", nullptr);
    headers.add("", "");
    const auto all = headers.view();
    REQUIRE(all.size() == 103);
    CHECK(all[0] == given[0]);
    CHECK(all[57].name == "name56");
    CHECK(all[57].value == nullable_bytes{"56"});
    CHECK(all[101].value.is_null());
    CHECK(all[102] == header_view{"", ""});
    headers.reset({});
    CHECK(headers.view().empty());
}
