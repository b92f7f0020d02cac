// Writing record batches of format v2 (KIP-98; https://kafka.apache.org/documentation/#recordbatch).
//
// Records are encoded as they arrive, behind room for the batch header; the header and the CRC are written
// once, when the batch is closed. Offsets inside a batch count from 0: the broker adds the base.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/record/big_endian.hpp>
#include <kurier/record/header.hpp>
#include <kurier/wire/crc32c.hpp>
#include <kurier/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace kurier::inline KURIER_ABI {

inline constexpr std::size_t batch_header_size = 61;
inline constexpr std::int8_t batch_magic = 2;

// Bits of a batch's attributes.
inline constexpr std::uint16_t batch_compression_mask = 0x07;
inline constexpr std::uint16_t batch_log_append_time = 0x08;
inline constexpr std::uint16_t batch_transactional = 0x10;
inline constexpr std::uint16_t batch_control = 0x20;
inline constexpr std::uint16_t batch_delete_horizon = 0x40; // KIP-534; only brokers set it

// Where the fields of the batch header begin.
namespace batch_field {
inline constexpr std::size_t base_offset = 0;
inline constexpr std::size_t length = 8; // of what follows this field
inline constexpr std::size_t partition_leader_epoch = 12;
inline constexpr std::size_t magic = 16;
inline constexpr std::size_t crc = 17; // of what follows this field
inline constexpr std::size_t attributes = 21;
inline constexpr std::size_t last_offset_delta = 23;
inline constexpr std::size_t base_timestamp = 27;
inline constexpr std::size_t max_timestamp = 35;
inline constexpr std::size_t producer_id = 43;
inline constexpr std::size_t producer_epoch = 51;
inline constexpr std::size_t base_sequence = 53;
inline constexpr std::size_t record_count = 57;
} // namespace batch_field

struct batch_info
{
    std::uint16_t attributes = 0;
    std::int64_t base_timestamp = 0;
    std::int64_t max_timestamp = 0;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    std::int32_t record_count = 0;
    std::int32_t partition_leader_epoch = -1;
};

namespace detail {

// A length is never negative, so its zigzag form is its double.
[[gnu::always_inline]] inline std::byte* put_varint_length(std::byte* at, std::size_t length) noexcept
{
    return wire::put_uvarint(at, static_cast<std::uint32_t>(length) << 1);
}

inline std::size_t varint_length_size(std::size_t length) noexcept
{
    return wire::uvarint_size(static_cast<std::uint32_t>(length) << 1);
}

inline std::size_t nullable_size(nullable_bytes bytes) noexcept
{
    return bytes.is_null() ? 1 : varint_length_size(bytes.size()) + bytes.size();
}

[[gnu::always_inline]] inline std::byte* put_nullable(std::byte* at, nullable_bytes bytes) noexcept
{
    if (bytes.is_null()) {
        *at = std::byte{0x01}; // -1
        return at + 1;
    }
    at = put_varint_length(at, bytes.size());
    std::memcpy(at, bytes.data(), bytes.size());
    return at + bytes.size();
}

// Not inlined: most records have no headers, and their loops would cost those the registers.
[[gnu::noinline]] inline std::size_t headers_size(std::span<const header_view> headers) noexcept
{
    std::size_t size = varint_length_size(headers.size());
    for (const header_view& header : headers)
        size += varint_length_size(header.name.size()) + header.name.size() + nullable_size(header.value);
    return size;
}

[[gnu::noinline]] inline std::byte* put_headers(std::byte* at, std::span<const header_view> headers) noexcept
{
    at = put_varint_length(at, headers.size());
    for (const header_view& header : headers)
        at = put_nullable(put_nullable(at, nullable_bytes{header.name}), header.value);
    return at;
}

} // namespace detail

// Size of a record without the varint of its own length in front. No length may exceed 2^31 - 1: the caller
// has checked the record against its limits.
inline std::size_t record_body_size(std::int64_t timestamp_delta, std::int32_t offset_delta,
                                    nullable_bytes key, std::size_t value_size, bool value_null,
                                    std::span<const header_view> headers) noexcept
{
    const std::size_t value_field = value_null ? 1 : detail::varint_length_size(value_size) + value_size;
    const std::size_t header_field = headers.empty() ? 1 : detail::headers_size(headers);
    return 1 + wire::varlong_size(timestamp_delta) + wire::varint_size(offset_delta) +
           detail::nullable_size(key) + value_field + header_field;
}

// A whole record's size with the length in front.
inline std::size_t record_size(std::size_t body_size) noexcept
{
    return detail::varint_length_size(body_size) + body_size;
}

// Everything of a record up to the bytes of its value: for values that are not copied into the batch.
// The value's bytes follow, then put_record_tail.
[[gnu::always_inline]] inline std::byte* put_record_head(std::byte* at, std::size_t body_size,
                                                         std::int64_t timestamp_delta,
                                                         std::int32_t offset_delta, nullable_bytes key,
                                                         std::size_t value_size, bool value_null) noexcept
{
    at = detail::put_varint_length(at, body_size);
    *at++ = std::byte{0}; // attributes: none are defined
    at = wire::put_varlong(at, timestamp_delta);
    at = wire::put_varint(at, offset_delta);
    at = detail::put_nullable(at, key);
    if (value_null) {
        *at = std::byte{0x01}; // -1
        return at + 1;
    }
    return detail::put_varint_length(at, value_size);
}

inline std::byte* put_record_tail(std::byte* at, std::span<const header_view> headers) noexcept
{
    if (headers.empty()) {
        *at = std::byte{0};
        return at + 1;
    }
    return detail::put_headers(at, headers);
}

// Hot: called for every record. Writes a record and returns its end. `body_size` is record_body_size of the
// same arguments, and the caller guarantees record_size(body_size) bytes of room; nothing is written beyond
// them.
[[gnu::always_inline]] inline std::byte* put_record(std::byte* at, std::size_t body_size,
                                                    std::int64_t timestamp_delta, std::int32_t offset_delta,
                                                    nullable_bytes key, nullable_bytes value,
                                                    std::span<const header_view> headers) noexcept
{
    at = put_record_head(at, body_size, timestamp_delta, offset_delta, key, value.size(), value.is_null());
    if (!value.is_null()) std::memcpy(at, value.data(), value.size());
    return put_record_tail(at + value.size(), headers);
}

// At most what a record without headers takes beside its key and value.
inline constexpr std::size_t plain_record_overhead = 32;

// Hot: the same bytes as put_record of a record without headers, in one pass: the length of the record comes last. The
// caller guarantees room for key, value and plain_record_overhead.
[[gnu::always_inline]] inline std::byte* put_plain_record(std::byte* at, std::int32_t timestamp_delta,
                                                          std::int32_t offset_delta, nullable_bytes key,
                                                          nullable_bytes value) noexcept
{
    const std::size_t guessed =
        detail::varint_length_size(key.size() + value.size() + 6); // nearly always right
    std::byte* const body = at + guessed;
    std::byte* end = body;
    *end++ = std::byte{0}; // attributes: none are defined
    end = wire::put_varint(end, timestamp_delta);
    end = wire::put_varint(end, offset_delta);
    end = detail::put_nullable(end, key);
    end = detail::put_nullable(end, value);
    *end++ = std::byte{0}; // no headers
    const auto size = static_cast<std::size_t>(end - body);
    if (const auto needed = detail::varint_length_size(size); needed != guessed) [[unlikely]]
        std::memmove(at + needed, body, size);
    return detail::put_varint_length(at, size) + size;
}

namespace detail {

// Everything but the CRC, which needs the body.
inline void put_batch_header(std::byte* batch, std::size_t total_size, const batch_info& info) noexcept
{
    namespace field = batch_field;
    put_big_endian(batch + field::base_offset, std::int64_t{0});
    put_big_endian(batch + field::length,
                   static_cast<std::int32_t>(total_size - field::partition_leader_epoch));
    put_big_endian(batch + field::partition_leader_epoch, info.partition_leader_epoch);
    put_big_endian(batch + field::magic, batch_magic);
    put_big_endian(batch + field::attributes, info.attributes);
    put_big_endian(batch + field::last_offset_delta, info.record_count - 1);
    put_big_endian(batch + field::base_timestamp, info.base_timestamp);
    put_big_endian(batch + field::max_timestamp, info.max_timestamp);
    put_big_endian(batch + field::producer_id, info.producer_id);
    put_big_endian(batch + field::producer_epoch, info.producer_epoch);
    put_big_endian(batch + field::base_sequence, info.base_sequence);
    put_big_endian(batch + field::record_count, info.record_count);
}

inline void put_producer(std::byte* batch, std::int64_t producer_id, std::int16_t producer_epoch,
                         std::int32_t base_sequence) noexcept
{
    put_big_endian(batch + batch_field::producer_id, producer_id);
    put_big_endian(batch + batch_field::producer_epoch, producer_epoch);
    put_big_endian(batch + batch_field::base_sequence, base_sequence);
}

inline void put_batch_crc(std::byte* batch, std::size_t total_size) noexcept
{
    const bytes_view covered{batch + batch_field::attributes, total_size - batch_field::attributes};
    put_big_endian(batch + batch_field::crc, wire::crc32c(0, covered));
}

inline void put_batch_crc(std::byte* header, std::span<const bytes_view> body) noexcept
{
    const bytes_view covered{header + batch_field::attributes, batch_header_size - batch_field::attributes};
    std::uint32_t crc = wire::crc32c(0, covered);
    for (bytes_view piece : body) crc = wire::crc32c(crc, piece);
    put_big_endian(header + batch_field::crc, crc);
}

} // namespace detail

// Closes a batch in one piece: batch_header_size bytes of room, then the records (compressed or not).
inline void seal_batch(std::byte* batch, std::size_t total_size, const batch_info& info) noexcept
{
    detail::put_batch_header(batch, total_size, info);
    detail::put_batch_crc(batch, total_size);
}

// The same for a body that lies elsewhere, in pieces: `header` is batch_header_size bytes.
inline void seal_batch(std::byte* header, std::span<const bytes_view> body, const batch_info& info) noexcept
{
    std::size_t total_size = batch_header_size;
    for (bytes_view piece : body) total_size += piece.size();
    detail::put_batch_header(header, total_size, info);
    detail::put_batch_crc(header, body);
}

// Gives a closed batch to another producer id, epoch or sequence; its records stay as they are.
inline void reseal_sequence(std::byte* batch, std::size_t total_size, std::int64_t producer_id,
                            std::int16_t producer_epoch, std::int32_t base_sequence) noexcept
{
    detail::put_producer(batch, producer_id, producer_epoch, base_sequence);
    detail::put_batch_crc(batch, total_size);
}

inline void reseal_sequence(std::byte* header, std::span<const bytes_view> body, std::int64_t producer_id,
                            std::int16_t producer_epoch, std::int32_t base_sequence) noexcept
{
    detail::put_producer(header, producer_id, producer_epoch, base_sequence);
    detail::put_batch_crc(header, body);
}

} // namespace kurier::inline KURIER_ABI
