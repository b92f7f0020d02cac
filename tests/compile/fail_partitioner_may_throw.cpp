// expect: kurier: the partitioner's partition must be callable as: std::int32_t partition\(const partition_query&\) noexcept
#include <kurier/partitioner.hpp>

struct chooser
{
    std::int32_t partition(const kurier::partition_query&) { return 0; }
};
static_assert(kurier::check_partitioner<chooser>());
