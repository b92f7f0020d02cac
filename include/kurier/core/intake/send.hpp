// What send decides about a record: append it to a batch, park it until that is possible, or refuse it. Every driver of the
// core uses the same two functions: send_at_once, inlined where records are sent, and intake::send for what it declines.
#pragma once

#include <kurier/core/batching/open_batch.hpp>
#include <kurier/core/state/waiting.hpp>
#include <kurier/partitioner.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace kurier::inline KURIER_ABI::core {

// The topic is known and no record of it is parked: the next one may be appended right now.
inline bool open_for(const topic_state& topic) noexcept
{
    return topic.phase == topic_phase::known && topic.waiting.empty();
}

// Chooses the partition if none is named, and appends if that is quickly done. Without a place nothing has changed but
// `partition`, which holds the choice.
template <class Choose>
[[gnu::always_inline]] inline place send_at_once(topic_state& topic, std::optional<std::int32_t>& partition,
                                                 const record_bytes& record, instant now, Choose&& choose)
{
    if (!open_for(topic)) [[unlikely]]
        return {};
    if (!partition) partition = choose();
    auto index = *partition;
    return append_to_open(topic, index, record, now.steady);
}

// For the failure of a record.
inline std::string no_such_partition(std::int32_t chosen, const topic_state& topic)
{
    return (chosen == no_partition ? "the partitioner found none"
                                   : "it is for partition " + std::to_string(chosen)) +
           " and the topic has partitions 0 to " + std::to_string(topic.partitions.size() - 1);
}

// A record on the slow path.
struct outgoing
{
    topic_state& topic;
    std::optional<std::int32_t> partition; // asked for, or chosen; negative: the sticky one (KIP-794)
    const record_bytes& bytes;
    partition_chooser chooser;           // for when its topic is not known yet
    bool may_wait = true;                // for room
    std::shared_ptr<const void> owner{}; // of a value that isn't copied
    bool named = false;                  // the record names the partition
    nanoseconds expires{never};          // record::timeout
};

// Appended, parked, or else refused.
struct sent
{
    place appended{};
    waiting_record* parked = nullptr;
    errc refused{};
    std::int32_t partition = -1; // that was refused
};

} // namespace kurier::inline KURIER_ABI::core
