// Time as the core sees it: a value that its driver passes in. The core never reads a clock.
#pragma once

#include <kurier/config.hpp>

#include <chrono>
#include <cstdint>

namespace kurier::inline KURIER_ABI::core {

using std::chrono::nanoseconds;

// `steady` orders events and measures timeouts; its epoch is the driver's choice. `wall_ms` is Unix time in
// milliseconds and is used only as the create time of records, so a wall clock that jumps does no harm.
struct instant
{
    nanoseconds steady{0};
    std::int64_t wall_ms = 0;
};

inline constexpr nanoseconds never = nanoseconds::max();

// a + b without overflow: configured durations may be "for ever".
constexpr nanoseconds later(nanoseconds a, nanoseconds b) noexcept
{
    return b >= never - a ? never : a + b;
}

} // namespace kurier::inline KURIER_ABI::core
