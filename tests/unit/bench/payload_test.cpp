#include "../../../bench/payload.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace kurier::bench;

TEST_CASE("a payload file is cut at its delimiter, closed or not")
{
    const value_pool closed = value_pool::from_text("one\ntwo\n", "\n");
    CHECK(closed.size() == 2);
    CHECK(closed[1] == "two");
    const value_pool open = value_pool::from_text("one--two----", "--");
    CHECK(open.size() == 3);
    CHECK(open[0] == "one");
    CHECK(open[2].empty());
    CHECK_THROWS(value_pool::from_text("", "\n"));
    CHECK_THROWS(value_pool::from_file("/no/such/file", "\n"));
}

TEST_CASE("keys are distinct and of 12 bytes")
{
    const key_pool keys{1000};
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        CHECK(keys[i].size() == 12);
        seen.insert(keys[i]);
    }
    CHECK(seen.size() == 1000);
}

TEST_CASE("a cycle starts over")
{
    cycle three{3};
    for (const std::size_t expected : {0u, 1u, 2u, 0u, 1u}) CHECK(three.next() == expected);
}
