// What a flush waits for: everything sent before it. Batches and parked records carry the flush epoch in which they were
// sent; flush ends an epoch and completes when nothing of it or of earlier ones is left. The pieces of a split batch
// inherit its epoch, so flush waits for them too (KAFKA-9312).
#pragma once

#include <kurier/config.hpp>

#include <cstdint>
#include <deque>

namespace kurier::inline KURIER_ABI::core {

class flush_tracker
{
public:
    std::uint64_t current() const noexcept { return current_; }
    void begin(std::uint64_t epoch) { ++counts_[epoch - first_]; }
    void end(std::uint64_t epoch)
    {
        --counts_[epoch - first_];
        while (counts_.size() > 1 && counts_.front() == 0) {
            counts_.pop_front();
            ++first_;
        }
    }

    // Ends the current epoch and returns it.
    std::uint64_t flush()
    {
        const auto ended = current_;
        counts_.push_back(0);
        ++current_;
        while (counts_.size() > 1 && counts_.front() == 0) {
            counts_.pop_front();
            ++first_;
        }
        return ended;
    }

    bool finished(std::uint64_t epoch) const noexcept { return epoch < first_; }
    bool flushing() const noexcept { return counts_.size() > 1; } // a flush hasn't completed

private:
    friend struct invariant_access;
    std::deque<std::uint64_t> counts_{0};   // unfinished in epochs first_, first_ + 1, ...
    std::uint64_t first_ = 1, current_ = 1; // current_ == first_ + counts_.size() - 1
};

} // namespace kurier::inline KURIER_ABI::core
