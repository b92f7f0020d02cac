// What to ask an identity provider for, and as whom: the fields behind Kafka's sasl.oauthbearer.* settings.
#pragma once

#include <kurier/oauth_token.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/secret.hpp>

#include <chrono>
#include <string>

namespace kurier::inline KURIER_ABI {

// An assertion signed here, or read from a file anew for each request.
struct assertion_options
{
    std::string file;              // a JWT; excludes all else here
    secret private_key;            // PEM
    secret private_key_passphrase; // of an encrypted key
    assertion_algorithm algorithm = assertion_algorithm::rs256;
    std::string issuer, subject, audience;
    std::chrono::seconds lifetime{300};
    std::chrono::seconds not_before{60}; // how far back, for clocks that differ
    bool id = false;                     // a jti, which makes each one unlike all others

    bool given() const noexcept { return !file.empty() || private_key; }
};

struct oidc_options
{
    std::string token_endpoint_url; // https://, or http:// with kurier.insecure.allow=http-endpoints
    oauth_grant grant = oauth_grant::client_credentials;
    std::string client_id;
    secret client_secret;
    assertion_options assertion; // in the secret's place, or what a jwt_bearer grant is for
    std::string scope;
    bool urlencode_header =
        false; // id and secret are encoded before they become Basic authentication (KIP-1025)
    oauth_token::extensions_type extensions;

    std::string ca_location, ca_pem;           // whom to trust; neither: the system's authorities
    std::chrono::milliseconds timeout{10'000}; // for a token, retries included
};

} // namespace kurier::inline KURIER_ABI
