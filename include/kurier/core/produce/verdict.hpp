// What a broker's response means for a batch. judge() only decides; settle.hpp acts on it.
#pragma once

#include <kurier/core/produce/epochs.hpp>
#include <kurier/core/produce/producer_rules.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/error.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>

namespace kurier::inline KURIER_ABI::core {

// A broker's response about one batch.
struct batch_response
{
    broker_errc error = broker_errc::none;
    std::int64_t base_offset = -1;
    std::int64_t log_append_time = -1;
    std::int64_t log_start_offset = -1;
    std::unique_ptr<failure_note> note;
};

enum class verdict : std::uint8_t {
    deliver,       // appended, at the offset in the response
    duplicate,     // already in the log, from an earlier attempt: its offset is not known
    forget,        // it expired in flight: only its place in the sequence still matters
    split,         // too large for the broker: send it in halves
    retry,         // send it again as it is
    restart_epoch, // certainly not in the log: send it again with a new sequence, in a new epoch
    fail,
};

struct judgement
{
    verdict what = verdict::fail;
    persisted written = persisted::no; // by this attempt or an earlier one
    epoch_fault fault = epoch_fault::none;
    bool refresh_metadata = false;
    bool disowned =
        false; // the leader that we know says it doesn't lead the partition, or has no such partition
};

// What an error says about the partition's epoch.
constexpr epoch_fault epoch_fault_of(broker_errc error) noexcept
{
    switch (error) {
    case broker_errc::out_of_order_sequence_number:
    case broker_errc::unknown_producer_id:
        return epoch_fault::broken;
    case broker_errc::invalid_producer_epoch:
    case broker_errc::producer_fenced:
    case broker_errc::invalid_producer_id_mapping:
        return epoch_fault::fenced;
    default:
        return epoch_fault::none;
    }
}

// The broker knows no such partition. If metadata doesn't list it any more either, the topic was made again with fewer
// partitions, and trying until delivery.timeout.ms is over would be in vain.
constexpr bool says_not_there(broker_errc error) noexcept
{
    return error == broker_errc::unknown_topic_or_partition || error == broker_errc::unknown_topic_id ||
           error == broker_errc::inconsistent_topic_id;
}

// True if no earlier batch of the partition is queued for a retry. None is in flight either when a response arrives: a
// partition's batches share a connection, which answers its requests in order, and are left together.
inline bool is_first_unresolved(const batch& about) noexcept
{
    const batch* queued = about.partition->queue.front();
    return !(queued && queued->has_sequence() && queued->first_record < about.first_record);
}

inline judgement judge(broker_errc error, const batch& about, std::int64_t log_start_offset,
                       const epoch_authority& epochs) noexcept
{
    if (error == broker_errc::none) return {verdict::deliver, persisted::yes};
    if (error == broker_errc::duplicate_sequence_number) return {verdict::duplicate, persisted::yes};

    const auto before = about.maybe_written ? persisted::possibly : persisted::no;
    const bool disowned = (error == broker_errc::not_leader_or_follower || says_not_there(error)) &&
                          same_leadership(*about.partition, about);
    if (about.done()) return {.what = verdict::forget, .written = before, .disowned = disowned};
    if (error == broker_errc::message_too_large && about.record_count > 1) return {verdict::split, before};

    const auto written = std::max(before, what_was_written(error));
    if (const auto fault = epoch_fault_of(error); fault != epoch_fault::none) {
        if (!epochs.may_restart_after(fault)) return {verdict::fail, written};
        // A sequence that is out of order says nothing while an earlier batch waits for its retry: that one goes first.
        // Nor does an unknown producer id from a broker too old to report where its log starts.
        const bool conclusive = fault == epoch_fault::fenced ||
                                (is_first_unresolved(about) &&
                                 !(error == broker_errc::unknown_producer_id && log_start_offset < 0));
        if (!conclusive) return {verdict::retry, before};
        // With everything before it resolved, the broker misses a batch that it lost or never got. This one isn't in its
        // log, or it would have been a duplicate; so it may go into a new epoch, unless an earlier attempt can still
        // arrive and be appended there as well.
        if (!about.maybe_written) return {verdict::restart_epoch, before, fault};
        return {verdict::fail, written, fault};
    }
    if (says_not_there(error) && about.partition->presence != partition_presence::present)
        return {verdict::fail, written};
    // A leader gives some of these to a batch that it has appended, when it loses the partition afterwards.
    return {retriable(error) ? verdict::retry : verdict::fail, written, epoch_fault::none,
            refreshes_metadata(error), disowned};
}

} // namespace kurier::inline KURIER_ABI::core
