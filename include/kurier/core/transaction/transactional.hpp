// The transactional producer as a state machine (KIP-98, KIP-360, KIP-447, KIP-588, KIP-890): calls of the application, fates
// of records and responses of coordinators go in; requests and completions come out. It knows no connection: whoever drives
// it asks next() what to send, says sent(), and later hands in the response, or that none will come.
//
// One request at a time. Each has a number, and only the response to the last one counts: what a broker says later is about
// something that is over.
#pragma once

#include <kurier/core/support/backoff.hpp>
#include <kurier/core/transaction/transaction_coordinators.hpp>
#include <kurier/core/transaction/transaction_course.hpp>
#include <kurier/protocol/messages/add_offsets_to_txn.hpp>
#include <kurier/protocol/messages/end_txn.hpp>
#include <kurier/protocol/messages/init_producer_id.hpp>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

struct txn_settings
{
    std::string transactional_id;
    std::int32_t timeout_ms = 60'000;
    nanoseconds retry_backoff = std::chrono::milliseconds{100};
    nanoseconds retry_backoff_max = std::chrono::seconds{1};
};

struct txn_step
{
    txn_request what = txn_request::find_coordinator;
    const coordinator_address* to = nullptr; // null: any broker
    txn_needs needs;
};

class transactional final : public txn_course
{
public:
    transactional(txn_settings settings, random_source& random)
        : settings_{std::move(settings)}, random_{random}, coordinators_{settings_.transactional_id}
    {}

    // --- requests --------------------------------------------------------------------------------------------------------

    // What to send now. `drained`: no record of the transaction is unresolved; of one that is aborted, none that was sent.
    std::optional<txn_step> next(instant now, bool drained)
    {
        if (since_ != number_) turn_to_the_next();
        if (awaited_ || now.steady < not_before_) return {};
        if (drained && is_ending() && !started_ && !maybe_started_ && !work()) end_transaction();
        const auto what = wanted(drained);
        if (!what) return {};
        static const std::string no_group;
        const auto& coordinator =
            coordinators_.of(*what, offsets_.empty() ? no_group : offsets_.front().group.id);
        if (!coordinator.known()) return txn_step{txn_request::find_coordinator, nullptr, {}};
        return txn_step{*what, &coordinator, needs(*what)};
    }

    protocol::find_coordinator_request find_coordinator(std::int16_t version) const
    {
        return coordinators_.question(version);
    }

    protocol::init_producer_id_request init_producer_id() const
    {
        return {coordinators_.transactional_id(), settings_.timeout_ms, identity_.id, identity_.epoch};
    }

    protocol::add_partitions_to_txn_request add_partitions() const
    {
        return {coordinators_.transactional_id(), identity_.id, identity_.epoch, partitions_.wanted_topics()};
    }

    protocol::add_offsets_to_txn_request add_offsets() const
    {
        return {coordinators_.transactional_id(), identity_.id, identity_.epoch, offsets_.front().group.id};
    }

    protocol::txn_offset_commit_request offset_commit() const
    {
        const auto& first = offsets_.front();
        const auto& group = first.group;
        return {coordinators_.transactional_id(),
                group.id,
                identity_.id,
                identity_.epoch,
                group.generation,
                group.member_id,
                group.instance_id,
                first.topics()};
    }

    protocol::end_txn_request end_txn() const
    {
        return {coordinators_.transactional_id(), identity_.id, identity_.epoch,
                state_ == txn_state::committing};
    }

    // Its number, which the response is handed in with.
    std::uint32_t sent(txn_request what, std::int16_t version)
    {
        awaited_ = what;
        version_ = version;
        if (what == txn_request::add_partitions) partitions_.asked();
        maybe_started_ |= what == txn_request::add_partitions || what == txn_request::add_offsets ||
                          what == txn_request::commit_offsets;
        return ++request_;
    }

    // --- responses; false: no broker sends such a one --------------------------------------------------------------------

    bool responded(std::uint32_t request, const protocol::find_coordinator_response& response, instant now)
    {
        if (!take(request)) return true;
        const auto error = coordinators_.answered(response, version_);
        if (!error) return unusable(now);
        apply(txn_request::find_coordinator, *error, now);
        return true;
    }

    bool responded(std::uint32_t request, const protocol::init_producer_id_response& response, instant now)
    {
        if (!take(request)) return true;
        init_version_ = version_;
        if (!apply(txn_request::init_producer_id, static_cast<broker_errc>(response.error_code), now))
            return true;
        if (response.producer_id < 0 || response.producer_epoch < 0) return unusable(now);
        identity_ = {response.producer_id, response.producer_epoch};
        protocol_ = feature_.protocol();
        become(txn_state::ready);
        if (call_.what == txn_call::begin)
            start();
        else
            complete();
        return true;
    }

    bool responded(std::uint32_t request, const protocol::add_partitions_to_txn_response& response,
                   instant now)
    {
        if (!take(request)) return true;
        if (!partitions_.answers_all(response)) {
            indefinite_ = true;
            fail_transaction(errc::protocol_error);
            return false;
        }
        txn_ruling ruling;
        for (const auto& topic : response.results_by_topic)
            for (const auto& partition : topic.results_by_partition) {
                const auto error = static_cast<broker_errc>(partition.partition_error_code);
                ruling.add(judge(txn_request::add_partitions, error, facts()), error);
            }
        const bool added = ruling.what == txn_verdict::success;
        partitions_.answered(added);
        started_ |= added;
        apply(txn_request::add_partitions, ruling, now);
        return true;
    }

    bool responded(std::uint32_t request, const protocol::add_offsets_to_txn_response& response, instant now)
    {
        if (!take(request)) return true;
        if (!apply(txn_request::add_offsets, static_cast<broker_errc>(response.error_code), now)) return true;
        started_ = true;
        if (!offsets_.empty()) offsets_.front().group_added = true;
        return true;
    }

    bool responded(std::uint32_t request, const protocol::txn_offset_commit_response& response, instant now)
    {
        if (!take(request)) return true;
        if (offsets_.empty()) return true; // the transaction has failed meanwhile
        auto& first = offsets_.front();
        const auto before = first.left.size();
        txn_ruling ruling;
        for (const auto& topic : response.topics)
            for (const auto& partition : topic.partitions) {
                const auto error = static_cast<broker_errc>(partition.error_code);
                const auto verdict = judge(txn_request::commit_offsets, error, facts());
                if (verdict == txn_verdict::success)
                    first.remove(topic, partition.partition_index, version_ >= 6);
                ruling.add(verdict, error);
            }
        if (!apply(txn_request::commit_offsets, ruling, now)) return true;
        if (first.left.empty()) {
            completions_.push_back({txn_call::send_offsets, txn_outcome::done, {}, first.ticket});
            offsets_.pop_front();
        } else if (first.left.size() == before) {
            fail_transaction(errc::protocol_error);
            return false;
        }
        return true;
    }

    bool responded(std::uint32_t request, const protocol::end_txn_response& response, instant now)
    {
        if (!take(request)) return true;
        const auto error = static_cast<broker_errc>(response.error_code);
        const bool aborting = state_ == txn_state::aborting;
        doubt_ |= leaves_doubt(error);
        txn_ruling ruling{judge(txn_request::end_txn, error, facts()), error};
        // The coordinator never heard of what is aborted: the request that should have begun it didn't arrive.
        const bool nothing_there =
            error == broker_errc::invalid_txn_state && v1() && maybe_started_ && !started_;
        // Or it has expired the producer id, and the transaction with it.
        const bool forgotten = ruling.what == txn_verdict::abort;
        if (aborting && (nothing_there || forgotten)) ruling = {};
        if (!apply(txn_request::end_txn, ruling, now)) return true;
        epoch_missing_ = response.producer_id < 0 || response.producer_epoch < 0;
        if (!v1() && !epoch_missing_) identity_ = {response.producer_id, response.producer_epoch};
        end_transaction();
        return true;
    }

    // No response will come. `written`: the broker may have got the request.
    void unanswered(std::uint32_t request, bool written, error_code why, instant now)
    {
        const auto what = awaited_;
        if (!take(request)) return;
        retry(broker_errc::none, now);
        if (*what != txn_request::find_coordinator) coordinators_.forget(*what);
        if (*what == txn_request::add_partitions) partitions_.answered(false);
        if (*what == txn_request::end_txn) doubt_ |= written;
        const bool adds = *what == txn_request::add_partitions || *what == txn_request::add_offsets ||
                          *what == txn_request::commit_offsets;
        if (!adds || !written || !v1()) return;
        indefinite_ = true; // it may still arrive, in the next transaction
        fail_transaction(why);
    }

    // The broker has no version of it that will do.
    void unsupported(txn_request what)
    {
        if (what == txn_request::commit_offsets)
            fail_transaction(errc::unsupported_version);
        else
            fail_producer(errc::unsupported_version);
    }

    // --- time ------------------------------------------------------------------------------------------------------------

    void on_time(instant now)
    {
        if (not_before_ <= now.steady) not_before_ = {};
        const auto late = [&](const core::offset_commit& one) { return one.deadline <= now.steady; };
        if (std::ranges::any_of(offsets_, late)) fail_transaction(errc::request_timed_out);
        if (call_.what == txn_call::none || call_.deadline > now.steady) return;

        if (awaited_ == txn_request::end_txn) { // its response may come, but the call is over
            doubt_ = true;
            awaited_.reset();
        }
        switch (state_) {
        case txn_state::committing: // nothing has been asked of the coordinator, or nobody knows what it did
            become(doubt_ ? txn_state::outcome_unknown : txn_state::in_transaction);
            complete(doubt_ ? txn_outcome::unknown : txn_outcome::failed, errc::request_timed_out);
            break;
        case txn_state::aborting:
            if (!failure_.failed()) failure_ = errc::request_timed_out;
            become(txn_state::abortable_error);
            complete(txn_outcome::failed, errc::request_timed_out);
            break;
        default: // initializing, which goes on
            complete(txn_outcome::failed, errc::request_timed_out);
            break;
        }
    }

    nanoseconds deadline() const noexcept
    {
        auto earliest = call_.what == txn_call::none ? never : call_.deadline;
        for (const auto& one : offsets_) earliest = std::min(earliest, one.deadline);
        const bool backing_off = since_ == number_ && !awaited_ && not_before_ > nanoseconds{0};
        return backing_off ? std::min(earliest, not_before_) : earliest;
    }

private:
    // The last transaction's markers are being written: that takes less than a retry.backoff.ms.
    static constexpr nanoseconds concurrent_backoff = std::chrono::milliseconds{20};

    txn_facts facts() const noexcept { return {state_ == txn_state::aborting, bump_possible()}; }

    // The next request of an open transaction.
    std::optional<txn_request> work() const noexcept
    {
        if (state_ == txn_state::aborting) return {};
        if (v1() && partitions_.any_wanted()) return txn_request::add_partitions;
        if (offsets_.empty()) return {};
        return v1() && !offsets_.front().group_added ? txn_request::add_offsets : txn_request::commit_offsets;
    }

    std::optional<txn_request> wanted(bool drained) const noexcept
    {
        switch (state_) {
        case txn_state::initializing:
            return txn_request::init_producer_id;
        case txn_state::in_transaction:
            return work();
        case txn_state::committing:
        case txn_state::aborting:
            if (const auto what = work()) return what;
            return drained ? std::optional{txn_request::end_txn} : std::nullopt;
        default:
            return {};
        }
    }

    txn_needs needs(txn_request what) const noexcept
    {
        txn_needs made{.protocol = protocol_};
        if (what == txn_request::commit_offsets) {
            made.group_metadata = offsets_.front().group.has_metadata();
            made.topic_ids = offsets_.front().ids_known();
        }
        return made;
    }

    bool take(std::uint32_t request) noexcept
    {
        if (request != request_ || since_ != number_ || !awaited_) return false;
        awaited_.reset();
        return true;
    }

    // What is still on its way, or waits for its time, belongs to a transaction that is over.
    void turn_to_the_next() noexcept
    {
        since_ = number_;
        awaited_.reset();
        not_before_ = {};
        failures_ = 0;
    }

    bool unusable(instant now) // no broker sends that
    {
        retry(broker_errc::none, now);
        return false;
    }

    void retry(broker_errc why, instant now)
    {
        const bool concurrent = why == broker_errc::concurrent_transactions;
        const auto first = concurrent ? concurrent_backoff : settings_.retry_backoff;
        not_before_ = now.steady + backoff(first, settings_.retry_backoff_max, failures_++, random_);
    }

    bool apply(txn_request request, broker_errc error, instant now)
    {
        return apply(request, {judge(request, error, facts()), error}, now);
    }

    bool apply(txn_request request, txn_ruling ruling, instant now) // true: it has succeeded
    {
        switch (ruling.what) {
        case txn_verdict::success:
            failures_ = 0;
            return true;
        case txn_verdict::look_up:
            coordinators_.forget(request);
            [[fallthrough]];
        case txn_verdict::retry:
            retry(ruling.why, now);
            return false;
        case txn_verdict::abort:
        case txn_verdict::uninitialize:
            fail_transaction(ruling.why);
            return false;
        case txn_verdict::fenced:
            fail_producer(broker_errc::producer_fenced);
            return false;
        case txn_verdict::fatal:
            fail_producer(ruling.why);
            return false;
        }
        return false;
    }

    const txn_settings settings_;
    random_source& random_;
    txn_coordinators coordinators_;
    std::optional<txn_request> awaited_;
    std::int16_t version_ = -1; // of the request that is awaited
    std::uint32_t request_ = 0;
    std::uint32_t since_ = 0; // the transaction that all this is about
    nanoseconds not_before_{0};
    int failures_ = 0;
};

} // namespace kurier::inline KURIER_ABI::core
