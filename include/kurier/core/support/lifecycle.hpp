// A producer's life: open; draining, until nothing is left or a deadline has passed; ended. The one place that decides
// about close, so that it is the same for every driver.
#pragma once

#include <kurier/error.hpp>
#include <kurier/instant.hpp>

#include <algorithm>
#include <cstdint>

namespace kurier::inline KURIER_ABI::core {

class lifecycle
{
public:
    bool takes_records() const noexcept { return phase_ == phase::open; }
    bool draining() const noexcept { return phase_ == phase::draining; }
    bool ended() const noexcept { return phase_ == phase::ended; }

    // No new records from now on. Of several deadlines the earliest counts.
    void drain(nanoseconds until) noexcept
    {
        if (phase_ == phase::open) phase_ = phase::draining;
        deadline_ = std::min(deadline_, until);
    }

    // `idle`: every record is delivered or has failed.
    bool drained(bool idle, nanoseconds now) const noexcept
    {
        return draining() && (idle || deadline_ <= now);
    }

    nanoseconds deadline(bool idle) const noexcept
    {
        return !draining() ? never : idle ? nanoseconds{0} : deadline_;
    }

    // For the first reason that there is: errc::closed after a close that left nothing behind.
    void end(error_code why) noexcept
    {
        if (!ended()) outcome_ = why == errc::closed ? error_code{} : why;
        phase_ = phase::ended;
    }

    // Of close: an error if records were given up.
    error_code outcome() const noexcept { return outcome_; }

private:
    enum class phase : std::uint8_t { open, draining, ended };

    phase phase_ = phase::open;
    nanoseconds deadline_ = never;
    error_code outcome_;
};

} // namespace kurier::inline KURIER_ABI::core
