// The partitions that wait out a retry backoff.
#pragma once

#include <kurier/core/state/topic.hpp>

#include <algorithm>

namespace kurier::inline KURIER_ABI::core {

class backoff_list
{
public:
    void begin(partition_state& partition, nanoseconds until)
    {
        partition.backoff_until = until;
        if (!partition.backoff_hook.linked) waiting_.push_back(partition);
    }

    void end(partition_state& partition)
    {
        partition.backoff_until = nanoseconds{0};
        waiting_.remove(partition);
    }

    // Ends what is over by now, and calls `then` for each of these partitions.
    template <class Then> void end_due(nanoseconds now, Then then)
    {
        for (auto* partition = waiting_.front(); partition;) {
            auto* next = waiting_.next(*partition);
            if (partition->backoff_until <= now) {
                end(*partition);
                then(*partition);
            }
            partition = next;
        }
    }

    nanoseconds deadline() const noexcept
    {
        auto at = never;
        for (auto* partition = waiting_.front(); partition; partition = waiting_.next(*partition))
            at = std::min(at, partition->backoff_until);
        return at;
    }

private:
    friend struct invariant_access;

    intrusive_list<partition_state, &partition_state::backoff_hook> waiting_;
};

} // namespace kurier::inline KURIER_ABI::core
