// Collects records into batches, one open batch per partition, bounded by buffer.memory. Decides when a batch is full or
// its linger has expired; knows nothing of responses or producer ids.
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

namespace kurier::inline KURIER_ABI::core {

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

    // Appends to the partition's open batch, opening or replacing it as needed. `share` bounds how much of the pool the
    // partition's leader may hold. Returns an empty place if there is no room; retrying is useless until memory is
    // released. A batch that was too full for the record is closed all the same, so that it is sent.
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

    // Would the record open a new batch?
    static bool begins_batch(const partition_state& partition, const record_bytes& record,
                             instant now) noexcept
    {
        const batch* open = partition.open;
        if (!open) return true;
        const auto delta = record.timestamp - open->base_timestamp;
        const auto need = encoded_size(body_size(record, delta, open->record_count));
        return !within_limits(*open, need, delta) || too_old(*open, now.steady);
    }

    // Queues a record whose value isn't copied, in a batch of its own; the open batch before it is closed.
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

    // How long a batch that can't be sent accepts records: they all expire with its oldest. For a slow leader longer than
    // it takes to serve a request: a request carries one batch per partition, and if that is less than what arrives in
    // the meantime, the backlog grows until everything expires.
    nanoseconds open_time(const partition_state& partition) const noexcept
    {
        const auto pace = partition.leader ? 2 * partition.leader->service_time : nanoseconds{0};
        return std::max(open_time_, std::min(pace, slow_open_time_));
    }

    static bool too_old(const batch& open, nanoseconds now) noexcept { return open.takes_until < now; }

    // The smallest block that an empty batch needs for this record.
    static std::size_t room_for(const record_bytes& record) noexcept
    {
        return batch_header_size + encoded_size(body_size(record, 0, 0)) + batch_margin + sizeof(slot);
    }

    // Upper bound of the record's size in a batch of its own: what max.request.size is compared with.
    static std::size_t size_alone(const record_bytes& record) noexcept
    {
        return batch_header_size + encoded_size(body_size(record, 0, 0));
    }

    // Closes the open batch and moves it to the partition's queue.
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

    // Inserts a batch into the queue in record order.
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

    // The next open batch whose linger has expired, marked due; nullptr if there is none.
    batch* next_due(nanoseconds now) noexcept
    {
        batch* oldest = lingering_.front();
        if (!oldest || later(oldest->created, linger_) > now) return nullptr;
        set_due(*oldest);
        return oldest;
    }

    // Ends the linger of one broker's open batches (nullptr: of all) that have `least` bytes or more. Batches that will be
    // compressed go on: the more a codec gets, the better it does.
    template <class Update> void hurry(const broker_node* leader, std::size_t least, Update update)
    {
        if (leader)
            hurry(leader->lingering, least, update);
        else
            hurry(lingering_, least, update);
    }

    // For flush: the next open batch, whatever its age.
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

    // After compression: moves the batch to a smaller block if that releases at least half of its own.
    void shrink(batch& closed) noexcept
    {
        const auto slots = static_cast<std::size_t>(closed.accepted) * sizeof(slot);
        const auto needed = closed.size + batch_margin + slots;
        if (buffer_pool::rounded(needed) <= closed.memory.capacity / 2)
            store_.move_to_new(closed, needed, true); // beyond the limit for a moment only
    }

    // A block for the compressed form of a batch; empty if buffer.memory has no room for it.
    block memory_for_job(const batch& closed) noexcept
    {
        return pool().acquire(closed.size + batch_margin +
                              static_cast<std::size_t>(closed.accepted) * sizeof(slot));
    }

    // Swaps the batch's block for one that already holds its records.
    void move_to(batch& closed, block& compressed) noexcept { store_.move_to(closed, compressed, 0); }

    // The brokers that have a batch which is ready or lingers: a turn looks at no others. Who finds one with neither takes
    // it off the list.
    using broker_list = intrusive_list<broker_node, &broker_node::active_hook>;
    broker_list& active_brokers() noexcept { return active_; }
    const broker_list& active_brokers() const noexcept { return active_; }
    void activate(broker_node& leader) noexcept
    {
        if (!leader.active_hook.linked) active_.push_back(leader);
    }

    void set_due(batch& open) noexcept
    {
        open.due = true;
        lingering_.remove(open);
        if (open.leader_hook.linked) open.partition->leader->lingering.erase(open);
    }

    // An empty batch for part of a batch that is split; nullptr if the heap is exhausted.
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

    // batch.size bounds the estimated compressed size (KIP-126).
    std::size_t size_max(const topic_state& topic) const noexcept
    {
        if (topic.codec.id == compression::none) return batch_size_;
        const auto ratio = std::max(topic.ratio.of(topic.codec.id) * ratio_estimate::safety_factor, 0.01);
        const auto guess = static_cast<std::size_t>(static_cast<double>(batch_size_) / ratio);
        return std::clamp(guess, batch_size_, std::max(batch_size_, raw_size_max));
    }

    // A partition whose batches have become smaller starts with less memory, step by step.
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
        if (partition.leader) {
            partition.leader->lingering.push_back(*created);
            activate(*partition.leader);
        }
        return created;
    }

    // However well records compress: the largest block that the pool keeps, less the slots.
    static constexpr std::size_t raw_size_max = buffer_pool::largest_kept / 4 * 3;
    batch_store store_;
    std::size_t batch_size_;
    nanoseconds linger_, open_time_, slow_open_time_;
    intrusive_list<batch, &batch::linger_hook> lingering_;
    broker_list active_;
};

} // namespace kurier::inline KURIER_ABI::core
