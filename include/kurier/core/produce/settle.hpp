// What becomes of a batch that was sent, or that ran out of time: delivered, retried, split, failed.
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/produce/batch_compressor.hpp>
#include <kurier/core/produce/batch_lives.hpp>
#include <kurier/core/produce/producer_rules.hpp>
#include <kurier/core/produce/ready.hpp>
#include <kurier/core/produce/split.hpp>
#include <kurier/core/produce/verdict.hpp>
#include <kurier/core/support/backoff.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace kurier::core {

class settler
{
public:
    settler(const producer_config& config, accumulator& records, batch_lives& lives, random_source& random,
            const batch_compressor& compressor, ready_partitions& ready, const epoch_authority& epochs)
        : config_{config}, records_{records}, lives_{lives}, random_{random}, compressor_{compressor},
          ready_{ready}, epochs_{epochs}
    {}

    // --- the end of an attempt ---------------------------------------------------------------------------------------

    void answered(batch& about, batch_response response, instant now)
    {
        auto& partition = *about.partition;
        const auto error = response.error;
        if (error == broker_errc::none || error == broker_errc::duplicate_sequence_number) {
            leave_flight(about);
            acknowledged(partition, about);
            close_gap_if_resolved(partition);
            lives_.succeed(about, persisted::yes, error == broker_errc::none ? response.base_offset : -1,
                           response.log_append_time, now);
        } else if (about.done()) { // it expired meanwhile: only its place in the sequence still matters
            drop_finished_flight(about);
        } else if (error == broker_errc::message_too_large && about.record_count > 1) {
            leave_flight(about);
            split(about);
        } else if (worth_retrying(about, error, response.log_start_offset)) {
            about.note = std::move(response.note);
            retry(about, make_error_code(error), now);
        } else {
            leave_flight(about);
            left_gap(partition, about);
            about.note = std::move(response.note);
            const auto written = what_was_written(error);
            lives_.fail(about, make_error_code(error),
                        about.maybe_written ? std::max(written, persisted::possibly) : written);
        }
        ready_.update(partition);
    }

    void handed_over(batch& about, instant now) // acks=0: the socket has all of it, and no response will come
    {
        leave_flight(about);
        lives_.succeed(about, persisted::possibly, -1, -1, now);
        ready_.update(*about.partition);
    }

    // No response will come. `sent`: all bytes of the request were given to the socket.
    void lost(batch& about, bool sent, error_code why, instant now)
    {
        if (about.done()) {
            drop_finished_flight(about);
        } else {
            about.maybe_written |= sent;
            retry(about, why, now);
        }
        ready_.update(*about.partition);
    }

    // --- delivery.timeout.ms -----------------------------------------------------------------------------------------

    void on_time(instant now)
    {
        while (batch* oldest = lives_.oldest()) {
            if (expiry_of(*oldest) > now.steady) break;
            const bool never_left = !oldest->maybe_written && oldest->phase != batch_phase::in_flight;
            give_up(*oldest, never_left ? errc::batch_expired : errc::delivery_timeout);
        }
    }

    nanoseconds deadline() const noexcept
    {
        const auto* oldest = lives_.oldest();
        return oldest ? expiry_of(*oldest) : never;
    }

    // --- given up ----------------------------------------------------------------------------------------------------

    // Fails every batch. Those in flight may or may not be written.
    void abort_all(error_code why)
    {
        while (batch* oldest = lives_.oldest()) give_up(*oldest, why);
    }

    // No producer id is available, so nothing that is queued can be sent.
    void fail_unsent(error_code why)
    {
        for (batch* candidate = lives_.oldest(); candidate;) {
            batch* next = lives_.younger(*candidate);
            if (candidate->phase != batch_phase::in_flight) give_up(*candidate, why);
            candidate = next;
        }
    }

    // Another producer took the id over: brokers can't tell any more what they have of these batches, and under a new
    // id they would append them again.
    void fail_fenced(partition_state& partition)
    {
        fail_those_in_doubt(
            partition, [](const batch&) { return make_error_code(broker_errc::invalid_producer_epoch); });
        partition.producer.fenced = false;
    }

    // Before a new epoch: a batch that may be written can't take part in it. It was sent after one that is certainly
    // missing, so a broker that remembers everything has refused it; but that is not known.
    void fail_in_doubt(partition_state& partition)
    {
        fail_those_in_doubt(partition, [](const batch& queued) { return queued.last_error; });
    }

    // After shutdown, when every batch is done: one that is part of no request waits for no response either.
    void forget_flight(batch& over)
    {
        if (over.requests != 0 || !over.queue_hook.linked) return;
        leave_flight(over);
        left_gap(*over.partition, over);
    }

private:
    nanoseconds expiry_of(const batch& unfinished) const noexcept
    {
        return later(unfinished.created, config_.delivery_timeout);
    }

    static void leave_flight(batch& landed) { landed.partition->flights.erase(landed); }

    void drop_finished_flight(batch& about)
    {
        leave_flight(about);
        left_gap(*about.partition, about);
        lives_.release(about);
    }

    static persisted written_by_earlier_attempts(const batch& about) noexcept
    {
        return about.maybe_written ? persisted::possibly : persisted::no;
    }

    template <class ErrorOf> void fail_those_in_doubt(partition_state& partition, ErrorOf error_of)
    {
        for (batch* queued = partition.queue.front(); queued && queued->has_sequence();) {
            batch* next = partition.queue.next(*queued);
            if (in_doubt(*queued)) {
                accumulator::dequeue(partition, *queued);
                lives_.fail(*queued, error_of(*queued), persisted::possibly);
            }
            queued = next;
        }
    }

    // --- retry -------------------------------------------------------------------------------------------------------

    // True if no earlier batch of the partition is queued for a retry.
    static bool is_next(const batch& about) noexcept
    {
        const batch* queued = about.partition->queue.front();
        return !(queued && queued->has_sequence() && queued->first_record < about.first_record);
    }

    bool worth_retrying(batch& about, broker_errc error, std::int64_t log_start_offset)
    {
        auto& partition = *about.partition;
        switch (error) {
        case broker_errc::out_of_order_sequence_number:
        case broker_errc::unknown_producer_id:
            if (!epochs_.idempotent()) return false;
            // With everything before it answered, the broker misses something that it had or that was never written.
            // This batch isn't in the log, or it would have been taken for a duplicate; so a new epoch is safe, unless
            // an earlier attempt is still on its way. Behind others it only means that those have to go first.
            if (!is_next(about) || (error == broker_errc::unknown_producer_id && log_start_offset < 0))
                return true;
            partition.producer.restart = true;
            return !about.maybe_written;
        case broker_errc::invalid_producer_epoch:
        case broker_errc::producer_fenced:
        case broker_errc::invalid_producer_id_mapping:
            // Somebody else writes with this producer id. A new one heals that; the old one's epochs count as used up.
            if (!epochs_.idempotent()) return false;
            partition.producer.restart = partition.producer.fenced = true;
            partition.producer.epoch = last_producer_epoch;
            return !about.maybe_written;
        default:
            // A leader also answers so for a batch that it appended and then lost the partition.
            about.maybe_written |= what_was_written(error) != persisted::no;
            if (refreshes_metadata(error)) ready_.needs_metadata(*partition.topic);
            return retriable(error);
        }
    }

    void retry(batch& about, error_code why, instant now)
    {
        auto& partition = *about.partition;
        leave_flight(about);
        about.last_error = why;
        const bool exhausted = about.attempts > config_.retries;
        if (exhausted || expiry_of(about) <= now.steady) {
            left_gap(partition, about);
            lives_.fail(about, exhausted ? errc::retries_exhausted : errc::delivery_timeout,
                        written_by_earlier_attempts(about));
            return;
        }
        about.phase = batch_phase::ready;
        accumulator::enqueue(partition, about);
        const bool newer_leader = partition.leader && (partition.leader_epoch > about.last_attempt_epoch ||
                                                       partition.leader->id != about.last_attempt_leader);
        if (newer_leader) return; // which the response named (KIP-951): it is tried at once
        const auto pause =
            backoff(config_.retry_backoff, config_.retry_backoff_max, about.attempts - 1, random_);
        ready_.begin_backoff(partition, now.steady + pause);
    }

    // --- the end of a batch ------------------------------------------------------------------------------------------

    void give_up(batch& about, error_code why)
    {
        auto& partition = *about.partition;
        if (about.phase == batch_phase::in_flight) { // it stays among the flights until its request ends
            lives_.fail(about, why, persisted::possibly);
            return;
        }
        if (&about == partition.open) records_.close(partition);
        accumulator::dequeue(partition, about);
        left_gap(partition, about);
        lives_.fail(about, why, written_by_earlier_attempts(about));
        ready_.update(partition);
    }

    // Queues the halves of a batch that was too large for the broker, in its place and with its sequences.
    void split(batch& whole)
    {
        auto& partition = *whole.partition;
        batch& root = whole.root ? *whole.root : whole;
        std::vector<std::byte> plain;
        const auto body = compressor_.plain_body(whole, plain);
        const auto halves = body.empty() ? two_batches{} : halve(records_, whole, root, body);
        if (!halves[0]) { // it doesn't decompress, or memory ran out: it fails as a whole
            left_gap(partition, whole);
            lives_.fail(whole, broker_errc::message_too_large, written_by_earlier_attempts(whole));
            return;
        }
        partition.topic->ratio.observe_split(whole.codec(), body.size(), whole.size - batch_header_size);
        put_in_place(root, whole, halves);
        for (batch* half : halves) accumulator::enqueue(partition, *half);
        lives_.replace(whole, halves);
    }

    const producer_config& config_;
    accumulator& records_;
    batch_lives& lives_;
    random_source& random_;
    const batch_compressor& compressor_;
    ready_partitions& ready_;
    const epoch_authority& epochs_;
};

} // namespace kurier::core
