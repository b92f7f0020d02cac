// The batches there are, from opened until nobody refers to them: the oldest first as long as their fate is open, then
// those that are done and not yet announced. What became of them is counted here, and flushes hear of it.
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/batching/flush_tracker.hpp>
#include <kurier/core/produce/split.hpp>
#include <kurier/metrics.hpp>

#include <cstdint>

namespace kurier::core {

class batch_lives
{
public:
    batch_lives(accumulator& records, flush_tracker& flushes, producer_metrics& metrics)
        : records_{records}, flushes_{flushes}, metrics_{metrics}
    {}

    // --- open --------------------------------------------------------------------------------------------------------

    void begin(batch& fresh)
    {
        aging_.push_back(fresh);
        flushes_.begin(fresh.flush_epoch);
    }

    void attempted(batch& head, instant now) // it is handed to a connection
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
            release(about); // the promise was broken by its deadline; the answer came after it
            return;
        }
        about.base_offset = base_offset;
        // For a batch that it had already, a broker gives the largest timestamp of its records as log append time, also
        // where the topic keeps create times.
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
        ++metrics_.batches_failed;
        metrics_.records_failed += static_cast<std::uint64_t>(about.live_records());
        finish(about, why, written);
    }

    void withdrawn(batch& empty) { finish(empty, errc::withdrawn, persisted::no); }

    // The halves carry what the whole carried, and are as old. The whole is not announced: they are.
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

    // --- announced and forgotten -------------------------------------------------------------------------------------

    batch* next_done() const noexcept { return done_.front(); }

    void announced(batch& done) // all who waited were told
    {
        done_.erase(done);
        release(done);
    }

    // Gives back what nobody refers to any more.
    void release(batch& unused)
    {
        if (!unused.done() || unused.requests != 0 || unused.done_hook.linked) return;
        if (batch* root =
                unused.root) { // a piece stays until its root goes, because deliveries find it there
            records_.free_memory(unused);
            unused.piece_over = true; // it comes here once: deliveries refer to the root only
            --root->open_pieces;
            release(*root);
            return;
        }
        if (unused.open_pieces > 0) return;
        if (unused.deliveries > 0) {
            records_.free_memory(unused);
            return;
        }
        for (batch* piece : unused.pieces) records_.recycle(*piece);
        records_.recycle(unused);
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
    intrusive_list<batch, &batch::age_hook> aging_; // everything that is not done, oldest first
    intrusive_list<batch, &batch::done_hook> done_; // not yet announced
};

} // namespace kurier::core
