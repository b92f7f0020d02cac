// No choice at all: every record must name its partition, or it fails with errc::invalid_partition.
#pragma once

#include <kurier/partitioner.hpp>

#include <cstdint>

namespace kurier::inline KURIER_ABI {

struct manual_partitioner
{
    std::int32_t partition(const partition_query&) const noexcept { return no_partition; }
};

static_assert(partitioner<manual_partitioner>);

} // namespace kurier::inline KURIER_ABI
