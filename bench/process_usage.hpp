// What this process has used: processor time, and memory at its peak.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

#include <sys/resource.h>

namespace kurier::bench {

inline std::uint64_t monotonic_ns() noexcept
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

struct processor_time
{
    double user_s = 0;
    double system_s = 0;
    long voluntary_switches = 0;

    double total() const noexcept { return user_s + system_s; }

    friend processor_time operator-(const processor_time& a, const processor_time& b) noexcept
    {
        return {a.user_s - b.user_s, a.system_s - b.system_s, a.voluntary_switches - b.voluntary_switches};
    }
};

inline processor_time processor_time_used() noexcept
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return {seconds(usage.ru_utime), seconds(usage.ru_stime), usage.ru_nvcsw};
}

// Peak resident memory. Not ru_maxrss: Linux lets that one start at the peak of whoever started the process.
inline long peak_memory_kb()
{
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) return std::strtol(line.c_str() + 6, nullptr, 10);
    }
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

} // namespace kurier::bench
