// The partitioner of Kafka's Java producer: records with a key by murmur2, an empty key being one like any
// other; records without a key wherever it suits (any_partition).
#pragma once

#include <kurier/partitioner.hpp>
#include <kurier/partitioners/murmur2.hpp>

#include <cstdint>

namespace kurier::inline KURIER_ABI {

struct default_partitioner
{
    std::int32_t partition(const partition_query& query) const noexcept
    {
        if (query.key.is_null() || ignore_keys) return any_partition;
        return murmur2_partition(query.key.view(), query.partition_count);
    }

    bool ignore_keys = false; // partitioner.ignore.keys
};

static_assert(partitioner<default_partitioner>);

} // namespace kurier::inline KURIER_ABI
