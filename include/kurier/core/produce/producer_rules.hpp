// The rules of the idempotent producer for one partition (KIP-98, KIP-360): what may be in flight together, which
// sequences batches get, and what their outcome says about the broker's state. Functions of the partition's state alone.
#pragma once

#include <kurier/core/produce/epochs.hpp>
#include <kurier/core/produce/sequence.hpp>
#include <kurier/core/state/topic.hpp>

#include <algorithm>
#include <cstddef>

namespace kurier::inline KURIER_ABI::core {

// True if its last attempt went to the current leader, in the current leader epoch.
inline bool same_leadership(const partition_state& partition, const batch& sent) noexcept
{
    return partition.leader && partition.leader->id == sent.last_attempt_leader &&
           partition.leader_epoch == sent.last_attempt_epoch;
}

// Has another leader, in a newer epoch, taken over from the one that this attempt went to? Epochs are of one topic: the
// caller sees to that.
inline bool leader_moved_away(const partition_state& partition, const batch& sent) noexcept
{
    return partition.leader && partition.leader->current &&
           partition.leader->id != sent.last_attempt_leader && sent.last_attempt_epoch >= 0 &&
           partition.leader_epoch > sent.last_attempt_epoch;
}

// May the batch at the head of the partition's queue be sent beside those in flight?
inline bool may_follow_flights(const partition_state& partition, const batch& head, std::size_t flights_max,
                               const producer_identity& identity) noexcept
{
    const auto& state = partition.producer;
    return !head.has_sequence() // a retry goes alone, so that nothing overtakes it
           && !state.gap && state.fault == epoch_fault::none // the batches in flight decide first
           && state.proven                                   // the leader knows this epoch (KAFKA-14312)
           && state.id == identity.id  // else the partition moves to the new producer id once all is resolved
           && state.next_sequence != 0 // wrapped: a broker that lost this epoch would take it for the first
           && partition.flights.size() < flights_max && same_leadership(partition, *partition.flights.back());
}

// It may have been appended under its sequence, or may yet be: a request can arrive after its connection was closed.
// Under another sequence it could end up in the log twice.
inline bool in_doubt(const batch& queued) noexcept
{
    return queued.has_sequence() && queued.maybe_written;
}

// Starts an epoch at sequence 0. Only with nothing in flight and no queued batch in doubt, since all of them get new
// sequences.
inline void begin_epoch(partition_state& partition, producer_identity epoch) noexcept
{
    partition.producer = {.id = epoch.id, .epoch = epoch.epoch};
    for (batch* queued = partition.queue.front(); queued; queued = partition.queue.next(*queued))
        queued->base_sequence = -1; // assigned again when it is drained, which rewrites its header
}

inline void assign_sequence(partition_state& partition, batch& head) noexcept
{
    auto& state = partition.producer;
    if (head.has_sequence()) return;
    head.producer_id = state.id;
    head.producer_epoch = state.epoch;
    head.base_sequence = state.next_sequence;
    state.next_sequence = sequence_after(state.next_sequence, head.record_count);
    head.sealed = false;
}

// The batch is in the log.
inline void acknowledged(partition_state& partition, const batch& acked) noexcept
{
    auto& state = partition.producer;
    if (!acked.has_sequence() || acked.producer_id != state.id || acked.producer_epoch != state.epoch)
        return; // of an earlier epoch
    const auto last = sequence_after(acked.base_sequence, acked.record_count - 1);
    if (state.last_acked < 0 || sequence_before(state.last_acked, last)) state.last_acked = last;
    state.proven |= same_leadership(partition, acked);
}

// A batch that had a sequence failed, and the broker may or may not have appended it.
inline void left_gap(partition_state& partition, const batch& failed) noexcept
{
    auto& state = partition.producer;
    if (failed.has_sequence() && failed.producer_id == state.id && failed.producer_epoch == state.epoch)
        state.gap = true;
}

inline void break_epoch(partition_state& partition, epoch_fault fault) noexcept
{
    auto& state = partition.producer;
    state.fault = std::max(state.fault, fault);
}

// Clears `gap` once every batch sent after the failed one was acknowledged, with contiguous sequences: the failed one
// must have been appended.
inline void close_gap_if_resolved(partition_state& partition) noexcept
{
    auto& state = partition.producer;
    if (!state.gap || !partition.flights.empty()) return;
    if (const batch* head = partition.queue.front(); head && head->has_sequence()) return;
    if (state.last_acked >= 0 && sequence_after(state.last_acked, 1) == state.next_sequence)
        state.gap = false;
}

} // namespace kurier::inline KURIER_ABI::core
