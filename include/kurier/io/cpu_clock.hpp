// CPU time of the current thread: what compression.type=auto judges codecs by.
#pragma once

#include <kurier/config.hpp>

#include <chrono>
#include <cstdint>

#if __has_include(<time.h>) && defined(__unix__)
#include <time.h>
#endif

namespace kurier::inline KURIER_ABI::io {

inline std::uint64_t thread_cpu_time() noexcept
{
#if defined(CLOCK_THREAD_CPUTIME_ID)
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
#else
    const std::chrono::nanoseconds now =
        std::chrono::steady_clock::now().time_since_epoch(); // the closest substitute
    return static_cast<std::uint64_t>(now.count());
#endif
}

} // namespace kurier::inline KURIER_ABI::io
