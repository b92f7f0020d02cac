// A log-linear histogram in the manner of HdrHistogram: each power of two is cut into 128 equal cells, so a
// percentile is never off by more than 1/128 of its value, whatever the range, and memory is fixed.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace kurier::bench {

class histogram
{
public:
    void record(std::uint64_t value) noexcept
    {
        ++cells_[cell_of(value)];
        ++count_;
        sum_ += static_cast<double>(value);
        max_ = std::max(max_, value);
        min_ = std::min(min_, value);
    }

    void merge(const histogram& other) noexcept
    {
        for (std::size_t i = 0; i < cells_.size(); ++i) cells_[i] += other.cells_[i];
        count_ += other.count_;
        sum_ += other.sum_;
        max_ = std::max(max_, other.max_);
        min_ = std::min(min_, other.min_);
    }

    void clear() noexcept { *this = histogram{}; }

    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t max() const noexcept { return max_; }
    std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
    double mean() const noexcept { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

    // The smallest recorded value, rounded up to the end of its cell, that `percent` of all values don't
    // exceed.
    std::uint64_t percentile(double percent) const noexcept
    {
        if (count_ == 0) return 0;
        const double exact = percent / 100 * static_cast<double>(count_);
        const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::ceil(exact)), 1, count_);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            seen += cells_[i];
            if (seen >= rank) return std::min(last_of(i), max_);
        }
        return max_;
    }

    // Cells below 2^8 hold one value each; above, cell width doubles with each power of two.
    static constexpr std::size_t cell_of(std::uint64_t value) noexcept
    {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        if (width <= cell_bits + 1) return static_cast<std::size_t>(value);
        const unsigned shift = width - (cell_bits + 1);
        return (std::size_t{shift} << cell_bits) + static_cast<std::size_t>(value >> shift);
    }

    static constexpr std::uint64_t last_of(std::size_t cell) noexcept
    {
        if (cell < (std::size_t{2} << cell_bits)) return cell;
        const auto shift = static_cast<unsigned>(cell >> cell_bits) - 1;
        const std::uint64_t step =
            (cell & ((std::size_t{1} << cell_bits) - 1)) + (std::size_t{1} << cell_bits);
        return (step << shift) + ((std::uint64_t{1} << shift) - 1);
    }

private:
    static constexpr unsigned cell_bits = 7;
    static constexpr std::size_t cell_count = (std::size_t{64 - cell_bits + 1}) << cell_bits;

    std::array<std::uint64_t, cell_count> cells_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
    std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
    double sum_ = 0;
};

} // namespace kurier::bench
