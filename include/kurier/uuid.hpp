// A 128-bit identifier, as Kafka gives to topics (KIP-516). All zero means none.
#pragma once

#include <kurier/config.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <string>

namespace kurier::inline KURIER_ABI {

struct uuid
{
    std::array<std::byte, 16> bytes{};

    // All zero: "no id", in Kafka.
    constexpr bool is_nil() const noexcept
    {
        return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{}; });
    }
    friend constexpr auto operator<=>(const uuid&, const uuid&) = default;
};

inline std::string to_string(const uuid& id) // 8-4-4-4-12, as Java's UUID.toString
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += digits[static_cast<unsigned>(id.bytes[i]) >> 4];
        text += digits[static_cast<unsigned>(id.bytes[i]) & 15];
    }
    return text;
}

} // namespace kurier::inline KURIER_ABI
