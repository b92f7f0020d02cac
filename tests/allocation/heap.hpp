// The heap of this program, whose allocations can be made to fail. operator new is replaced in allocation_test.cpp.
#pragma once

struct allocations
{
    bool counted = false; // only what happens inside what is tested
    long made = 0, failing = 0;
    bool for_good = false; // and all that come after it
};
extern constinit allocations heap;

// Within it, as much memory as anybody wants.
class uncounted
{
public:
    uncounted() noexcept : before_{heap.counted} { heap.counted = false; }
    uncounted(const uncounted&) = delete;
    uncounted& operator=(const uncounted&) = delete;
    ~uncounted() { heap.counted = before_; }

private:
    bool before_;
};
