// MurmurHash2 as Kafka uses it (org.apache.kafka.common.utils.Utils.murmur2): the same key must go to the
// same partition whichever client sends it.
#pragma once

#include <kurier/bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace kurier::inline KURIER_ABI {

constexpr std::uint32_t murmur2(bytes_view key) noexcept
{
    constexpr std::uint32_t multiplier = 0x5bd1e995;
    constexpr std::uint32_t seed = 0x9747b28c;
    const auto at = [&key](std::size_t i) { return std::to_integer<std::uint32_t>(key[i]); };

    std::uint32_t hash = seed ^ static_cast<std::uint32_t>(key.size());
    std::size_t i = 0;
    for (; i + 4 <= key.size(); i += 4) {
        std::uint32_t word = at(i) | at(i + 1) << 8 | at(i + 2) << 16 | at(i + 3) << 24;
        word *= multiplier;
        word ^= word >> 24;
        hash = (hash * multiplier) ^ (word * multiplier);
    }
    const std::size_t left = key.size() - i;
    if (left > 2) hash ^= at(i + 2) << 16;
    if (left > 1) hash ^= at(i + 1) << 8;
    if (left > 0) hash = (hash ^ at(i)) * multiplier;

    hash ^= hash >> 13;
    hash *= multiplier;
    return hash ^ hash >> 15;
}

// Not the absolute value but the sign cut off, as Java's Utils.toPositive.
constexpr std::int32_t murmur2_partition(bytes_view key, std::int32_t partition_count) noexcept
{
    return static_cast<std::int32_t>(murmur2(key) & 0x7fffffff) % partition_count;
}

} // namespace kurier::inline KURIER_ABI
