// Records as a test wants to see them: copied out of a partition's log, decoded by kurier's own batch reader.
#pragma once

#include <kurier/record/batch_reader.hpp>
#include <kurier/testing/partition_log.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

// A header with copies of its texts.
struct stored_header
{
    std::string name;
    std::optional<std::string> value;
    friend bool operator==(const stored_header&, const stored_header&) = default;
};

// A record with copies of its texts, and what its batch says of the producer.
struct stored_record
{
    std::int64_t offset = 0;
    std::int64_t timestamp = 0;
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::vector<stored_header> headers;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t sequence = -1;
};

// Nothing for null.
inline std::optional<std::string> to_optional_string(nullable_bytes bytes)
{
    return bytes.is_null() ? std::nullopt : std::optional<std::string>{as_text(bytes.view())};
}

// Throws std::runtime_error when the reader refuses what the broker has stored, as for a compressed batch
// without a decompressor.
inline std::vector<stored_record> read_records(const partition_log& log, const batch_decompressor& decompress,
                                               isolation level = isolation::read_uncommitted)
{
    std::vector<stored_record> records;
    const bool committed = level == isolation::read_committed;
    const auto end = committed ? log.last_stable_offset() : log.end_offset();
    for (const stored_batch& stored : log.batches()) {
        const batch_header about = load_batch_header(log.bytes(stored));
        if (about.control() || stored.base_offset >= end) continue;
        if (committed && about.transactional() &&
            log.transactions().was_aborted(about.producer_id, stored.base_offset))
            continue;
        batch_reader in{log.bytes(stored), batch_origin::log, decompress};
        while (in.next_batch()) {
            const batch_header& header = in.header();
            for (record_view r; in.next_record(r);) {
                if (r.offset < log.start_offset()) continue;
                stored_record record;
                record.offset = r.offset;
                record.timestamp = r.timestamp;
                record.key = to_optional_string(r.key);
                record.value = to_optional_string(r.value);
                for (const header_view& h : r.headers)
                    record.headers.push_back({std::string{h.name}, to_optional_string(h.value)});
                record.producer_id = header.producer_id;
                record.producer_epoch = header.producer_epoch;
                const auto index = static_cast<std::int32_t>(r.offset - header.base_offset);
                if (header.base_sequence >= 0)
                    record.sequence = last_sequence_of(header.base_sequence, index + 1);
                records.push_back(std::move(record));
            }
        }
        if (in.error() != batch_error::none)
            throw std::runtime_error("batch at offset " + std::to_string(stored.base_offset) + ": " +
                                     std::string{text(in.error())});
    }
    return records;
}

} // namespace kurier::inline KURIER_ABI::testing
