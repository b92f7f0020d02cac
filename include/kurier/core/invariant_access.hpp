// The one reader of a core's private state: for its invariants and its dump.
#pragma once

#include <kurier/core/producer_core.hpp>

namespace kurier::inline KURIER_ABI::core {

struct invariant_access
{
    static const accumulator& records(const producer_core& core) { return core.records_; }
    static const flush_tracker& flushes(const producer_core& core) { return core.flushes_; }
    static const core::connections& connections(const producer_core& core) { return core.conns_; }
    static const connection_schedule& schedule(const producer_core& core) { return core.conns_.schedule_; }
    static const auto& busy(const connection_schedule& schedule) { return schedule.busy_; }
    static const auto& idle(const connection_schedule& schedule) { return schedule.idle_; }

    static const partition_epochs& epochs(const producer_core& core) { return core.epochs_; }
    static const lifecycle& life(const producer_core& core) { return core.life_; }
    static const producer_identity& identity(const partition_epochs& epochs) { return epochs.identity_; }

    static const std::size_t& kept(const buffer_pool& pool) { return pool.kept_; }
    static const auto& all(const accumulator& records) { return records.store_.all_; }
    static const auto& spare(const accumulator& records) { return records.store_.free_; }
    static const auto& aging(const producer_core& core) { return core.lives_.aging_; }
    static const auto& done(const producer_core& core) { return core.lives_.done_; }
    static const auto& jobs(const producer_core& core) { return core.compressor_.jobs(); }
    static const auto& backoffs(const producer_core& core) { return core.ready_.backoffs_; }
    static bool wants_to_send(const producer_core& core, const partition_state& partition)
    {
        return core.ready_.wants_to_send(partition);
    }
    static const auto& counts(const flush_tracker& flushes) { return flushes.counts_; }
    static std::uint64_t first(const flush_tracker& flushes) { return flushes.first_; }
    static const auto& movable(const waiting_room& room) { return room.movable_; }
    static const auto& blocked(const waiting_room& room) { return room.blocked_; }
    static const waiting_lane& lane_of(waiting_record& waiting) { return waiting_room::lane_of(waiting); }
};

} // namespace kurier::inline KURIER_ABI::core
