// What a broker checks of a batch before it looks at the producer's state, in Kafka's order (ProduceRequest's
// validateRecords, UnifiedLog's analyzeAndValidateRecords, LogValidator), since a batch that breaks two rules
// gets the error of the first.
#pragma once

#include <kurier/testing/cluster_options.hpp>
#include <kurier/testing/incoming_batch.hpp>
#include <kurier/wire/crc32c.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

struct record_error
{
    std::int32_t batch_index = 0;
    std::string message;
};

struct validation
{
    broker_errc error = broker_errc::none;
    std::string message;
    std::vector<record_error> record_errors;
    batch_header header;
    bytes_view batch;                // without bytes that follow it
    std::int64_t max_timestamp = -1; // of the records, whatever the header says
    // What a broker lets pass though no good client writes it.
    bool wrong_offset_deltas = false;
    bool wrong_max_timestamp = false;

    bool failed() const noexcept { return error != broker_errc::none; }
    void fail(broker_errc code, std::string text)
    {
        error = code;
        message = std::move(text);
    }
};

class batch_validator
{
public:
    batch_validator(const topic_options& topic, const batch_decompressor& decompress, std::int64_t now_ms)
        : topic_{topic}, decompress_{decompress}, now_ms_{now_ms}
    {}

    // The shape: exactly one batch of format v2.
    static validation check_shape(bytes_view records, std::int16_t produce_version)
    {
        validation result;
        std::size_t size = 0;
        if (!find_batch(records, size, result)) {
            if (!result.failed()) result.fail(broker_errc::invalid_record, "no record batch");
            return result;
        }
        result.batch = records.first(size);
        if (load_big_endian<std::int8_t>(records.data() + batch_field::magic) != batch_magic) {
            result.fail(broker_errc::invalid_record, "only record batches of format v2 are allowed");
        } else if (size < batch_header_size) {
            result.fail(broker_errc::corrupt_message, "the record batch is shorter than its header");
        } else {
            result.header = load_batch_header(result.batch);
            std::size_t next = 0;
            if (result.header.codec() == 4 && produce_version < 7)
                result.fail(broker_errc::unsupported_compression_type, "ZStandard needs Produce v7");
            else if (find_batch(records.subspan(size), next, result))
                result.fail(broker_errc::invalid_record, "more than one record batch");
        }
        return result;
    }

    void check(validation& result)
    {
        check_batch(result);
        if (!result.failed()) check_header(result);
        if (!result.failed()) check_records(result);
    }

private:
    static constexpr std::size_t header_up_to_length = 12;
    static constexpr std::size_t header_up_to_magic = 17;

    // Too few bytes are no error, as at the end of a file.
    static bool find_batch(bytes_view bytes, std::size_t& size, validation& result)
    {
        if (bytes.size() < header_up_to_length) return false;
        const auto length = load_big_endian<std::int32_t>(bytes.data() + batch_field::length);
        if (length < 14) {
            result.fail(broker_errc::corrupt_message, "the length of the batch is impossible");
            return false;
        }
        if (bytes.size() < header_up_to_magic) return false;
        const auto magic = load_big_endian<std::int8_t>(bytes.data() + batch_field::magic);
        if (magic < 0 || magic > batch_magic) {
            result.fail(broker_errc::corrupt_message, "the format version of the batch is unknown");
            return false;
        }
        size = static_cast<std::size_t>(length) + batch_field::partition_leader_epoch;
        return size <= bytes.size();
    }

    void check_batch(validation& result) const
    {
        if (result.header.base_offset != 0)
            return result.fail(broker_errc::invalid_record, "the base offset of the batch is not 0");
        if (result.batch.size() > static_cast<std::size_t>(std::max(topic_.max_message_bytes, 0)))
            return result.fail(broker_errc::message_too_large, "the batch is larger than max.message.bytes");
        if (wire::crc32c(0, result.batch.subspan(batch_field::attributes)) != result.header.crc)
            return result.fail(broker_errc::corrupt_message, "the CRC of the batch is wrong");
        if (result.header.codec() > 4)
            result.fail(broker_errc::unknown_server_error, "Unknown compression type id");
    }

    static void check_header(validation& result)
    {
        const batch_header& header = result.header;
        if (header.last_offset_delta < 0)
            result.fail(broker_errc::invalid_record, "the batch has an invalid offset range");
        else if (header.record_count <= 0)
            result.fail(broker_errc::invalid_record, "the batch has an invalid record count");
        else if (header.last_offset_delta != header.record_count - 1)
            result.fail(broker_errc::invalid_record, "offset range and record count of the batch disagree");
        else if (header.control())
            result.fail(broker_errc::invalid_record, "clients are not allowed to write control records");
        else if (header.producer_id != -1 && header.base_sequence < 0)
            result.fail(broker_errc::invalid_record, "the batch has a producer id and no sequence number");
    }

    void check_records(validation& result)
    {
        bytes_view records = result.batch.subspan(batch_header_size);
        std::vector<std::byte> decompressed;
        if (result.header.codec() != 0) {
            if (!decompress_) {
                result.max_timestamp = result.header.max_timestamp;
                return;
            }
            if (!decompress_(result.header.codec(), records, batch_reader::default_max_decompressed,
                             decompressed))
                return result.fail(broker_errc::unknown_server_error, "the batch cannot be decompressed");
            records = decompressed;
        }
        record_walk walk{records};
        bool timestamps_bad = false;
        for (std::int32_t i = 0; i != result.header.record_count; ++i) {
            const auto record = walk.next();
            if (!record) {
                result.record_errors.clear();
                return result.fail(broker_errc::invalid_record, "a record of the batch breaks the format");
            }
            timestamps_bad |= check_record(*record, i, result);
        }
        if (!walk.at_end()) {
            result.record_errors.clear();
            return result.fail(broker_errc::invalid_record,
                               "bytes remain behind the last record of the batch");
        }
        result.wrong_max_timestamp =
            !result.header.log_append_time() && result.max_timestamp != result.header.max_timestamp;
        if (timestamps_bad)
            result.fail(broker_errc::invalid_timestamp,
                        "One or more records have been rejected due to invalid timestamp");
        else if (!result.record_errors.empty())
            result.fail(broker_errc::invalid_record, "One or more records have been rejected");
    }

    // True when the timestamp is what is wrong.
    bool check_record(const incoming_record& record, std::int32_t index, validation& result) const
    {
        const batch_header& header = result.header;
        const std::int64_t timestamp = header.log_append_time()
                                           ? header.max_timestamp
                                           : add(header.base_timestamp, record.timestamp_delta);
        result.max_timestamp = std::max(result.max_timestamp, timestamp);
        if (record.offset_delta != index) result.wrong_offset_deltas = true;

        if (topic_.compact && !record.has_key) {
            result.record_errors.push_back({index, "Compacted topic cannot accept message without key"});
            return false;
        }
        if (!topic_.log_append_time && timestamp != -1) {
            const std::int64_t age = subtract(now_ms_, timestamp);
            if (age <= topic_.message_timestamp_before_max_ms &&
                subtract(0, age) <= topic_.message_timestamp_after_max_ms)
                return false;
            result.record_errors.push_back(
                {index, "Timestamp " + std::to_string(timestamp) + " is out of range"});
            return true;
        }
        if (!header.log_append_time()) return false;
        result.record_errors.push_back({index, "Producer should not set timestamp type to LogAppendTime"});
        return true;
    }

    // Both wrap, as Java's do.
    static std::int64_t add(std::int64_t a, std::int64_t b) noexcept
    {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    }
    static std::int64_t subtract(std::int64_t a, std::int64_t b) noexcept
    {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
    }

    const topic_options& topic_;
    const batch_decompressor& decompress_;
    std::int64_t now_ms_;
};

} // namespace kurier::inline KURIER_ABI::testing
