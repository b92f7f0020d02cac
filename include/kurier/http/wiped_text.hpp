// Text that is overwritten before its memory is given back: requests and responses of identity providers carry secrets.
#pragma once

#include <kurier/secret.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>

namespace kurier::inline KURIER_ABI::http {

template <class T> class wiping_allocator
{
public:
    using value_type = T;

    wiping_allocator() = default;
    template <class U> wiping_allocator(const wiping_allocator<U>&) noexcept {}

    T* allocate(std::size_t count) { return std::allocator<T>{}.allocate(count); }
    void deallocate(T* memory, std::size_t count) noexcept
    {
        wipe({reinterpret_cast<std::byte*>(memory), count * sizeof(T)});
        std::allocator<T>{}.deallocate(memory, count);
    }

    template <class U> bool operator==(const wiping_allocator<U>&) const noexcept { return true; }
};

using wiped_text = std::basic_string<char, std::char_traits<char>, wiping_allocator<char>>;

} // namespace kurier::inline KURIER_ABI::http
