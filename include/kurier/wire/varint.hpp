// Variable-length integers: unsigned ones for lengths and tags of flexible messages (KIP-482), zigzag ones inside
// records. Seven bits a byte, lowest first.
#pragma once

#include <kurier/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kurier::inline KURIER_ABI::wire {

constexpr std::uint32_t zigzag(std::int32_t value) noexcept
{
    return (static_cast<std::uint32_t>(value) << 1) ^ static_cast<std::uint32_t>(value >> 31);
}

constexpr std::uint64_t zigzag(std::int64_t value) noexcept
{
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

constexpr std::int32_t unzigzag(std::uint32_t value) noexcept
{
    return static_cast<std::int32_t>((value >> 1) ^ (0u - (value & 1)));
}

constexpr std::int64_t unzigzag(std::uint64_t value) noexcept
{
    return static_cast<std::int64_t>((value >> 1) ^ (std::uint64_t{0} - (value & 1)));
}

namespace detail {

template <class Unsigned> constexpr std::size_t unsigned_size(Unsigned value) noexcept
{
    if (value < 0x80) return 1;
    if (value < 0x4000) return 2;
    return (static_cast<std::size_t>(std::bit_width(value)) + 6) / 7;
}

template <class Unsigned> [[gnu::noinline]] inline std::byte* put_long(std::byte* at, Unsigned value) noexcept
{
    while (value >= 0x80) {
        *at++ = static_cast<std::byte>(value | 0x80);
        value >>= 7;
    }
    *at++ = static_cast<std::byte>(value);
    return at;
}

template <class Unsigned>
[[gnu::always_inline]] inline std::byte* put_unsigned(std::byte* at, Unsigned value) noexcept
{
    if (value < 0x80) [[likely]] {
        *at = static_cast<std::byte>(value);
        return at + 1;
    }
    if (value < 0x4000) [[likely]] {
        at[0] = static_cast<std::byte>(value | 0x80);
        at[1] = static_cast<std::byte>(value >> 7);
        return at + 2;
    }
    return put_long(at, value);
}

} // namespace detail

constexpr std::size_t uvarint_size(std::uint32_t value) noexcept
{
    return detail::unsigned_size(value);
}
constexpr std::size_t varint_size(std::int32_t value) noexcept
{
    return detail::unsigned_size(zigzag(value));
}
constexpr std::size_t varlong_size(std::int64_t value) noexcept
{
    return detail::unsigned_size(zigzag(value));
}

// Each returns the end of what it wrote; the caller guarantees the room.
[[gnu::always_inline]] inline std::byte* put_uvarint(std::byte* at, std::uint32_t value) noexcept
{
    return detail::put_unsigned(at, value);
}
[[gnu::always_inline]] inline std::byte* put_varint(std::byte* at, std::int32_t value) noexcept
{
    return detail::put_unsigned(at, zigzag(value));
}
inline std::byte* put_varlong(std::byte* at, std::int64_t value) noexcept
{
    return detail::put_unsigned(at, zigzag(value));
}

} // namespace kurier::inline KURIER_ABI::wire
