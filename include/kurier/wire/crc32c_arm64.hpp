// CRC-32C with the CRC32 instructions of ARMv8, three stretches at a time joined by PMULL.
// The functions carry their own `target`, so the program needs no -march; call them only if
// crc32c_arm64_runs().
#pragma once

#if defined(__aarch64__) && defined(__AARCH64EL__) && (defined(__linux__) || defined(__APPLE__))
#define KURIER_HAS_CRC32C_ARM64 1

#include <kurier/wire/crc32c_join.hpp>

#include <arm_acle.h>
#include <arm_neon.h>
#include <cstring>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

namespace kurier::inline KURIER_ABI::wire {

inline bool crc32c_arm64_runs() noexcept
{
#if defined(__linux__)
    constexpr unsigned long pmull = 1UL << 4; // HWCAP_PMULL and HWCAP_CRC32 of <asm/hwcap.h>
    constexpr unsigned long crc32 = 1UL << 7;
    return (getauxval(AT_HWCAP) & (pmull | crc32)) == (pmull | crc32);
#else
    return true; // every 64-bit Apple processor of a supported system has both
#endif
}

namespace detail {

[[gnu::target("+crc")]] inline std::uint32_t arm64_step(std::uint32_t crc, const std::byte* at) noexcept
{
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return __crc32cd(crc, word);
}

[[gnu::target("+crypto")]] inline std::uint64_t arm64_moved(std::uint32_t crc, std::uint64_t factor) noexcept
{
    return static_cast<std::uint64_t>(vmull_p64(static_cast<poly64_t>(crc), static_cast<poly64_t>(factor)));
}

template <std::size_t Stretch> [[gnu::target("+crc+crypto")]] inline std::uint32_t
arm64_three_stretches(std::uint32_t crc, const std::byte* at) noexcept
{
    static_assert(Stretch % 8 == 0);
    std::uint32_t second = 0;
    std::uint32_t third = 0;
    for (const std::byte* end = at + Stretch; at != end; at += 8) {
        crc = arm64_step(crc, at);
        second = arm64_step(second, at + Stretch);
        third = arm64_step(third, at + 2 * Stretch);
    }
    const std::uint64_t moved =
        arm64_moved(crc, crc32c_factor(2 * Stretch)) ^ arm64_moved(second, crc32c_factor(Stretch));
    return __crc32cd(0, moved) ^ third;
}

} // namespace detail

[[gnu::target("+crc+crypto")]] inline std::uint32_t crc32c_arm64(std::uint32_t crc, bytes_view bytes) noexcept
{
    constexpr std::size_t long_stretch = detail::crc32c_long_stretch;
    constexpr std::size_t short_stretch = detail::crc32c_short_stretch;
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    crc = ~crc;
    for (; left >= 3 * long_stretch; left -= 3 * long_stretch, at += 3 * long_stretch)
        crc = detail::arm64_three_stretches<long_stretch>(crc, at);
    for (; left >= 3 * short_stretch; left -= 3 * short_stretch, at += 3 * short_stretch)
        crc = detail::arm64_three_stretches<short_stretch>(crc, at);
    for (; left >= 8; left -= 8, at += 8) crc = detail::arm64_step(crc, at);
    for (; left != 0; --left, ++at) crc = __crc32cb(crc, std::to_integer<std::uint8_t>(*at));
    return ~crc;
}

} // namespace kurier::inline KURIER_ABI::wire

#endif
