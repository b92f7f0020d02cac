// Memory for operations whose handlers have no allocator: each thread keeps the blocks that it frees. Asio's own
// recycling keeps two blocks per thread whatever their size, too few when operations of several kinds complete together.
#pragma once

#include <kurier/config.hpp>

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

class recycled_blocks
{
public:
    static void* allocate(std::size_t size)
    {
        if (size > largest) return ::operator new(size);
        auto& kept = of_thread().lists_[index(size)];
        if (!kept.first) return ::operator new((index(size) + 1) * step);
        --kept.count;
        return std::exchange(kept.first, kept.first->next);
    }

    static void deallocate(void* memory, std::size_t size) noexcept
    {
        auto* const kept = size > largest ? nullptr : &of_thread().lists_[index(size)];
        if (!kept || kept->count == kept_max) return ::operator delete(memory);
        ++kept->count;
        kept->first = new (memory) block{kept->first};
    }

    recycled_blocks(const recycled_blocks&) = delete;
    recycled_blocks& operator=(const recycled_blocks&) = delete;

private:
    static constexpr std::size_t step = 64, largest = 512, kept_max = 1024;

    struct block
    {
        block* next;
    };
    struct list
    {
        block* first = nullptr;
        std::size_t count = 0;
    };

    recycled_blocks() = default;
    ~recycled_blocks()
    {
        for (auto& kept : lists_) {
            while (kept.first) ::operator delete(std::exchange(kept.first, kept.first->next));
            kept.count = kept_max; // from now on this thread keeps nothing
        }
    }

    static std::size_t index(std::size_t size) noexcept { return (size - 1) / step; }
    static recycled_blocks& of_thread()
    {
        static thread_local recycled_blocks blocks;
        return blocks;
    }

    std::array<list, largest / step> lists_{};
};

template <class T> struct recycling_allocator
{
    using value_type = T;

    recycling_allocator() = default;
    template <class U> recycling_allocator(const recycling_allocator<U>&) noexcept {}

    T* allocate(std::size_t count)
    {
        static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
        return static_cast<T*>(recycled_blocks::allocate(count * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t count) noexcept
    {
        recycled_blocks::deallocate(memory, count * sizeof(T));
    }
    template <class U> bool operator==(const recycling_allocator<U>&) const noexcept { return true; }
};
template <> struct recycling_allocator<void>
{
    using value_type = void;

    recycling_allocator() = default;
    template <class U> recycling_allocator(const recycling_allocator<U>&) noexcept {}
    template <class U> struct rebind
    {
        using other = recycling_allocator<U>;
    };
    template <class U> bool operator==(const recycling_allocator<U>&) const noexcept { return true; }
};

} // namespace kurier::inline KURIER_ABI::io
