// Counts the records of one producer as they are delivered. One thread.
#pragma once

#include "statistics.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

namespace kurier::bench {

class recorder
{
public:
    recorder(std::uint64_t warmup_records, std::uint64_t start_ns)
        : warmup_{warmup_records}, window_start_ns_{start_ns}, steady_start_ns_{start_ns},
          delivered_ns_{start_ns}
    {}

    // `sent_ns` is 0 if the record was not timed.
    void delivered(std::uint64_t value_bytes, std::uint64_t sent_ns, std::uint64_t due_ns)
    {
        window_->add(value_bytes);
        if (sent_ns != 0) add_timed(sent_ns, due_ns);
        if (++finished_ == warmup_) end_warmup();
    }

    // Of many records at once, which share one time.
    void delivered_together(std::uint64_t records, std::uint64_t value_bytes, std::uint64_t sent_ns,
                            std::uint64_t due_ns)
    {
        const bool crosses_warmup = finished_ < warmup_ && finished_ + records >= warmup_;
        window_->delivered += records;
        window_->bytes += value_bytes;
        add_timed(sent_ns, due_ns);
        finished_ += records;
        if (crosses_warmup) end_warmup();
    }

    void failed(std::uint64_t records = 1)
    {
        failed_ += records;
        const bool crosses_warmup = finished_ < warmup_ && finished_ + records >= warmup_;
        finished_ += records;
        if (crosses_warmup) end_warmup();
    }

    std::uint64_t finished() const noexcept { return finished_; }
    std::uint64_t failures() const noexcept { return failed_; }
    std::uint64_t steady_start_ns() const noexcept { return steady_start_ns_; }

    // What was delivered since the last time, and how many seconds ago that was.
    std::pair<const tally*, double> end_window()
    {
        const std::uint64_t now = monotonic_ns();
        const double seconds = static_cast<double>(now - window_start_ns_) * 1e-9;
        total_->merge(*window_);
        if (finished_ >= warmup_) steady_->merge(*window_);
        window_start_ns_ = now;
        std::swap(window_, last_window_);
        window_->clear();
        return {last_window_.get(), seconds};
    }

    // Complete after the last end_window.
    const tally& total() const noexcept { return *total_; }
    const tally& steady() const noexcept { return *steady_; }

private:
    // Few are, so it must not make the others' code any longer.
    [[gnu::noinline]] void add_timed(std::uint64_t sent_ns, std::uint64_t due_ns)
    {
        const std::uint64_t now = monotonic_ns();
        window_->add_latency(now - sent_ns, now - due_ns);
        window_->longest_silence = std::max(window_->longest_silence, now - delivered_ns_);
        delivered_ns_ = now;
    }

    void end_warmup()
    {
        total_->merge(*window_);
        window_->clear();
        window_start_ns_ = steady_start_ns_ = monotonic_ns();
    }

    std::uint64_t warmup_;
    std::uint64_t finished_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t window_start_ns_;
    std::uint64_t steady_start_ns_;
    std::uint64_t delivered_ns_; // the last timed one
    std::unique_ptr<tally> window_ = std::make_unique<tally>();
    std::unique_ptr<tally> last_window_ = std::make_unique<tally>();
    std::unique_ptr<tally> total_ = std::make_unique<tally>();
    std::unique_ptr<tally> steady_ = std::make_unique<tally>();
};

} // namespace kurier::bench
