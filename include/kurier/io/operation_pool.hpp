// Blocks for handlers that wait for a delivery: kept and used again, so that in steady state a record in flight
// takes nothing from the heap. One strand only.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace kurier::io {

class operation_pool
{
public:
    operation_pool() = default;
    operation_pool(const operation_pool&) = delete;
    operation_pool& operator=(const operation_pool&) = delete;
    ~operation_pool()
    {
        for (auto*& head : free_)
            while (auto* block = head) {
                head = block->next;
                ::operator delete(block);
            }
    }

    void* allocate(std::size_t size)
    {
        const auto at = index(size);
        if (at >= free_.size()) return ::operator new(size);
        if (auto* block = free_[at]) {
            free_[at] = block->next;
            return block;
        }
        return ::operator new((at + 1) * step);
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
    static constexpr std::size_t step = 32;
    static std::size_t index(std::size_t size) noexcept { return (size - 1) / step; }
    std::array<free_block*, 16> free_{};
};

} // namespace kurier::io
