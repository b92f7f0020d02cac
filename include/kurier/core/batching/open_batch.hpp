// The fast path: appends to a batch that is open and has room. Nearly every record takes it, so it is inlined into send.
// What it declines goes to accumulator.hpp, which opens, grows and closes batches.
#pragma once

#include <kurier/core/state/record_bytes.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/record/batch_format.hpp>

#include <algorithm>
#include <new>

namespace kurier::inline KURIER_ABI::core {

// Approximate size of a record, for sticky partitioning.
inline std::size_t payload_size(const record_bytes& record) noexcept
{
    return record.key.size() + record.value.size() + 16;
}

[[gnu::always_inline]] inline void take_slot(batch& open, std::int64_t delta) noexcept
{
    const auto index = static_cast<std::uint32_t>(open.record_count);
    new (&open.slot_of(index)) slot{delta};
    ++open.record_count;
    ++open.accepted;
    ++open.partition->records;
}

// Returns an empty place, without having changed anything, if the record needs the slow path.
[[gnu::always_inline]] inline place append_to_open(partition_state& partition, const record_bytes& record,
                                                   nanoseconds now) noexcept
{
    batch* const open = partition.open;
    if (!open || !record.headers.empty() || open->takes_until < now) return {};
    auto* const leader = partition.leader;
    if (leader && !leader->waiting.empty()) return {}; // it would overtake them
    const auto index = static_cast<std::uint32_t>(open->record_count);
    const auto delta = record.timestamp - open->base_timestamp;
    const auto end = open->size + record.key.size() + record.value.size() + plain_record_overhead;
    if (delta != static_cast<std::int32_t>(delta) || end > open->size_max ||
        end + (index + std::size_t{1}) * sizeof(slot) > open->memory.capacity)
        return {};
    const auto* written = put_plain_record(open->memory.data + open->size, static_cast<std::int32_t>(delta),
                                           open->record_count, record.key, record.value);
    const auto size = static_cast<std::size_t>(written - open->memory.data);
    if (leader) leader->appended += size - open->size;
    open->size = size;
    open->max_timestamp = std::max(open->max_timestamp, record.timestamp);
    take_slot(*open, delta);
    return {open, index};
}

// As above, by partition. A negative index selects the sticky partition (KIP-794); its number is written back.
[[gnu::always_inline]] inline place append_to_open(topic_state& topic, std::int32_t& partition,
                                                   const record_bytes& record, nanoseconds now) noexcept
{
    const bool sticky = partition < 0;
    const auto index = static_cast<std::size_t>(sticky ? topic.sticky : partition);
    if (index >= topic.partitions.size()) return {};
    const auto place = append_to_open(topic.partitions[index], record, now);
    if (place.where && sticky) {
        partition = topic.sticky;
        topic.sticky_bytes += payload_size(record);
    }
    return place;
}

} // namespace kurier::inline KURIER_ABI::core
