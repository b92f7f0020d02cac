// Recycled blocks for handlers that wait for a delivery, so that in steady state a record in flight allocates nothing.
// They are cut from slabs, a cache line each if small: in a backlog a waiter is cold by the time it is notified, and
// every line costs. One strand only.
#pragma once

#include <kurier/config.hpp>

#include <array>
#include <cstddef>
#include <new>

namespace kurier::inline KURIER_ABI::io {

class operation_pool
{
public:
    operation_pool() = default;
    operation_pool(const operation_pool&) = delete;
    operation_pool& operator=(const operation_pool&) = delete;
    ~operation_pool()
    {
        while (auto* slab = slabs_) {
            slabs_ = slab->next;
            ::operator delete(slab, line);
        }
    }

    void* allocate(std::size_t size)
    {
        const auto at = index(size);
        if (at >= free_.size()) return ::operator new(size);
        if (!free_[at]) [[unlikely]]
            add_slab(at);
        auto* block = free_[at];
        free_[at] = block->next;
        return block;
    }

    void deallocate(void* memory, std::size_t size) noexcept
    {
        const auto at = index(size);
        if (at >= free_.size())
            ::operator delete(memory);
        else
            free_[at] = new (memory) free_block{free_[at]};
    }

private:
    struct free_block
    {
        free_block* next;
    };
    static constexpr std::align_val_t line{64};
    static constexpr std::size_t step = 32, slab_bytes = 16384;

    static std::size_t index(std::size_t size) noexcept { return (size - 1) / step; }

    void add_slab(std::size_t at)
    {
        const auto size = (at + 1) * step;
        auto* const slab = static_cast<std::byte*>(::operator new(slab_bytes, line));
        slabs_ = new (slab) free_block{slabs_};
        for (auto end = slab_bytes; end >= static_cast<std::size_t>(line) + size; end -= size)
            free_[at] = new (slab + end - size) free_block{free_[at]};
    }

    std::array<free_block*, 16> free_{};
    free_block* slabs_ = nullptr;
};

} // namespace kurier::inline KURIER_ABI::io
