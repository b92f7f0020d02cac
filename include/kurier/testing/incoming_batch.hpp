// A record batch as a broker finds it in a Produce request: its header, and a walk over its records that
// reads no more than the broker's own checks need. Written apart from the client's own reader, so that the
// two can disagree.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/record/batch_format.hpp>
#include <kurier/record/batch_header.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace kurier::inline KURIER_ABI::testing {

template <class Int> Int load_big_endian(const std::byte* at) noexcept
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i != sizeof(Int); ++i) value = value << 8 | std::to_integer<std::uint64_t>(at[i]);
    return static_cast<Int>(value);
}

// The header as it stands: it's the broker's to judge, in its own order. `batch` has batch_header_size bytes
// or more.
inline batch_header load_batch_header(bytes_view batch) noexcept
{
    namespace field = batch_field;
    const std::byte* at = batch.data();
    batch_header h;
    h.base_offset = load_big_endian<std::int64_t>(at + field::base_offset);
    h.length = load_big_endian<std::int32_t>(at + field::length);
    h.partition_leader_epoch = load_big_endian<std::int32_t>(at + field::partition_leader_epoch);
    h.magic = load_big_endian<std::int8_t>(at + field::magic);
    h.crc = load_big_endian<std::uint32_t>(at + field::crc);
    h.attributes = load_big_endian<std::uint16_t>(at + field::attributes);
    h.last_offset_delta = load_big_endian<std::int32_t>(at + field::last_offset_delta);
    h.base_timestamp = load_big_endian<std::int64_t>(at + field::base_timestamp);
    h.max_timestamp = load_big_endian<std::int64_t>(at + field::max_timestamp);
    h.producer_id = load_big_endian<std::int64_t>(at + field::producer_id);
    h.producer_epoch = load_big_endian<std::int16_t>(at + field::producer_epoch);
    h.base_sequence = load_big_endian<std::int32_t>(at + field::base_sequence);
    h.record_count = load_big_endian<std::int32_t>(at + field::record_count);
    return h;
}

struct incoming_record
{
    std::int64_t timestamp_delta = 0;
    std::int32_t offset_delta = 0;
    bool has_key = false;
};

// Walks over uncompressed records. next() gives nothing at a record that breaks the format.
class record_walk
{
public:
    explicit record_walk(bytes_view records) noexcept
        : at_{records.data()}, end_{records.data() + records.size()}
    {}

    bool at_end() const noexcept { return at_ == end_; }

    std::optional<incoming_record> next() noexcept
    {
        const std::int64_t size = take_varlong();
        if (bad_ || size < 0 || size > end_ - at_) return std::nullopt;
        const std::byte* const rest = end_;
        end_ = at_ + size;
        incoming_record record;
        skip(1); // attributes
        record.timestamp_delta = take_varlong();
        record.offset_delta = static_cast<std::int32_t>(take_varlong());
        record.has_key = skip_bytes() >= 0;
        skip_bytes();
        std::int64_t headers = take_varlong();
        if (headers < 0 || headers > end_ - at_) bad_ = true;
        for (; headers > 0 && !bad_; --headers) {
            if (skip_bytes() < 0) bad_ = true; // a header has a name
            skip_bytes();
        }
        if (bad_ || at_ != end_) return std::nullopt;
        end_ = rest;
        return record;
    }

private:
    void skip(std::int64_t size) noexcept
    {
        if (bad_ || size > end_ - at_)
            bad_ = true;
        else
            at_ += size;
    }

    std::int64_t skip_bytes() noexcept // any negative length is null
    {
        const std::int64_t size = take_varlong();
        if (size > 0) skip(size);
        return size;
    }

    std::int64_t take_varlong() noexcept
    {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !bad_; shift += 7) {
            if (at_ == end_) break;
            const auto byte = std::to_integer<std::uint64_t>(*at_++);
            value |= (byte & 0x7f) << shift;
            if (byte < 0x80)
                return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
        }
        bad_ = true;
        return 0;
    }

    const std::byte* at_;
    const std::byte* end_;
    bool bad_ = false;
};

} // namespace kurier::inline KURIER_ABI::testing
