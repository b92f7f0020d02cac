// What a partition remembers of each idempotent producer, and the rules that follow (KIP-98, KIP-360), as in
// Kafka's ProducerAppendInfo and ProducerStateEntry:
//  - an older epoch is fenced;
//  - a new epoch starts at sequence 0, unless the partition doesn't know the producer: then any will do;
//  - a batch whose first and last sequence are those of one of the last five appended ones is a duplicate
//    and is answered with their offset;
//  - any other batch must follow the last one; after 2^31 - 1 comes 0;
//  - a transaction's marker may bring a newer epoch, which then starts at sequence 0 too (KIP-890).
#pragma once

#include <kurier/broker_errc.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>

namespace kurier::inline KURIER_ABI::testing {

inline constexpr std::size_t producer_batches_retained = 5;

// What of a batch matters to these rules.
struct sequenced_batch
{
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t first_sequence = -1;
    std::int32_t last_sequence = -1;
    std::int64_t base_offset = -1;
    std::int64_t last_offset = -1;
    std::int64_t max_timestamp = -1;
    std::uint32_t crc = 0; // tells a repeated batch from another one under the same sequence
};

constexpr std::int32_t last_sequence_of(std::int32_t first, std::int32_t records) noexcept
{
    constexpr std::int64_t count = std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1;
    return static_cast<std::int32_t>((std::int64_t{first} + records - 1) % count);
}

constexpr bool sequence_follows(std::int32_t last, std::int32_t next) noexcept
{
    return last == std::numeric_limits<std::int32_t>::max() ? next == 0 : next == last + 1;
}

class producer_entry
{
public:
    std::int16_t epoch() const noexcept { return epoch_; }
    bool empty() const noexcept { return count_ == 0; }
    std::size_t size() const noexcept { return count_; }
    const sequenced_batch& newest() const noexcept { return batches_[count_ - 1]; }
    std::int64_t last_timestamp() const noexcept { return last_timestamp_; }

    const sequenced_batch* find(const sequenced_batch& batch) const noexcept
    {
        if (batch.producer_epoch != epoch_) return nullptr;
        for (std::size_t i = 0; i != count_; ++i) {
            const sequenced_batch& known = batches_[i];
            if (known.first_sequence == batch.first_sequence && known.last_sequence == batch.last_sequence)
                return &known;
        }
        return nullptr;
    }

    void add(const sequenced_batch& batch) noexcept
    {
        if (batch.producer_epoch != epoch_) count_ = 0;
        epoch_ = batch.producer_epoch;
        if (count_ == batches_.size())
            std::move(batches_.begin() + 1, batches_.end(), batches_.begin());
        else
            ++count_;
        batches_[count_ - 1] = batch;
        last_timestamp_ = batch.max_timestamp;
    }

    void begin_epoch(std::int16_t epoch) noexcept
    {
        if (epoch != epoch_) count_ = 0;
        epoch_ = epoch;
    }

    // What a snapshot file keeps, so all that a broker knows after a clean restart.
    void keep_newest_only() noexcept
    {
        if (count_ == 0) return;
        batches_[0] = batches_[count_ - 1];
        count_ = 1;
    }

private:
    std::array<sequenced_batch, producer_batches_retained> batches_{}; // oldest first
    std::size_t count_ = 0;
    std::int16_t epoch_ = -1;
    std::int64_t last_timestamp_ = -1;
};

class producer_states
{
public:
    // The already appended batch that this one repeats.
    const sequenced_batch* find_duplicate(const sequenced_batch& batch) const noexcept
    {
        const auto entry = entries_.find(batch.producer_id);
        return entry == entries_.end() ? nullptr : entry->second.find(batch);
    }

    // May this batch, which is no duplicate, be appended?
    broker_errc check(const sequenced_batch& batch, bool before_kip_360) const noexcept
    {
        const auto found = entries_.find(batch.producer_id);
        if (found == entries_.end()) {
            const bool refused = before_kip_360 && batch.first_sequence != 0;
            return refused ? broker_errc::unknown_producer_id : broker_errc::none;
        }
        const producer_entry& known = found->second;
        if (batch.producer_epoch < known.epoch()) return broker_errc::invalid_producer_epoch;
        const bool in_order = batch.producer_epoch > known.epoch() || known.empty()
                                  ? batch.first_sequence == 0
                                  : sequence_follows(known.newest().last_sequence, batch.first_sequence);
        return in_order ? broker_errc::none : broker_errc::out_of_order_sequence_number;
    }

    void add(const sequenced_batch& batch) { entries_[batch.producer_id].add(batch); }

    // Markers come in the epoch of what they end, or with the next one. Validated since KIP-1228.
    broker_errc check_marker(std::int64_t producer_id, std::int16_t epoch, bool new_epoch) const noexcept
    {
        const producer_entry* known = find(producer_id);
        const bool old = known && (new_epoch ? epoch <= known->epoch() : epoch < known->epoch());
        return old ? broker_errc::invalid_producer_epoch : broker_errc::none;
    }
    void add_marker(std::int64_t producer_id, std::int16_t epoch)
    {
        entries_[producer_id].begin_epoch(epoch);
    }

    const producer_entry* find(std::int64_t producer_id) const noexcept
    {
        const auto entry = entries_.find(producer_id);
        return entry == entries_.end() ? nullptr : &entry->second;
    }

    void forget_all() noexcept { entries_.clear(); }
    void forget(std::int64_t producer_id) { entries_.erase(producer_id); }
    std::size_t size() const noexcept { return entries_.size(); }

    void keep_newest_only() noexcept
    {
        for (auto& [id, entry] : entries_) entry.keep_newest_only();
    }

    void expire(std::int64_t now_ms, std::int64_t expiration_ms)
    {
        std::erase_if(entries_, [&](const auto& known) {
            return now_ms - known.second.last_timestamp() >= expiration_ms;
        });
    }

    // Producers whose last batch is deleted (brokers before KIP-360).
    void forget_before(std::int64_t log_start_offset)
    {
        std::erase_if(entries_, [&](const auto& known) {
            return !known.second.empty() && known.second.newest().last_offset < log_start_offset;
        });
    }

private:
    std::map<std::int64_t, producer_entry> entries_;
};

} // namespace kurier::inline KURIER_ABI::testing
