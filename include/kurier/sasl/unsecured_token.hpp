// Tokens without a signature (RFC 7515, "alg":"none"), which brokers take only when they are set up for tests.
#pragma once

#include <kurier/sasl/base64.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::sasl {

// `now`: seconds since 1970. The subject is who one claims to be.
inline std::string unsecured_token(std::string_view subject, std::int64_t now,
                                   std::chrono::seconds lifetime = std::chrono::hours{1})
{
    std::string claims = R"({"sub":")";
    for (const char c : subject) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto value = static_cast<unsigned char>(c);
        if (value < 0x20 || c == '"' || c == '\\')
            (claims += "\\u00") += {digits[value >> 4U], digits[value & 15U]};
        else
            claims += c;
    }
    claims +=
        R"(","iat":)" + std::to_string(now) + R"(,"exp":)" + std::to_string(now + lifetime.count()) + '}';
    return to_base64(as_bytes(R"({"alg":"none"})"), base64_form::url) + '.' +
           to_base64(as_bytes(claims), base64_form::url) + '.';
}

} // namespace kurier::inline KURIER_ABI::sasl
