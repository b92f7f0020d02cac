// Reads Kafka's primitive types from bytes that nobody vouches for. The first error sticks: from then on every read
// gives zero or nothing, so a decoder checks once at its end.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kurier::inline KURIER_ABI::wire {

class reader
{
public:
    explicit reader(bytes_view bytes) noexcept : at_{bytes.data()}, end_{bytes.data() + bytes.size()} {}

    bool bad() const noexcept { return bad_; }
    void fail() noexcept
    {
        bad_ = true;
        at_ = end_;
    }
    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    const std::byte* position() const noexcept { return at_; }

    template <class Int> Int take_int() noexcept // big endian
    {
        using bits = std::make_unsigned_t<Int>;
        if (left() < sizeof(Int)) {
            fail();
            return 0;
        }
        bits value = 0;
        for (std::size_t i = 0; i < sizeof(Int); ++i)
            value = static_cast<bits>((sizeof(Int) > 1 ? value << 8 : 0) | static_cast<bits>(at_[i]));
        at_ += sizeof(Int);
        return static_cast<Int>(value);
    }

    std::uint32_t take_uvarint() noexcept { return take_unsigned<std::uint32_t>(); }
    std::int32_t take_varint() noexcept { return unzigzag(take_unsigned<std::uint32_t>()); }
    std::int64_t take_varlong() noexcept { return unzigzag(take_unsigned<std::uint64_t>()); }

    bytes_view take(std::size_t size) noexcept
    {
        if (size > left()) {
            fail();
            return {};
        }
        const bytes_view taken{at_, size};
        at_ += size;
        return taken;
    }

private:
    template <class Unsigned> Unsigned take_unsigned() noexcept
    {
        constexpr unsigned bits = sizeof(Unsigned) * 8;
        Unsigned value = 0;
        for (unsigned shift = 0; shift < bits && at_ != end_; shift += 7) {
            const auto byte = static_cast<Unsigned>(*at_++);
            if (shift + 7 > bits && (byte & 0x7f) >> (bits - shift) != 0)
                break; // more bits than the type has
            value |= (byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        fail();
        return 0;
    }

    const std::byte* at_;
    const std::byte* end_;
    bool bad_ = false;
};

} // namespace kurier::inline KURIER_ABI::wire
