// expect: kurier: the partitioner's on_new_batch must be callable as
#include <kurier/partitioner.hpp>

struct chooser
{
    std::int32_t partition(const kurier::partition_query&) noexcept { return 0; }
    void on_new_batch(int partition) noexcept { last = partition; }
    int last = 0;
};
static_assert(kurier::check_partitioner<chooser>());
