#include <kurier/serializers/bytes.hpp>
#include <kurier/serializers/floating.hpp>
#include <kurier/serializers/integral.hpp>
#include <kurier/serializers/null.hpp>
#include <kurier/serializers/optional.hpp>
#include <kurier/serializers/string.hpp>
#include <kurier/serializers/uuid.hpp>

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace kurier;

std::string hex(nullable_bytes bytes)
{
    if (bytes.is_null()) return "null";
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::byte b : bytes.view()) {
        text += digits[std::to_integer<unsigned>(b) >> 4];
        text += digits[std::to_integer<unsigned>(b) & 15];
    }
    return text;
}

template <class T, class S = serializer<T>> std::string serialized(const nullable<T>& field)
{
    static_assert(check_serializer<S, T>());
    S s;
    std::vector<std::byte> scratch;
    headers_builder headers;
    nullable_bytes bytes;
    CHECK_FALSE(serialize_field<T>(s, field, scratch, {"topic", serialized_part::value, headers}, bytes));
    return hex(bytes);
}

} // namespace

TEST_CASE("serializers: texts and bytes are what they are")
{
    CHECK(serialized<std::string_view>("ab") == "6162");
    CHECK(serialized<std::string>(std::string("ab")) == "6162");
    CHECK(serialized<const char*>("ab") == "6162");
    CHECK(serialized<std::string>("") == "");
    CHECK(serialized<std::string>(nullptr) == "null");
    const std::vector<std::byte> bytes{std::byte{1}, std::byte{255}};
    CHECK(serialized<std::vector<std::byte>>(bytes) == "01ff");
    CHECK(serialized<bytes_view>(bytes) == "01ff");
    const std::array<std::byte, 1> one{std::byte{7}};
    CHECK(serialized<std::array<std::byte, 1>>(one) == "07");
    CHECK(serialized<nullable_bytes>(nullable_bytes{}) == "null");
    CHECK(serialized<nullable_bytes>(nullable_bytes{"x"}) == "78");
}

TEST_CASE("serializers: numbers are big endian, as Java's serializers write them")
{
    CHECK(serialized<std::int16_t>(std::int16_t{-2}) == "fffe");
    CHECK(serialized<std::int32_t>(0x01020304) == "01020304");
    CHECK(serialized<std::int64_t>(std::numeric_limits<std::int64_t>::min()) == "8000000000000000");
    CHECK(serialized<long long>(1LL) == "0000000000000001");
    CHECK(serialized<float>(1.5F) == "3fc00000");
    CHECK(serialized<double>(-2.0) == "c000000000000000");
    CHECK(serialized<int>(nullptr) == "null");
}

TEST_CASE("serializers: nullptr_t and optional")
{
    CHECK(serialized<std::nullptr_t>(nullptr) == "null");
    CHECK(serialized<std::optional<std::string>>("x") == "78");
    CHECK(serialized<std::optional<std::string>>(std::nullopt) == "null");
    CHECK(serialized<std::optional<std::string>>(std::optional<std::string_view>{}) == "null");
    CHECK(serialized<std::optional<int>>(std::optional<int>{1}) == "00000001");
    CHECK(serialized<std::optional<int>>(std::optional<int>{}) == "null");
}

TEST_CASE("serializers: uuid as Java's UUIDSerializer writes it")
{
    const uuid id{{std::byte{0x01}, std::byte{0x23}, std::byte{0x45}, std::byte{0x67}, std::byte{0x89},
                   std::byte{0xab}, std::byte{0xcd}, std::byte{0xef}, std::byte{0xfe}, std::byte{0xdc},
                   std::byte{0xba}, std::byte{0x98}, std::byte{0x76}, std::byte{0x54}, std::byte{0x32},
                   std::byte{0x10}}};
    CHECK(serialized<uuid>(id) == "30313233343536372d383961622d636465662d666564632d626139383736353433323130");
}

TEST_CASE("serializers: what has none")
{
    static_assert(!serializer_for<serializer<unsigned>, unsigned>);
    static_assert(!serializer_for<serializer<bool>, bool>);
    static_assert(!serializer_for<serializer<char>, char>);
    static_assert(!serializer_for<serializer<wchar_t>, wchar_t>);
    static_assert(!serializer_for<serializer<void*>, void*>);
    static_assert(!serializer_for<int, int>);
}
