// application/x-www-form-urlencoded, which HTML's forms, and OAuth, send.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/http/wiped_text.hpp>

#include <string_view>

namespace kurier::inline KURIER_ABI::http {

inline void append_encoded(wiped_text& out, std::string_view value)
{
    constexpr std::string_view digits = "0123456789ABCDEF", plain = "-._*";
    for (const char c : value) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        const auto byte = static_cast<unsigned char>(c);
        if (letter || plain.find(c) != std::string_view::npos) {
            out += c;
        } else if (c == ' ') {
            out += '+';
        } else {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
}

inline void append_field(wiped_text& form, std::string_view name, std::string_view value)
{
    if (!form.empty()) form += '&';
    form += name;
    form += '=';
    append_encoded(form, value);
}

} // namespace kurier::inline KURIER_ABI::http
