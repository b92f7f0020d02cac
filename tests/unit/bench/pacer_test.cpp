#include "../../../bench/pacer.hpp"

#include <doctest/doctest.h>

using kurier::bench::pacer;

TEST_CASE("records of a burst are due together, bursts at equal distances")
{
    const pacer thousand{500, 1000, 1};
    CHECK(thousand.due_ns(0) == 500);
    CHECK(thousand.due_ns(1) == 500 + 1'000'000);
    CHECK(thousand.due_ns(1000) == 500 + 1'000'000'000);

    const pacer bursts{0, 100'000, 100};
    CHECK(bursts.due_ns(99) == 0);
    CHECK(bursts.due_ns(100) == 1'000'000);
    CHECK(bursts.due_ns(199) == 1'000'000);
    CHECK(bursts.starts_burst(100));
    CHECK(!bursts.starts_burst(101));
}

TEST_CASE("a rate that doesn't divide a second does not drift, and a long run doesn't overflow")
{
    const pacer thirds{0, 3, 1};
    CHECK(thirds.due_ns(3) == 1'000'000'000);
    CHECK(thirds.due_ns(4) == 1'333'333'333);
    const pacer fast{0, 10'000'000, 1};
    CHECK(fast.due_ns(1'000'000'000'000) == 100'000ull * 1'000'000'000ull);
}
