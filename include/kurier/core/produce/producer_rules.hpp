// The rules of the idempotent producer for one partition (KIP-98, KIP-360): what may be sent now, which sequence it
// gets, and what an answer means. Pure functions of the partition's state.
#pragma once

#include <kurier/core/produce/epochs.hpp>
#include <kurier/core/produce/sequence.hpp>
#include <kurier/core/state/topic.hpp>

namespace kurier::core {

// Was it last sent to the leader of today, elected in the epoch of today?
inline bool same_leadership(const partition_state& partition, const batch& sent) noexcept
{
    return partition.leader && partition.leader->id == sent.last_attempt_leader &&
           partition.leader_epoch == sent.last_attempt_epoch;
}

// May the batch at the head of the partition be sent while the others are in flight?
inline bool may_follow_flights(const partition_state& partition, const batch& head, std::size_t flights_max,
                               const producer_identity& identity) noexcept
{
    const auto& state = partition.producer;
    return !head.has_sequence()            // a retry goes alone, so that nothing overtakes it
           && !state.gap && !state.restart // what is in flight decides first
           && state.proven                 // the leader has state of this epoch (KAFKA-14312)
           && state.id == identity.id      // else the new producer id starts when all is resolved
           && state.next_sequence != 0 // behind 2^31-1: a broker that lost this epoch takes it for the first
           && partition.flights.size() < flights_max && same_leadership(partition, *partition.flights.back());
}

// It has a sequence under which it may have been written, or may still be: a request on a connection that is long
// closed can arrive late. Under another sequence it could be there twice.
inline bool in_doubt(const batch& queued) noexcept
{
    return queued.has_sequence() && queued.maybe_written;
}

// With nothing in flight: must a new epoch start before this batch is sent?
inline bool needs_new_epoch(const partition_state& partition, const batch& head,
                            const producer_identity& identity) noexcept
{
    const auto& state = partition.producer;
    if (in_doubt(head)) return false; // its fate is asked for first
    return state.restart || state.id < 0 || (!head.has_sequence() && (state.gap || state.id != identity.id));
}

// Starts a new epoch at sequence 0. Only with nothing in flight, and when no batch in the queue is in doubt, since all
// get new sequences. False: the epochs of this producer id are used
// up, a new id is needed first.
//
// The epoch is raised for this partition alone and without asking anybody: a broker takes the first batch of a higher
// epoch when it starts at sequence 0, and checks epochs per partition (KIP-360).
inline bool start_epoch(partition_state& partition, const producer_identity& identity) noexcept
{
    auto& state = partition.producer;
    if (state.id == identity.id && state.epoch == last_producer_epoch) return false;
    const bool same_id = state.id == identity.id;
    const auto next_epoch = same_id ? static_cast<std::int16_t>(state.epoch + 1) : identity.epoch;
    state = {};
    state.id = identity.id;
    state.epoch = next_epoch;
    for (batch* queued = partition.queue.front(); queued; queued = partition.queue.next(*queued))
        queued->base_sequence = -1; // it gets another one, and its header is written anew
    return true;
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

// The broker has the batch.
inline void acknowledged(partition_state& partition, const batch& acked) noexcept
{
    auto& state = partition.producer;
    if (!acked.has_sequence() || acked.producer_id != state.id || acked.producer_epoch != state.epoch)
        return; // of an epoch that is over
    const auto last = sequence_after(acked.base_sequence, acked.record_count - 1);
    if (state.last_acked < 0 || sequence_before(state.last_acked, last)) state.last_acked = last;
    state.proven |= same_leadership(partition, acked);
}

// A batch with a sequence failed: whether the broker misses it is not known.
inline void left_gap(partition_state& partition, const batch& failed) noexcept
{
    auto& state = partition.producer;
    if (failed.has_sequence() && failed.producer_id == state.id && failed.producer_epoch == state.epoch)
        state.gap = true;
}

// With nothing in flight and no retry queued: did what came behind the gap show that there is none?
inline void close_gap_if_resolved(partition_state& partition) noexcept
{
    auto& state = partition.producer;
    if (!state.gap || !partition.flights.empty()) return;
    if (const batch* head = partition.queue.front(); head && head->has_sequence()) return;
    if (state.last_acked >= 0 && sequence_after(state.last_acked, 1) == state.next_sequence)
        state.gap = false;
}

} // namespace kurier::core
