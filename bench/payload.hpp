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
    // The parts of a file between delimiters; the last one need not be closed by a delimiter.
    static value_pool from_file(const std::string& path, std::string_view delimiter)
    {
        std::ifstream in{path, std::ios::binary};
        if (!in)
            throw std::runtime_error{"cannot read " + path};
        return from_text({std::istreambuf_iterator<char>{in}, {}}, delimiter);
    }

    static value_pool from_text(std::string text, std::string_view delimiter)
    {
        value_pool pool;
        pool.text_ = std::move(text);
        const std::string_view all = pool.text_;
        for (std::size_t at = 0; at < all.size();) {
            const std::size_t end = std::min(all.find(delimiter, at), all.size());
            pool.parts_.push_back({at, end - at});
            at = end + delimiter.size();
        }
        if (pool.parts_.empty())
            throw std::runtime_error{"the payload file is empty"};
        return pool;
    }

    // The same values in random order, and in memory in that order too: sending them costs no more.
    value_pool shuffled(std::mt19937_64& random) const
    {
        value_pool pool;
        pool.parts_ = parts_;
        std::shuffle(pool.parts_.begin(), pool.parts_.end(), random);
        for (part& moved : pool.parts_) {
            const std::size_t at = pool.text_.size();
            pool.text_.append(text_, moved.at, moved.size);
            moved.at = at;
        }
        return pool;
    }

    std::size_t size() const noexcept { return parts_.size(); }

    std::string_view operator[](std::size_t i) const noexcept
    {
        return std::string_view{text_}.substr(parts_[i].at, parts_[i].size);
    }

private:
    struct part
    {
        std::size_t at;
        std::size_t size;
    };

    std::string text_;
    std::vector<part> parts_;
};

// `count` distinct keys of 12 bytes.
class key_pool
{
public:
    explicit key_pool(std::size_t count)
        : count_{count}
    {
        text_.resize(count * key_size + 1);
        for (std::size_t i = 0; i < count; ++i)
            std::snprintf(&text_[i * key_size], key_size + 1, "key-%08u", static_cast<unsigned>(i % 100'000'000));
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
    explicit cycle(std::size_t size) noexcept
        : size_{size}
    {
    }

    std::size_t next() noexcept
    {
        const std::size_t now = at_;
        if (++at_ == size_)
            at_ = 0;
        return now;
    }

private:
    std::size_t size_;
    std::size_t at_ = 0;
};

} // namespace kurier::bench
