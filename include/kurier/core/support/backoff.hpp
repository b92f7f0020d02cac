// Exponential backoff with jitter, as KIP-580: first * 2^attempt, at most max, then +-20 %.
#pragma once

#include <kurier/core/support/random.hpp>
#include <kurier/instant.hpp>

#include <algorithm>
#include <chrono>

namespace kurier::inline KURIER_ABI::core {

inline nanoseconds backoff(nanoseconds first, nanoseconds max, int attempt, random_source& random) noexcept
{
    const int doublings = std::clamp(attempt, 0, 30);
    const auto grown = first.count() > (max.count() >> doublings) ? max.count() : first.count() << doublings;
    const auto base = std::max<std::int64_t>(std::min(grown, max.count()), 0);
    const auto jitter_span = base / 5 * 2; // 40 % of it, centred
    const auto jitter = jitter_span > 0
                            ? static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(jitter_span)))
                            : 0;
    return nanoseconds{base - jitter_span / 2 + jitter};
}

// While records wait for a new leader: near enough to the moment at which the cluster has elected one. Who has none after
// so many questions (half a minute) won't have it sooner by asking often.
inline nanoseconds election_backoff(nanoseconds first, nanoseconds max, int attempt,
                                    random_source& random) noexcept
{
    constexpr nanoseconds near = std::chrono::milliseconds{250};
    constexpr int hurried = 120;
    const auto most = attempt < hurried ? std::min(max, std::max(first, near)) : max;
    return backoff(first, most, attempt, random);
}

} // namespace kurier::inline KURIER_ABI::core
