// CRC-32C (Castagnoli) in plain C++: "slicing by eight", that is eight look-ups in eight tables for eight
// bytes. Used where the processor has no instruction for it, and at compile time.
#pragma once

#include <kurier/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace kurier::inline KURIER_ABI::wire {

inline constexpr std::uint32_t crc32c_polynomial = 0x82f63b78; // reflected: bit 31 is x^0

namespace detail {

using crc32c_tables = std::array<std::array<std::uint32_t, 256>, 8>;

consteval crc32c_tables make_crc32c_tables()
{
    crc32c_tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? crc32c_polynomial : 0);
        tables[0][byte] = crc;
    }
    for (std::size_t slice = 1; slice < 8; ++slice)
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[slice - 1][byte];
            tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xff];
        }
    return tables;
}

inline constexpr crc32c_tables slices = make_crc32c_tables();

constexpr std::uint32_t little_endian_word(const std::byte* at) noexcept
{
    return std::to_integer<std::uint32_t>(at[0]) | std::to_integer<std::uint32_t>(at[1]) << 8 |
           std::to_integer<std::uint32_t>(at[2]) << 16 | std::to_integer<std::uint32_t>(at[3]) << 24;
}

} // namespace detail

constexpr std::uint32_t crc32c_portable(std::uint32_t crc, bytes_view bytes) noexcept
{
    const auto& t = detail::slices;
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    crc = ~crc;
    for (; left >= 8; left -= 8, at += 8) {
        const std::uint32_t low = crc ^ detail::little_endian_word(at);
        const std::uint32_t high = detail::little_endian_word(at + 4);
        crc = t[7][low & 0xff] ^ t[6][low >> 8 & 0xff] ^ t[5][low >> 16 & 0xff] ^ t[4][low >> 24] ^
              t[3][high & 0xff] ^ t[2][high >> 8 & 0xff] ^ t[1][high >> 16 & 0xff] ^ t[0][high >> 24];
    }
    for (; left != 0; --left, ++at)
        crc = (crc >> 8) ^ t[0][(crc ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
    return ~crc;
}

} // namespace kurier::inline KURIER_ABI::wire
