// Makes text from the network fit for a log or a terminal: no control characters, no broken UTF-8, no end.
#pragma once

#include <kurier/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::wire {

inline constexpr std::size_t escaped_text_max = 512;

namespace detail {

// Size of the well-formed UTF-8 sequence at the start of the text; 0 for a broken one. Surrogates, overlong
// forms and the C1 controls (which some terminals obey) count as broken.
constexpr std::size_t printable_sequence(std::string_view text)
{
    const auto byte = [&](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
    const unsigned first = byte(0);
    if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
    if (first >= 0xc2 && first < 0xe0) {
        const bool c1_control = first == 0xc2 && byte(1) < 0xa0;
        return continues(1) && !c1_control ? 2 : 0;
    }
    if (first >= 0xe0 && first < 0xf0) {
        if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0)) return 0;
        const bool separator = first == 0xe2 && byte(1) == 0x80 && (byte(2) == 0xa8 || byte(2) == 0xa9);
        return continues(1) && continues(2) && !separator ? 3 : 0;
    }
    if (first >= 0xf0 && first < 0xf5) {
        if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90)) return 0;
        return continues(1) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

} // namespace detail

// Well-formed UTF-8 without control characters.
constexpr bool is_printable(std::string_view text)
{
    while (!text.empty()) {
        const auto size = detail::printable_sequence(text);
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

// Appends the text with each control character, broken byte and backslash written as \n, \r, \t, \\ or \xNN.
// Of a longer text the first size_max bytes, then "...".
inline void append_escaped(std::string& out, std::string_view text, std::size_t size_max = escaped_text_max)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::size_t at = 0;
    while (at < text.size() && at < size_max) {
        const char c = text[at];
        if (c == '\\') {
            out += "\\\\";
        } else if (const auto size = detail::printable_sequence(text.substr(at))) {
            out += text.substr(at, size);
            at += size;
            continue;
        } else if (c == '\n' || c == '\r' || c == '\t') {
            out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
        } else {
            const auto value = static_cast<unsigned char>(c);
            out += "\\x";
            out += digits[value >> 4u];
            out += digits[value & 15u];
        }
        ++at;
    }
    if (at < text.size()) out += "...";
}

inline std::string escape(std::string_view text, std::size_t size_max = escaped_text_max)
{
    std::string out;
    append_escaped(out, text, size_max);
    return out;
}

} // namespace kurier::inline KURIER_ABI::wire
