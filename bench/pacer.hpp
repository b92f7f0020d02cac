// When each record of a fixed rate is due: bursts of equal size at equal distances from a common start.
#pragma once

#include <cstdint>
#include <ctime>

#include <sys/prctl.h>

namespace kurier::bench {

class pacer
{
public:
    pacer(std::uint64_t start_ns, std::uint64_t records_per_s, std::uint64_t burst) noexcept
        : start_ns_{start_ns}, rate_{records_per_s}, burst_{burst == 0 ? 1 : burst}
    {}

    std::uint64_t due_ns(std::uint64_t record) const noexcept
    {
        const std::uint64_t first_of_burst = record / burst_ * burst_;
        const std::uint64_t seconds = first_of_burst / rate_;
        return start_ns_ + seconds * second + (first_of_burst - seconds * rate_) * second / rate_;
    }

    bool starts_burst(std::uint64_t record) const noexcept { return record % burst_ == 0; }

private:
    static constexpr std::uint64_t second = 1'000'000'000;

    std::uint64_t start_ns_;
    std::uint64_t rate_;
    std::uint64_t burst_;
};

inline void sleep_until(std::uint64_t monotonic_ns) noexcept
{
    const timespec until{static_cast<std::time_t>(monotonic_ns / 1'000'000'000u),
                         static_cast<long>(monotonic_ns % 1'000'000'000u)};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

// Linux may wake a sleeper 50 us late to save power; a latency benchmark asks for 1 ns.
inline void ask_for_precise_timers() noexcept
{
    ::prctl(PR_SET_TIMERSLACK, 1);
}

} // namespace kurier::bench
