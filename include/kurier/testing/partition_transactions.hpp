// The transactions of one partition (KIP-98): which are open, and which were aborted. What lies behind the first open one is
// not stable, and a consumer that reads what is committed doesn't see it yet.
#pragma once

#include <kurier/record/batch_format.hpp>
#include <kurier/wire/crc32c.hpp>
#include <kurier/wire/writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

enum class isolation : std::uint8_t { read_uncommitted, read_committed };

struct aborted_transaction
{
    std::int64_t producer_id = -1;
    std::int64_t first_offset = 0, last_offset = 0; // of its first record, and of the marker
};

class partition_transactions
{
public:
    bool is_open(std::int64_t producer_id) const noexcept { return open_.contains(producer_id); }

    void append(std::int64_t producer_id, std::int64_t offset) { open_.try_emplace(producer_id, offset); }

    void end(std::int64_t producer_id, bool commit, std::int64_t marker_offset)
    {
        const auto found = open_.find(producer_id);
        if (found == open_.end()) return;
        if (!commit) aborted_.push_back({producer_id, found->second, marker_offset});
        open_.erase(found);
    }

    std::int64_t last_stable_offset(std::int64_t end_offset) const noexcept
    {
        for (const auto& [id, first] : open_) end_offset = std::min(end_offset, first);
        return end_offset;
    }

    bool was_aborted(std::int64_t producer_id, std::int64_t offset) const noexcept
    {
        return std::ranges::any_of(aborted_, [&](const aborted_transaction& one) {
            return one.producer_id == producer_id && one.first_offset <= offset && offset <= one.last_offset;
        });
    }
    std::span<const aborted_transaction> aborted() const noexcept { return aborted_; }

    void clear() noexcept
    {
        open_.clear();
        aborted_.clear();
    }

private:
    std::map<std::int64_t, std::int64_t> open_; // producer id: first offset
    std::vector<aborted_transaction> aborted_;
};

// How a transaction ended, as its coordinator writes it into each of its partitions.
struct transaction_marker
{
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    bool commit = false;
    bool new_epoch = false; // KIP-890: it ends the epoch, too
    std::int32_t coordinator_epoch = 0;
};

// A control batch of one record, with everything that a log keeps.
inline std::vector<std::byte> to_control_batch(const transaction_marker& marker, std::int64_t offset,
                                               std::int32_t leader_epoch, std::int64_t now_ms)
{
    std::vector<std::byte> record;
    wire::writer body{record};
    body.put_int(std::int8_t{0}); // attributes
    body.put_varint(0);           // of the timestamp
    body.put_varint(0);           // of the offset
    body.put_varint(4);
    body.put_int(std::int16_t{0}); // version
    body.put_int(static_cast<std::int16_t>(marker.commit));
    body.put_varint(6);
    body.put_int(std::int16_t{0}); // version
    body.put_int(marker.coordinator_epoch);
    body.put_varint(0); // headers

    std::vector<std::byte> covered;
    wire::writer rest{covered};
    rest.put_int(static_cast<std::int16_t>(batch_transactional | batch_control));
    rest.put_int(std::int32_t{0}); // last offset delta
    rest.put_int(now_ms);
    rest.put_int(now_ms);
    rest.put_int(marker.producer_id);
    rest.put_int(marker.producer_epoch);
    rest.put_int(std::int32_t{-1}); // it has no sequence
    rest.put_int(std::int32_t{1});
    rest.put_varint(static_cast<std::int32_t>(record.size()));
    rest.put(record.data(), record.size());

    std::vector<std::byte> batch;
    wire::writer out{batch};
    out.put_int(offset);
    out.put_int(static_cast<std::int32_t>(covered.size() + 9));
    out.put_int(leader_epoch);
    out.put_int(static_cast<std::int8_t>(batch_magic));
    out.put_int(wire::crc32c(0, covered));
    out.put(covered.data(), covered.size());
    return batch;
}

// Of a batch in a log: does its record say commit?
inline bool marks_commit(bytes_view batch) noexcept
{
    constexpr std::size_t type = batch_header_size + 1 + 1 + 1 + 1 + 1 + 2 + 1; // its low byte
    return batch.size() > type && batch[type] == std::byte{1};
}

} // namespace kurier::inline KURIER_ABI::testing
