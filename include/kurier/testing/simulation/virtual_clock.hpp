// Time that passes when the simulation says so, and what is to happen when.
#pragma once

#include <kurier/instant.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class virtual_clock
{
public:
    std::chrono::nanoseconds now() const noexcept { return now_; }
    void advance_to(std::chrono::nanoseconds time) noexcept { now_ = std::max(now_, time); }

    // What the producer's machine reads, and what the brokers' do. Only wall clocks can disagree.
    core::instant client() const noexcept { return {now_, true_wall_ms() + client_skew_ms_}; }
    core::instant broker() const noexcept { return {now_, true_wall_ms()}; }

    void set_client_skew(std::int64_t milliseconds) noexcept { client_skew_ms_ = milliseconds; }

private:
    std::int64_t true_wall_ms() const noexcept
    {
        return start_ms + std::chrono::duration_cast<std::chrono::milliseconds>(now_).count();
    }

    static constexpr std::int64_t start_ms = 1'767'225'600'000; // 2026-01-01
    std::chrono::nanoseconds now_{std::chrono::seconds{1}};
    std::int64_t client_skew_ms_ = 0;
};

// Things to do at their times; those of the same time in the order in which they were put in.
template <class Event> class agenda
{
public:
    void add(std::chrono::nanoseconds when, Event event)
    {
        heap_.push_back({when, number_++, std::move(event)});
        std::push_heap(heap_.begin(), heap_.end(), later_first);
    }

    bool empty() const noexcept { return heap_.empty(); }
    std::chrono::nanoseconds next_time() const noexcept
    {
        return heap_.empty() ? core::never : heap_.front().when;
    }

    Event take()
    {
        std::pop_heap(heap_.begin(), heap_.end(), later_first);
        Event taken = std::move(heap_.back().event);
        heap_.pop_back();
        return taken;
    }

private:
    struct entry
    {
        std::chrono::nanoseconds when;
        std::uint64_t number;
        Event event;
    };
    static bool later_first(const entry& a, const entry& b) noexcept
    {
        return a.when != b.when ? a.when > b.when : a.number > b.number;
    }

    std::vector<entry> heap_;
    std::uint64_t number_ = 0;
};

} // namespace kurier::inline KURIER_ABI::testing
