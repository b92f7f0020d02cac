// Moves batches from the partitions' queues into requests, and from answers to their end: delivered, retried or
// failed. It decides which batch may be sent when; bytes and connections are producer_core's.
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/support/backoff.hpp>
#include <kurier/core/produce/batch_compressor.hpp>
#include <kurier/core/produce/batch_lives.hpp>
#include <kurier/core/produce/producer_rules.hpp>
#include <kurier/core/produce/rewrite.hpp>
#include <kurier/core/produce/split.hpp>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

namespace kurier::core {

// A broker's answer about one batch.
struct batch_answer
{
    broker_errc error = broker_errc::none;
    std::int64_t base_offset = -1;
    std::int64_t log_append_time = -1;
    std::int64_t log_start_offset = -1;
    std::unique_ptr<failure_note> note;
};

class sender
{
public:
    sender(const producer_config& config, accumulator& records, batch_lives& lives, random_source& random,
           log_queue& logs)
        : config_{config}, records_{records}, lives_{lives}, random_{random}, compressor_{config, logs},
          idempotent_{config.idempotent()}
    {}

    ~sender()
    {
        for (const auto& job : compressor_.jobs()) records_.pool().release(job->memory);
    }

    // --- compression elsewhere ---------------------------------------------------------------------------------------

    // The way to another thread and back costs some microseconds.
    static constexpr std::size_t worth_a_job = 4096;

    void compress_elsewhere(bool elsewhere, std::size_t least) noexcept
    {
        compressor_.set_elsewhere(elsewhere);
        least_for_job_ = least;
    }

    // A batch is full: it needn't wait for its turn to be compressed.
    void closed(batch& full) noexcept
    {
        if (compressor_.elsewhere() && full.withdrawn == 0) begin_job(full);
    }

    compression_job* next_job() noexcept { return compressor_.next_job(); }

    void compressed(compression_job& job) noexcept
    {
        auto& about = *job.about;
        auto& partition = *about.partition;
        if (compressor_.finish(job)) {
            records_.move_to(about, job.memory);
            records_.shrink(about);
        }
        records_.pool().release(job.memory);
        compressor_.forget(job);
        --about.requests;
        lives_.release(about);
        update(partition);
    }

    // --- what may be sent --------------------------------------------------------------------------------------------

    // Brings the partition's place in its leader's ready list up to date. Called after every change to it.
    void update(partition_state& partition)
    {
        if (!wants_to_send(partition)) {
            unready(partition);
        } else if (!partition.leader || !partition.leader->current) {
            unready(partition);
            if (!std::exchange(partition.topic->stale, true)) stale_topics_ = true;
        } else if (!partition.ready_hook.linked) {
            partition.leader->ready.push_back(partition);
        }
    }

    void leader_changed(partition_state& partition, broker_node* old)
    {
        if (partition.ready_hook.linked) old->ready.erase(partition);
        partition.producer.proven = false;
        if (partition.backoff_hook.linked && partition.leader)
            end_backoff(partition); // a new leader is worth trying at once (KIP-951)
        update(partition);
    }

    void update_ready(broker_node& node) // what may follow a flight depends on the producer id
    {
        for (auto* partition = node.ready.front(); partition;) {
            auto* next = node.ready.next(*partition);
            update(*partition);
            partition = next;
        }
    }

    // Takes at most one batch of each ready partition of a broker, up to max.request.size, sealed and in the order in
    // which a request wants them: by topic. An idempotent producer must have its identity by now.
    void drain(broker_node& node, std::vector<batch*>& taken, instant now)
    {
        std::size_t bytes = 0;
        drained_.clear();
        while (partition_state* partition = node.ready.front()) {
            batch* head = close_head(*partition);
            if (!head) { // all of it was withdrawn, or it is being compressed
                node.ready.erase(*partition);
                continue;
            }
            if (!taken.empty() && bytes + head->wire_size() > config_.max_request_size)
                break; // and without a sequence: it may yet expire unsent
            if (idempotent_ && !prepare_sequence(*partition, *head))
                break; // it stays ready until a new producer id has come
            seal(*head);
            node.ready.erase(*partition);
            node.appended -= std::min(node.appended, head->size);
            bytes += head->wire_size();
            take(*head, node, now);
            taken.push_back(head);
            drained_.push_back(partition);
        }
        for (auto* partition : drained_) update(*partition);
        std::sort(taken.begin(), taken.end(), [](const batch* a, const batch* b) {
            const auto &p = *a->partition, &q = *b->partition;
            return p.topic != q.topic ? p.topic->ordinal < q.topic->ordinal : p.index < q.index;
        });
    }

    // --- what became of it -------------------------------------------------------------------------------------------

    void answered(batch& about, batch_answer answer, instant now)
    {
        auto& partition = *about.partition;
        const auto error = answer.error;
        if (error == broker_errc::none || error == broker_errc::duplicate_sequence_number) {
            leave_flight(about);
            acknowledged(partition, about);
            close_gap_if_resolved(partition);
            lives_.succeed(about, error == broker_errc::none ? answer.base_offset : -1,
                           answer.log_append_time, now);
        } else if (about.done()) { // it expired meanwhile: only its place in the sequence still matters
            drop_finished_flight(about);
        } else if (error == broker_errc::message_too_large && about.record_count > 1) {
            leave_flight(about);
            split(about);
        } else if (worth_retrying(about, error, answer.log_start_offset)) {
            about.note = std::move(answer.note);
            retry(about, make_error_code(error), now);
        } else {
            leave_flight(about);
            left_gap(partition, about);
            about.note = std::move(answer.note);
            const auto written = what_was_written(error);
            lives_.fail(about, make_error_code(error),
                        about.maybe_written ? std::max(written, persisted::possibly) : written);
        }
        update(partition);
    }

    void handed_over(batch& about, instant now) // acks=0: it was given to the socket and nobody will answer
    {
        leave_flight(about);
        lives_.succeed(about, -1, -1, now);
        update(*about.partition);
    }

    // The request will not be answered. `sent`: all of its bytes were given to the socket.
    void lost(batch& about, bool sent, error_code why, instant now)
    {
        if (about.done()) {
            drop_finished_flight(about);
        } else {
            about.maybe_written |= sent;
            retry(about, why, now);
        }
        update(*about.partition);
    }

    // --- time --------------------------------------------------------------------------------------------------------

    void on_time(instant now)
    {
        while (batch* due = records_.next_due(now.steady)) update(*due->partition);
        for (auto* waiting = backoffs_.front(); waiting;) {
            auto* next = backoffs_.next(*waiting);
            if (waiting->backoff_until <= now.steady) {
                end_backoff(*waiting);
                update(*waiting);
            }
            waiting = next;
        }
        while (batch* oldest = lives_.oldest()) {
            if (later(oldest->created, config_.delivery_timeout) > now.steady) break;
            const bool never_left = !oldest->maybe_written && oldest->phase != batch_phase::in_flight;
            give_up(*oldest, never_left ? errc::batch_expired : errc::delivery_timeout);
        }
    }

    nanoseconds deadline() const noexcept
    {
        auto at = records_.deadline();
        if (const auto* oldest = lives_.oldest())
            at = std::min(at, later(oldest->created, config_.delivery_timeout));
        for (auto* waiting = backoffs_.front(); waiting; waiting = backoffs_.next(*waiting))
            at = std::min(at, waiting->backoff_until);
        return at;
    }

    void hurry(const broker_node*
                   leader) // somebody waits for the room that its open batches take; nullptr: that all take
    {
        records_.hurry(leader, 0, [this](partition_state& partition) { update(partition); });
    }

    // Smaller batches cost a broker more than they are worth.
    static constexpr std::size_t worth_a_place = 4096;
    static constexpr std::size_t worth_a_look = 512;

    // A broker that has nothing to do needn't wait for a full batch or the end of a linger, once batch.size bytes have
    // come for all its partitions together: what is sent soon is still in the cache, here and when its records are
    // told. (Java goes further: with a full batch it sends all that is open for the same broker.) Every open batch is
    // looked at for that, so thousands of them are not before there is something for each.
    void hurry_if_worth_it(broker_node& leader)
    {
        if (leader.appended < std::max(records_.batch_size(), records_.lingering() * worth_a_look)) return;
        leader.appended = 0; // if none is worth it, not before the next batch.size bytes
        records_.hurry(&leader, worth_a_place, [this](partition_state& partition) { update(partition); });
    }

    void make_all_due() // for a flush
    {
        while (batch* open = records_.next_lingering()) update(*open->partition);
    }

    // Ends everything with an error. What is in flight may or may not be written.
    void abort_all(error_code why)
    {
        while (batch* oldest = lives_.oldest()) give_up(*oldest, why);
    }

    // A producer id can't be had: nothing of what waits can be sent.
    void fail_unsent(error_code why)
    {
        for (batch* candidate = lives_.oldest(); candidate;) {
            batch* next = lives_.younger(*candidate);
            if (candidate->phase != batch_phase::in_flight) give_up(*candidate, why);
            candidate = next;
        }
    }

    // After the end of everything, when all batches are done: one that no request carries waits for no answer either.
    void forget_flight(batch& over)
    {
        if (over.requests != 0 || !over.queue_hook.linked) return;
        leave_flight(over);
        left_gap(*over.partition, over);
    }

    void set_codecs(codecs_ref codecs, cpu_clock clock) noexcept { compressor_.set_codecs(codecs, clock); }
    void exclude_codec(compression id) { compressor_.exclude(id); }
    bool take_stale_topics() noexcept { return std::exchange(stale_topics_, false); }
    bool idempotent() const noexcept { return idempotent_; }
    bool has_identity() const noexcept { return !idempotent_ || (identity_.valid() && !wants_new_identity_); }
    void identity_arrived(const producer_identity& identity)
    {
        identity_ = identity;
        wants_new_identity_ = false;
    }

private:
    friend struct invariant_access;
    static batch* head_of(const partition_state& partition) noexcept
    {
        if (batch* queued = partition.queue.front()) return queued;
        return partition.open && partition.open->due ? partition.open : nullptr;
    }

    bool wants_to_send(const partition_state& partition) const noexcept
    {
        const batch* head = head_of(partition);
        if (!head || head->compressing || partition.backoff_hook.linked) return false;
        if (partition.flights.empty()) return true;
        if (!idempotent_) // without sequences, one at a time keeps the order when it is retried
            return config_.acks == acks::none;
        return may_follow_flights(partition, *head, flights_max(), identity_);
    }

    // A broker remembers the last five batches of a producer; more in flight could not be told apart (KIP-98).
    std::size_t flights_max() const noexcept
    {
        return static_cast<std::size_t>(std::clamp(config_.max_in_flight_requests_per_connection, 1, 5));
    }

    static void unready(partition_state& partition) noexcept
    {
        if (partition.ready_hook.linked) partition.leader->ready.erase(partition);
    }

    // False: it is better done here, because there is little to do, or no memory (within the bound, for the result).
    bool begin_job(batch& closed) noexcept
    {
        if (closed.size < least_for_job_ || !compressor_.wants(closed)) return false;
        try {
            compressor_.prepare_job(closed);
        } catch (const std::bad_alloc&) {
            return false;
        }
        const auto memory = records_.memory_for_job(closed);
        if (!memory) return false;
        compressor_.begin(closed, memory);
        ++closed.requests;
        return true;
    }

    // The batch to send next, with its final records; nullptr when nothing is left of what was there, or not yet.
    batch* close_head(partition_state& partition)
    {
        for (;;) {
            if (partition.producer.fenced)
                fail_uncertain(partition); // nothing is in flight, see may_follow_flights
            batch* head = head_of(partition);
            if (!head || head->compressing) return nullptr; // one before it has just failed
            if (head == partition.open) records_.close(partition);
            if (head->withdrawn > 0) { // then it has no sequence yet: what was sent can't be taken back
                drop_withdrawn(*head);
                if (head->record_count == 0) {
                    accumulator::dequeue(partition, *head);
                    lives_.withdrawn(*head);
                    continue;
                }
            }
            if (compressor_.elsewhere() && begin_job(*head))
                return nullptr; // it is ready when the job is back
            if (compressor_.compress(*head)) records_.shrink(*head);
            return head;
        }
    }

    // Under another producer id a broker would take a batch that it has for a new one.
    void fail_uncertain(partition_state& partition)
    {
        for (batch* queued = partition.queue.front(); queued && queued->has_sequence();) {
            batch* next = partition.queue.next(*queued);
            if (queued->maybe_written) {
                accumulator::dequeue(partition, *queued);
                lives_.fail(*queued, broker_errc::invalid_producer_epoch, persisted::possibly);
            }
            queued = next;
        }
        partition.producer.fenced = false;
    }

    // False: the epochs of the producer id are used up, or somebody else took it over; a new one is needed first.
    bool prepare_sequence(partition_state& partition, batch& head)
    {
        if (partition.flights.empty() && needs_new_epoch(partition, head, identity_)) {
            fail_in_doubt(partition);
            if (!start_epoch(partition, identity_)) {
                wants_new_identity_ = true;
                return false;
            }
        }
        assign_sequence(partition, head);
        return true;
    }

    // Batches that may be written can't go on in a new epoch. They are behind one that certainly is not written, so
    // they are not either, if the broker remembers all; but that is not known.
    void fail_in_doubt(partition_state& partition)
    {
        for (batch* queued = partition.queue.front(); queued;) {
            batch* next = partition.queue.next(*queued);
            if (in_doubt(*queued)) {
                accumulator::dequeue(partition, *queued);
                lives_.fail(*queued, queued->last_error, persisted::possibly);
            }
            queued = next;
        }
    }

    static void seal(batch& head)
    {
        if (std::exchange(head.sealed, true)) return;
        const batch_info info{head.attributes,     head.base_timestamp, head.max_timestamp, head.producer_id,
                              head.producer_epoch, head.base_sequence,  head.record_count,  -1};
        if (head.outside) [[unlikely]] {
            const auto& outside = *head.outside;
            const bytes_view pieces[] = {
                {head.memory.data + batch_header_size, outside.at - batch_header_size},
                outside.bytes,
                {head.memory.data + outside.at, head.size - outside.at}};
            seal_batch(head.memory.data, pieces, info);
            return;
        }
        seal_batch(head.memory.data, head.size, info);
    }

    void take(batch& head, const broker_node& node, instant now)
    {
        auto& partition = *head.partition;
        lives_.attempted(head, now);
        accumulator::dequeue(partition, head);
        partition.flights.push_back(head);
        head.phase = batch_phase::in_flight;
        head.last_attempt_leader = node.id;
        head.last_attempt_epoch = partition.leader_epoch;
    }

    static void leave_flight(batch& landed) { landed.partition->flights.erase(landed); }

    void drop_finished_flight(batch& about)
    {
        leave_flight(about);
        left_gap(*about.partition, about);
        lives_.release(about);
    }

    // Does nothing that was sent before the batch, which was just answered, wait for another attempt? For an answer
    // nothing does: a partition's batches are on one connection, and answers come in the requests' order.
    static bool is_next(const batch& about) noexcept
    {
        const batch* queued = about.partition->queue.front();
        return !(queued && queued->has_sequence() && queued->first_record < about.first_record);
    }

    // --- retry -------------------------------------------------------------------------------------------------------

    bool worth_retrying(batch& about, broker_errc error, std::int64_t log_start_offset)
    {
        auto& partition = *about.partition;
        switch (error) {
        case broker_errc::out_of_order_sequence_number:
        case broker_errc::unknown_producer_id:
            if (!idempotent_) return false;
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
            if (!idempotent_) return false;
            partition.producer.restart = partition.producer.fenced = true;
            partition.producer.epoch = last_producer_epoch;
            return !about.maybe_written;
        default:
            // A leader also answers so for a batch that it appended and then lost the partition.
            about.maybe_written |= what_was_written(error) != persisted::no;
            if (refreshes_metadata(error) && !std::exchange(partition.topic->stale, true))
                stale_topics_ = true;
            return retriable(error);
        }
    }

    void retry(batch& about, error_code why, instant now)
    {
        auto& partition = *about.partition;
        leave_flight(about);
        about.last_error = why;
        if (about.attempts > config_.retries ||
            later(about.created, config_.delivery_timeout) <= now.steady) {
            left_gap(partition, about);
            lives_.fail(about,
                        about.attempts > config_.retries ? make_error_code(errc::retries_exhausted)
                                                         : make_error_code(errc::delivery_timeout),
                        about.maybe_written ? persisted::possibly : persisted::no);
            return;
        }
        about.phase = batch_phase::ready;
        accumulator::enqueue(partition, about);
        const bool newer_leader = partition.leader && (partition.leader_epoch > about.last_attempt_epoch ||
                                                       partition.leader->id != about.last_attempt_leader);
        if (newer_leader) return;
        const auto pause =
            backoff(config_.retry_backoff, config_.retry_backoff_max, about.attempts - 1, random_);
        begin_backoff(partition, now.steady + pause);
    }

    void begin_backoff(partition_state& partition, nanoseconds until)
    {
        partition.backoff_until = until;
        if (!partition.backoff_hook.linked) backoffs_.push_back(partition);
    }

    void end_backoff(partition_state& partition)
    {
        partition.backoff_until = nanoseconds{0};
        backoffs_.remove(partition);
    }

    // --- the end of a batch ------------------------------------------------------------------------------------------

    void give_up(batch& about, error_code why)
    {
        auto& partition = *about.partition;
        if (about.phase ==
            batch_phase::in_flight) { // it keeps its place among the flights until the request ends
            lives_.fail(about, why, persisted::possibly);
            return;
        }
        if (&about == partition.open) records_.close(partition);
        accumulator::dequeue(partition, about);
        left_gap(partition, about);
        lives_.fail(about, why, about.maybe_written ? persisted::possibly : persisted::no);
        update(partition);
    }

    // Sends the halves of a batch that was too large for the broker, in its place and with its sequences.
    void split(batch& whole)
    {
        auto& partition = *whole.partition;
        batch& root = whole.root ? *whole.root : whole;
        std::vector<std::byte> plain;
        const auto body = compressor_.plain_body(whole, plain);
        const auto halves = body.empty() ? two_batches{} : halve(records_, whole, root, body);
        if (!halves[0]) { // it can't be taken apart again: it fails as a whole
            left_gap(partition, whole);
            lives_.fail(whole, broker_errc::message_too_large,
                        whole.maybe_written ? persisted::possibly : persisted::no);
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
    batch_compressor compressor_;
    const bool idempotent_;
    producer_identity identity_; // invalid until the cluster gave one
    std::size_t least_for_job_ = worth_a_job;
    bool stale_topics_ = false, wants_new_identity_ = false;
    intrusive_list<partition_state, &partition_state::backoff_hook> backoffs_;
    std::vector<partition_state*> drained_;
};

} // namespace kurier::core
