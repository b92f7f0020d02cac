// What each error of each request means for a transactional producer. Pure: a function of the error, the request and two
// facts.
#pragma once

#include <kurier/error.hpp>

#include <cstdint>

namespace kurier::inline KURIER_ABI::core {

enum class txn_request : std::uint8_t {
    find_coordinator,
    init_producer_id,
    add_partitions,
    add_offsets,
    commit_offsets,
    end_txn,
    produce, // a record that failed for good, whatever became of its retries
};

enum class txn_verdict : std::uint8_t {
    success,
    retry,
    look_up,      // the coordinator is elsewhere: find it, and retry
    abort,        // of this transaction only
    fenced,       // another producer has this transactional id now, or the broker gave up waiting for us
    fatal,        // the producer needs a new init
    uninitialize, // there is no transaction yet: the call fails, and may be repeated
};

struct txn_facts
{
    bool aborting = false;      // EndTxn was to abort
    bool bump_possible = false; // InitProducerId 3 (KIP-360): the coordinator can raise our epoch
};

namespace detail {

constexpr bool is_fencing(broker_errc error) noexcept
{
    return error == broker_errc::invalid_producer_epoch || error == broker_errc::producer_fenced;
}

// The leader of a partition knows epochs from markers only, so INVALID_PRODUCER_EPOCH there may be the broker's timeout;
// who is fenced, the coordinator says (KIP-588).
constexpr txn_verdict verdict_on_record(broker_errc error) noexcept
{
    switch (error) {
    case broker_errc::none:
        return txn_verdict::success;
    case broker_errc::producer_fenced:
        return txn_verdict::fenced;
    case broker_errc::cluster_authorization_failed:
    case broker_errc::transactional_id_authorization_failed:
    case broker_errc::unsupported_version:
    case broker_errc::invalid_producer_id_mapping:
        return txn_verdict::fatal;
    default:
        return txn_verdict::abort;
    }
}

// Errors that don't pass by themselves and don't mean the same everywhere.
constexpr txn_verdict verdict_on_final(txn_request request, broker_errc error, txn_facts facts) noexcept
{
    using enum broker_errc;
    const bool init = request == txn_request::init_producer_id;
    const bool find = request == txn_request::find_coordinator;
    const bool partitions = request == txn_request::add_partitions;
    const bool offsets = request == txn_request::commit_offsets;
    const bool end = request == txn_request::end_txn;
    switch (error) {
    case transactional_id_authorization_failed:
        return init ? txn_verdict::uninitialize : txn_verdict::fatal;
    case cluster_authorization_failed:
        return init ? txn_verdict::uninitialize : partitions ? txn_verdict::abort : txn_verdict::fatal;
    case transaction_abortable:
        return init                    ? txn_verdict::uninitialize
               : end && facts.aborting ? txn_verdict::fatal
                                       : txn_verdict::abort;
    case invalid_txn_state:
    case invalid_producer_id_mapping:
        return txn_verdict::fatal;
    case unknown_producer_id: // the broker has expired it: a new epoch makes it known again
        return (partitions || end || request == txn_request::add_offsets) && facts.bump_possible
                   ? txn_verdict::abort
                   : txn_verdict::fatal;
    case group_authorization_failed:
        return find || offsets || partitions || request == txn_request::add_offsets ? txn_verdict::abort
                                                                                    : txn_verdict::fatal;
    case unknown_member_id: // the group went on without this consumer (KIP-447)
    case illegal_generation:
    case group_id_not_found:
    case stale_member_epoch:
    case fenced_instance_id:
        return offsets || partitions ? txn_verdict::abort : txn_verdict::fatal;
    default:
        return partitions ? txn_verdict::abort : txn_verdict::fatal;
    }
}

} // namespace detail

constexpr txn_verdict judge(txn_request request, broker_errc error, txn_facts facts) noexcept
{
    using enum broker_errc;
    if (error == none) return txn_verdict::success;
    if (request == txn_request::produce) return detail::verdict_on_record(error);
    const bool find = request == txn_request::find_coordinator;
    if (error == coordinator_not_available || error == not_coordinator)
        return find ? txn_verdict::retry : txn_verdict::look_up;
    if (error == request_timed_out && request == txn_request::commit_offsets) return txn_verdict::look_up;
    if (retriable(error)) return txn_verdict::retry;
    if (detail::is_fencing(error)) return find ? txn_verdict::fatal : txn_verdict::fenced;
    return detail::verdict_on_final(request, error, facts);
}

// Of a response with several errors: what decides. Verdicts are in the order of their gravity.
struct txn_ruling
{
    txn_verdict what = txn_verdict::success;
    broker_errc why = broker_errc::none;

    void add(txn_verdict verdict, broker_errc error) noexcept
    {
        // OPERATION_NOT_ATTEMPTED is the consequence of another one's error.
        const bool tells_more = verdict == what && why == broker_errc::operation_not_attempted;
        if (verdict <= what && !tells_more) return;
        what = verdict;
        why = error;
    }
};

// May EndTxn have ended the transaction although it was answered with this error? Not if the coordinator checks that
// before it writes anything. NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE come after it, too.
constexpr bool leaves_doubt(broker_errc error) noexcept
{
    switch (error) {
    case broker_errc::none:
    case broker_errc::coordinator_load_in_progress:
    case broker_errc::concurrent_transactions:
    case broker_errc::invalid_producer_epoch:
    case broker_errc::producer_fenced:
    case broker_errc::invalid_txn_state:
    case broker_errc::invalid_producer_id_mapping:
    case broker_errc::unknown_producer_id:
    case broker_errc::transactional_id_authorization_failed:
    case broker_errc::cluster_authorization_failed:
    case broker_errc::transaction_abortable:
    case broker_errc::throttling_quota_exceeded:
    case broker_errc::invalid_request:
    case broker_errc::unsupported_version:
        return false;
    default:
        return true;
    }
}

} // namespace kurier::inline KURIER_ABI::core
