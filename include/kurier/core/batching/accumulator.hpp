// Collects records into batches, one open batch per partition, within the bound of buffer.memory. It decides when a
// batch is full or has lingered long enough; it knows neither brokers' answers nor producer ids.
#pragma once

#include <kurier/core/batching/batch_store.hpp>
#include <kurier/core/batching/open_batch.hpp>
#include <kurier/core/batching/record_limits.hpp>
#include <kurier/core/state/record_bytes.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/wire/varint.hpp>

#include <algorithm>
#include <memory>
#include <vector>

namespace kurier::core {

class accumulator
{
public:
    explicit accumulator(const producer_config& config)
        : store_{config},
          batch_size_{std::max<std::size_t>(std::min(config.batch_size, record_limits{config}.request), 1)},
          linger_{config.linger},
          open_time_{std::max<nanoseconds>(config.linger, config.delivery_timeout / 16)},
          slow_open_time_{config.delivery_timeout / 2}
    {}

    // Appends to the partition's open batch, opening or replacing it as needed. `share` bounds what the partition's
    // leader may hold of the pool. Returns an empty place if there is no room, and then there will be none before
    // memory is released; a batch that could not take the record is closed nevertheless, so that it goes out.
    place append(partition_state& partition, const record_bytes& record, instant now, std::size_t share,
                 std::uint64_t flush_epoch)
    {
        batch* open = partition.open;
        if (open) [[likely]] {
            const auto delta = record.timestamp - open->base_timestamp;
            const auto body = body_size(record, delta, open->record_count);
            const auto need = encoded_size(body);
            const bool takes = within_limits(*open, need, delta) && !too_old(*open, now.steady);
            if (takes && fits(*open, need, open->memory.capacity)) [[likely]]
                return write(*open, record, body, delta);
            if (takes && grow(*open, need, share)) return write(*open, record, body, delta);
            close(partition);
        }
        open = create(partition, record, now, share);
        if (!open) return {};
        open->flush_epoch = flush_epoch;
        return write(*open, record, body_size(record, 0, 0), 0);
    }

    // Would the record begin a batch?
    static bool begins_batch(const partition_state& partition, const record_bytes& record,
                             instant now) noexcept
    {
        const batch* open = partition.open;
        if (!open) return true;
        const auto delta = record.timestamp - open->base_timestamp;
        const auto need = encoded_size(body_size(record, delta, open->record_count));
        return !within_limits(*open, need, delta) || too_old(*open, now.steady);
    }

    // A record whose value stays where it is: in a batch of its own, behind the partition's open one, which is closed.
    place append_outside(partition_state& partition, const record_bytes& record,
                         std::shared_ptr<const void> owner, instant now, std::size_t share,
                         std::uint64_t flush_epoch)
    {
        const auto bytes = room_for(record) - record.value.size();
        if (!has_share(partition, bytes, share)) return {};
        auto outside =
            std::make_unique<outside_value>(outside_value{record.value.view(), std::move(owner), 0});
        batch* made = store_.acquire(partition, bytes);
        if (!made) return {};
        close(partition);
        std::byte* at = put_record_head(made->memory.data + batch_header_size, body_size(record, 0, 0), 0, 0,
                                        record.key, record.value.size(), false);
        outside->at = static_cast<std::size_t>(at - made->memory.data);
        made->size = static_cast<std::size_t>(put_record_tail(at, record.headers) - made->memory.data);
        made->outside = std::move(outside);
        made->base_timestamp = made->max_timestamp = record.timestamp;
        made->created = now.steady;
        made->first_record = partition.records++;
        made->record_count = made->accepted = 1;
        made->flush_epoch = flush_epoch;
        made->due = made->compression_done = true;
        made->phase = batch_phase::ready;
        new (&made->slot_of(0)) slot;
        enqueue(partition, *made);
        return {made, 0};
    }

    // A batch that can't be sent takes records only for so long, because they all expire with its oldest. From a slow
    // leader, which takes a batch of each partition at a time, longer than one takes: otherwise it is asked to write
    // less at a time than comes meanwhile, and in the end nothing arrives before it expires.
    nanoseconds open_time(const partition_state& partition) const noexcept
    {
        const auto pace = partition.leader ? 2 * partition.leader->service_time : nanoseconds{0};
        return std::max(open_time_, std::min(pace, slow_open_time_));
    }

    static bool too_old(const batch& open, nanoseconds now) noexcept { return open.takes_until < now; }

    // What appending to an empty batch needs of the pool, at the least.
    static std::size_t room_for(const record_bytes& record) noexcept
    {
        return batch_header_size + encoded_size(body_size(record, 0, 0)) + batch_margin + sizeof(slot);
    }

    // Size of the record in a batch of its own: the upper bound that max.request.size is compared with.
    static std::size_t size_alone(const record_bytes& record) noexcept
    {
        return batch_header_size + encoded_size(body_size(record, 0, 0));
    }

    // Closes the open batch: it takes no more records and waits in the partition's queue.
    void close(partition_state& partition) noexcept
    {
        batch* open = partition.open;
        if (!open) return;
        partition.open = nullptr;
        set_due(*open);
        open->phase = batch_phase::ready;
        partition.memory_hint = next_hint(partition.memory_hint, *open);
        enqueue(partition, *open);
    }

    // Puts a batch into the queue where its records belong.
    static void enqueue(partition_state& partition, batch& placed) noexcept
    {
        auto& queue = partition.queue;
        batch* behind = nullptr;
        for (batch* last = queue.back(); last && last->first_record > placed.first_record;
             last = queue.previous(*last))
            behind = last;
        queue.insert_before(behind, placed);
        if (!partition.backlog_hook.linked) partition.topic->backlog.push_back(partition);
    }

    static void dequeue(partition_state& partition, batch& taken) noexcept
    {
        partition.queue.erase(taken);
        if (partition.queue.empty()) partition.topic->backlog.remove(partition);
    }

    // The next open batch whose linger is over, now marked due; nullptr when there is none.
    batch* next_due(nanoseconds now) noexcept
    {
        batch* oldest = lingering_.front();
        if (!oldest || later(oldest->created, linger_) > now) return nullptr;
        set_due(*oldest);
        return oldest;
    }

    // The open batches of one broker, or (nullptr) of all, don't linger any longer: those of `least` bytes or more,
    // whose records go out as they are (the more of them a codec gets, the better it does).
    template <class Update> void hurry(const broker_node* leader, std::size_t least, Update update)
    {
        if (leader)
            hurry(leader->lingering, least, update);
        else
            hurry(lingering_, least, update);
    }

    // For a flush: the next open batch whatever its age.
    batch* next_lingering() noexcept
    {
        batch* oldest = lingering_.front();
        if (oldest) set_due(*oldest);
        return oldest;
    }

    nanoseconds deadline() const noexcept
    {
        return lingering_.empty() ? never : later(lingering_.front()->created, linger_);
    }

    // After compression: the batch moves to a smaller block if that gives back at least half of its own.
    void shrink(batch& closed) noexcept
    {
        const auto slots = static_cast<std::size_t>(closed.accepted) * sizeof(slot);
        const auto needed = closed.size + batch_margin + slots;
        if (buffer_pool::rounded(needed) <= closed.memory.capacity / 2)
            store_.move_to_new(closed, needed, true); // beyond the limit for a moment only
    }

    // Room for the compressed form of a batch beside the batch itself, within the bound; or an empty block.
    block memory_for_job(const batch& closed) noexcept
    {
        return pool().acquire(closed.size + batch_margin +
                              static_cast<std::size_t>(closed.accepted) * sizeof(slot));
    }

    // The batch moves to a block in which its records already are, and leaves its own in exchange.
    void move_to(batch& closed, block& compressed) noexcept { store_.move_to(closed, compressed, 0); }

    void set_due(batch& open) noexcept
    {
        open.due = true;
        lingering_.remove(open);
        if (open.leader_hook.linked) open.partition->leader->lingering.erase(open);
    }

    // An empty batch for a part of the records of one that was too large, or nullptr when the heap is exhausted.
    batch* create_piece(partition_state& partition, std::size_t bytes) noexcept
    {
        return store_.acquire(partition, bytes + batch_margin, true);
    }

    batch_store& store() noexcept { return store_; }
    buffer_pool& pool() noexcept { return store_.pool(); }
    const buffer_pool& pool() const noexcept { return store_.pool(); }
    std::size_t batch_size() const noexcept { return batch_size_; }

private:
    friend struct invariant_access;

    template <class List, class Update> void hurry(const List& lingering, std::size_t least, Update& update)
    {
        for (batch* open = lingering.front(); open;) {
            batch* next = lingering.next(*open);
            auto& partition = *open->partition;
            if (least == 0 || (open->size >= least && partition.topic->codec.id == compression::none)) {
                set_due(*open);
                update(partition);
            }
            open = next;
        }
    }

    static std::size_t body_size(const record_bytes& record, std::int64_t delta, std::int32_t index) noexcept
    {
        return record_body_size(delta, index, record.key, record.value.size(), record.value.is_null(),
                                record.headers);
    }

    static std::size_t encoded_size(std::size_t body) noexcept
    {
        return wire::varint_size(static_cast<std::int32_t>(body)) + body;
    }

    static bool fits(const batch& open, std::size_t need, std::size_t capacity) noexcept
    {
        const auto slots = (static_cast<std::size_t>(open.record_count) + 1) * sizeof(slot);
        return open.size + need + batch_margin + slots <= capacity;
    }

    static bool within_limits(const batch& open, std::size_t need, std::int64_t delta) noexcept
    {
        return open.size + need <= open.size_max && delta >= -time_delta_max && delta <= time_delta_max;
    }

    static place write(batch& open, const record_bytes& record, std::size_t body, std::int64_t delta) noexcept
    {
        const auto index = static_cast<std::uint32_t>(open.record_count);
        const auto* end = put_record(open.memory.data + open.size, body, delta, open.record_count, record.key,
                                     record.value, record.headers);
        const auto size = static_cast<std::size_t>(end - open.memory.data);
        if (open.partition->leader) open.partition->leader->appended += size - open.size;
        open.size = size;
        open.max_timestamp = std::max(open.max_timestamp, record.timestamp);
        take_slot(open, delta);
        return {&open, index};
    }

    // batch.size bounds what goes over the wire, as far as one can guess that (KIP-126).
    std::size_t size_max(const topic_state& topic) const noexcept
    {
        if (topic.codec.id == compression::none) return batch_size_;
        const auto ratio = std::max(topic.ratio.of(topic.codec.id) * ratio_estimate::safety_factor, 0.01);
        const auto guess = static_cast<std::size_t>(static_cast<double>(batch_size_) / ratio);
        return std::clamp(guess, batch_size_, std::max(batch_size_, raw_size_max));
    }

    // A partition whose batches stay smaller than they were holds less memory, step by step.
    static std::uint32_t next_hint(std::uint32_t hint, const batch& closed) noexcept
    {
        const auto used =
            closed.size + batch_margin + static_cast<std::size_t>(closed.accepted) * sizeof(slot);
        return static_cast<std::uint32_t>(
            std::min(std::max<std::size_t>(used, hint / 2), buffer_pool::largest_kept));
    }

    bool has_share(const partition_state& partition, std::size_t bytes, std::size_t share) const noexcept
    {
        if (!partition.leader || partition.leader->memory == 0) // one batch may be larger than the share
            return true;
        return partition.leader->memory + buffer_pool::rounded(bytes) <= share;
    }

    bool grow(batch& open, std::size_t need, std::size_t share) noexcept
    {
        auto& partition = *open.partition;
        const auto slots = static_cast<std::size_t>(open.record_count) * sizeof(slot);
        const auto least = open.size + need + batch_margin + slots + sizeof(slot);
        const auto wanted = std::max(least, open.memory.capacity * 2);
        for (const auto bytes : {wanted, least})
            if (has_share(partition, bytes, share) && store_.move_to_new(open, bytes)) return true;
        return false;
    }

    batch* create(partition_state& partition, const record_bytes& record, instant now, std::size_t share)
    {
        const auto least = room_for(record);
        batch* created = nullptr;
        for (const auto bytes : {std::max<std::size_t>(least, partition.memory_hint), least})
            if (!created && has_share(partition, bytes, share)) created = store_.acquire(partition, bytes);
        if (!created) return nullptr;
        created->base_timestamp = created->max_timestamp = record.timestamp;
        created->created = now.steady;
        created->takes_until = later(now.steady, open_time(partition));
        created->first_record = partition.records;
        created->size_max = size_max(*partition.topic);
        partition.open = created;
        created->due = linger_ <= nanoseconds{0};
        if (created->due) return created;
        lingering_.push_back(*created);
        if (partition.leader) partition.leader->lingering.push_back(*created);
        return created;
    }

    // However well records shrink: a block that the pool keeps, with room for the slots of its records.
    static constexpr std::size_t raw_size_max = buffer_pool::largest_kept / 4 * 3;
    static constexpr std::int64_t time_delta_max = 0x7fffffff; // what a slot can hold

    batch_store store_;
    std::size_t batch_size_;
    nanoseconds linger_, open_time_, slow_open_time_;
    intrusive_list<batch, &batch::linger_hook> lingering_;
};

} // namespace kurier::core
