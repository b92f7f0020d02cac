// The core's own random numbers (jitter, sticky partitions): seeded by the driver, the same on every platform,
// so that a run can be replayed. Not for security.
#pragma once

#include <kurier/config.hpp>

#include <cstdint>

namespace kurier::inline KURIER_ABI::core {

class random_source // splitmix64
{
public:
    explicit random_source(std::uint64_t seed) noexcept : state_{seed} {}

    std::uint64_t next() noexcept
    {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    std::uint64_t below(std::uint64_t bound) noexcept { return bound ? next() % bound : 0; }

private:
    std::uint64_t state_;
};

} // namespace kurier::inline KURIER_ABI::core
