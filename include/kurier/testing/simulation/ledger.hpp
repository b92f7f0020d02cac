// What was sent and what was heard of it, beside what the logs hold: the two sides that a checker compares.
#pragma once

#include <kurier/core/state/batch.hpp>
#include <kurier/uuid.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

enum class record_state : std::uint8_t {
    pending,
    delivered,
    failed,
    withdrawn, // taken back: certainly not written
    abandoned, // nobody waits any more: may be written
};

struct sent_record
{
    void* listener = nullptr; // whoever hears of its fate
    std::uint64_t number = 0;
    std::size_t topic = 0;
    std::int32_t partition = -1; // asked for; -1: the producer chooses
    bool keyed = false;          // by a partitioner, from the key
    bool chosen_late = false;    // it waited before the producer could choose any partition
    std::int64_t timestamp = 0;
    std::chrono::nanoseconds sent{0}, stalls_before{0}, timeout{core::never};

    // As the producer tells it
    record_state state = record_state::pending;
    persisted written = persisted::possibly;
    error_code error; // why it failed
    std::int64_t offset = -1;
    unsigned told = 0; // how often

    // As the logs have it
    std::uint32_t appended = 0;   // ever, in whatever log
    std::uint32_t copies = 0;     // in the log where it was seen last
    std::uint32_t log = 0;        // its number
    bool in_several_logs = false; // an offset that is told may be of one that is gone
    std::int64_t stored_timestamp = -1;
    bool taken_away = false; // by an unclean election, or with its topic

    bool pending() const noexcept { return state == record_state::pending; }
};

// A partition's log as it was appended to. A topic that is made anew has new logs.
struct logged_partition
{
    struct entry
    {
        std::int64_t offset;
        std::uint64_t number;
    };
    std::uint32_t number = 0;
    std::vector<entry> entries;
    std::uint64_t newest = 0;               // record number + 1: nothing older may follow
    std::int64_t producer_id = -1;          // of the batch that was appended last
    std::vector<std::int64_t> producer_ids; // all
    // Its broker may meet a producer for the first time in the middle of its sequences, and takes them from there.
    bool adopts_producers = false;
    bool producers_forgotten =
        false; // the broker lost its memory of producers: duplicates can't be told any more
};

class ledger
{
public:
    sent_record& add()
    {
        auto& made = records_.emplace_back();
        made.number = records_.size() - 1;
        return made;
    }

    sent_record* find(std::uint64_t number) noexcept
    {
        return number < records_.size() ? &records_[number] : nullptr;
    }
    std::size_t size() const noexcept { return records_.size(); }
    std::deque<sent_record>& records() noexcept { return records_; }

    // All records before this one are resolved.
    std::uint64_t first_pending() noexcept
    {
        while (first_pending_ < records_.size() && !records_[first_pending_].pending()) ++first_pending_;
        return first_pending_;
    }

    logged_partition& log(const uuid& topic, std::int32_t partition)
    {
        auto& found = logs_[{topic, partition}];
        if (found.number == 0) found.number = static_cast<std::uint32_t>(logs_.size());
        return found;
    }
    std::map<std::pair<uuid, std::int32_t>, logged_partition>& logs() noexcept { return logs_; }

private:
    std::deque<sent_record> records_;
    std::map<std::pair<uuid, std::int32_t>, logged_partition> logs_;
    std::uint64_t first_pending_ = 0;
};

} // namespace kurier::inline KURIER_ABI::testing
