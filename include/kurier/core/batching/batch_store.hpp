// Batches and their blocks, bounded by buffer.memory. Every change of a batch's block goes through here, so that the
// memory accounted to a partition and to its leader has one writer. When the leader changes, move_to_leader moves it.
#pragma once

#include <kurier/core/state/topic.hpp>
#include <kurier/core/support/make_room.hpp>
#include <kurier/producer_config.hpp>

#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class batch_store
{
public:
    explicit batch_store(const producer_config& config) : pool_{config.buffer_memory} {}
    ~batch_store()
    {
        for (const auto& one : all_) pool_.release(one->memory);
    }
    batch_store(const batch_store&) = delete;
    batch_store& operator=(const batch_store&) = delete;

    buffer_pool& pool() noexcept { return pool_; }
    const buffer_pool& pool() const noexcept { return pool_; }

    // An empty batch with a block of so many bytes; nullptr if buffer.memory or the heap is exhausted.
    batch* acquire(partition_state& partition, std::size_t bytes, bool beyond_limit = false) noexcept
    {
        if (free_.empty() && !make_one()) return nullptr;
        block memory = pool_.acquire(bytes, beyond_limit);
        if (!memory) return nullptr;
        batch* taken = free_.back();
        free_.pop_back();
        taken->partition = &partition;
        taken->memory = memory;
        count(partition, memory.capacity, 0);
        return taken;
    }

    // Returns it to the free list. No request and no delivery may refer to it.
    void recycle(batch& finished) noexcept
    {
        free_memory(finished);
        finished.~batch();
        new (&finished) batch;
        free_.push_back(&finished);
    }

    void free_memory(batch& finished) noexcept
    {
        count(*finished.partition, 0, finished.memory.capacity);
        pool_.release(finished.memory);
        finished.outside.reset();
    }

    // Swaps the batch's block for another one and copies its slots there, and its records (`size` bytes) unless they are
    // there already.
    void move_to(batch& moved, block& other, std::size_t size) noexcept
    {
        const auto slots = static_cast<std::size_t>(moved.accepted) * sizeof(slot);
        std::memcpy(other.data, moved.memory.data, size);
        std::memcpy(other.data + other.capacity - slots, moved.memory.data + moved.memory.capacity - slots,
                    slots);
        count(*moved.partition, other.capacity, moved.memory.capacity);
        std::swap(moved.memory, other);
    }

    // The same with a new block of so many bytes; the old one is released. False if there is none.
    bool move_to_new(batch& moved, std::size_t bytes, bool beyond_limit = false) noexcept
    {
        block other = pool_.acquire(bytes, beyond_limit);
        if (!other) return false;
        move_to(moved, other, moved.size);
        pool_.release(other);
        return true;
    }

private:
    friend struct invariant_access;

    static void count(partition_state& partition, std::size_t more, std::size_t less) noexcept
    {
        partition.memory += more - less; // modulo 2^64, either way
        if (partition.leader) partition.leader->memory += more - less;
    }

    bool make_one() noexcept
    {
        auto* more = new (std::nothrow) batch;
        if (!more) return false;
        try {
            make_room(free_, all_.size() + 1); // so that recycle() never allocates
            all_.emplace_back(more);
        } catch (...) {
            delete more;
            return false;
        }
        free_.push_back(more);
        return true;
    }

    buffer_pool pool_;
    std::vector<std::unique_ptr<batch>> all_;
    std::vector<batch*> free_;
};

} // namespace kurier::inline KURIER_ABI::core
