// The header of a record batch, as read.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/record/batch_error.hpp>
#include <kurier/record/batch_format.hpp>
#include <kurier/wire/crc32c.hpp>
#include <kurier/wire/reader.hpp>

#include <cstddef>
#include <cstdint>

namespace kurier::inline KURIER_ABI {

struct batch_header
{
    std::int64_t base_offset = 0;
    std::int32_t length = 0; // of what follows this field
    std::int32_t partition_leader_epoch = -1;
    std::int8_t magic = 0;
    std::uint32_t crc = 0;
    std::uint16_t attributes = 0;
    std::int32_t last_offset_delta = 0;
    std::int64_t base_timestamp = 0;
    std::int64_t max_timestamp = 0;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    std::int32_t record_count = 0;

    std::size_t total_size() const noexcept
    {
        return static_cast<std::size_t>(length) + batch_field::partition_leader_epoch;
    }
    int codec() const noexcept { return attributes & batch_compression_mask; }
    bool log_append_time() const noexcept { return (attributes & batch_log_append_time) != 0; }
    bool transactional() const noexcept { return (attributes & batch_transactional) != 0; }
    bool control() const noexcept { return (attributes & batch_control) != 0; }
    std::int64_t last_offset() const noexcept { return base_offset + last_offset_delta; }

    // Sequences run from 0 to 2^31 - 1 and start over.
    std::int32_t last_sequence() const noexcept
    {
        if (base_sequence < 0) return base_sequence;
        return static_cast<std::int32_t>(
            (static_cast<std::uint32_t>(base_sequence) + static_cast<std::uint32_t>(last_offset_delta)) &
            0x7fffffff);
    }

    friend bool operator==(const batch_header&, const batch_header&) = default;
};

// Reads the header of the batch at the front of `bytes` and checks that all of the batch is there, that it is
// of format v2 and that its CRC holds. Whether the fields make sense is batch_reader's question.
inline batch_error read_batch_header(bytes_view bytes, batch_header& header) noexcept
{
    wire::reader in{bytes};
    header.base_offset = in.take_int<std::int64_t>();
    header.length = in.take_int<std::int32_t>();
    if (in.bad()) return batch_error::truncated;
    if (bytes.size() > batch_field::magic) {
        header.magic = static_cast<std::int8_t>(bytes[batch_field::magic]); // older formats are smaller, too
        if (header.magic != batch_magic) return batch_error::unsupported_magic;
    }
    constexpr std::int32_t smallest = batch_header_size - batch_field::partition_leader_epoch;
    if (header.length < smallest) return batch_error::bad_length;
    if (in.left() < static_cast<std::size_t>(header.length)) return batch_error::truncated;

    header.partition_leader_epoch = in.take_int<std::int32_t>();
    in.take(1); // magic
    header.crc = in.take_int<std::uint32_t>();
    header.attributes = in.take_int<std::uint16_t>();
    header.last_offset_delta = in.take_int<std::int32_t>();
    header.base_timestamp = in.take_int<std::int64_t>();
    header.max_timestamp = in.take_int<std::int64_t>();
    header.producer_id = in.take_int<std::int64_t>();
    header.producer_epoch = in.take_int<std::int16_t>();
    header.base_sequence = in.take_int<std::int32_t>();
    header.record_count = in.take_int<std::int32_t>();

    const bytes_view covered =
        bytes.subspan(batch_field::attributes, header.total_size() - batch_field::attributes);
    return wire::crc32c(0, covered) == header.crc ? batch_error::none : batch_error::crc_mismatch;
}

} // namespace kurier::inline KURIER_ABI
