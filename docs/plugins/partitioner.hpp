// librdkafka's `consistent`: CRC-32 of the key, and a null or an empty key is one like any other.
#pragma once

#include <kurier/partitioner.hpp>
#include <kurier/partitioners/crc32.hpp>

#include <cstdint>

namespace shop {

struct consistent_partitioner
{
    std::int32_t partition(const kurier::partition_query& query) const noexcept
    {
        const auto hash = kurier::crc32(query.key.view());
        return static_cast<std::int32_t>(hash % static_cast<std::uint32_t>(query.partition_count));
    }
};
static_assert(kurier::check_partitioner<consistent_partitioner>());

} // namespace shop
