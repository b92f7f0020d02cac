// CRC-32C with the crc32 instruction of SSE 4.2, three stretches at a time joined by PCLMULQDQ.
// The functions carry their own `target`, so the program needs no -msse4.2; call them only if
// crc32c_sse42_runs().
#pragma once

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define KURIER_HAS_CRC32C_SSE42 1

#include <kurier/wire/crc32c_join.hpp>

#include <cstring>
#include <nmmintrin.h>
#include <wmmintrin.h>

namespace kurier::inline KURIER_ABI::wire {

inline bool crc32c_sse42_runs() noexcept
{
    __builtin_cpu_init(); // needed when called from another constructor before libgcc's own
    return __builtin_cpu_supports("sse4.2") != 0 && __builtin_cpu_supports("pclmul") != 0;
}

namespace detail {

[[gnu::target("sse4.2")]] inline std::uint64_t sse42_step(std::uint64_t crc, const std::byte* at) noexcept
{
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return _mm_crc32_u64(crc, word);
}

[[gnu::target("sse4.2,pclmul")]] inline std::uint64_t sse42_moved(std::uint64_t crc,
                                                                  std::uint64_t factor) noexcept
{
    const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128(static_cast<long long>(crc)),
                                                 _mm_cvtsi64_si128(static_cast<long long>(factor)), 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
}

template <std::size_t Stretch> [[gnu::target("sse4.2,pclmul")]] inline std::uint64_t
sse42_three_stretches(std::uint64_t crc, const std::byte* at) noexcept
{
    static_assert(Stretch % 8 == 0);
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (const std::byte* end = at + Stretch; at != end; at += 8) {
        crc = sse42_step(crc, at);
        second = sse42_step(second, at + Stretch);
        third = sse42_step(third, at + 2 * Stretch);
    }
    const std::uint64_t moved =
        sse42_moved(crc, crc32c_factor(2 * Stretch)) ^ sse42_moved(second, crc32c_factor(Stretch));
    return _mm_crc32_u64(0, moved) ^ third;
}

} // namespace detail

[[gnu::target("sse4.2,pclmul")]] inline std::uint32_t crc32c_sse42(std::uint32_t initial,
                                                                   bytes_view bytes) noexcept
{
    constexpr std::size_t long_stretch = detail::crc32c_long_stretch;
    constexpr std::size_t short_stretch = detail::crc32c_short_stretch;
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    std::uint64_t crc = ~initial;
    for (; left >= 3 * long_stretch; left -= 3 * long_stretch, at += 3 * long_stretch)
        crc = detail::sse42_three_stretches<long_stretch>(crc, at);
    for (; left >= 3 * short_stretch; left -= 3 * short_stretch, at += 3 * short_stretch)
        crc = detail::sse42_three_stretches<short_stretch>(crc, at);
    for (; left >= 8; left -= 8, at += 8) crc = detail::sse42_step(crc, at);
    auto narrow = static_cast<std::uint32_t>(crc);
    for (; left != 0; --left, ++at) narrow = _mm_crc32_u8(narrow, std::to_integer<unsigned char>(*at));
    return ~narrow;
}

} // namespace kurier::inline KURIER_ABI::wire

#endif
