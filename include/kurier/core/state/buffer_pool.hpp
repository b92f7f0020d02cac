// The memory that batches are built in. `buffer.memory` is a hard bound on what the pool takes from the heap: blocks in
// use and blocks kept for reuse never exceed it together.
//
// Blocks come in sizes 2^k and 3 * 2^k, so a batch can grow instead of taking `batch.size` at once (KIP-1332's aim),
// and the block freed last is handed out first, because it is still in the cache. Where such a block doesn't fit any more,
// one of just the size that was asked for may: a record that fits into buffer.memory must not fail for the rounding
// (KAFKA-3648).
#pragma once

#include <kurier/config.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace kurier::inline KURIER_ABI::core {

struct block
{
    std::byte* data = nullptr;
    std::size_t capacity = 0;
    explicit operator bool() const noexcept { return data != nullptr; }
};

class buffer_pool
{
public:
    static constexpr std::size_t smallest = 512, largest_kept = std::size_t{1} << 20;
    static constexpr std::size_t alignment = 8; // of every size: there are slots at the end of a block

    explicit buffer_pool(std::size_t limit) noexcept : limit_{limit} {}
    buffer_pool(const buffer_pool&) = delete;
    buffer_pool& operator=(const buffer_pool&) = delete;
    ~buffer_pool() { trim(0); }

    std::size_t limit() const noexcept { return limit_; }
    std::size_t in_use() const noexcept { return in_use_; }
    std::size_t kept() const noexcept { return kept_; }
    std::uint64_t released() const noexcept { return released_; } // blocks, ever

    static std::size_t rounded(std::size_t bytes) noexcept
    {
        if (bytes > largest_kept) return (bytes + 4095) / 4096 * 4096;
        const auto power = std::bit_ceil(bytes < smallest ? smallest : bytes);
        return power > smallest && bytes <= power / 4 * 3 ? power / 4 * 3 : power;
    }

    static std::size_t aligned(std::size_t bytes) noexcept
    {
        return (bytes + alignment - 1) / alignment * alignment;
    }

    // Could `bytes` more be taken without exceeding `limit`? (A caller may have a lower limit.)
    bool has_room(std::size_t bytes, std::size_t limit) const noexcept
    {
        return in_use_ + aligned(bytes) <= limit;
    }

    // A block of at least `bytes`; empty if the bound or the heap is reached. The bound can be overridden for what must
    // go on when everything is full: splitting a batch that is too large for the broker.
    block acquire(std::size_t bytes, bool beyond_limit = false) noexcept
    {
        auto size = rounded(bytes);
        if (in_use_ + size > limit_ && !beyond_limit) size = aligned(bytes);
        if (in_use_ + size > limit_ && !beyond_limit) return {};
        block taken{nullptr, size};
        if (is_kept(size) && free_[index(size)]) {
            auto*& head = free_[index(size)];
            taken.data = reinterpret_cast<std::byte*>(head);
            head = head->next;
            kept_ -= size;
        } else {
            if (in_use_ + kept_ + size > limit_) trim(in_use_ + size < limit_ ? limit_ - in_use_ - size : 0);
            taken.data = static_cast<std::byte*>(::operator new(size, std::nothrow));
            if (!taken.data) return {};
        }
        in_use_ += size;
        return taken;
    }

    void release(block& given) noexcept
    {
        if (!given) return;
        in_use_ -= given.capacity;
        ++released_;
        // Not while blocks exceed the limit: what is kept must not hold the pool above it.
        if (is_kept(given.capacity) && in_use_ + kept_ + given.capacity <= limit_) {
            auto*& head = free_[index(given.capacity)];
            head = new (given.data) free_block{head};
            kept_ += given.capacity;
        } else {
            ::operator delete(given.data);
        }
        given = {};
    }

private:
    friend struct invariant_access;
    struct free_block
    {
        free_block* next;
    };

    static bool is_kept(std::size_t size) noexcept { return size <= largest_kept && size == rounded(size); }

    static std::size_t index(std::size_t size) noexcept // of a rounded size: 512, 768, 1024, 1536, ...
    {
        const auto power = static_cast<std::size_t>(std::bit_width(size) - std::bit_width(smallest));
        return 2 * power + (std::has_single_bit(size) ? 0 : 1);
    }

    static std::size_t size_of(std::size_t index) noexcept
    {
        return index % 2 == 0 ? smallest << (index / 2) : (smallest << (index / 2)) / 2 * 3;
    }

    void trim(std::size_t keep) noexcept // give kept blocks back to the heap, largest first
    {
        for (std::size_t i = free_.size(); i-- > 0 && kept_ > keep;)
            while (free_[i] && kept_ > keep) {
                auto* victim = free_[i];
                free_[i] = victim->next;
                kept_ -= size_of(i);
                ::operator delete(victim);
            }
    }

    static constexpr std::size_t classes = 2 * (std::bit_width(largest_kept) - std::bit_width(smallest)) + 1;
    std::array<free_block*, classes> free_{};
    std::size_t limit_, in_use_ = 0, kept_ = 0;
    std::uint64_t released_ = 0;
};

} // namespace kurier::inline KURIER_ABI::core
