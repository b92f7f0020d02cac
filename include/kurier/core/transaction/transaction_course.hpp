// The course of transactions: the state, what the application asked for, which partitions and offsets belong to the
// transaction, and how all that ends. Nothing here knows of requests; that is transactional.hpp.
#pragma once

#include <kurier/core/produce/epochs.hpp>
#include <kurier/core/transaction/transaction_offsets.hpp>
#include <kurier/core/transaction/transaction_partitions.hpp>
#include <kurier/core/transaction/transaction_state.hpp>
#include <kurier/core/transaction/transaction_version.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class txn_course
{
public:
    txn_state state() const noexcept { return state_; }
    const producer_identity& identity() const noexcept { return identity_; }
    txn_protocol protocol() const noexcept { return protocol_; }
    std::uint32_t number() const noexcept { return number_; } // of the transaction: fates of records name it
    error_code failure() const noexcept { return failure_; }  // why it must be aborted, or is fatal

    void learn(const protocol::api_versions_response& response) noexcept { feature_.learn(response); }

    // --- calls of the application: a refusal, or a completion later -----------------------------------------------------

    txn_misuse init(nanoseconds deadline)
    {
        if (call_.what != txn_call::none) return txn_misuse::busy;
        if (state_ == txn_state::in_transaction) return txn_misuse::begun_already;
        call_ = {txn_call::init, deadline};
        if (state_ == txn_state::ready) {
            complete();
        } else if (state_ != txn_state::initializing) {
            init_by_hand_ = false;
            // As a new producer: ours may be fenced, and with our epoch the coordinator would take an open transaction for
            // somebody else's and fence us.
            identity_ = {};
            forget_transaction(errc::aborted);
            become(txn_state::initializing);
        }
        return txn_misuse::none;
    }

    txn_misuse begin(nanoseconds deadline)
    {
        if (call_.what != txn_call::none) return txn_misuse::busy;
        if (const auto refusal = refuses_begin(); refusal != txn_misuse::none) return refusal;
        call_ = {txn_call::begin, deadline};
        if (state_ == txn_state::ready && feature_.protocol() == protocol_)
            start();
        else if (state_ != txn_state::initializing)
            become(txn_state::initializing); // after a change of the protocol with a new epoch
        return txn_misuse::none;
    }

    // All records and offsets of the transaction first, then EndTxn.
    txn_misuse commit(nanoseconds deadline)
    {
        if (call_.what != txn_call::none) return txn_misuse::busy;
        if (state_ != txn_state::outcome_unknown)
            if (const auto refusal = refuses_records(); refusal != txn_misuse::none) return refusal;
        call_ = {txn_call::commit, deadline};
        become(txn_state::committing);
        return txn_misuse::none;
    }

    // What was not sent fails, what was is waited for.
    txn_misuse abort(nanoseconds deadline)
    {
        if (call_.what != txn_call::none) return txn_misuse::busy;
        if (state_ != txn_state::abortable_error)
            if (const auto refusal = refuses_records(); refusal != txn_misuse::none) return refusal;
        call_ = {txn_call::abort, deadline};
        fail_offsets(errc::aborted);
        become(txn_state::aborting);
        return txn_misuse::none;
    }

    // `ticket` names it in its completion.
    txn_misuse send_offsets(txn_group group, std::vector<txn_offset> offsets, std::uint64_t ticket,
                            nanoseconds deadline)
    {
        if (call_.what != txn_call::none) return txn_misuse::busy;
        if (const auto refusal = refuses_records(); refusal != txn_misuse::none) return refusal;
        if (offsets.empty())
            completions_.push_back({txn_call::send_offsets, txn_outcome::done, {}, ticket});
        else
            offsets_.push_back({std::move(group), std::move(offsets), ticket, deadline});
        return txn_misuse::none;
    }

    std::optional<txn_completion> next_completion()
    {
        if (completions_.empty()) return {};
        const auto first = completions_.front();
        completions_.pop_front();
        return first;
    }

    // --- records ---------------------------------------------------------------------------------------------------------

    // Why none can be added to the transaction now.
    txn_misuse refuses_records() const noexcept
    {
        switch (state_) {
        case txn_state::in_transaction:
            return txn_misuse::none;
        case txn_state::abortable_error:
            return txn_misuse::must_abort;
        case txn_state::outcome_unknown:
            return txn_misuse::must_commit_again;
        case txn_state::fatal_error:
            return txn_misuse::must_init;
        default:
            return txn_misuse::not_begun;
        }
    }

    // Its records wait to be sent.
    void want(const partition_state& partition)
    {
        if (protocol_ == txn_protocol::v2)
            partitions_.add(partition);
        else
            partitions_.want(partition);
    }

    // May its batches be sent?
    bool admits(const partition_state& partition) const noexcept
    {
        return (state_ == txn_state::in_transaction || state_ == txn_state::committing) &&
               partitions_.has(partition);
    }

    void produced() noexcept { started_ |= protocol_ == txn_protocol::v2; } // a Produce request was sent

    // A record was not delivered, for whatever reason: a transaction without it must never be committed.
    void record_failed(std::uint32_t number, error_code why)
    {
        if (number != number_ || why == broker_errc::none) return;
        const bool of_broker = why.category() == make_error_code(broker_errc::none).category();
        const auto verdict = of_broker
                                 ? judge(txn_request::produce, static_cast<broker_errc>(why.value()), {})
                                 : txn_verdict::abort;
        if (verdict == txn_verdict::abort)
            fail_transaction(why);
        else
            fail_producer(why);
    }

protected:
    ~txn_course() = default;

    struct pending_call
    {
        txn_call what = txn_call::none;
        nanoseconds deadline{never};
    };

    bool is_ending() const noexcept
    {
        return state_ == txn_state::committing || state_ == txn_state::aborting;
    }
    bool v1() const noexcept { return protocol_ == txn_protocol::v1; }
    bool bump_possible() const noexcept { return init_version_ >= 3; }
    void become(txn_state to) noexcept { state_ = to; }

    txn_misuse refuses_begin() const noexcept
    {
        switch (state_) {
        case txn_state::uninitialized:
            return init_by_hand_ ? txn_misuse::must_init : txn_misuse::none;
        case txn_state::initializing:
        case txn_state::ready:
            return txn_misuse::none;
        case txn_state::in_transaction:
            return txn_misuse::begun_already;
        default:
            return refuses_records();
        }
    }

    void start()
    {
        ++number_;
        failure_ = {};
        become(txn_state::in_transaction);
        complete();
    }

    // --- ends ------------------------------------------------------------------------------------------------------------

    void complete(txn_outcome outcome = txn_outcome::done, error_code why = {})
    {
        if (call_.what == txn_call::none) return;
        completions_.push_back({std::exchange(call_, {}).what, outcome, why});
    }

    void fail_offsets(error_code why)
    {
        for (const auto& one : offsets_)
            completions_.push_back({txn_call::send_offsets, txn_outcome::failed, why, one.ticket});
        offsets_.clear();
    }

    void forget_transaction(error_code why)
    {
        fail_offsets(why);
        partitions_.clear();
        ++number_;
        started_ = maybe_started_ = doubt_ = indefinite_ = epoch_missing_ = false;
    }

    // EndTxn was answered, or there was nothing to end. Under the first protocol the next transaction needs a new epoch when a
    // request of this one may still arrive, which would add to that one or end it; and after an abort, as Java asks for one
    // since 4.0. Without InitProducerId 3 nobody but the application may ask: the coordinator couldn't tell whether our
    // successor is fenced by it. Under the second protocol EndTxn has told the next epoch.
    void end_transaction()
    {
        const bool aborted = state_ == txn_state::aborting;
        const bool touched = started_ || maybe_started_;
        const bool unsettled = doubt_ || indefinite_ || failure_.failed() || (aborted && bump_possible());
        const bool needs_epoch = touched && (v1() ? unsettled : epoch_missing_);
        forget_transaction(errc::aborted);
        failure_ = {};
        if (!needs_epoch) {
            become(txn_state::ready);
        } else if (bump_possible()) {
            become(txn_state::initializing);
        } else {
            identity_ = {};
            init_by_hand_ = true;
            become(txn_state::uninitialized);
        }
        complete();
    }

    void fail_transaction(error_code why)
    {
        if (state_ == txn_state::initializing) {
            become(txn_state::uninitialized);
            complete(txn_outcome::failed, why);
        } else if (state_ == txn_state::in_transaction || state_ == txn_state::committing) {
            failure_ = why;
            if (doubt_)
                return fail_producer(why); // an EndTxn may yet arrive: neither commit nor abort would be true
            become(txn_state::abortable_error);
            fail_offsets(why);
            complete(txn_outcome::failed, why);
        }
    }

    void fail_producer(error_code why)
    {
        const bool unknown =
            state_ == txn_state::outcome_unknown || (state_ == txn_state::committing && doubt_);
        if (state_ == txn_state::fatal_error) return;
        become(txn_state::fatal_error);
        forget_transaction(why);
        failure_ = why;
        complete(unknown ? txn_outcome::unknown : txn_outcome::failed, why);
    }

    txn_feature feature_;
    txn_state state_ = txn_state::uninitialized;
    txn_protocol protocol_ = txn_protocol::v1;
    producer_identity identity_;
    bool init_by_hand_ = false;      // before the next begin
    std::int16_t init_version_ = -1; // of the last InitProducerId
    std::uint32_t number_ = 0;
    error_code failure_;
    pending_call call_;
    std::deque<txn_completion> completions_;

    txn_partitions partitions_;
    std::deque<offset_commit> offsets_;
    bool started_ = false;       // the coordinator knows of it
    bool maybe_started_ = false; // or may: it was asked to add something
    bool indefinite_ = false; // such a request was not answered: it may still arrive, in the next transaction
    bool doubt_ = false;      // so was EndTxn
    bool epoch_missing_ = false; // EndTxn should have told the next one
};

} // namespace kurier::inline KURIER_ABI::core
