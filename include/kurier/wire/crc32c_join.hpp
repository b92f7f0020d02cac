// What the hardware implementations share. The crc instruction takes three cycles but one may start every
// cycle, so they run over three neighbouring stretches at once and join the three results: moving a crc over
// n bytes is a multiplication by x^(8n) modulo the polynomial, which one carry-less multiplication does.
#pragma once

#include <kurier/wire/crc32c_portable.hpp>

#include <cstddef>
#include <cstdint>

namespace kurier::inline KURIER_ABI::wire::detail {

// Product of two polynomials modulo the CRC's, all three reflected.
consteval std::uint32_t crc32c_multiply(std::uint32_t a, std::uint32_t b) noexcept
{
    std::uint32_t product = 0;
    for (std::uint32_t bit = 0x80000000; bit != 0; bit >>= 1) {
        if ((a & bit) != 0) product ^= b;
        b = (b >> 1) ^ ((b & 1) != 0 ? crc32c_polynomial : 0); // b * x
    }
    return product;
}

consteval std::uint32_t crc32c_power_of_x(std::uint64_t exponent) noexcept
{
    std::uint32_t result = 0x80000000; // x^0
    for (std::uint32_t square = 0x40000000; exponent != 0; exponent >>= 1) {
        if ((exponent & 1) != 0) result = crc32c_multiply(result, square);
        square = crc32c_multiply(square, square);
    }
    return result;
}

// The factor that moves a crc over `bytes` bytes. 33 less than 8 * bytes: the carry-less product of two
// reflected words is one bit short of 64 (x^1), and the crc instruction that reduces it multiplies by x^32.
consteval std::uint64_t crc32c_factor(std::size_t bytes)
{
    return crc32c_power_of_x(8 * static_cast<std::uint64_t>(bytes) - 33);
}

// Bytes in each of the three stretches: the long one amortises the joining, the short one serves the rest.
// Three times either fits just under a power of two, because buffers do.
inline constexpr std::size_t crc32c_long_stretch = 1360;
inline constexpr std::size_t crc32c_short_stretch = 168;

} // namespace kurier::inline KURIER_ABI::wire::detail
