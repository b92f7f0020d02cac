// Integers in Kafka's byte order, at any address.
#pragma once

#include <kurier/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kurier::inline KURIER_ABI::detail {

template <class Int> inline void put_big_endian(std::byte* at, Int value) noexcept
{
    if constexpr (std::endian::native == std::endian::little && sizeof(Int) > 1) {
        if constexpr (sizeof(Int) == 2)
            value = static_cast<Int>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
        if constexpr (sizeof(Int) == 4)
            value = static_cast<Int>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
        if constexpr (sizeof(Int) == 8)
            value = static_cast<Int>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
    }
    std::memcpy(at, &value, sizeof value);
}

} // namespace kurier::inline KURIER_ABI::detail
