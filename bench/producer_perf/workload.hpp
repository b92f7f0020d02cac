// Which record comes next. Values and keys are made, and put into random order where that is asked for,
// before the first one is sent: a random payload made for each record, as in Kafka's tool, would cost more
// than sending it.
#pragma once

#include "../payload.hpp"
#include "options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::bench {

class workload
{
public:
    explicit workload(const perf_options& options) : workload{options, std::mt19937_64{options.random_seed}}
    {}

    std::string_view next_value()
    {
        if (numbers_.empty()) return values_[value_.next()];
        auto& text = numbers_[value_.next()];
        const auto end = std::to_chars(text.data(), text.data() + text.size(), sent_++).ptr;
        return {text.data(), static_cast<std::size_t>(end - text.data())};
    }

    bool keyed() const noexcept { return !keys_.empty(); }
    std::string_view next_key() noexcept { return keys_[key_.next()]; }

    std::string_view next_topic() noexcept
    {
        return topics_.size() == 1 ? topics_.front() : topics_[topic_.next()];
    }

private:
    workload(const perf_options& options, std::mt19937_64 random)
        : values_{make_values(options, random)},
          numbers_(options.payload_monotonic ? std::max<std::size_t>(records_alive, options.burst) : 0),
          value_{numbers_.empty() ? values_.size() : numbers_.size()},
          key_{std::max<std::size_t>(options.record_key_range, 1)}, topic_{options.topics}
    {
        for (std::size_t i = 0; i < options.record_key_range; ++i) {
            std::string key = std::to_string(i);
            if (key.size() < options.key_size) key.insert(0, options.key_size - key.size(), '0');
            keys_.push_back(std::move(key));
        }
        if (options.keys == key_distribution::random) std::shuffle(keys_.begin(), keys_.end(), random);
        for (std::size_t i = 0; i < options.topics; ++i)
            topics_.push_back(options.topics == 1 ? options.topic : options.topic + "-" + std::to_string(i));
    }

    static value_pool make_values(const perf_options& options, std::mt19937_64& random)
    {
        if (!options.payload_file.empty())
            return value_pool::from_file(options.payload_file, options.payload_delimiter).shuffled(random);
        const std::size_t size = options.record_size.value_or(1);
        const std::size_t count =
            std::clamp<std::size_t>((std::size_t{1} << 20) / std::max<std::size_t>(size, 1), 16, 16384);
        std::string text;
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t byte = 0; byte < size; ++byte) text += static_cast<char>('A' + random() % 26);
            text += '\n';
        }
        return value_pool::from_text(text, "\n");
    }

    // A batch of records is looked at together
    static constexpr std::size_t records_alive = 1024;

    value_pool values_;
    std::vector<std::array<char, 20>> numbers_; // of --payload-monotonic, used in turn
    cycle value_;
    std::vector<std::string> keys_;
    cycle key_;
    std::vector<std::string> topics_;
    cycle topic_;
    std::uint64_t sent_ = 0;
};

} // namespace kurier::bench
