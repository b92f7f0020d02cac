#include "../../golden/batch_lines.hpp"

#include <doctest/doctest.h>

#include <fstream>

// The same comparison with thousands of random batches, compressed ones among them: tests/golden/run_batches.
TEST_CASE("record batches: those of Kafka's own classes are read, and written anew to the same bytes")
{
    std::ifstream vectors{"tests/golden/batches.txt"};
    REQUIRE(vectors);
    const kurier_golden::comparison done = kurier_golden::compare(vectors, {});
    CHECK(done.batches == 61);
    CHECK(done.rebuilt > 30);
    CHECK(done.records > 100);
}
