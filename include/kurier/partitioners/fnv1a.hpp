// librdkafka's fnv1a_random, which is Sarama's default: the absolute value of the 32-bit FNV-1a hash of the
// key. Records with a null key go anywhere; an empty key is one like any other.
#pragma once

#include <kurier/partitioner.hpp>

#include <cstddef>
#include <cstdint>

namespace kurier::inline KURIER_ABI {

// The 32-bit hash.
constexpr std::uint32_t fnv1a(bytes_view bytes) noexcept
{
    std::uint32_t hash = 2166136261;
    for (std::byte b : bytes) hash = (hash ^ std::to_integer<std::uint32_t>(b)) * 16777619;
    return hash;
}

struct fnv1a_partitioner
{
    std::int32_t partition(const partition_query& query) const noexcept
    {
        if (query.key.is_null()) return any_partition;
        const std::uint32_t hash = fnv1a(query.key.view());
        const std::uint32_t positive = (hash & 0x80000000) != 0 ? 0 - hash : hash;
        return static_cast<std::int32_t>(positive % static_cast<std::uint32_t>(query.partition_count));
    }
};

static_assert(partitioner<fnv1a_partitioner>);

} // namespace kurier::inline KURIER_ABI
