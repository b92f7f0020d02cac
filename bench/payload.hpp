// The values and keys that a benchmark sends: made before the clock starts, then cycled through.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::bench {

// Values of one text, one after another in memory, as an application's own data would lie.
class value_pool
{
public:
    value_pool(value_pool&&) = default;

    // The parts of a file between delimiters; the last one need not be closed by a delimiter.
    static value_pool from_file(const std::string& path, std::string_view delimiter)
    {
        std::ifstream in{path, std::ios::binary};
        if (!in) throw std::runtime_error{"cannot read " + path};
        return from_text(std::string{std::istreambuf_iterator<char>{in}, {}}, delimiter);
    }

    static value_pool from_text(std::string_view text, std::string_view delimiter)
    {
        value_pool pool{text.size()};
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find(delimiter, at), text.size());
            pool.add(text.substr(at, end - at));
            at = end + delimiter.size();
        }
        if (pool.values_.empty()) throw std::runtime_error{"the payload file is empty"};
        return pool;
    }

    // The same values in random order, and in memory in that order too: sending them costs no more.
    value_pool shuffled(std::mt19937_64& random) const
    {
        std::vector<std::string_view> order = values_;
        std::shuffle(order.begin(), order.end(), random);
        value_pool pool{bytes_.size()};
        for (const std::string_view value : order) pool.add(value);
        return pool;
    }

    std::size_t size() const noexcept { return values_.size(); }
    std::string_view operator[](std::size_t i) const noexcept { return values_[i]; }

private:
    explicit value_pool(std::size_t bytes)
    {
        bytes_.reserve(bytes + 1);
    } // never moves, and an empty value isn't null

    void add(std::string_view value)
    {
        const std::size_t at = bytes_.size();
        bytes_.insert(bytes_.end(), value.begin(), value.end());
        values_.emplace_back(bytes_.data() + at, value.size());
    }

    std::vector<char> bytes_;
    std::vector<std::string_view> values_;
};

// `count` distinct keys of 12 bytes.
class key_pool
{
public:
    explicit key_pool(std::size_t count) : count_{count}
    {
        text_.resize(count * key_size + 1);
        for (std::size_t i = 0; i < count; ++i)
            std::snprintf(&text_[i * key_size], key_size + 1, "key-%08u",
                          static_cast<unsigned>(i % 100'000'000));
    }

    std::size_t size() const noexcept { return count_; }

    std::string_view operator[](std::size_t i) const noexcept
    {
        return std::string_view{text_}.substr(i * key_size, key_size);
    }

private:
    static constexpr std::size_t key_size = 12;

    std::size_t count_;
    std::string text_;
};

// Gives the indices 0 .. size-1 over and over, without a division for each.
class cycle
{
public:
    explicit cycle(std::size_t size) noexcept : size_{size} {}

    std::size_t next() noexcept
    {
        const std::size_t now = at_;
        if (++at_ == size_) at_ = 0;
        return now;
    }

private:
    std::size_t size_;
    std::size_t at_ = 0;
};

} // namespace kurier::bench
