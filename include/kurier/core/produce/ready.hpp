// Which partitions have a batch to send now: the ready lists of the leaders, and what keeps a partition off them
// (linger, retry backoff, batches in flight, a leader that is not known).
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/produce/epochs.hpp>
#include <kurier/core/state/deadline_heap.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class ready_partitions
{
public:
    ready_partitions(accumulator& records, const epoch_authority& epochs) : records_{records}, epochs_{epochs}
    {}

    // Puts the partition on its leader's ready list, or takes it off. Called after every change to the partition.
    void update(partition_state& partition)
    {
        if (!wants_to_send(partition)) {
            unready(partition);
        } else if (!partition.leader || !partition.leader->current) {
            unready(partition);
            needs_metadata(*partition.topic);
        } else if (!partition.ready_hook.linked) {
            partition.leader->ready.push_back(partition);
            records_.activate(*partition.leader);
        }
    }

    // What may follow a batch in flight depends on the producer id.
    void update_all_of(broker_node& node)
    {
        for (auto* partition = node.ready.front(); partition;) {
            auto* next = node.ready.next(*partition);
            update(*partition);
            partition = next;
        }
    }

    void leader_changed(partition_state& partition, broker_node* old)
    {
        if (partition.ready_hook.linked) old->ready.erase(partition);
        partition.producer.proven = false;
        leaders_changed_ = true;
        if (partition.leader) {
            backoffs_.remove(partition); // a new leader is worth trying at once (KIP-951)
            if (!partition.leader->lingering.empty()) records_.activate(*partition.leader);
        }
        update(partition);
    }

    bool take_leader_changes() noexcept { return std::exchange(leaders_changed_, false); }

    // Those that may have something to send.
    auto& active_brokers() noexcept { return records_.active_brokers(); }
    const auto& active_brokers() const noexcept { return std::as_const(records_).active_brokers(); }

    // The batch that goes next: the oldest in the queue, else the open one once it is due.
    static batch* head_of(const partition_state& partition) noexcept
    {
        if (batch* queued = partition.queue.front()) return queued;
        return partition.open && partition.open->due ? partition.open : nullptr;
    }

    // --- metadata ----------------------------------------------------------------------------------------------------

    void needs_metadata(topic_state& topic) noexcept
    {
        if (!std::exchange(topic.stale, true)) stale_topics_ = true;
    }
    bool take_stale_topics() noexcept { return std::exchange(stale_topics_, false); }

    // --- time --------------------------------------------------------------------------------------------------------

    void on_time(instant now)
    {
        while (batch* due = records_.next_due(now.steady)) update(*due->partition);
        while (backoffs_.deadline() <= now.steady) {
            auto& partition = *backoffs_.earliest();
            backoffs_.remove(partition);
            update(partition);
        }
    }

    nanoseconds deadline() const noexcept { return std::min(records_.deadline(), backoffs_.deadline()); }

    // A failed batch is retried at this time, and nothing of its partition is sent before.
    void begin_backoff(partition_state& partition, nanoseconds until) { backoffs_.put(partition, until); }

    // --- before linger.ms is over ------------------------------------------------------------------------------------

    // Makes the leader's open batches due (every leader's if null): a parked record needs the memory they hold.
    void hurry(const broker_node* leader)
    {
        records_.hurry(leader, 0, [this](partition_state& partition) { update(partition); });
    }

    // An idle broker needn't wait for a full batch or for linger.ms once batch.size bytes have been appended for all its
    // partitions together: records sent soon are still in the cache, here and when their waiters are notified. (Java
    // goes further: one full batch drains every open batch of that broker.) This looks at every open batch of the broker,
    // so with thousands of them it waits until there is something for each.
    void hurry_idle(broker_node& leader)
    {
        if (leader.appended < std::max(records_.batch_size(), leader.lingering.size() * bytes_per_open_batch))
            return;
        leader.appended = 0; // if no batch is large enough, not before the next batch.size bytes
        records_.hurry(&leader, least_hurried, [this](partition_state& partition) { update(partition); });
    }

    void make_all_due() // for a flush
    {
        while (batch* open = records_.next_lingering()) update(*open->partition);
    }

private:
    friend struct invariant_access;

    // A broker spends more on a batch smaller than this than the batch saves by leaving early.
    static constexpr std::size_t least_hurried = 4096;
    static constexpr std::size_t bytes_per_open_batch = 512;

    bool wants_to_send(const partition_state& partition) const noexcept
    {
        const batch* head = head_of(partition);
        return head && !head->compressing && !partition.backoff.linked && epochs_.may_send(partition, *head);
    }

    static void unready(partition_state& partition) noexcept
    {
        if (partition.ready_hook.linked) partition.leader->ready.erase(partition);
    }

    accumulator& records_;
    const epoch_authority& epochs_;
    deadline_heap<partition_state, &partition_state::backoff> backoffs_;
    bool stale_topics_ = false;    // since take_stale_topics()
    bool leaders_changed_ = false; // since take_leader_changes()
};

} // namespace kurier::inline KURIER_ABI::core
