// Takes batches out of the partitions' queues into a request: closed, compressed, with a sequence, a header and a
// checksum, and immutable from then on. Also hands batches to compression workers and takes the results back.
#pragma once

#include <kurier/core/batching/record_limits.hpp>
#include <kurier/core/produce/batch_compressor.hpp>
#include <kurier/core/produce/batch_lives.hpp>
#include <kurier/core/produce/producer_rules.hpp>
#include <kurier/core/produce/ready.hpp>
#include <kurier/core/produce/rewrite.hpp>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class drainer
{
public:
    drainer(const producer_config& config, accumulator& records, batch_lives& lives,
            batch_compressor& compressor, ready_partitions& ready, epoch_authority& epochs, log_queue& logs)
        : config_{config}, records_{records}, lives_{lives}, compressor_{compressor}, ready_{ready},
          epochs_{epochs}, logs_{logs}
    {}
    drainer(const drainer&) = delete;
    drainer& operator=(const drainer&) = delete;
    ~drainer()
    {
        for (const auto& job : compressor_.jobs()) records_.pool().release(job->memory);
    }

    // Takes at most one batch of each ready partition of a broker, up to max.request.size, sorted by topic as a request
    // wants them. An idempotent producer has its producer id by now.
    void drain(broker_node& node, std::vector<batch*>& taken, instant now)
    {
        request_room room{config_};
        drained_.clear();
        while (partition_state* partition = node.ready.front()) {
            batch* head = close_head(*partition);
            if (!head) { // every record was withdrawn, or the batch is being compressed
                node.ready.erase(*partition);
                continue;
            }
            if (!room.take(head->wire_size())) break; // without a sequence, so it may still expire unsent
            if (epochs_.idempotent() && !prepare_sequence(*partition, *head))
                break; // it stays on the ready list until a new producer id arrives
            seal(*head);
            node.ready.erase(*partition);
            node.appended -= std::min(node.appended, head->size);
            take(*head, node, now);
            taken.push_back(head);
            drained_.push_back(partition);
        }
        for (auto* partition : drained_) ready_.update(*partition);
        std::sort(taken.begin(), taken.end(), [](const batch* a, const batch* b) {
            const auto &p = *a->partition, &q = *b->partition;
            return p.topic != q.topic ? p.topic->ordinal < q.topic->ordinal : p.index < q.index;
        });
    }

    // --- compression workers -----------------------------------------------------------------------------------------

    // Handing a batch to another thread and back costs some microseconds; a smaller one is compressed inline.
    static constexpr std::size_t least_for_job = 4096;

    void compress_elsewhere(bool elsewhere, std::size_t least) noexcept
    {
        compressor_.set_elsewhere(elsewhere);
        least_for_job_ = least;
    }

    // A batch is full: it can be compressed before its turn to be sent comes.
    void closed(batch& full) noexcept
    {
        if (compressor_.elsewhere() && full.withdrawn == 0) begin_job(full);
    }

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
        ready_.update(partition);
    }

private:
    // The batch to send next, with its final records. Null if nothing is left of it, or it isn't compressed yet.
    batch* close_head(partition_state& partition)
    {
        for (;;) {
            // Once fenced, nothing is in flight here: may_follow_flights waits for that.
            if (partition.producer.fault == epoch_fault::fenced) fail_in_doubt(partition);
            batch* head = ready_partitions::head_of(partition);
            if (!head || head->compressing) return nullptr; // the one before it has just failed
            if (head == partition.open) records_.close(partition);
            if (head->withdrawn > 0) { // so it has no sequence yet: a batch that was sent can't be withdrawn
                drop_withdrawn(*head);
                if (head->record_count == 0) {
                    accumulator::dequeue(partition, *head);
                    lives_.withdrawn(*head);
                    continue;
                }
            }
            if (compressor_.elsewhere() && begin_job(*head)) return nullptr; // until the job returns
            if (compressor_.compress(*head)) records_.shrink(*head);
            return head;
        }
    }

    // False if the batch is better compressed inline: it is small, or buffer.memory has no room for the result.
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

    // False if the batch has to wait for a new producer id.
    bool prepare_sequence(partition_state& partition, batch& head)
    {
        if (partition.flights.empty() && epochs_.needs_epoch(partition, head)) {
            fail_in_doubt(partition);
            if (!epochs_.start_epoch(partition)) return false;
            debug::epoch_started(logs_, partition);
        }
        assign_sequence(partition, head);
        return true;
    }

    // Before a new epoch: fails the queued batches that may be written, since in another epoch they would be appended
    // again. After a fault in this one they were sent behind a batch that is certainly missing, so a broker that
    // remembers everything has refused them; but that is not known. Once fenced, no broker can tell.
    void fail_in_doubt(partition_state& partition)
    {
        const bool fenced = partition.producer.fault == epoch_fault::fenced;
        for (batch* queued = partition.queue.front(); queued && queued->has_sequence();) {
            batch* next = partition.queue.next(*queued);
            if (in_doubt(*queued)) {
                accumulator::dequeue(partition, *queued);
                lives_.fail(*queued,
                            fenced ? make_error_code(broker_errc::invalid_producer_epoch)
                                   : queued->last_error,
                            persisted::possibly);
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
        head.last_broker = node.name;
        head.last_attempt_epoch = partition.leader_epoch;
    }

    const producer_config& config_;
    accumulator& records_;
    batch_lives& lives_;
    batch_compressor& compressor_;
    ready_partitions& ready_;
    epoch_authority& epochs_;
    log_queue& logs_;
    std::size_t least_for_job_ = least_for_job;
    std::vector<partition_state*> drained_; // kept for its memory
};

} // namespace kurier::inline KURIER_ABI::core
