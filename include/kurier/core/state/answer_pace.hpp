// How long nearly all of a broker's answers take lately, about their p99. From that follows how long one may be due before
// it is silence. A pure state machine of a few operations for each answer.
#pragma once

#include <kurier/config.hpp>
#include <kurier/instant.hpp>

#include <algorithm>
#include <chrono>

namespace kurier::inline KURIER_ABI::core {

class answer_pace
{
public:
    // One that takes longer raises it by half, at most to itself; one that doesn't lowers it by 1/256. With steps that are
    // not cut short, that is in balance where one in a hundred takes longer. An outlier moves it by one step, ten slow ones
    // in a row by all that they are slower.
    void answered(nanoseconds took) noexcept
    {
        if (took > p99_)
            p99_ = std::min(took, p99_ + p99_ / 2);
        else
            p99_ = std::max(p99_ - p99_ / 256, least);
    }

    // Storage that takes a second for each request and a slow follower are a pace; a broker that is frozen, or behind a
    // path that swallows packets, is none.
    nanoseconds patience() const noexcept { return p99_ * 4; }

private:
    static constexpr nanoseconds least = std::chrono::milliseconds{125}; // patience of half a second

    nanoseconds p99_ = least;
};

} // namespace kurier::inline KURIER_ABI::core
