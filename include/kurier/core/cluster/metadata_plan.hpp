// When to ask for metadata, and about which topics: at once about unknown ones, soon after trouble with a leader, and every
// metadata.max.age.ms anyway. One request at a time, with backoff after fruitless ones.
#pragma once

#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/support/backoff.hpp>

#include <algorithm>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class metadata_plan
{
public:
    metadata_plan(const producer_config& config, random_source& random) : config_{config}, random_{random} {}

    // Something is unknown or out of date. Whoever noticed has marked the topics stale.
    void ask_soon() noexcept { needed_ = true; }

    // The same for a topic never asked about: as long as responses are useful, it need not wait for the pause between two
    // requests. A program that starts using a thousand topics, one after another, would wait for each.
    void ask_for_new() noexcept { needed_ = new_ = true; }

    bool due(nanoseconds now) const noexcept { return !asked_ && now >= next_at(); }
    nanoseconds deadline() const noexcept { return asked_ ? never : next_at(); }

    void asked(bool all) noexcept
    {
        asked_ = true;
        asked_all_ = all;
        needed_ = new_ = false;
    }
    bool all_due(nanoseconds now) const noexcept
    {
        return !ever_ || now >= later(refreshed_, config_.metadata_max_age);
    }

    // `useful`: it named what was asked for. Otherwise, and after a loss, the next one waits.
    void answered(bool useful, nanoseconds now)
    {
        take_answer(useful, now);
        pause(now);
    }

    // It named topics that are known, and no leader for one of them. `took`: as long as brokers answer at once they can be
    // asked often.
    void answered_without_leader(nanoseconds took, nanoseconds now)
    {
        take_answer(false, now);
        const auto least = std::min<nanoseconds>(took * 10, config_.retry_backoff_max);
        not_before_ = now + std::max(least, election_backoff(config_.retry_backoff, config_.retry_backoff_max,
                                                             std::max(fruitless_ - 1, 0), random_));
    }

    void lost(nanoseconds now)
    {
        asked_ = false;
        needed_ = true;
        ++fruitless_;
        pause(now);
    }

private:
    nanoseconds next_at() const noexcept
    {
        if (new_ && fruitless_ == 0) return nanoseconds{0};
        const auto regular = ever_ ? later(refreshed_, config_.metadata_max_age) : nanoseconds{0};
        return std::max(not_before_, needed_ ? nanoseconds{0} : regular);
    }

    void take_answer(bool useful, nanoseconds now) noexcept
    {
        asked_ = false;
        ever_ = true;
        if (asked_all_) refreshed_ = now;
        fruitless_ = useful ? 0 : fruitless_ + 1;
    }

    void pause(nanoseconds now)
    {
        // Also after a useful answer: leaders that change back and forth must not make a storm of requests.
        not_before_ = now + backoff(config_.retry_backoff, config_.retry_backoff_max,
                                    std::max(fruitless_ - 1, 0), random_);
    }

    const producer_config& config_;
    random_source& random_;
    bool needed_ = true, new_ = false, asked_ = false, asked_all_ = false, ever_ = false;
    nanoseconds not_before_{0}, refreshed_{0};
    int fruitless_ = 0;
};

} // namespace kurier::inline KURIER_ABI::core
