// librdkafka's default, consistent_random: CRC-32 of the key. Records with a null or an empty key go
// anywhere. For topics that clients built on librdkafka write to, too.
#pragma once

#include <kurier/partitioner.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace kurier::inline KURIER_ABI {

namespace detail {

consteval std::array<std::uint32_t, 256> make_crc32_table()
{
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
        table[byte] = crc;
    }
    return table;
}

inline constexpr std::array<std::uint32_t, 256> crc32_table = make_crc32_table();

} // namespace detail

// The CRC-32 of zlib and Ethernet; keys are short, so a table serves.
constexpr std::uint32_t crc32(bytes_view bytes) noexcept
{
    std::uint32_t crc = 0xffffffff;
    for (std::byte b : bytes)
        crc = (crc >> 8) ^ detail::crc32_table[(crc ^ std::to_integer<std::uint32_t>(b)) & 0xff];
    return ~crc;
}

struct crc32_partitioner
{
    std::int32_t partition(const partition_query& query) const noexcept
    {
        if (query.key.size() == 0) return any_partition;
        return static_cast<std::int32_t>(crc32(query.key.view()) %
                                         static_cast<std::uint32_t>(query.partition_count));
    }
};

static_assert(partitioner<crc32_partitioner>);

} // namespace kurier::inline KURIER_ABI
