// Messages as lines of text, which the programs of tests/golden/ exchange: request|response KEY VERSION HEX.
#pragma once

#include "../support/random_message.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::tests {

struct message_line
{
    bool request = false;
    std::int16_t key = -1, version = -1;
    std::vector<std::byte> bytes;
};

// Nothing for a comment or what isn't such a line.
inline std::optional<message_line> parse_message_line(std::string_view text)
{
    const auto word = [&] {
        const auto end = std::min(text.find(' '), text.size());
        const auto taken = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        return taken;
    };
    const auto number = [](std::string_view digits, int base, auto& value) {
        const auto* end = digits.data() + digits.size();
        return std::from_chars(digits.data(), end, value, base).ptr == end && !digits.empty();
    };
    message_line line;
    const auto direction = word();
    line.request = direction == "request";
    if (!line.request && direction != "response") return std::nullopt;
    if (!number(word(), 10, line.key) || !number(word(), 10, line.version)) return std::nullopt;
    const auto hex = word();
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        unsigned value = 0;
        if (!number(hex.substr(i, 2), 16, value)) return std::nullopt;
        line.bytes.push_back(static_cast<std::byte>(value));
    }
    return line;
}

inline std::string to_text(const message_line& line)
{
    static constexpr char digits[] = "0123456789abcdef";
    auto text = (line.request ? "request " : "response ") + std::to_string(line.key) + ' ' +
                std::to_string(line.version) + ' ';
    for (const auto byte : line.bytes) {
        text += digits[std::to_integer<unsigned>(byte) >> 4];
        text += digits[std::to_integer<unsigned>(byte) & 15];
    }
    return text;
}

// The message decoded and encoded again; nothing if it can't be, or if kurier doesn't speak it.
inline std::optional<std::vector<std::byte>> recoded(const message_line& line)
{
    std::optional<std::vector<std::byte>> bytes;
    const auto try_message = [&]<class Message>() {
        Message message;
        if (Message::api_key != line.key || !Message::valid(line.version) ||
            !protocol::decode(line.bytes, line.version, message))
            return;
        if (protocol::encoded_size(message, line.version) == line.bytes.size())
            bytes = encoded(message, line.version);
    };
    if (line.request)
        for_each_message(try_message, protocol::requests{});
    else
        for_each_message(try_message, protocol::responses{});
    return bytes;
}

} // namespace kurier::tests
