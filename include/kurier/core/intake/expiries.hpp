// Records with their own timeout (record::timeout), ordered by deadline. Most records have none and cost nothing here.
#pragma once

#include <kurier/core/state/topic.hpp>
#include <kurier/core/support/make_room.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

// Where such a record is: parked, or in a batch. Batches are recycled, so it says which use of the batch is meant.
struct expiry
{
    nanoseconds at{never};
    waiting_record* parked = nullptr;
    batch* where = nullptr;
    const partition_state* partition = nullptr;
    std::uint64_t first_record = 0;
    std::uint32_t index = 0;

    void is_in(const place& found) noexcept
    {
        parked = nullptr;
        where = found.where;
        partition = where->partition;
        first_record = where->first_record;
        index = found.index;
    }

    bool is_open() const noexcept
    {
        if (parked) return true;
        return where && where->partition == partition && where->first_record == first_record &&
               !where->carrier_of(index).first->done();
    }
};

class expiries
{
public:
    // Does all that may throw, so that add() doesn't.
    void prepare()
    {
        if (heap_.size() >= tidy_at_) tidy();
        make_room(heap_, heap_.size() + 1);
        if (!spare_) spare_ = std::make_unique<expiry>();
    }

    expiry& add(nanoseconds at) noexcept
    {
        auto& added = *heap_.emplace_back(std::move(spare_));
        added.at = at;
        std::push_heap(heap_.begin(), heap_.end(), later_first);
        return added;
    }

    // The next record that has expired and is still unresolved; empty if there is none.
    std::unique_ptr<expiry> next(nanoseconds now)
    {
        while (!heap_.empty() && (heap_.front()->at <= now || !heap_.front()->is_open())) {
            std::pop_heap(heap_.begin(), heap_.end(), later_first);
            auto first = std::move(heap_.back());
            heap_.pop_back();
            if (first->is_open()) return first;
        }
        return {};
    }

    nanoseconds deadline() const noexcept { return heap_.empty() ? never : heap_.front()->at; }
    std::size_t size() const noexcept { return heap_.size(); }

private:
    static bool later_first(const std::unique_ptr<expiry>& a, const std::unique_ptr<expiry>& b) noexcept
    {
        return a->at > b->at;
    }

    // Delivered records leave at their deadline, or when half of all entries are delivered; the unresolved ones are bounded
    // by the buffer.
    void tidy() noexcept
    {
        std::erase_if(heap_, [](const auto& one) { return !one->is_open(); });
        std::make_heap(heap_.begin(), heap_.end(), later_first);
        tidy_at_ = std::max<std::size_t>(2 * heap_.size(), 64);
    }

    std::vector<std::unique_ptr<expiry>> heap_;
    std::unique_ptr<expiry> spare_;
    std::size_t tidy_at_ = 64;
};

} // namespace kurier::inline KURIER_ABI::core
