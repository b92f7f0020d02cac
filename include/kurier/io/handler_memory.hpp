// Memory for operations that are started over and over, so that a connection in steady state allocates nothing.
#pragma once

#include <kurier/config.hpp>

#include <cstddef>
#include <new>

namespace kurier::inline KURIER_ABI::io {

class handler_memory // for one operation at a time
{
public:
    handler_memory() = default;
    handler_memory(const handler_memory&) = delete;
    handler_memory& operator=(const handler_memory&) = delete;

    void* allocate(std::size_t size)
    {
        if (used_ || size > sizeof storage_) return ::operator new(size);
        used_ = true;
        return storage_;
    }

    void deallocate(void* memory) noexcept
    {
        if (memory == storage_)
            used_ = false;
        else
            ::operator delete(memory);
    }

private:
    alignas(std::max_align_t) std::byte storage_[512];
    bool used_ = false;
};

template <class T> class handler_allocator
{
public:
    using value_type = T;

    explicit handler_allocator(handler_memory& memory) noexcept : memory_{&memory} {}
    template <class U> handler_allocator(const handler_allocator<U>& other) noexcept : memory_{other.memory_}
    {}

    T* allocate(std::size_t count) const { return static_cast<T*>(memory_->allocate(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t) const noexcept { memory_->deallocate(memory); }

    friend bool operator==(const handler_allocator&, const handler_allocator&) = default;

private:
    template <class> friend class handler_allocator;
    handler_memory* memory_;
};

} // namespace kurier::inline KURIER_ABI::io
