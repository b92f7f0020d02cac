// SaslAuthenticate (KIP-152): the mechanism's messages, and with the last one how long the session lasts (KIP-368).
// SaslAuthenticateRequest.json, SaslAuthenticateResponse.json
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct sasl_authenticate_request
{
    nullable_bytes auth_bytes{bytes_view{}};

    using self = sasl_authenticate_request;
    using schema = fields<field<&self::auth_bytes>>;
    static constexpr std::int16_t api_key = 36;
    static constexpr versions valid{0, 2}, flexible{2};
    bool operator==(const self&) const = default;
};

struct sasl_authenticate_response
{
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;
    nullable_bytes auth_bytes{bytes_view{}};
    std::int64_t session_lifetime_ms = 0; // since version 1; 0: for ever

    using self = sasl_authenticate_response;
    using schema = fields<field<&self::error_code>, nullable<&self::error_message>, field<&self::auth_bytes>,
                          field<&self::session_lifetime_ms, since(1)>>;
    static constexpr std::int16_t api_key = 36;
    static constexpr versions valid{0, 2}, flexible{2};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
