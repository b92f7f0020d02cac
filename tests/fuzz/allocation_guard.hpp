// Counts what a fuzz target's heap does, by the sanitizer's hooks: bytes asked for, and bytes held.
#pragma once

#include <sanitizer/allocator_interface.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace kurier::fuzz {

// What must hold; a crash is what a fuzzer understands.
inline void require(bool condition, std::source_location where = std::source_location::current())
{
    if (condition) return;
    std::fprintf(stderr, "%s:%u: does not hold\n", where.file_name(), static_cast<unsigned>(where.line()));
    std::abort();
}

struct heap_counts
{
    bool on = false;
    std::size_t asked = 0; // all allocations
    std::ptrdiff_t held = 0, held_max = 0;
};

inline heap_counts& heap()
{
    static heap_counts counts;
    return counts;
}

inline void install_heap_hooks()
{
    const auto on_malloc = [](const volatile void*, std::size_t size) {
        auto& counts = heap();
        if (!counts.on) return;
        counts.asked += size;
        counts.held += static_cast<std::ptrdiff_t>(size);
        counts.held_max = std::max(counts.held_max, counts.held);
    };
    const auto on_free = [](const volatile void* freed) {
        auto& counts = heap();
        if (counts.on && freed)
            counts.held -=
                static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(const_cast<const void*>(freed)));
    };
    static const int installed = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    require(installed > 0);
}

// Counts until the end of the scope, in addition to what was counted before.
class counting
{
public:
    counting() { heap().on = true; }
    counting(const counting&) = delete;
    counting& operator=(const counting&) = delete;
    ~counting() { heap().on = false; }
};

// `act` decodes `size` bytes: it may allocate `factor` times as many, and 4 kB.
template <class Act> decltype(auto) within_allocation_bound(std::size_t size, std::size_t factor, Act act)
{
    struct checked_at_end
    {
        std::size_t most;
        ~checked_at_end() { require(heap().asked <= most); }
    };
    heap() = {};
    const checked_at_end check{factor * size + 4096};
    const counting here;
    return act();
}

} // namespace kurier::fuzz

// In one source file of each target that counts.
#define KURIER_FUZZ_COUNTS_HEAP                                                                              \
    extern "C" int LLVMFuzzerInitialize(int*, char***)                                                       \
    {                                                                                                        \
        kurier::fuzz::install_heap_hooks();                                                                  \
        return 0;                                                                                            \
    }
