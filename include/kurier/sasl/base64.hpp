// Base64 (RFC 4648) as SCRAM writes it, and its alphabet for URLs as JWTs do.
#pragma once

#include <kurier/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::sasl {

enum class base64_form : std::uint8_t {
    padded, // + and /, with = at the end
    url,    // - and _, without
};

// `Text` is a string, of whatever memory.
template <class Text> void append_base64(Text& out, bytes_view bytes, base64_form form = base64_form::padded)
{
    const std::string_view alphabet =
        form == base64_form::padded ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                                    : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const auto byte = [&](std::size_t i) {
            return at + i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[at + i]) : 0U;
        };
        const auto group = byte(0) << 16U | byte(1) << 8U | byte(2);
        const auto letters = std::min<std::size_t>(bytes.size() - at, 3) + 1;
        for (std::size_t i = 0; i < 4; ++i)
            if (i < letters)
                out += alphabet[group >> (18 - 6 * i) & 63U];
            else if (form == base64_form::padded)
                out += '=';
    }
}

inline std::string to_base64(bytes_view bytes, base64_form form = base64_form::padded)
{
    std::string out;
    append_base64(out, bytes, form);
    return out;
}

// Strict: no other characters, no bits left over, padding where the form has it.
inline std::optional<std::vector<std::byte>> from_base64(std::string_view text,
                                                         base64_form form = base64_form::padded)
{
    const auto value = [form](char c) -> int {
        if (c >= 'A' && c <= 'Z') return c - 'A';
        if (c >= 'a' && c <= 'z') return c - 'a' + 26;
        if (c >= '0' && c <= '9') return c - '0' + 52;
        if (c == (form == base64_form::padded ? '+' : '-')) return 62;
        return c == (form == base64_form::padded ? '/' : '_') ? 63 : -1;
    };
    if (form == base64_form::padded) {
        if (text.size() % 4 != 0) return std::nullopt;
        if (text.ends_with("=="))
            text.remove_suffix(2);
        else if (text.ends_with('='))
            text.remove_suffix(1);
    }
    if (text.size() % 4 == 1) return std::nullopt;
    std::vector<std::byte> out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const int six = value(c);
        if (six < 0) return std::nullopt;
        bits = bits << 6U | static_cast<std::uint32_t>(six);
        if ((count += 6) < 8) continue;
        count -= 8;
        out.push_back(static_cast<std::byte>(bits >> count & 255U));
    }
    if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
    return out;
}

} // namespace kurier::inline KURIER_ABI::sasl
