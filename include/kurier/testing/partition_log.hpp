// The log of one partition: batches as they were appended, with the offsets that they got, and what the
// partition remembers of its producers.
#pragma once

#include <kurier/testing/batch_validation.hpp>
#include <kurier/testing/cluster_options.hpp>
#include <kurier/testing/partition_transactions.hpp>
#include <kurier/testing/producer_state.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

// What becomes of a partition's memory of its producers when a broker restarts or a log is cut.
enum class producer_memory : std::uint8_t {
    rebuilt,     // from the log: the last five batches of each, as after an unclean stop
    newest_only, // from a snapshot file: the last batch of each, as after a clean stop
    lost,
};

struct append_result
{
    broker_errc error = broker_errc::none;
    std::int64_t base_offset = -1;
    std::int64_t log_append_time = -1;
    std::int64_t log_start_offset = -1;
    std::vector<record_error> record_errors;
    std::string message;
    // For checkers
    bool duplicate = false;
    bool duplicate_of_other_content = false;
    bool wrong_offset_deltas = false;
    bool wrong_max_timestamp = false;
};

struct stored_batch
{
    std::int64_t base_offset = 0;
    std::int64_t last_offset = 0;
    std::size_t at = 0;
    std::size_t size = 0;
    std::uint32_t client_crc = 0; // as it arrived; the broker may have changed a timestamp
};

class partition_log
{
public:
    std::int64_t start_offset() const noexcept { return start_offset_; }
    std::int64_t end_offset() const noexcept { return end_offset_; }
    std::span<const stored_batch> batches() const noexcept { return batches_; }
    bytes_view bytes(const stored_batch& batch) const noexcept
    {
        return bytes_view{bytes_}.subspan(batch.at, batch.size);
    }
    producer_states& producers() noexcept { return producers_; }
    const producer_states& producers() const noexcept { return producers_; }
    const partition_transactions& transactions() const noexcept { return transactions_; }
    std::int64_t last_stable_offset() const noexcept { return transactions_.last_stable_offset(end_offset_); }

    // `checked` has passed check_shape.
    append_result append(validation checked, const topic_options& topic, const cluster_options& cluster,
                         std::int32_t leader_epoch, std::int64_t now_ms)
    {
        batch_validator{topic, cluster.decompress, now_ms}.check(checked);
        append_result result;
        result.wrong_offset_deltas = checked.wrong_offset_deltas;
        result.wrong_max_timestamp = checked.wrong_max_timestamp;
        if (checked.failed()) {
            const bool unknown_error = cluster.before_kip_360 && checked.error == broker_errc::invalid_record;
            refuse(result, unknown_error ? broker_errc::corrupt_message : checked.error);
            result.message = std::move(checked.message);
            result.record_errors = std::move(checked.record_errors);
            return result;
        }
        const bool has_producer = checked.header.producer_id != -1;
        sequenced_batch sequenced = to_sequenced(checked, topic, now_ms);
        if (has_producer && !admit(sequenced, cluster, result)) return result;
        if (!checked.header.transactional() && transactions_.is_open(checked.header.producer_id)) {
            refuse(result, broker_errc::invalid_txn_state);
            return result;
        }
        store(checked, sequenced.max_timestamp, topic.log_append_time, leader_epoch);
        if (has_producer) producers_.add(sequenced);
        if (checked.header.transactional())
            transactions_.append(checked.header.producer_id, sequenced.base_offset);
        result.base_offset = sequenced.base_offset;
        result.log_append_time = topic.log_append_time ? now_ms : -1;
        result.log_start_offset = start_offset_;
        return result;
    }

    // The end of a transaction, from its coordinator.
    broker_errc append_marker(const transaction_marker& marker, std::int32_t leader_epoch,
                              std::int64_t now_ms)
    {
        const auto error =
            producers_.check_marker(marker.producer_id, marker.producer_epoch, marker.new_epoch);
        if (error != broker_errc::none) return error;
        const auto batch = to_control_batch(marker, end_offset_, leader_epoch, now_ms);
        batches_.push_back({end_offset_, end_offset_, bytes_.size(), batch.size(), 0});
        bytes_.insert(bytes_.end(), batch.begin(), batch.end());
        producers_.add_marker(marker.producer_id, marker.producer_epoch);
        transactions_.end(marker.producer_id, marker.commit, end_offset_++);
        return broker_errc::none;
    }

    // Retention or DeleteRecords: nothing before `offset` can be read any more.
    void delete_before(std::int64_t offset, bool before_kip_360)
    {
        start_offset_ = std::clamp(offset, start_offset_, end_offset_);
        std::size_t gone = 0;
        while (gone != batches_.size() && batches_[gone].last_offset < start_offset_) ++gone;
        if (gone != 0) {
            const std::size_t cut = gone == batches_.size() ? bytes_.size() : batches_[gone].at;
            bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(cut));
            batches_.erase(batches_.begin(), batches_.begin() + static_cast<std::ptrdiff_t>(gone));
            for (stored_batch& batch : batches_) batch.at -= cut;
        }
        if (before_kip_360) producers_.forget_before(start_offset_);
    }

    // An unclean election: the new leader has only what lies before `offset`. Batches are cut as a whole.
    void truncate_to(std::int64_t offset, producer_memory memory)
    {
        while (!batches_.empty() && batches_.back().last_offset >= offset) {
            bytes_.resize(batches_.back().at);
            end_offset_ = batches_.back().base_offset;
            batches_.pop_back();
        }
        if (batches_.empty()) end_offset_ = std::max(std::min(offset, end_offset_), std::int64_t{0});
        start_offset_ = std::min(start_offset_, end_offset_);
        reload_transactions();
        reload_producers(memory);
    }

    void reload_producers(producer_memory memory)
    {
        if (memory == producer_memory::newest_only) return producers_.keep_newest_only();
        producers_.forget_all();
        if (memory == producer_memory::lost) return;
        for (const stored_batch& batch : batches_) {
            batch_header header = load_batch_header(bytes(batch));
            if (header.producer_id == -1) continue;
            if (header.control()) {
                producers_.add_marker(header.producer_id, header.producer_epoch);
                continue;
            }
            header.crc = batch.client_crc;
            producers_.add(sequenced_of(header, batch.base_offset, batch.last_offset, header.max_timestamp));
        }
    }

private:
    void reload_transactions()
    {
        transactions_.clear();
        for (const stored_batch& batch : batches_) {
            const batch_header header = load_batch_header(bytes(batch));
            if (header.control())
                transactions_.end(header.producer_id, marks_commit(bytes(batch)), batch.base_offset);
            else if (header.transactional())
                transactions_.append(header.producer_id, batch.base_offset);
        }
    }

    static sequenced_batch sequenced_of(const batch_header& header, std::int64_t base, std::int64_t last,
                                        std::int64_t max_timestamp) noexcept
    {
        return {.producer_id = header.producer_id,
                .producer_epoch = header.producer_epoch,
                .first_sequence = header.base_sequence,
                .last_sequence = last_sequence_of(header.base_sequence, header.last_offset_delta + 1),
                .base_offset = base,
                .last_offset = last,
                .max_timestamp = max_timestamp,
                .crc = header.crc};
    }

    sequenced_batch to_sequenced(const validation& checked, const topic_options& topic,
                                 std::int64_t now_ms) const
    {
        return sequenced_of(checked.header, end_offset_, end_offset_ + checked.header.last_offset_delta,
                            topic.log_append_time ? now_ms : checked.max_timestamp);
    }

    // Errors that Kafka's replica manager knows by name come without the log's start.
    void refuse(append_result& result, broker_errc error) const noexcept
    {
        result.error = error;
        if (error != broker_errc::message_too_large && error != broker_errc::corrupt_message)
            result.log_start_offset = start_offset_;
    }

    bool admit(const sequenced_batch& batch, const cluster_options& cluster, append_result& result) const
    {
        if (const sequenced_batch* known = producers_.find_duplicate(batch)) {
            result.duplicate = true;
            result.duplicate_of_other_content = known->crc != batch.crc;
            result.base_offset = known->base_offset;
            result.log_append_time = known->max_timestamp; // also where the topic keeps create times
            result.log_start_offset = start_offset_;
            return false;
        }
        const bool raised = cluster.refuses_raised_epochs && batch.producer_epoch > 0;
        const broker_errc error =
            raised ? broker_errc::invalid_producer_epoch : producers_.check(batch, cluster.before_kip_360);
        if (error == broker_errc::none) return true;
        refuse(result, error);
        return false;
    }

    // The broker writes base offset and leader epoch, which the CRC does not cover, and the timestamp, which
    // it does.
    void store(const validation& checked, std::int64_t max_timestamp, bool log_append_time,
               std::int32_t leader_epoch)
    {
        const std::size_t at = bytes_.size();
        bytes_.insert(bytes_.end(), checked.batch.begin(), checked.batch.end());
        std::byte* const batch = bytes_.data() + at;
        store_big_endian(batch + batch_field::base_offset, end_offset_);
        store_big_endian(batch + batch_field::partition_leader_epoch, leader_epoch);
        if (log_append_time || max_timestamp != checked.header.max_timestamp ||
            checked.header.log_append_time()) {
            auto attributes = static_cast<std::uint16_t>(checked.header.attributes & ~batch_log_append_time);
            if (log_append_time) attributes |= batch_log_append_time;
            store_big_endian(batch + batch_field::attributes, attributes);
            store_big_endian(batch + batch_field::max_timestamp, max_timestamp);
            store_big_endian(batch + batch_field::crc,
                             wire::crc32c(0, {batch + batch_field::attributes,
                                              checked.batch.size() - batch_field::attributes}));
        }
        const std::int64_t last = end_offset_ + checked.header.last_offset_delta;
        batches_.push_back({end_offset_, last, at, checked.batch.size(), checked.header.crc});
        end_offset_ = last + 1;
    }

    template <class Int> static void store_big_endian(std::byte* at, Int value) noexcept
    {
        for (std::size_t i = 0; i != sizeof(Int); ++i)
            at[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * (sizeof(Int) - 1 - i)));
    }

    std::vector<std::byte> bytes_;
    std::vector<stored_batch> batches_;
    producer_states producers_;
    partition_transactions transactions_;
    std::int64_t start_offset_ = 0;
    std::int64_t end_offset_ = 0;
};

} // namespace kurier::inline KURIER_ABI::testing
