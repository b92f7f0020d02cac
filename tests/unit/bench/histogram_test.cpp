#include "../../../bench/histogram.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <vector>

using kurier::bench::histogram;

namespace {

std::uint64_t exact_percentile(const std::vector<std::uint64_t>& sorted, double percent)
{
    const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

} // namespace

TEST_CASE("an empty histogram answers zero")
{
    const auto empty = std::make_unique<histogram>();
    CHECK(empty->count() == 0);
    CHECK(empty->percentile(50) == 0);
    CHECK(empty->min() == 0);
    CHECK(empty->max() == 0);
    CHECK(empty->mean() == 0);
}

TEST_CASE("every value lies in its cell, and cells follow one another without a gap")
{
    for (unsigned bit = 0; bit < 64; ++bit) {
        for (const std::uint64_t around : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) | 1}) {
            for (const std::uint64_t value : {around - 1, around}) {
                const std::size_t cell = histogram::cell_of(value);
                CHECK(value <= histogram::last_of(cell));
                if (cell > 0) CHECK(value > histogram::last_of(cell - 1));
            }
        }
    }
    CHECK(histogram::last_of(histogram::cell_of(~std::uint64_t{0})) == ~std::uint64_t{0});
}

TEST_CASE("small values are exact")
{
    const auto small = std::make_unique<histogram>();
    for (std::uint64_t value = 1; value <= 100; ++value) small->record(value);
    CHECK(small->percentile(0) == 1);
    CHECK(small->percentile(50) == 50);
    CHECK(small->percentile(99) == 99);
    CHECK(small->percentile(99.99) == 100);
    CHECK(small->percentile(100) == 100);
    CHECK(small->mean() == doctest::Approx(50.5));
}

TEST_CASE("percentiles are within one part in 128 of the exact ones")
{
    std::mt19937_64 random{7};
    std::lognormal_distribution<double> latency{11, 2};
    const auto measured = std::make_unique<histogram>();
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 20'000; ++i) {
        values.push_back(static_cast<std::uint64_t>(latency(random)));
        measured->record(values.back());
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {1.0, 50.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0}) {
        const std::uint64_t exact = exact_percentile(values, percent);
        CHECK(measured->percentile(percent) >= exact);
        CHECK(measured->percentile(percent) <= exact + exact / 128 + 1);
    }
    CHECK(measured->max() == values.back());
    CHECK(measured->min() == values.front());
}

TEST_CASE("merging is recording into one")
{
    const auto left = std::make_unique<histogram>();
    const auto right = std::make_unique<histogram>();
    const auto both = std::make_unique<histogram>();
    for (std::uint64_t i = 0; i < 1000; ++i) {
        (i % 3 == 0 ? left : right)->record(i * i);
        both->record(i * i);
    }
    left->merge(*right);
    CHECK(left->count() == both->count());
    CHECK(left->max() == both->max());
    CHECK(left->min() == both->min());
    CHECK(left->percentile(90) == both->percentile(90));
    left->clear();
    CHECK(left->count() == 0);
}
