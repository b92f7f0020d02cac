// The sticky partition (KIP-794): records without a key go to one partition at a time, so that batches fill up. It
// switches after so many bytes, at the end of a batch; the next one is drawn at random, weighted against long queues,
// among partitions whose leader is nearby if that is asked for (KIP-1123).
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/net/silence.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/core/support/random.hpp>

#include <algorithm>

namespace kurier::inline KURIER_ABI::core {

// Switch after this many bytes: Kafka's default batch.size, which makes its spread even. A larger batch is filled first.
inline constexpr std::size_t sticky_bytes_min = 16384;

// KIP-794: part of adaptive partitioning, as in Java. A leader that is silent or can't be reached is left out by itself,
// one that only takes nothing just now when the settings say so.
inline bool left_out(const partition_state& partition, const producer_config& config,
                     nanoseconds now) noexcept
{
    const auto* leader = partition.leader;
    if (!config.partitioner_adaptive_partitioning_enable || !leader) return false;
    const nanoseconds availability_timeout = config.partitioner_availability_timeout;
    return out_of_reach(*leader) ||
           (availability_timeout > nanoseconds{0} && leader->stalled_since != never &&
            later(leader->stalled_since, availability_timeout) <= now);
}

// What is drawn from: partitions by their number, or all of a topic when no list of them is given.
struct draw_list
{
    const topic_state& topic;
    const std::vector<std::int32_t>* some;
    bool nearby = false;

    std::size_t size() const noexcept { return some ? some->size() : topic.partitions.size(); }
    std::int32_t at(std::size_t i) const noexcept { return some ? (*some)[i] : static_cast<std::int32_t>(i); }
    bool has(const partition_state& partition) const noexcept
    {
        return static_cast<std::size_t>(partition.index) < topic.partitions.size() &&
               (!nearby || (partition.leader && partition.leader->nearby));
    }
};

// -1: those that came up are all left out.
inline std::int32_t draw_from(const draw_list& list, const producer_config& config, nanoseconds now,
                              random_source& random) noexcept
{
    const auto& topic = list.topic;
    std::size_t longest = 0, shortest = ~std::size_t{0}, queues = 0;
    if (config.partitioner_adaptive_partitioning_enable)
        for (auto* queued = topic.backlog.front(); queued; queued = topic.backlog.next(*queued)) {
            if (!list.has(*queued)) continue;
            ++queues;
            longest = std::max(longest, queued->queue.size());
            shortest = std::min(shortest, queued->queue.size());
        }
    if (queues < list.size()) shortest = 0;
    const bool weighted = longest > shortest; // not if all queues are equally long, nor without adaptation
    std::int32_t drawn = -1;
    for (int tries = 0; tries < 64; ++tries) { // weight: longest + 1 - own length, by rejection
        const auto candidate = list.at(random.below(list.size()));
        const auto& partition = topic.partitions[static_cast<std::size_t>(candidate)];
        if (left_out(partition, config, now)) continue;
        drawn = candidate;
        if (!weighted || random.below(longest + 1) >= partition.queue.size()) break;
    }
    return drawn;
}

inline std::int32_t draw_partition(const topic_state& topic, const producer_config& config, nanoseconds now,
                                   random_source& random) noexcept
{
    std::int32_t drawn = -1;
    if (!topic.nearby.empty()) drawn = draw_from({topic, &topic.nearby, true}, config, now, random);
    // no leaders: any partition is as good
    const draw_list all{topic, topic.available.empty() ? nullptr : &topic.available};
    if (drawn < 0) drawn = draw_from(all, config, now, random);
    return drawn < 0 ? all.at(random.below(all.size())) : drawn;
}

inline std::int32_t pick_sticky(topic_state& topic, const record_bytes& record, const accumulator& records,
                                const producer_config& config, nanoseconds now,
                                random_source& random) noexcept
{
    const auto size = payload_size(record);
    if (topic.sticky >= 0 && topic.sticky_bytes >= std::min(records.batch_size(), sticky_bytes_min)) {
        const batch* open = topic.partitions[static_cast<std::size_t>(topic.sticky)].open;
        if (!open || open->size + size > open->size_max || accumulator::too_old(*open, now))
            topic.sticky = -1;
    }
    if (topic.sticky < 0) [[unlikely]] {
        topic.sticky = draw_partition(topic, config, now, random);
        topic.sticky_bytes = 0;
    }
    topic.sticky_bytes += size;
    return topic.sticky;
}

} // namespace kurier::inline KURIER_ABI::core
