// What the records of a simulation hold: everything follows from the record's number, so that a record found in a log
// can be checked byte by byte.
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/testing/simulation/dice.hpp>

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class record_content
{
public:
    // `size_max` bounds the value.
    explicit record_content(std::uint64_t seed, std::size_t size_max)
        : seed_{seed}, size_max_{std::max<std::size_t>(size_max, number_size)}
    {}

    // Records from this number on have at least so many bytes.
    void enlarge(std::uint64_t from, std::size_t size) noexcept
    {
        large_from_ = from;
        large_ = size;
    }

    // Views that live until the next call.
    core::record_bytes make(std::uint64_t number, std::int64_t timestamp)
    {
        dice random{seed_ ^ number * 0x2545f4914f6cdd1du};
        const auto extra =
            random.below(random.once_in(16) ? size_max_ - number_size + 1
                                            : std::min<std::size_t>(size_max_ - number_size, 48) + 1);
        value_.resize(number_size + (number >= large_from_ ? std::max(extra, large_) : extra));
        std::memcpy(value_.data(), &number, number_size);
        auto filler = random.once_in(2) ? random.next() : 0; // half of them shrink
        for (std::size_t i = number_size; i < value_.size(); ++i) {
            value_[i] = static_cast<std::byte>(filler);
            filler = filler >> 8 | filler << 56;
        }
        core::record_bytes made;
        made.value = bytes_view{value_};
        made.timestamp = timestamp;
        key_ = random.next();
        switch (random.below(4)) {
        case 0:
            break; // null
        case 1:
            made.key = bytes_view{reinterpret_cast<const std::byte*>(&key_), 0};
            break;
        default:
            made.key = bytes_view{reinterpret_cast<const std::byte*>(&key_), 1 + key_ % 8};
        }
        const auto headers = random.once_in(4) ? random.below(3) : 0;
        for (std::size_t i = 0; i < headers; ++i) {
            headers_[i].name = i == 0 ? "trace" : "";
            headers_[i].value = random.once_in(3) ? nullable_bytes{}
                                                  : nullable_bytes{made.value.view().first(random.below(8))};
        }
        made.headers = {headers_.data(), headers};
        return made;
    }

    static std::optional<std::uint64_t> number_of(nullable_bytes value) noexcept
    {
        if (value.size() < number_size) return std::nullopt;
        std::uint64_t number = 0;
        std::memcpy(&number, value.data(), number_size);
        return number;
    }

    bool is_same(std::uint64_t number, nullable_bytes key, nullable_bytes value,
                 std::span<const header_view> headers)
    {
        const auto expected = make(number, 0);
        if (!(key == expected.key) || !(value == expected.value) || headers.size() != expected.headers.size())
            return false;
        for (std::size_t i = 0; i < headers.size(); ++i)
            if (headers[i].name != expected.headers[i].name ||
                !(headers[i].value == expected.headers[i].value))
                return false;
        return true;
    }

private:
    static constexpr std::size_t number_size = sizeof(std::uint64_t);

    std::uint64_t seed_;
    std::size_t size_max_, large_ = 0;
    std::uint64_t large_from_ = ~std::uint64_t{0};
    std::vector<std::byte> value_;
    std::uint64_t key_ = 0;
    std::array<header_view, 2> headers_;
};

} // namespace kurier::inline KURIER_ABI::testing
