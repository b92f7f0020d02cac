// Record batches for tests of a broker, wrong ones too.
#pragma once

#include <kurier/record/batch_format.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class batch_builder
{
public:
    explicit batch_builder(std::int64_t timestamp) { info_.base_timestamp = info_.max_timestamp = timestamp; }

    // Each `step` milliseconds after the one before.
    batch_builder& record(nullable_bytes key, nullable_bytes value, std::int64_t step = 1)
    {
        const std::int32_t index = info_.record_count++;
        const std::int64_t delta = index * step;
        const std::size_t size = record_body_size(delta, index, key, value.size(), value.is_null(), {});
        const std::size_t at = body_.size();
        body_.resize(at + record_size(size));
        put_record(body_.data() + at, size, delta, index, key, value, {});
        if (delta > 0) info_.max_timestamp = info_.base_timestamp + delta;
        return *this;
    }
    batch_builder& records(int count, std::int64_t step = 1)
    {
        for (int i = 0; i != count; ++i) {
            const std::string value = "value " + std::to_string(i);
            record("key", std::string_view{value}, step);
        }
        return *this;
    }
    batch_builder& producer(std::int64_t id, std::int16_t epoch, std::int32_t sequence)
    {
        info_.producer_id = id;
        info_.producer_epoch = epoch;
        info_.base_sequence = sequence;
        return *this;
    }
    batch_builder& attributes(std::uint16_t bits) { return info_.attributes = bits, *this; }
    batch_builder& max_timestamp(std::int64_t ms) { return info_.max_timestamp = ms, *this; }
    batch_builder& base_offset(std::int64_t offset) { return base_offset_ = offset, *this; }
    batch_builder& last_offset_delta(std::int32_t delta) { return last_offset_delta_ = delta, *this; }
    batch_builder& record_count(std::int32_t count) { return record_count_ = count, *this; }
    batch_builder& body(std::string_view text)
    {
        const bytes_view bytes = as_bytes(text);
        body_.assign(bytes.begin(), bytes.end());
        return *this;
    }

    std::vector<std::byte> build() const
    {
        std::vector<std::byte> batch(batch_header_size + body_.size());
        std::copy(body_.begin(), body_.end(), batch.begin() + batch_header_size);
        seal_batch(batch.data(), batch.size(), info_);
        if (base_offset_) detail::put_big_endian(batch.data() + batch_field::base_offset, *base_offset_);
        if (record_count_) detail::put_big_endian(batch.data() + batch_field::record_count, *record_count_);
        if (last_offset_delta_)
            detail::put_big_endian(batch.data() + batch_field::last_offset_delta, *last_offset_delta_);
        detail::put_batch_crc(batch.data(), batch.size());
        return batch;
    }
    operator std::vector<std::byte>() const { return build(); }

private:
    batch_info info_;
    std::vector<std::byte> body_;
    std::optional<std::int64_t> base_offset_;
    std::optional<std::int32_t> record_count_, last_offset_delta_;
};

} // namespace kurier::inline KURIER_ABI::testing
