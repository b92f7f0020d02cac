// A text between quotes, as JSON has it.
#pragma once

#include <kurier/config.hpp>

#include <string_view>

namespace kurier::inline KURIER_ABI::sasl {

template <class Text> void append_json_text(Text& out, std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto value = static_cast<unsigned char>(c);
        if (value < 0x20 || c == '"' || c == '\\')
            (out += "\\u00") += {digits[value >> 4U], digits[value & 15U]};
        else
            out += c;
    }
    out += '"';
}

} // namespace kurier::inline KURIER_ABI::sasl
