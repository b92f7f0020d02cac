// Tokens without a signature (RFC 7515, "alg":"none"), which brokers take only when they are set up for tests.
#pragma once

#include <kurier/sasl/base64.hpp>
#include <kurier/sasl/json_text.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::sasl {

// `now`: seconds since 1970. The subject is who one claims to be.
inline std::string unsecured_token(std::string_view subject, std::int64_t now,
                                   std::chrono::seconds lifetime = std::chrono::hours{1})
{
    std::string claims = R"({"sub":)";
    append_json_text(claims, subject);
    claims +=
        R"(,"iat":)" + std::to_string(now) + R"(,"exp":)" + std::to_string(now + lifetime.count()) + '}';
    return to_base64(as_bytes(R"({"alg":"none"})"), base64_form::url) + '.' +
           to_base64(as_bytes(claims), base64_form::url) + '.';
}

} // namespace kurier::inline KURIER_ABI::sasl
