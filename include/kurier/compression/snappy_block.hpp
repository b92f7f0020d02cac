// Compresses one block of at most 32 KiB into the snappy format (format_description.txt of google/snappy).
// libsnappy's own compressor allocates about 100 KiB at each call, which here would be at each 32 KiB of a batch;
// this one keeps its table. Reading, where hostile data has to be withstood, is left to the library.
#pragma once

#include <kurier/config.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kurier::inline KURIER_ABI::detail {

class snappy_block
{
public:
    static constexpr std::size_t max_input = 32 * 1024;

    // Room for any block of this size, with some to spare for copies of 16 bytes that write past their end.
    static constexpr std::size_t bound(std::size_t size) noexcept { return 32 + size + size / 6; }

    // Writes at most bound(size) bytes, returns how many. `size` <= max_input.
    std::size_t compress(const std::byte* in, std::size_t size, std::byte* out) noexcept
    {
        auto* to = put_size(out, size);
        const auto* literal = in; // what has been read but not written
        if (size >= shortest_searched) {
            const unsigned bits = table_bits(size);
            std::memset(table_.data(), 0, sizeof(table_[0]) << bits);
            to = search(in, size, 32 - bits, to, literal);
        }
        const auto rest = static_cast<std::size_t>(in + size - literal);
        if (rest != 0) {
            to = put_literal_tag(to, rest);
            std::memcpy(to, literal, rest);
            to += rest;
        }
        return static_cast<std::size_t>(to - out);
    }

private:
    static constexpr unsigned most_table_bits = 14;
    static constexpr std::size_t margin = 16;            // loads and copies reach this far
    static constexpr std::size_t shortest_searched = 32; // anything shorter is a literal

    static std::uint32_t load32(const std::byte* at) noexcept
    {
        std::uint32_t value;
        std::memcpy(&value, at, sizeof value);
        return value;
    }

    static std::uint64_t load64(const std::byte* at) noexcept
    {
        std::uint64_t value;
        std::memcpy(&value, at, sizeof value);
        return value;
    }

    // Clearing the table is part of the price, so small blocks get a small one.
    static unsigned table_bits(std::size_t size) noexcept
    {
        unsigned bits = 8;
        while (bits < most_table_bits && (std::size_t{1} << bits) < size) ++bits;
        return bits;
    }

    // Finds repeats of four bytes and more and writes them, with the literals between. Leaves the last bytes to
    // `literal`. The longer nothing is found, the larger the steps: 32 looks at each byte, then 32 at each
    // second one and so on, so that incompressible data costs little.
    std::byte* search(const std::byte* in, std::size_t size, unsigned shift, std::byte* to,
                      const std::byte*& literal) noexcept
    {
        const auto* const last = in + size - margin;
        const auto hash = [shift](std::uint32_t value) { return (value * 0x9e3779b1U) >> shift; };
        const auto note = [&](const std::byte* at) -> const std::byte* {
            auto& entry = table_[hash(load32(at))];
            const auto* before = in + entry;
            entry = static_cast<std::uint16_t>(at - in);
            return before;
        };
        const auto* at = in + 1;
        while (true) {
            const auto* before = note(at);
            for (std::size_t looks = 32; load32(before) != load32(at);) {
                const auto step = looks++ >> 5U;
                if (static_cast<std::size_t>(last - at) < step) return to;
                at += step;
                before = note(at);
            }
            to = put_literal(to, literal, static_cast<std::size_t>(at - literal));
            do {
                const auto length = 4 + matching(before + 4, at + 4, in + size);
                to = put_copy(to, static_cast<std::size_t>(at - before), length);
                at += length;
                literal = at;
                if (at > last) return to;
                note(at - 1);
                before = note(at);
            } while (load32(before) == load32(at));
            if (at++ == last) return to;
        }
    }

    static std::size_t matching(const std::byte* a, const std::byte* b, const std::byte* end) noexcept
    {
        const auto* const start = b;
        while (end - b >= 8) {
            if (const auto differ = load64(a) ^ load64(b); differ != 0) {
                const int bits = std::endian::native == std::endian::little ? std::countr_zero(differ)
                                                                            : std::countl_zero(differ);
                return static_cast<std::size_t>(b - start) + static_cast<std::size_t>(bits) / 8;
            }
            a += 8;
            b += 8;
        }
        while (b != end && *a == *b) {
            ++a;
            ++b;
        }
        return static_cast<std::size_t>(b - start);
    }

    static std::byte low(std::size_t value) noexcept { return static_cast<std::byte>(value & 0xffU); }

    static std::byte* put_size(std::byte* to, std::size_t size) noexcept
    {
        for (; size >= 0x80; size >>= 7U) *to++ = low(size | 0x80U);
        *to++ = low(size);
        return to;
    }

    static std::byte* put_literal_tag(std::byte* to, std::size_t size) noexcept
    {
        const auto n = size - 1;
        if (n < 60) {
            *to++ = low(n << 2U);
        } else if (n < 256) {
            *to++ = low(60U << 2U);
            *to++ = low(n);
        } else {
            *to++ = low(61U << 2U);
            *to++ = low(n);
            *to++ = low(n >> 8U);
        }
        return to;
    }

    // Only where `margin` bytes may be read behind `from`.
    static std::byte* put_literal(std::byte* to, const std::byte* from, std::size_t size) noexcept
    {
        if (size <= margin) {
            *to = low((size - 1) << 2U);
            std::memcpy(to + 1, from, margin); // one load and store, whatever the size
            return to + 1 + size;
        }
        to = put_literal_tag(to, size);
        std::memcpy(to, from, size);
        return to + size;
    }

    // A copy holds at most 64 bytes, and at least 4 in the two-byte form; the last piece is never shorter.
    static std::byte* put_copy(std::byte* to, std::size_t offset, std::size_t length) noexcept
    {
        for (; length >= 68; length -= 64) to = put_long_copy(to, offset, 64);
        if (length > 64) {
            to = put_long_copy(to, offset, 60);
            length -= 60;
        }
        if (length >= 12 || offset >= 2048) return put_long_copy(to, offset, length);
        *to++ = low(1U | (length - 4) << 2U | offset >> 8U << 5U);
        *to++ = low(offset);
        return to;
    }

    static std::byte* put_long_copy(std::byte* to, std::size_t offset, std::size_t length) noexcept
    {
        *to++ = low(2U | (length - 1) << 2U);
        *to++ = low(offset);
        *to++ = low(offset >> 8U);
        return to;
    }

    // Where four bytes with this hash were last seen. Zero, the beginning, serves as "nowhere": it is compared
    // like any other place.
    std::array<std::uint16_t, std::size_t{1} << most_table_bits> table_;
};

} // namespace kurier::inline KURIER_ABI::detail
