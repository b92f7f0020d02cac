#include <kurier/wire/writer.hpp>

#include <kurier/wire/reader.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace kurier::wire;
using kurier::bytes_view;

template <class Int> void round_trip(Int value)
{
    std::vector<std::byte> bytes;
    writer out{bytes};
    out.put_int(value);
    CHECK(bytes.size() == sizeof value);
    reader in{bytes};
    CHECK(in.take_int<Int>() == value);
    CHECK(in.left() == 0);
    CHECK_FALSE(in.bad());
    reader cut{bytes_view{bytes}.first(sizeof value - 1)};
    CHECK(cut.take_int<Int>() == 0);
    CHECK(cut.bad());
}

template <class Int> void round_trips()
{
    for (const Int value : {Int{0}, Int{1}, static_cast<Int>(-1), std::numeric_limits<Int>::min(),
                            std::numeric_limits<Int>::max(), static_cast<Int>(0x0123456789abcdef)})
        round_trip(value);
}

} // namespace

TEST_CASE("integers of all sizes, most significant byte first")
{
    round_trips<std::int8_t>();
    round_trips<std::int16_t>();
    round_trips<std::int32_t>();
    round_trips<std::int64_t>();
    round_trips<std::uint16_t>();
    round_trips<std::uint64_t>();
    std::vector<std::byte> bytes;
    writer out{bytes};
    out.put_int(std::int32_t{0x01020304});
    CHECK(bytes == std::vector{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}});
}

TEST_CASE("the first error sticks, and leaves nothing to read")
{
    const std::array<std::byte, 8> bytes{};
    reader in{bytes};
    CHECK(in.take(3).size() == 3);
    CHECK(in.position() == bytes.data() + 3);
    CHECK(in.take(6).empty()); // one too many
    CHECK(in.bad());
    CHECK(in.left() == 0);
    CHECK(in.take(0).empty());
    CHECK(in.take_int<std::int8_t>() == 0);
    CHECK(in.take_uvarint() == 0);
    CHECK(in.take_varlong() == 0);
    CHECK(in.bad());

    reader whole{bytes};
    CHECK(whole.take(std::numeric_limits<std::size_t>::max()).empty());
    CHECK(whole.bad());
    reader nothing{bytes_view{}};
    CHECK(nothing.take(0).empty());
    CHECK_FALSE(nothing.bad());
    CHECK(nothing.take_int<std::int64_t>() == 0);
    CHECK(nothing.bad());
}

TEST_CASE("the sizer counts what the writer writes")
{
    std::vector<std::byte> bytes(3); // a writer appends
    writer out{bytes};
    sizer size;
    const auto both = [&](auto put) {
        put(out);
        put(size);
        CHECK(bytes.size() - 3 == size.size());
    };
    both([](auto& to) { to.put_int(std::int16_t{-2}); });
    both([](auto& to) { to.put_uvarint(1u << 28); });
    both([](auto& to) { to.put_varint(-65); });
    both([](auto& to) { to.put("text", 4); });
    both([](auto& to) { to.put(nullptr, 0); });
    CHECK(out.size() == bytes.size());
    CHECK_FALSE(out.bad());
    both([](auto& to) { to.fail(); });
    CHECK(out.bad());
}
