// The rules that a producer has to keep, checked while a simulation runs and at its end:
//
//  durable   what was acknowledged is in the log (what an unclean election or a deleted topic took away excepted)
//  once      no record is in a log twice, if the producer is idempotent (and the broker remembers it)
//  order     a partition's log has records in the order in which they were sent
//  honest    what is said not to be written never is; what is said to be written is
//  metadata  offset, partition and timestamp are what the log says
//  bytes     key, value, headers and timestamp are what was sent
//  told once every record's fate is told once, within its time
//  bounds    memory stays within buffer.memory, and the producer is not busy while nothing happens
//  the end   everything is resolved, and nothing is held any more
#pragma once

#include <kurier/core/producer_core.hpp>
#include <kurier/testing/cluster_model.hpp>
#include <kurier/testing/simulation/event_log.hpp>
#include <kurier/testing/simulation/ledger.hpp>
#include <kurier/testing/simulation/record_content.hpp>
#include <kurier/testing/simulation/virtual_clock.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class simulation_checker
{
public:
    using nanoseconds = std::chrono::nanoseconds;

    simulation_checker(const producer_config& config, cluster_model& cluster, virtual_clock& clock,
                       event_log& log, record_content content)
        : config_{config}, cluster_{cluster}, clock_{clock}, log_{log}, content_{std::move(content)},
          patience_{core::later(config.max_block, config.delivery_timeout)}
    {}

    ledger& book() noexcept { return ledger_; }
    record_content& content() noexcept { return content_; }
    const std::vector<std::string>& broken() const noexcept
    {
        return broken_;
    } // rules; empty when all is well
    bool failed() const noexcept { return !broken_.empty(); }

    void fail(std::string what)
    {
        log_.add(clock_.now(), event_kind::broken_rule, 0, 0, 0, 0, what);
        if (broken_.size() < 16) broken_.push_back(std::move(what));
    }

    // --- what the producer says --------------------------------------------------------------------------------------

    void told(sent_record& about, const core::fate& what)
    {
        ++about.told;
        if (about.told > 1)
            return fail(name(about) + " was told its fate " + std::to_string(about.told) + " times");
        if (!about.pending())
            return fail(name(about) + " was told its fate after it was withdrawn or abandoned");
        if (clock_.now() > latest(about))
            fail(name(about) + " was resolved later than max.block and delivery.timeout allow");
        if (!what.where && !what.refused)
            about.state = record_state::abandoned;
        else if (what.refused)
            took_failure(about, what.refused->error, written_of(*what.refused));
        else if (what.where->error)
            took_failure(about, what.where->error, what.where->written);
        else
            took_delivery(about, *what.where, what.index);
    }

    void taken_back(sent_record& about)
    {
        log_.add(clock_.now(), event_kind::withdrawn, static_cast<std::int64_t>(about.number));
        about.state = record_state::withdrawn;
        if (about.appended > 0) fail(name(about) + " was withdrawn as not written, and it is in the log");
    }

    void given_up(sent_record& about) { about.state = record_state::abandoned; }

    // --- what the brokers do -----------------------------------------------------------------------------------------

    void appended(const produced_batch& made)
    {
        const auto& topic = cluster_.state().topic(made.topic);
        auto& log = cluster_.state().log(made.topic, made.partition);
        auto& seen = ledger_.log(topic.id, made.partition);
        meet_producer(made, seen);
        batch_reader in{log.bytes(log.batches().back()), batch_origin::log,
                        cluster_.state().options().decompress};
        in.next_batch();
        bool first = true;
        const auto newest_before = seen.newest;
        for (record_view record; in.next_record(record); first = false) {
            const auto number = record_content::number_of(record.value);
            auto* sent = number ? ledger_.find(*number) : nullptr;
            if (!sent) {
                fail("a record in the log of " + made.topic + " was never sent");
                continue;
            }
            if (first)
                log_.add(clock_.now(), event_kind::appended, made.partition,
                         static_cast<std::int64_t>(*number), record.offset, made.header.record_count,
                         made.topic);
            took_record(*sent, record, made, seen);
        }
        if (in.error() != batch_error::none) fail("a batch in the log of " + made.topic + " can't be read");
        if (seen.newest > newest_before) seen.producer_id = made.header.producer_id;
    }

    // From `end` on, the log is gone.
    void truncated(const uuid& topic, std::int32_t partition, std::int64_t end)
    {
        auto& seen = ledger_.log(topic, partition);
        while (!seen.entries.empty() && seen.entries.back().offset >= end) {
            auto& lost = *ledger_.find(seen.entries.back().number);
            lost.taken_away = true;
            if (lost.log == seen.number && lost.copies > 0) --lost.copies;
            seen.entries.pop_back();
        }
        seen.adopts_producers = true;
        const auto& known = cluster_.state()
                                .find_state(topic)
                                ->partitions[static_cast<std::size_t>(partition)]
                                .log.producers();
        std::erase_if(seen.producer_ids, [&](std::int64_t id) { return !known.find(id); });
        seen.newest = 0;
        for (const auto& left : seen.entries) seen.newest = std::max(seen.newest, left.number + 1);
    }

    void topic_gone(const uuid& topic)
    {
        gone_.push_back(cluster_.state().find_state(topic)->name);
        for (auto& [key, seen] : ledger_.logs())
            if (key.first == topic) truncated(topic, key.second, 0);
    }

    void producers_forgotten(const uuid& topic, std::int32_t partition)
    {
        ledger_.log(topic, partition).producers_forgotten = true;
    }

    // When the last record must be resolved, whatever happens.
    nanoseconds last_deadline()
    {
        const auto& records = ledger_.records();
        return records.empty() ? clock_.now()
                               : after(records.back(), patience_); // an earlier one may have more time
    }

    void stalled(nanoseconds duration) { stalls_ += duration; }
    nanoseconds stalls() const noexcept { return stalls_; }

    // --- all along ---------------------------------------------------------------------------------------------------

    void after_turn(const core::producer_core& core)
    {
        const auto in_use = core.pool().in_use();
        if (in_use > memory_max(core))
            fail(std::to_string(in_use) + " bytes are in use, more than buffer.memory allows");
        if (in_use <= core.pool().limit() && in_use + core.pool().kept() > core.pool().limit())
            fail("the pool keeps more than buffer.memory allows");
        if (core.deadline() > clock_.now())
            busy_turns_ = 0;
        else if (++busy_turns_ > 8)
            fail("the producer's deadline stays in the past: a busy loop");
    }

    // A turn that only time has caused.
    void timer_turn()
    {
        constexpr auto window = std::chrono::seconds{1};
        if (clock_.now() - window_begin_ > window) {
            window_begin_ = clock_.now();
            window_turns_ = 0;
        }
        if (++window_turns_ == timer_turns_max)
            fail("the timer rang " + std::to_string(timer_turns_max) + " times within a second");
    }

    void flush_over(std::uint64_t sent_before)
    {
        if (ledger_.first_pending() < sent_before)
            fail("a flush was over before record " + std::to_string(ledger_.first_pending()) +
                 " was resolved");
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    void all_resolved()
    {
        for (const auto& record : ledger_.records())
            if (record.pending()) return fail(name(record) + " was never resolved");
    }

    void nothing_held(const core::producer_core& core)
    {
        if (core.pool().in_use() != 0)
            fail(std::to_string(core.pool().in_use()) + " bytes are in use at the end");
        if (core.unfinished_batches() != 0) fail("batches are unfinished at the end");
        if (!core.waiting().empty()) fail("records wait at the end");
        if (!core.connections().all().empty()) fail("connections are left at the end");
    }

    // Reads the logs as a consumer would, and compares with what was told.
    void read_logs()
    {
        std::vector<std::uint32_t> found(ledger_.records().size());
        for (const auto& [id, topic] : cluster_.state().states()) {
            if (topic.deleted) continue;
            for (const auto& partition : topic.partitions)
                for (const auto& entry : numbers_in(partition.log)) ++found[entry];
        }
        for (const auto& record : ledger_.records()) {
            const auto copies = found[record.number];
            const bool gone = record.taken_away;
            if (must_be_written(record) && copies == 0 && !gone && !retained_away(record))
                fail(name(record) + " was acknowledged and is not in the log");
            if (must_not_be_written(record) && copies > 0)
                fail(name(record) + " is said not to be written, and it is in the log");
        }
        for (const auto& text : cluster_.violations().texts())
            if (!text.starts_with("sequence_gap") && !text.starts_with("sent_while_throttled"))
                fail("the broker says: " + text);
    }

private:
    static constexpr int timer_turns_max = 5000;

    static std::string name(const sent_record& record) { return "record " + std::to_string(record.number); }

    nanoseconds latest(const sent_record& record) const noexcept
    {
        return after(record, std::min(patience_, record.timeout));
    }
    nanoseconds after(const sent_record& record, nanoseconds patience) const noexcept
    {
        return core::later(record.sent + (stalls_ - record.stalls_before) + std::chrono::milliseconds{1},
                           patience);
    }

    bool must_be_written(const sent_record& record) const noexcept
    {
        return !record.pending() && record.told > 0 && record.written == persisted::yes;
    }
    static bool must_not_be_written(const sent_record& record) noexcept
    {
        return record.state == record_state::withdrawn ||
               (record.state == record_state::failed && record.written == persisted::no);
    }

    // A batch that the broker found too large is replaced by its parts, which may need as much memory again.
    static std::size_t memory_max(const core::producer_core& core) noexcept
    {
        return 2 * core.pool().limit() + core.config().batch_size;
    }

    // A record whose own time was over may have left already.
    static persisted written_of(const core::waiting_record& failed) noexcept
    {
        const bool left = failed.where && !failed.where->slot_of(failed.index).withdrawn();
        return left ? persisted::possibly : persisted::no;
    }

    void took_failure(sent_record& about, error_code why, persisted written)
    {
        log_.add(clock_.now(), event_kind::failed, static_cast<std::int64_t>(about.number),
                 static_cast<std::int64_t>(written), why.value(), 0,
                 log_.recording() ? why.message() : std::string{});
        about.state = record_state::failed;
        about.written = written;
        about.error = why;
        if (written == persisted::no && about.appended > 0)
            fail(name(about) + " is said not to be written, and it was");
        if (must_be_written(about) && about.appended == 0)
            fail(name(about) + " is said to be written, and it was not");
    }

    void took_delivery(sent_record& about, const core::batch& where, std::uint32_t index)
    {
        const auto offset = where.offset_of(index);
        const auto timestamp = where.timestamp_of(where.waiter_of(index).time_delta());
        const auto partition = where.partition->index;
        log_.add(clock_.now(), event_kind::delivered, static_cast<std::int64_t>(about.number), offset,
                 partition, timestamp);
        about.state = record_state::delivered;
        about.written = where.written;
        about.offset = offset;
        if (about.partition >= 0 && about.partition != partition)
            fail(name(about) + " was delivered to another partition");
        about.partition = partition;
        if (config_.acks == acks::none) {
            if (offset != -1) fail(name(about) + " has an offset that nobody gave");
            if (where.written != persisted::possibly) fail(name(about) + " is written, and nobody said so");
            return;
        }
        if (about.appended == 0) return fail(name(about) + " is delivered, and no log has it");
        if (offset < 0) return;
        // The answer to a repeated batch does not say whether its time is a create time or the broker's.
        const bool ambiguous = where.attempts > 1 && timestamp == about.timestamp;
        if (timestamp != about.stored_timestamp && !ambiguous && !about.taken_away &&
            !about.in_several_logs && about.copies == 1)
            fail(name(about) + " is delivered with timestamp " + std::to_string(timestamp) +
                 ", the log has " + std::to_string(about.stored_timestamp));
        check_offset(about, partition);
    }

    void check_offset(const sent_record& about, std::int32_t partition)
    {
        if (about.taken_away || about.in_several_logs) return; // its offset may belong to another by now
        for (const auto& [key, seen] : ledger_.logs()) {
            if (key.second != partition || seen.number != about.log) continue;
            const auto at =
                std::ranges::lower_bound(seen.entries, about.offset, {}, &logged_partition::entry::offset);
            if (at == seen.entries.end() || at->offset != about.offset || at->number != about.number)
                fail(name(about) + " is delivered with offset " + std::to_string(about.offset) +
                     ", where the log has another");
            return;
        }
        fail(name(about) + " is delivered to partition " + std::to_string(partition) +
             ", and another one has it");
    }

    // If a batch is lost before those behind it, when the broker doesn't know the producer, the order is lost too: this
    // is why there is one batch at a time until the first acknowledgement (KAFKA-14312). But nobody can tell that a
    // topic was made anew behind its name.
    void meet_producer(const produced_batch& made, logged_partition& seen)
    {
        const auto id = made.header.producer_id;
        if (id < 0 || std::ranges::find(seen.producer_ids, id) != seen.producer_ids.end()) return;
        const bool remade = std::ranges::find(gone_, made.topic) != gone_.end();
        if (made.header.base_sequence != 0 && (remade || seen.adopts_producers))
            seen.producers_forgotten = true;
        seen.producer_ids.push_back(id);
    }

    void took_record(sent_record& sent, const record_view& record, const produced_batch& made,
                     logged_partition& seen)
    {
        if (sent.partition >= 0 && sent.partition != made.partition)
            fail(name(sent) + " is in the log of another partition");
        if (!content_.is_same(sent.number, record.key, record.value, record.headers))
            fail(name(sent) + " was changed on its way");
        if (record.timestamp != sent.timestamp && !log_append_time(made))
            fail(name(sent) + " has another timestamp in the log");
        if (must_not_be_written(sent)) fail(name(sent) + " is said not to be written, and it is written now");
        if (sent.log != seen.number) sent.copies = 0;
        sent.in_several_logs |= sent.appended > 0 && sent.log != seen.number;
        ++sent.appended;
        ++sent.copies;
        sent.log = seen.number;
        sent.stored_timestamp = record.timestamp;
        sent.taken_away = false;
        if (config_.idempotent() && sent.copies > 1 && !seen.producers_forgotten)
            fail(name(sent) + " is in the log twice");
        if (sent.copies == 1) check_order(sent, made, seen);
        seen.entries.push_back({record.offset, sent.number});
        seen.newest = std::max(seen.newest, sent.number + 1);
    }

    // Without idempotence, a request that was given up may be handled behind those that followed it. Which partition a
    // record without one goes to is decided when there is room for it: it has no place among those that were sent to a
    // partition meanwhile. And no broker can know that a producer id was given up for another.
    void check_order(const sent_record& sent, const produced_batch& made, const logged_partition& seen)
    {
        if (seen.newest <= sent.number || seen.producers_forgotten || config_.acks == acks::none) return;
        if (!config_.idempotent() && !sent.pending()) return;
        if (sent.chosen_late || (!sent.pending() && made.header.producer_id != seen.producer_id)) return;
        fail(name(sent) + " is in the log behind record " + std::to_string(seen.newest - 1) +
             ", which was sent later");
    }

    bool log_append_time(const produced_batch& made)
    {
        return cluster_.state().state(made.topic).options.log_append_time;
    }

    bool retained_away(const sent_record& record)
    {
        for (const auto& [key, seen] : ledger_.logs()) {
            if (seen.number != record.log) continue;
            const auto* topic = cluster_.state().find_state(key.first);
            if (!topic || topic->deleted) return true;
            const auto start = topic->partitions[static_cast<std::size_t>(key.second)].log.start_offset();
            for (const auto& entry : seen.entries)
                if (entry.number == record.number && entry.offset >= start) return false;
            return true;
        }
        return false;
    }

    std::vector<std::uint64_t> numbers_in(const partition_log& log) const
    {
        std::vector<std::uint64_t> numbers;
        for (const auto& stored : log.batches()) {
            batch_reader in{log.bytes(stored), batch_origin::log, cluster_.state().options().decompress};
            while (in.next_batch())
                for (record_view record; in.next_record(record);)
                    if (const auto number = record_content::number_of(record.value);
                        number && record.offset >= log.start_offset() && *number < ledger_.size())
                        numbers.push_back(*number);
        }
        return numbers;
    }

    const producer_config& config_;
    cluster_model& cluster_;
    virtual_clock& clock_;
    event_log& log_;
    record_content content_;
    ledger ledger_;
    nanoseconds patience_, stalls_{0};
    std::vector<std::string> broken_, gone_;
    int busy_turns_ = 0, window_turns_ = 0;
    nanoseconds window_begin_{0};
};

} // namespace kurier::inline KURIER_ABI::testing
