// Reads record batches of format v2, one or several in a row, trusting nothing: what is wrong gives an error,
// never a read beyond the bytes or an allocation that a length field asks for.
//
//     batch_reader in{bytes};
//     while (in.next_batch())
//         for (record_view r; in.next_record(r);) use(in.header(), r);
//     if (in.error() != batch_error::none) ...
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/record/batch_error.hpp>
#include <kurier/record/batch_header.hpp>
#include <kurier/record/header.hpp>
#include <kurier/wire/reader.hpp>
#include <kurier/wire/varint.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI {

struct record_view
{
    std::int64_t offset = 0;
    std::int64_t timestamp = 0; // milliseconds since 1970
    nullable_bytes key{};
    nullable_bytes value{};
    std::span<const header_view> headers{}; // until the next record is read
};

// Whose batches they are decides how strict the reader is.
enum class batch_origin : std::uint8_t {
    producer, // as a broker checks a Produce request: offsets without gaps, no control batches, no empty ones
    log,      // as stored: compaction leaves gaps and empty batches, coordinators write control batches
};

// Replaces `out` with what `in`, compressed by `codec` (1 gzip, 2 snappy, 3 lz4, 4 zstd), holds: at most
// `max_output` bytes. False if it can't.
using batch_decompressor =
    std::function<bool(int codec, bytes_view in, std::size_t max_output, std::vector<std::byte>& out)>;

class batch_reader
{
public:
    static constexpr std::size_t default_max_decompressed = 64 * 1024 * 1024;

    explicit batch_reader(bytes_view batches, batch_origin origin = batch_origin::log,
                          batch_decompressor decompress = {},
                          std::size_t max_decompressed = default_max_decompressed)
        : left_{batches}, origin_{origin}, decompress_{std::move(decompress)},
          max_decompressed_{max_decompressed}
    {}

    // Goes to the next batch, checking what is left of the current one. False at the end and on an error.
    bool next_batch()
    {
        for (record_view rest; next_record(rest);) {
        }
        if (error_ != batch_error::none || left_.empty()) return false;
        header_ = {};
        if ((error_ = read_batch_header(left_, header_)) != batch_error::none) return false;
        if ((error_ = check_header()) != batch_error::none) return false;
        batch_ = left_.first(header_.total_size());
        if ((error_ = open_body()) != batch_error::none) return false;
        left_ = left_.subspan(batch_.size());
        in_batch_ = true;
        records_read_ = 0;
        largest_timestamp_ = std::numeric_limits<std::int64_t>::min();
        return true;
    }

    // The batch's next record. False after its last one and on an error; what spans the whole batch
    // (timestamps, bytes after the last record) is checked then.
    bool next_record(record_view& record)
    {
        if (!in_batch_) return false;
        if (records_read_ == header_.record_count) {
            error_ = check_end();
            in_batch_ = false;
            return false;
        }
        if ((error_ = read_record(record)) != batch_error::none) {
            in_batch_ = false;
            return false;
        }
        ++records_read_;
        return true;
    }

    const batch_header& header() const noexcept { return header_; } // of the current batch
    bytes_view batch() const noexcept { return batch_; }            // all its bytes
    batch_error error() const noexcept { return error_; }           // sticky

private:
    batch_error check_header() const noexcept
    {
        constexpr unsigned defined = batch_compression_mask | batch_log_append_time | batch_transactional |
                                     batch_control | batch_delete_horizon;
        const batch_header& h = header_;
        const bool strict = origin_ == batch_origin::producer;
        if ((h.attributes & ~defined) != 0 || h.codec() > 4) return batch_error::bad_attributes;
        if (h.record_count < 0 || (strict && h.record_count == 0)) return batch_error::bad_record_count;
        if (h.last_offset_delta < 0 || h.last_offset_delta < h.record_count - 1)
            return batch_error::bad_offset_range;
        if (h.base_offset < 0 ||
            h.base_offset > std::numeric_limits<std::int64_t>::max() - h.last_offset_delta)
            return batch_error::bad_offset_range;
        if (strict && h.last_offset_delta != h.record_count - 1) return batch_error::bad_offset_range;
        if (strict && h.control()) return batch_error::control_batch;
        if (strict && (h.attributes & (batch_log_append_time | batch_delete_horizon)) != 0)
            return batch_error::bad_attributes;
        return strict ? check_producer() : batch_error::none;
    }

    batch_error check_producer() const noexcept
    {
        const batch_header& h = header_;
        const bool with_sequence = h.producer_id >= 0 && h.producer_epoch >= 0 && h.base_sequence >= 0;
        const bool without = h.producer_id == -1 && h.producer_epoch == -1 && h.base_sequence == -1;
        if ((!with_sequence && !without) || (h.transactional() && without))
            return batch_error::bad_producer_state;
        return batch_error::none;
    }

    batch_error open_body()
    {
        bytes_view body = batch_.subspan(batch_header_size);
        if (header_.codec() != 0 && header_.record_count != 0) {
            if (!decompress_) return batch_error::no_decompressor;
            if (!decompress_(header_.codec(), body, max_decompressed_, decompressed_) ||
                decompressed_.size() > max_decompressed_)
                return batch_error::decompression_failed;
            body = decompressed_;
        }
        body_ = wire::reader{body};
        return batch_error::none;
    }

    batch_error read_record(record_view& record)
    {
        if (body_.left() == 0) return batch_error::fewer_records_than_told;
        std::int32_t length = 0;
        if (!take_varint(body_, length)) return batch_error::bad_varint;
        if (length < 0 || static_cast<std::size_t>(length) > body_.left())
            return batch_error::bad_record_length;
        wire::reader in{body_.take(static_cast<std::size_t>(length))};

        if (in.take_int<std::int8_t>() != 0) return batch_error::bad_record_attributes;
        std::int64_t timestamp_delta = 0;
        std::int32_t offset_delta = 0;
        if (!take_varlong(in, timestamp_delta) || !take_varint(in, offset_delta))
            return batch_error::bad_varint;
        if (!accept_offset(offset_delta)) return batch_error::bad_offset_delta;
        record.offset = header_.base_offset + offset_delta;
        if (!accept_timestamp(timestamp_delta, record.timestamp)) return batch_error::bad_timestamps;
        if (!take_nullable(in, record.key)) return batch_error::bad_key;
        if (!take_nullable(in, record.value)) return batch_error::bad_value;
        if (const batch_error e = read_headers(in); e != batch_error::none) return e;
        record.headers = headers_;
        return in.left() != 0 ? batch_error::bad_record_length : batch_error::none;
    }

    batch_error read_headers(wire::reader& in)
    {
        headers_.clear();
        std::int32_t count = 0;
        if (!take_varint(in, count)) return batch_error::bad_varint;
        if (count < 0 || static_cast<std::size_t>(count) > in.left() / 2)
            return batch_error::bad_header_count;
        headers_.reserve(
            static_cast<std::size_t>(count)); // a header is at least two bytes, so this is bounded
        for (; count != 0; --count) {
            nullable_bytes name;
            nullable_bytes value;
            if (!take_nullable(in, name) || name.is_null() || !take_nullable(in, value))
                return batch_error::bad_header;
            headers_.push_back({as_text(name.view()), value});
        }
        return batch_error::none;
    }

    batch_error check_end() const noexcept
    {
        if (body_.left() != 0 && header_.record_count != 0) return batch_error::bytes_after_last_record;
        const bool own_times = !header_.log_append_time() && header_.record_count != 0;
        // Compaction may drop the record that had the greatest timestamp.
        if (own_times && (origin_ == batch_origin::producer ? largest_timestamp_ != header_.max_timestamp
                                                            : largest_timestamp_ > header_.max_timestamp))
            return batch_error::bad_timestamps;
        return batch_error::none;
    }

    bool accept_offset(std::int32_t delta) noexcept
    {
        const std::int32_t next = records_read_ == 0 ? 0 : last_delta_ + 1;
        if (origin_ == batch_origin::producer ? delta != next
                                              : delta < next || delta > header_.last_offset_delta)
            return false;
        last_delta_ = delta;
        return true;
    }

    bool accept_timestamp(std::int64_t delta, std::int64_t& time) noexcept
    {
        if (__builtin_add_overflow(header_.base_timestamp, delta, &time)) return false;
        largest_timestamp_ = std::max(largest_timestamp_, time);
        if (header_.log_append_time()) time = header_.max_timestamp;
        return true;
    }

    // Only the shortest form of a number is taken: no writer has reason for another.
    static bool take_varint(wire::reader& in, std::int32_t& value) noexcept
    {
        const std::size_t before = in.left();
        value = in.take_varint();
        return !in.bad() && before - in.left() == wire::varint_size(value);
    }

    static bool take_varlong(wire::reader& in, std::int64_t& value) noexcept
    {
        const std::size_t before = in.left();
        value = in.take_varlong();
        return !in.bad() && before - in.left() == wire::varlong_size(value);
    }

    static bool take_nullable(wire::reader& in, nullable_bytes& bytes) noexcept
    {
        std::int32_t length = 0;
        if (!take_varint(in, length) || length < -1) return false;
        bytes = {};
        if (length < 0) return true;
        if (static_cast<std::size_t>(length) > in.left()) return false;
        bytes = nullable_bytes{in.take(static_cast<std::size_t>(length))};
        return true;
    }

    bytes_view left_;
    batch_origin origin_;
    batch_decompressor decompress_;
    std::size_t max_decompressed_;

    batch_header header_;
    bytes_view batch_;
    wire::reader body_{bytes_view{}};
    std::vector<std::byte> decompressed_;
    std::vector<header_view> headers_;
    bool in_batch_ = false;
    std::int32_t records_read_ = 0;
    std::int32_t last_delta_ = 0;
    std::int64_t largest_timestamp_ = 0;
    batch_error error_ = batch_error::none;
};

// Reads everything and tells the first error.
inline batch_error check_batches(bytes_view batches, batch_origin origin, batch_decompressor decompress = {},
                                 std::size_t max_decompressed = batch_reader::default_max_decompressed)
{
    batch_reader in{batches, origin, std::move(decompress), max_decompressed};
    while (in.next_batch()) {
    }
    return in.error();
}

} // namespace kurier::inline KURIER_ABI
