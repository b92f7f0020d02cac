// What becomes of a batch that was sent, or that ran out of time: delivered, retried, split, failed.
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/produce/batch_compressor.hpp>
#include <kurier/core/produce/batch_lives.hpp>
#include <kurier/core/produce/failure_text.hpp>
#include <kurier/core/produce/producer_rules.hpp>
#include <kurier/core/produce/ready.hpp>
#include <kurier/core/produce/split.hpp>
#include <kurier/core/produce/verdict.hpp>
#include <kurier/core/support/backoff.hpp>
#include <kurier/core/support/debug_events.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class settler
{
public:
    settler(const producer_config& config, accumulator& records, batch_lives& lives, random_source& random,
            const batch_compressor& compressor, ready_partitions& ready, const epoch_authority& epochs,
            log_queue& logs)
        : config_{config}, records_{records}, lives_{lives}, random_{random}, compressor_{compressor},
          ready_{ready}, epochs_{epochs}, logs_{logs}
    {}

    // --- the end of an attempt ---------------------------------------------------------------------------------------

    void answered(batch& about, batch_response response, instant now)
    {
        auto& partition = *about.partition;
        const auto ruling = judge(response.error, about, response.log_start_offset, epochs_);
        if (ruling.fault > partition.producer.fault)
            debug::epoch_broken(logs_, partition, make_error_code(response.error));
        break_epoch(partition, ruling.fault);
        if (ruling.refresh_metadata) ready_.needs_metadata(*partition.topic);
        if (ruling.disowned) partition.disowned_at = now.steady;
        switch (ruling.what) {
        case verdict::deliver:
            deliver(about, response.base_offset, response.log_append_time, now);
            break;
        case verdict::duplicate:
            debug::batch_duplicate(logs_, about);
            deliver(about, -1, response.log_append_time, now);
            break;
        case verdict::forget:
            forget(about);
            break;
        case verdict::split:
            split(about);
            break;
        case verdict::retry:
        case verdict::restart_epoch: // which drain does, once nothing of the partition is in flight
            about.maybe_written = ruling.written != persisted::no;
            about.note = std::move(response.note);
            retry(about, response.error, now);
            break;
        case verdict::fail:
            leave_flight(about);
            about.note = std::move(response.note);
            fail(about, response.error, ruling.written);
            break;
        }
        ready_.update(partition);
    }

    // The broker can't be given this batch at all.
    void refuse(batch& about, error_code why, std::string_view text)
    {
        put_text(about, text);
        leave_flight(about);
        fail(about, why, written_by_earlier_attempts(about));
        ready_.update(*about.partition);
    }

    void handed_over(batch& about, instant now) // acks=0: the socket has all of it, and no response will come
    {
        // a leader that refused would have closed the connection by now
        auto& disowned_at = about.partition->disowned_at;
        if (later(disowned_at, std::chrono::seconds{1}) <= now.steady) disowned_at = never;
        leave_flight(about);
        lives_.succeed(about, persisted::possibly, -1, -1, now);
        ready_.update(*about.partition);
    }

    // No response will come. `sent`: all bytes of the request were given to the socket.
    void lost(batch& about, bool sent, error_code why, instant now)
    {
        if (about.done()) {
            forget(about);
        } else {
            about.maybe_written |= sent;
            retry(about, why, now);
        }
        ready_.update(*about.partition);
    }

    // --- delivery.timeout.ms -----------------------------------------------------------------------------------------

    // `blocked`: why there is no producer id, while batches wait for one.
    void on_time(instant now, const broker_trouble* blocked)
    {
        while (batch* oldest = lives_.oldest()) {
            if (expiry_of(*oldest) > now.steady) break;
            explain_delay(*oldest, blocked);
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
        while (batch* oldest = lives_.oldest()) {
            explain_delay(*oldest, nullptr);
            give_up(*oldest, why);
        }
    }

    // Fails what is queued for one partition. What is in flight gets its response.
    void fail_queued(partition_state& partition, error_code why)
    {
        while (batch* queued = partition.queue.front()) give_up(*queued, why);
        if (partition.open) give_up(*partition.open, why);
    }

    // No producer id is available, so nothing that is queued can be sent.
    void fail_unsent(error_code why, std::string_view text)
    {
        for (batch* candidate = lives_.oldest(); candidate;) {
            batch* next = lives_.younger(*candidate);
            if (candidate->phase != batch_phase::in_flight) {
                put_text(*candidate, text);
                give_up(*candidate, why);
            }
            candidate = next;
        }
    }

    // After shutdown, when every batch is done: one that is part of no request waits for no response either.
    void forget_flight(batch& over)
    {
        if (over.requests != 0 || !over.queue_hook.linked) return;
        leave_flight(over);
        left_gap(*over.partition, over);
    }
    void forget_flights(partition_state& of) // that were taken for a request which was never made
    {
        for (batch* flying = of.flights.front(); flying;) {
            batch* next = of.flights.next(*flying);
            forget_flight(*flying);
            flying = next;
        }
    }

private:
    nanoseconds expiry_of(const batch& unfinished) const noexcept
    {
        return later(unfinished.created, config_.delivery_timeout);
    }

    static void leave_flight(batch& landed) { landed.partition->flights.erase(landed); }

    void deliver(batch& about, std::int64_t base_offset, std::int64_t log_append_time, instant now)
    {
        auto& partition = *about.partition;
        leave_flight(about);
        partition.disowned_at = never;
        acknowledged(partition, about);
        close_gap_if_resolved(partition);
        lives_.succeed(about, persisted::yes, base_offset, log_append_time, now);
    }

    void forget(batch& about) // it failed while it was in flight
    {
        leave_flight(about);
        left_gap(*about.partition, about);
        lives_.release(about);
    }

    static persisted written_by_earlier_attempts(const batch& about) noexcept
    {
        return about.maybe_written ? persisted::possibly : persisted::no;
    }

    // --- retry -------------------------------------------------------------------------------------------------------

    void retry(batch& about, error_code why, instant now)
    {
        auto& partition = *about.partition;
        leave_flight(about);
        about.last_error = why;
        const bool exhausted = about.attempts > config_.retries;
        if (exhausted || expiry_of(about) <= now.steady) {
            fail(about, exhausted ? errc::retries_exhausted : errc::delivery_timeout,
                 written_by_earlier_attempts(about));
            return;
        }
        if (partition.presence == partition_presence::gone) {
            fail(about, broker_errc::unknown_topic_or_partition, written_by_earlier_attempts(about));
            return;
        }
        about.phase = batch_phase::ready;
        accumulator::enqueue(partition, about);
        const bool newer_leader = partition.leader && (partition.leader_epoch > about.last_attempt_epoch ||
                                                       partition.leader->id != about.last_attempt_leader);
        // A newer leader was named by the response (KIP-951): it is tried at once
        const auto pause = newer_leader ? nanoseconds{0}
                                        : backoff(config_.retry_backoff, config_.retry_backoff_max,
                                                  about.attempts - 1, random_);
        debug::batch_retried(logs_, about, why, pause);
        if (!newer_leader) ready_.begin_backoff(partition, now.steady + pause);
    }

    // --- the end of a batch ------------------------------------------------------------------------------------------

    void fail(batch& about, error_code why, persisted written)
    {
        left_gap(*about.partition, about);
        lives_.fail(about, why, written);
    }

    void give_up(batch& about, error_code why)
    {
        auto& partition = *about.partition;
        if (about.phase == batch_phase::in_flight) { // it stays among the flights until its request ends
            lives_.fail(about, why, persisted::possibly);
            return;
        }
        if (&about == partition.open) records_.close(partition);
        accumulator::dequeue(partition, about);
        fail(about, why, written_by_earlier_attempts(about));
        ready_.update(partition);
    }

    // Queues the halves of a batch that was too large for the broker, in its place and with its sequences.
    void split(batch& whole)
    {
        auto& partition = *whole.partition;
        leave_flight(whole);
        batch& root = whole.root ? *whole.root : whole;
        std::vector<std::byte> plain;
        const auto body = compressor_.plain_body(whole, plain);
        const auto halves = body.empty() ? two_batches{} : halve(records_, whole, root, body);
        if (!halves[0]) { // it doesn't decompress, or memory ran out: it fails as a whole
            fail(whole, broker_errc::message_too_large, written_by_earlier_attempts(whole));
            return;
        }
        partition.topic->ratio.observe_split(whole.codec(), body.size(), whole.size - batch_header_size);
        debug::batch_split(logs_, whole);
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
    log_queue& logs_;
};

} // namespace kurier::inline KURIER_ABI::core
