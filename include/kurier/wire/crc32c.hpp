// CRC-32C, the checksum of record batches. The implementation is chosen once, when first used, by what the
// processor can do; the program needs no compiler flag for it.
#pragma once

#include <kurier/wire/crc32c_arm64.hpp>
#include <kurier/wire/crc32c_portable.hpp>
#include <kurier/wire/crc32c_sse42.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace kurier::inline KURIER_ABI::wire {

struct crc32c_implementation
{
    std::string_view name;
    bool (*runs)() noexcept; // whether this processor can
    std::uint32_t (*extend)(std::uint32_t, bytes_view) noexcept;
};

// Those compiled in, the fastest first; the last one runs everywhere.
inline constexpr auto crc32c_implementations = std::to_array<crc32c_implementation>({
#if defined(KURIER_HAS_CRC32C_SSE42)
    {"sse4.2", crc32c_sse42_runs, crc32c_sse42},
#endif
#if defined(KURIER_HAS_CRC32C_ARM64)
    {"arm64", crc32c_arm64_runs, crc32c_arm64},
#endif
    {"portable", []() noexcept { return true; },
     [](std::uint32_t crc, bytes_view bytes) noexcept { return crc32c_portable(crc, bytes); }},
});

inline const crc32c_implementation& best_crc32c() noexcept
{
    const auto last = std::prev(crc32c_implementations.end());
    return *std::find_if(crc32c_implementations.begin(), last,
                         [](const crc32c_implementation& candidate) { return candidate.runs(); });
}

// The crc of what `crc` covers followed by `bytes`; begin with 0. Any thread.
inline std::uint32_t crc32c(std::uint32_t crc, bytes_view bytes) noexcept
{
    static const auto extend = best_crc32c().extend;
    return extend(crc, bytes);
}

} // namespace kurier::inline KURIER_ABI::wire
