// SaslHandshake (KIP-43, KIP-152): which mechanism the client will use. Version 1 says that its messages travel in
// SaslAuthenticate. Kafka can never raise it further (KAFKA-9577).
// SaslHandshakeRequest.json, SaslHandshakeResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct sasl_handshake_request
{
    std::string mechanism;

    using self = sasl_handshake_request;
    using schema = fields<field<&self::mechanism>>;
    static constexpr std::int16_t api_key = 17;
    static constexpr versions valid{0, 1}, flexible = never;
    bool operator==(const self&) const = default;
};

struct sasl_handshake_response
{
    std::int16_t error_code = 0;
    std::vector<std::string> mechanisms; // that the listener takes

    using self = sasl_handshake_response;
    using schema = fields<field<&self::error_code>, field<&self::mechanisms>>;
    static constexpr std::int16_t api_key = 17;
    static constexpr versions valid{0, 1}, flexible = never;
    static constexpr std::size_t memory_per_byte = sizeof(std::string); // a name may be empty
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
