// Compiled without the calls that it counts, and linked with --wrap for libc's functions.
#include "work.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include <malloc.h>

namespace {

std::uint64_t blocks = 0;
std::size_t held = 0;

void count_bytes(std::size_t size) noexcept
{
    blocks += size / 16;
}

} // namespace

namespace kurier::scale {

std::uint64_t blocks_entered() noexcept
{
    return blocks;
}

std::size_t bytes_held() noexcept
{
    return held;
}

} // namespace kurier::scale

void* operator new(std::size_t size)
{
    void* const made = std::malloc(size);
    if (!made) throw std::bad_alloc{};
    count_bytes(size);
    held += malloc_usable_size(made) + sizeof(std::size_t);
    return made;
}

void operator delete(void* gone) noexcept
{
    if (gone) held -= malloc_usable_size(gone) + sizeof(std::size_t);
    std::free(gone);
}

void operator delete(void* gone, std::size_t) noexcept
{
    operator delete(gone);
}

extern "C" {

void __sanitizer_cov_trace_pc()
{
    ++blocks;
}

void* __real_memcpy(void* to, const void* from, std::size_t size);
void* __real_memmove(void* to, const void* from, std::size_t size);
void* __real_memset(void* to, int with, std::size_t size);
int __real_memcmp(const void* a, const void* b, std::size_t size);

void* __wrap_memcpy(void* to, const void* from, std::size_t size)
{
    count_bytes(size);
    return __real_memcpy(to, from, size);
}

void* __wrap_memmove(void* to, const void* from, std::size_t size)
{
    count_bytes(size);
    return __real_memmove(to, from, size);
}

void* __wrap_memset(void* to, int with, std::size_t size)
{
    count_bytes(size);
    return __real_memset(to, with, size);
}

int __wrap_memcmp(const void* a, const void* b, std::size_t size)
{
    count_bytes(size);
    return __real_memcmp(a, b, size);
}
}
