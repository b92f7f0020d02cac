// All randomness of a simulation comes from here, so that a seed is enough to repeat it, with any compiler and on any
// machine: no distribution of the standard library is the same everywhere.
#pragma once

#include <kurier/config.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>

namespace kurier::inline KURIER_ABI::testing {

class dice // splitmix64
{
public:
    explicit constexpr dice(std::uint64_t seed) noexcept : state_{seed} {}

    constexpr std::uint64_t next() noexcept
    {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    // 0 .. bound - 1
    constexpr std::uint64_t below(std::uint64_t bound) noexcept { return bound ? next() % bound : 0; }

    // lowest .. highest, both included
    template <std::integral Int> constexpr Int between(Int lowest, Int highest) noexcept
    {
        return static_cast<Int>(
            static_cast<std::int64_t>(lowest) +
            static_cast<std::int64_t>(below(static_cast<std::uint64_t>(highest - lowest) + 1)));
    }

    constexpr std::chrono::nanoseconds between(std::chrono::nanoseconds lowest,
                                               std::chrono::nanoseconds highest) noexcept
    {
        return std::chrono::nanoseconds{between(lowest.count(), highest.count())};
    }

    // One time in `times`.
    constexpr bool once_in(std::uint64_t times) noexcept { return times != 0 && below(times) == 0; }
    constexpr bool per_million(std::uint32_t parts) noexcept
    {
        return parts != 0 && below(1'000'000) < parts;
    }

    // An independent sequence: what is drawn here does not change what is drawn there.
    constexpr dice fork() noexcept { return dice{next()}; }

private:
    std::uint64_t state_;
};

} // namespace kurier::inline KURIER_ABI::testing
