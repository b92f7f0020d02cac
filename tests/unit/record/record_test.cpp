#include <kurier/record/record.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace {

using namespace kurier;

struct order
{
    std::string id;
    int amount = 0;
};

struct text_like
{
    std::string text;
    operator std::string_view() const { return text; }
};

// What a producer's send looks like to its caller.
template <class K, class V> struct sender
{
    record<K, V> operator()(record<K, V> r) const { return r; }
};

template <class V> nullable<V> value_of(nullable<V> value)
{
    return value;
}

} // namespace

TEST_CASE("record: texts from every kind of text")
{
    const sender<std::string_view, std::string_view> send;
    const std::string text = "text";
    const record literal = send({.topic = "t", .key = "k", .value = "v"});
    CHECK(literal.topic == "t");
    CHECK(*literal.key == "k");
    CHECK(*literal.value == "v");
    CHECK(*send({.topic = "t", .value = text}).value == "text");
    CHECK(*send({.topic = "t", .value = text_like{"converted"}}).value == "converted");
    const char* pointer = "pointer";
    CHECK(*send({.topic = "t", .value = pointer}).value == "pointer");
    CHECK(send({.topic = "t", .value = std::string(3, 'x') + "y"}).value.is_null() == false);
}

TEST_CASE("record: what is not given is null")
{
    const record r = sender<std::string_view, std::string_view>{}({.topic = "t"});
    CHECK(r.key.is_null());
    CHECK(r.value.is_null());
    CHECK_FALSE(r.partition.has_value());
    CHECK_FALSE(r.time.has_value());
    CHECK(r.headers.empty());
}

TEST_CASE("record: null from nullptr, nullopt, an empty optional and a null pointer; empty is not null")
{
    const sender<std::string, std::string> send;
    CHECK(send({.topic = "t", .value = nullptr}).value.is_null());
    CHECK(send({.topic = "t", .value = std::nullopt}).value.is_null());
    CHECK(send({.topic = "t", .value = std::optional<std::string>{}}).value.is_null());
    const char* none = nullptr;
    CHECK(send({.topic = "t", .value = none}).value.is_null());
    CHECK_FALSE(send({.topic = "t", .value = ""}).value.is_null());
    const std::optional<std::string> some = "some";
    CHECK(*send({.topic = "t", .value = some}).value == "some");
    CHECK(sender<int, int>{}({.topic = "t", .value = std::optional<int>{}}).value.is_null());
    CHECK(*sender<int, int>{}({.topic = "t", .value = std::optional<int>{7}}).value == 7);
    CHECK(sender<int, order>{}({.topic = "t", .value = nullptr}).value.is_null());
}

TEST_CASE("record: numbers by value, zero included")
{
    const record r = sender<std::int64_t, double>{}({.topic = "t", .key = 42, .value = 0});
    CHECK(*r.key == 42);
    CHECK(*r.value == 0.0);
    CHECK(*sender<std::int16_t, std::int32_t>{}({.topic = "t", .key = 0, .value = -1}).key == 0);
}

TEST_CASE("record: bytes from span, vector and array")
{
    const sender<bytes_view, std::vector<std::byte>> send;
    const std::vector<std::byte> owned(3);
    const std::array<std::byte, 2> fixed{};
    CHECK((*send({.topic = "t", .key = owned, .value = fixed}).key).size() == 3);
    CHECK((*send({.topic = "t", .key = bytes_view{owned}, .value = owned}).value).size() == 3);
    CHECK(sender<bytes_view, nullable_bytes>{}({.topic = "t", .value = "x"}).value.is_null() == false);
}

TEST_CASE("record: a type of the user's by reference")
{
    const order o{"id", 3};
    const record r = sender<std::string_view, order>{}({.topic = "t", .key = o.id, .value = o});
    const order& seen = *r.value;
    CHECK(&seen == &o);
    const std::optional<order> some{o};
    CHECK(static_cast<const order&>(*value_of<order>(some)).id == "id");
}

TEST_CASE("record: optional as the type of a producer's values")
{
    const sender<std::nullptr_t, std::optional<std::string_view>> send;
    CHECK(*send({.topic = "t", .value = "v"}).value == "v");
    CHECK(send({.topic = "t", .key = nullptr, .value = std::nullopt}).value.is_null());
    const record given = send({.topic = "t", .value = std::optional<std::string_view>{}});
    CHECK((given.value.is_null() || !(*given.value).has_value()));
}

TEST_CASE("record: the other fields")
{
    const std::array<header_view, 2> headers{{{"a", "1"}, {"a", nullptr}}};
    const timestamp time{std::chrono::milliseconds{5}};
    const record r = sender<int, int>{}({.topic = "t", .partition = 3, .headers = headers, .time = time});
    CHECK(r.partition == 3);
    CHECK(r.headers.size() == 2);
    CHECK(r.headers[1].value.is_null());
    CHECK(r.time == time);
}
