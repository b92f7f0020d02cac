#include <kurier/compression/ratio_estimate.hpp>

#include <doctest/doctest.h>

using kurier::compression;
using kurier::ratio_estimate;

TEST_CASE("a ratio is 1 until something is known, for each codec")
{
    const ratio_estimate estimate;
    for (const auto id : kurier::all_compressions) CHECK(estimate.of(id) == 1.0);
}

TEST_CASE("a ratio improves by small steps and never below what was seen")
{
    ratio_estimate estimate;
    estimate.observe(compression::lz4, 1000, 250);
    CHECK(estimate.of(compression::lz4) == doctest::Approx(0.995));
    CHECK(estimate.of(compression::zstd) == 1.0);
    for (int i = 0; i < 1000; ++i) estimate.observe(compression::lz4, 1000, 250);
    CHECK(estimate.of(compression::lz4) == doctest::Approx(0.25));
}

TEST_CASE("a ratio worsens at once")
{
    ratio_estimate estimate;
    for (int i = 0; i < 1000; ++i) estimate.observe(compression::zstd, 1000, 200);
    estimate.observe(compression::zstd, 1000, 210); // by the step at least
    CHECK(estimate.of(compression::zstd) == doctest::Approx(0.25));
    estimate.observe(compression::zstd, 1000, 700);
    CHECK(estimate.of(compression::zstd) == doctest::Approx(0.7));
    estimate.observe(compression::zstd, 1000, 1100); // data that grows
    CHECK(estimate.of(compression::zstd) == doctest::Approx(1.1));
}

TEST_CASE("after a split the ratio is at least 1")
{
    ratio_estimate estimate;
    for (int i = 0; i < 500; ++i) estimate.observe(compression::gzip, 1000, 300);
    estimate.observe_split(compression::gzip, 1000, 300);
    CHECK(estimate.of(compression::gzip) == 1.0);
    estimate.observe_split(compression::gzip, 1000, 1200);
    CHECK(estimate.of(compression::gzip) == doctest::Approx(1.2));
}

TEST_CASE("nothing is learned from nothing")
{
    ratio_estimate estimate;
    estimate.observe(compression::gzip, 0, 20);
    estimate.observe_split(compression::gzip, 0, 20);
    estimate.observe(compression::none, 100, 10);
    CHECK(estimate.of(compression::gzip) == 1.0);
    CHECK(estimate.of(compression::none) == 1.0);
}

TEST_CASE("a batch is full by its compressed estimate, the new record counted in full")
{
    ratio_estimate estimate;
    for (int i = 0; i < 1000; ++i) estimate.observe(compression::lz4, 1000, 250);
    CHECK(estimate.batch_size(compression::lz4, 61, 10000) == 61 + 2625); // 10000 * 0.25 * 1.05
    CHECK(estimate.batch_size(compression::none, 61, 10000) == 10061);

    CHECK(estimate.has_room(compression::lz4, 61, 10000, 314, 3000));
    CHECK_FALSE(estimate.has_room(compression::lz4, 61, 10000, 315, 3000));
    CHECK_FALSE(estimate.has_room(compression::none, 61, 10000, 1, 3000));
    CHECK(estimate.has_room(compression::lz4, 61, 0, 1000000, 3000)); // the first
    CHECK_FALSE(estimate.has_room(compression::lz4, 61, 100000, 0, 3000));
}
