#include <kurier/wire/varint.hpp>

#include <kurier/wire/reader.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>

namespace {

using namespace kurier::wire;
using kurier::bytes_view;

// Every power of two and its neighbours, and as many random values of every length.
template <class Check> void for_many_values(Check check)
{
    std::mt19937_64 random{1};
    for (unsigned bits = 0; bits < 64; ++bits) {
        for (const std::uint64_t near : {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{1}})
            check((std::uint64_t{1} << bits) + near);
        for (int i = 0; i < 200; ++i) check(random() >> bits);
    }
}

std::size_t sevens(std::uint64_t value)
{
    std::size_t size = 1;
    while (value >>= 7) ++size;
    return size;
}

} // namespace

TEST_CASE("zigzag is Kafka's: small absolute values become small")
{
    CHECK(zigzag(std::int32_t{0}) == 0);
    CHECK(zigzag(std::int32_t{-1}) == 1);
    CHECK(zigzag(std::int32_t{1}) == 2);
    CHECK(zigzag(std::numeric_limits<std::int32_t>::min()) == 0xffffffffu);
    CHECK(zigzag(std::numeric_limits<std::int64_t>::max()) == 0xfffffffffffffffeu);
    for_many_values([](std::uint64_t bits) {
        const auto wide = static_cast<std::int64_t>(bits);
        const auto narrow = static_cast<std::int32_t>(bits);
        REQUIRE(unzigzag(zigzag(wide)) == wide);
        REQUIRE(unzigzag(zigzag(narrow)) == narrow);
    });
}

TEST_CASE("what is put is taken back, in as many bytes as foretold")
{
    for_many_values([](std::uint64_t bits) {
        std::array<std::byte, 12> bytes{};
        const auto written = [&](const std::byte* end) {
            return static_cast<std::size_t>(end - bytes.data());
        };

        const auto plain = static_cast<std::uint32_t>(bits);
        REQUIRE(written(put_uvarint(bytes.data(), plain)) == uvarint_size(plain));
        REQUIRE(uvarint_size(plain) == sevens(plain));
        reader first{bytes};
        REQUIRE(first.take_uvarint() == plain);
        REQUIRE(first.left() == bytes.size() - uvarint_size(plain));

        const auto narrow = static_cast<std::int32_t>(bits);
        REQUIRE(written(put_varint(bytes.data(), narrow)) == varint_size(narrow));
        reader second{bytes};
        REQUIRE(second.take_varint() == narrow);

        const auto wide = static_cast<std::int64_t>(bits);
        REQUIRE(written(put_varlong(bytes.data(), wide)) == varlong_size(wide));
        REQUIRE(varlong_size(wide) == sevens(zigzag(wide)));
        reader third{bytes};
        REQUIRE(third.take_varlong() == wide);
        REQUIRE(third.left() == bytes.size() - varlong_size(wide));

        for (std::size_t size = 0; size < varlong_size(wide); ++size) { // cut anywhere: bad
            reader cut{bytes_view{bytes}.first(size)};
            REQUIRE(cut.take_varlong() == 0);
            REQUIRE(cut.bad());
        }
    });
}

TEST_CASE("bytes on the wire")
{
    std::array<std::byte, 5> bytes{};
    CHECK(put_uvarint(bytes.data(), 300) == bytes.data() + 2);
    CHECK(bytes[0] == std::byte{0xac});
    CHECK(bytes[1] == std::byte{0x02});
    CHECK(put_varint(bytes.data(), -64) == bytes.data() + 1);
    CHECK(bytes[0] == std::byte{0x7f});
    CHECK(put_uvarint(bytes.data(), 0xffffffff) == bytes.data() + 5);
    CHECK(bytes[4] == std::byte{0x0f});
}

TEST_CASE("more bits than the type has are malformed, and so is a number without an end")
{
    const auto all = [](std::size_t count, int last) {
        std::array<std::byte, 12> bytes;
        bytes.fill(std::byte{0xff});
        bytes[count - 1] = static_cast<std::byte>(last);
        return bytes;
    };
    const auto narrow = [](const auto& bytes) {
        reader in{bytes};
        in.take_uvarint();
        return !in.bad();
    };
    const auto wide = [](const auto& bytes) {
        reader in{bytes};
        in.take_varlong();
        return !in.bad();
    };
    CHECK(narrow(all(5, 0x0f)));
    CHECK_FALSE(narrow(all(5, 0x1f)));
    CHECK_FALSE(narrow(all(5, 0x8f)));
    CHECK_FALSE(narrow(all(6, 0)));
    CHECK(wide(all(10, 0x01)));
    CHECK_FALSE(wide(all(10, 0x02)));
    CHECK_FALSE(wide(all(10, 0x81)));
    CHECK_FALSE(wide(all(11, 0)));
    std::array<std::byte, 3> padded{std::byte{0x81}, std::byte{0x80},
                                    std::byte{0x00}}; // longer than needed: Kafka reads it
    reader in{padded};
    CHECK(in.take_uvarint() == 1);
    CHECK(in.left() == 0);
}
