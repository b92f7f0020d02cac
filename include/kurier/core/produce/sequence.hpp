// Sequence numbers of the idempotent producer (KIP-98). They wrap from 2^31-1 to 0, so they are compared modulo 2^31
// (KAFKA-7693 shows what a plain comparison does there).
#pragma once

#include <kurier/config.hpp>

#include <cstdint>

namespace kurier::inline KURIER_ABI::core {

constexpr std::int32_t sequence_after(std::int32_t sequence, std::int32_t records) noexcept
{
    return static_cast<std::int32_t>(
        (static_cast<std::uint32_t>(sequence) + static_cast<std::uint32_t>(records)) & 0x7fffffffu);
}

// Distance from a to b going forward, in [0, 2^31).
constexpr std::uint32_t sequence_distance(std::int32_t a, std::int32_t b) noexcept
{
    return (static_cast<std::uint32_t>(b) - static_cast<std::uint32_t>(a)) & 0x7fffffffu;
}

// True if a is before b; they are less than 2^30 apart.
constexpr bool sequence_before(std::int32_t a, std::int32_t b) noexcept
{
    const auto distance = sequence_distance(a, b);
    return distance != 0 && distance < 0x40000000u;
}

inline constexpr std::int16_t last_producer_epoch = 32767; // after it, a new producer id is needed

} // namespace kurier::inline KURIER_ABI::core
