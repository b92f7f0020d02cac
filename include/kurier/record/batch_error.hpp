// What can be wrong with a record batch.
#pragma once

#include <kurier/config.hpp>

#include <cstdint>
#include <string_view>

namespace kurier::inline KURIER_ABI {

enum class batch_error : std::uint8_t {
    none,
    truncated,         // ends inside a batch header or before the length it gives
    bad_length,        // the batch length is smaller than a header
    unsupported_magic, // not format v2
    crc_mismatch,
    bad_attributes,     // bits that no version defines, or an unknown compression codec
    bad_record_count,   // negative, or none where there must be some
    bad_offset_range,   // last offset delta does not agree with the record count
    bad_timestamps,     // the batch's max timestamp is not that of its records
    bad_producer_state, // producer id, epoch and sequence contradict each other or the attributes
    control_batch,      // a producer may not send one
    no_decompressor,
    decompression_failed,
    bad_record_length,     // a record's length is negative or does not match its fields
    bad_record_attributes, // records have none
    bad_offset_delta,      // not the next one
    bad_varint,            // too long, or longer than its value needs
    bad_key,               // negative length other than null's, or beyond the record
    bad_value,
    bad_header_count,
    bad_header, // null name, negative length, or beyond the record
    fewer_records_than_told,
    bytes_after_last_record,
};

constexpr std::string_view text(batch_error error) noexcept
{
    switch (error) {
    case batch_error::none:
        return "no error";
    case batch_error::truncated:
        return "batch is truncated";
    case batch_error::bad_length:
        return "batch length is smaller than a batch header";
    case batch_error::unsupported_magic:
        return "batch is not of format v2";
    case batch_error::crc_mismatch:
        return "CRC does not match the batch";
    case batch_error::bad_attributes:
        return "batch has undefined attributes or an unknown compression codec";
    case batch_error::bad_record_count:
        return "record count is negative or zero";
    case batch_error::bad_offset_range:
        return "last offset delta does not agree with the record count";
    case batch_error::bad_timestamps:
        return "max timestamp is not that of the records";
    case batch_error::bad_producer_state:
        return "producer id, epoch and sequence do not agree";
    case batch_error::control_batch:
        return "control batch from a producer";
    case batch_error::no_decompressor:
        return "batch is compressed and there is no decompressor";
    case batch_error::decompression_failed:
        return "records cannot be decompressed within the limit";
    case batch_error::bad_record_length:
        return "record length does not match its fields";
    case batch_error::bad_record_attributes:
        return "record has undefined attributes";
    case batch_error::bad_offset_delta:
        return "offset delta of a record is not the next one";
    case batch_error::bad_varint:
        return "varint is longer than its value needs";
    case batch_error::bad_key:
        return "record key is malformed";
    case batch_error::bad_value:
        return "record value is malformed";
    case batch_error::bad_header_count:
        return "header count is negative or beyond the record";
    case batch_error::bad_header:
        return "record header is malformed";
    case batch_error::fewer_records_than_told:
        return "batch has fewer records than its header tells";
    case batch_error::bytes_after_last_record:
        return "batch has bytes after its last record";
    }
    return "unknown error";
}

} // namespace kurier::inline KURIER_ABI
