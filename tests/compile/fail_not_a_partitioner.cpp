// expect: kurier: this is no partitioner: it has no std::int32_t partition\(const partition_query&\) noexcept
#include <kurier/partitioner.hpp>

struct chooser
{
    std::int32_t choose(const kurier::partition_query&) noexcept { return 0; }
};
static_assert(kurier::check_partitioner<chooser>());
