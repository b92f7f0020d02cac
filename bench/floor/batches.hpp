// The floor's batching: fixed buffers, encoded at append, one slot of 8 bytes for each record's delivery.
#pragma once

#include <kurier/record/batch_format.hpp>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::bench {

inline std::int64_t wall_clock_ms()
{
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Kafka's hash for keys.
inline std::uint32_t murmur2(std::string_view key) noexcept
{
    constexpr std::uint32_t m = 0x5bd1e995;
    std::uint32_t hash = 0x9747b28c ^ static_cast<std::uint32_t>(key.size());
    const char* at = key.data();
    std::size_t left = key.size();
    for (; left >= 4; left -= 4, at += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, at, 4);
        word *= m;
        word ^= word >> 24;
        hash = (hash * m) ^ (word * m);
    }
    if (left > 0) {
        std::uint32_t rest = 0;
        std::memcpy(&rest, at, left);
        hash = (hash ^ rest) * m;
    }
    hash = (hash ^ (hash >> 13)) * m;
    return hash ^ (hash >> 15);
}

struct floor_settings
{
    std::string topic;
    std::size_t partitions = 1;
    std::size_t batch_bytes = 1'000'000;
    std::size_t batch_records = 10'000;
    std::size_t in_flight = 5;
    bool idempotent = true;
    std::int16_t acks = -1;
};

struct batch
{
    static constexpr std::size_t front = 512; // room for the request in front of the batch

    batch(std::size_t bytes, std::size_t records) : memory(front + batch_header_size + bytes), slots(records)
    {}

    std::byte* start() noexcept { return memory.data() + front; }
    std::byte* limit() noexcept { return memory.data() + memory.size(); }

    void open(std::size_t to_partition)
    {
        end = start() + batch_header_size;
        count = 0;
        partition = to_partition;
        opened_ms = wall_clock_ms();
    }

    std::vector<std::byte> memory;
    std::vector<std::uint64_t> slots; // what the application gave with each record
    std::byte* end = nullptr;
    std::int32_t count = 0;
    std::int32_t correlation = 0;
    std::size_t partition = 0;
    std::int64_t opened_ms = 0;
    bytes_view request; // set when it is closed
};

// Records in, whole produce requests out; no I/O.
class batches
{
public:
    batches(floor_settings settings, std::size_t extra_buffers)
        : settings_{std::move(settings)}, partitions_(settings_.partitions)
    {
        for (std::size_t i = 0; i < settings_.partitions + extra_buffers; ++i) {
            all_.push_back(std::make_unique<batch>(settings_.batch_bytes, settings_.batch_records));
            free_.push_back(all_.back().get());
        }
    }

    void set_producer(std::int64_t id, std::int16_t epoch) noexcept
    {
        producer_id_ = id;
        producer_epoch_ = epoch;
    }

    // False when every buffer is in use.
    bool append(nullable_bytes key, bytes_view value, std::uint64_t slot)
    {
        const std::size_t to =
            key.is_null() ? sticky_ : (murmur2(as_text(key.view())) & 0x7fff'ffff) % partitions_.size();
        batch* open = partitions_[to].open;
        std::size_t body = open ? record_body_size(0, open->count, key, value.size(), false, {}) : 0;
        if (open == nullptr || static_cast<std::size_t>(open->limit() - open->end) < record_size(body) ||
            static_cast<std::size_t>(open->count) == open->slots.size()) {
            close(to);
            if (free_.empty()) return false;
            open = partitions_[to].open = take_free(to);
            body = record_body_size(0, 0, key, value.size(), false, {});
        }
        open->end = put_record(open->end, body, 0, open->count, key, nullable_bytes{value}, {});
        open->slots[static_cast<std::size_t>(open->count++)] = slot;
        return true;
    }

    void close_all()
    {
        for (std::size_t i = 0; i < partitions_.size(); ++i) close(i);
    }

    bool room() const noexcept { return !free_.empty(); }
    std::uint64_t closed() const noexcept { return closed_; }

    batch* next_to_send() noexcept
    {
        if (ready_.empty()) return nullptr;
        batch* const next = ready_.front();
        ready_.pop_front();
        return next;
    }

    void release(batch* done) { free_.push_back(done); }

private:
    struct partition
    {
        batch* open = nullptr;
        std::int32_t sequence = 0;
    };

    batch* take_free(std::size_t to)
    {
        batch* const taken = free_.back();
        free_.pop_back();
        taken->open(to);
        return taken;
    }

    void close(std::size_t i)
    {
        partition& from = partitions_[i];
        batch* const full = std::exchange(from.open, nullptr);
        if (full == nullptr) return;
        batch_info info;
        info.base_timestamp = info.max_timestamp = full->opened_ms;
        info.record_count = full->count;
        if (settings_.idempotent) {
            info.producer_id = producer_id_;
            info.producer_epoch = producer_epoch_;
            info.base_sequence = from.sequence;
        }
        from.sequence = static_cast<std::int32_t>(
            (static_cast<std::uint32_t>(from.sequence) + static_cast<std::uint32_t>(full->count)) &
            0x7fff'ffffu);
        seal_batch(full->start(), static_cast<std::size_t>(full->end - full->start()), info);
        put_request(*full);
        ready_.push_back(full);
        ++closed_;
        sticky_ = (i + 1) % partitions_.size();
    }

    // Produce v7, right in front of the batch
    void put_request(batch& full)
    {
        const auto batch_size = static_cast<std::int32_t>(full.end - full.start());
        const std::size_t size = 4 + 8 + 2 + 2 + 2 + 4 + 4 + 2 + settings_.topic.size() + 4 + 4 + 4;
        std::byte* at = full.start() - size;
        const std::byte* const begin = at;
        const auto put = [&at](auto value) {
            detail::put_big_endian(at, value);
            at += sizeof value;
        };
        full.correlation = ++correlation_;
        put(static_cast<std::int32_t>(size) - 4 + batch_size);
        put(std::int16_t{0}); // Produce
        put(std::int16_t{7});
        put(full.correlation);
        put(std::int16_t{-1}); // no client id
        put(std::int16_t{-1}); // no transactional id
        put(settings_.acks);
        put(std::int32_t{30'000});
        put(std::int32_t{1});
        put(static_cast<std::int16_t>(settings_.topic.size()));
        std::memcpy(at, settings_.topic.data(), settings_.topic.size());
        at += settings_.topic.size();
        put(std::int32_t{1});
        put(static_cast<std::int32_t>(full.partition));
        put(batch_size);
        full.request = {begin, static_cast<std::size_t>(full.end - begin)};
    }

    floor_settings settings_;
    std::vector<partition> partitions_;
    std::vector<std::unique_ptr<batch>> all_;
    std::vector<batch*> free_;
    std::deque<batch*> ready_;
    std::int64_t producer_id_ = -1;
    std::int16_t producer_epoch_ = -1;
    std::int32_t correlation_ = 0;
    std::size_t sticky_ = 0;
    std::uint64_t closed_ = 0;
};

} // namespace kurier::bench
