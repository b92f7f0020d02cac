// Every batch from its first record until nothing refers to it: unfinished ones by age, then those that are done and
// wait to be announced. Their outcomes are counted here, and flushes are notified.
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/batching/flush_tracker.hpp>
#include <kurier/core/produce/split.hpp>
#include <kurier/core/support/debug_events.hpp>
#include <kurier/metrics.hpp>

#include <cstdint>

namespace kurier::inline KURIER_ABI::core {

class batch_lives
{
public:
    batch_lives(accumulator& records, flush_tracker& flushes, producer_metrics& metrics, log_queue& logs)
        : records_{records}, flushes_{flushes}, metrics_{metrics}, logs_{logs}
    {}

    // --- open --------------------------------------------------------------------------------------------------------

    void begin(batch& fresh)
    {
        aging_.push_back(fresh);
        flushes_.begin(fresh.flush_epoch);
    }

    void attempted(batch& head, instant now) // it goes into a request
    {
        if (head.attempts++ == 0) {
            head.drained = now.steady;
            metrics_.queue_time.add(now.steady - head.created);
        } else {
            ++metrics_.batches_retried;
            metrics_.records_retried += static_cast<std::uint64_t>(head.record_count);
        }
    }

    batch* oldest() const noexcept { return aging_.front(); }
    batch* younger(batch& than) const noexcept { return aging_.next(than); }
    std::size_t unfinished() const noexcept { return aging_.size(); }
    std::size_t unfinished_records() const noexcept
    {
        std::size_t count = 0;
        for (const auto* pending = aging_.front(); pending; pending = aging_.next(*pending))
            count += static_cast<std::size_t>(pending->live_records());
        return count;
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    // `written`: yes, or possibly where no response will ever say so (acks=0).
    void succeed(batch& about, persisted written, std::int64_t base_offset, std::int64_t log_append_time,
                 instant now)
    {
        if (about.done()) {
            release(about); // the response came after delivery.timeout.ms had failed it
            return;
        }
        about.base_offset = base_offset;
        // For a duplicate, a broker returns the batch's largest timestamp as its log append time, even if the topic keeps
        // create times.
        const bool repeated = about.attempts > 1 && log_append_time == about.max_timestamp;
        about.log_append_time = repeated ? -1 : log_append_time;
        about.note.reset();
        ++metrics_.batches_delivered;
        metrics_.records_delivered += static_cast<std::uint64_t>(about.live_records());
        metrics_.batch_bytes += about.wire_size();
        metrics_.delivery_time.add(now.steady - about.created);
        finish(about, {}, written);
    }

    void fail(batch& about, error_code why, persisted written)
    {
        debug::batch_failed(logs_, about, why, written);
        ++metrics_.batches_failed;
        metrics_.records_failed += static_cast<std::uint64_t>(about.live_records());
        finish(about, why, written);
    }

    void withdrawn(batch& empty) { finish(empty, errc::withdrawn, persisted::no); }

    // The halves take the place of the whole, at its age. They are announced; the whole isn't.
    void replace(batch& whole, const two_batches& halves)
    {
        ++metrics_.batches_split;
        batch* const younger = aging_.next(whole);
        for (batch* half : halves) {
            flushes_.begin(half->flush_epoch);
            aging_.insert_before(younger, *half);
        }
        aging_.remove(whole);
        flushes_.end(whole.flush_epoch);
        whole.phase = batch_phase::done;
        if (whole.root) release(whole);
    }

    // --- announced and released --------------------------------------------------------------------------------------

    batch* next_done() const noexcept { return done_.front(); }

    void announced(batch& done) // every waiter was notified
    {
        done_.erase(done);
        release(done);
    }

    // Frees the memory, and then the batch itself, as soon as nothing refers to it.
    void release(batch& unused)
    {
        if (!unused.done() || unused.requests != 0 || unused.done_hook.linked) return;
        if (batch* root =
                unused.root) { // a piece stays as long as its root, because deliveries find it there
            records_.store().free_memory(unused);
            unused.piece_over = true; // this happens once: deliveries refer to the root only
            --root->open_pieces;
            release(*root);
            return;
        }
        if (unused.open_pieces > 0) return;
        if (unused.deliveries > 0) {
            records_.store().free_memory(unused);
            return;
        }
        for (batch* piece : unused.pieces) records_.store().recycle(*piece);
        records_.store().recycle(unused);
    }

private:
    friend struct invariant_access;

    void finish(batch& about, error_code why, persisted written)
    {
        about.error = why;
        about.written = written;
        about.phase = batch_phase::done;
        aging_.remove(about);
        done_.push_back(about);
        flushes_.end(about.flush_epoch);
    }

    accumulator& records_;
    flush_tracker& flushes_;
    producer_metrics& metrics_;
    log_queue& logs_;
    intrusive_list<batch, &batch::age_hook> aging_; // everything that is not done, oldest first
    intrusive_list<batch, &batch::done_hook> done_; // not yet announced
};

} // namespace kurier::inline KURIER_ABI::core
