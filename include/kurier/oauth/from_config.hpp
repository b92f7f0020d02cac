// From a configuration's sasl.oauthbearer.* settings to what is asked for, and what is wrong with it.
#pragma once

#include <kurier/config/problem.hpp>
#include <kurier/http/exchange.hpp>
#include <kurier/oauth/options.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/tls/context.hpp>
#include <kurier/tls/trust.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::oauth {

inline oauth_token::extensions_type split_extensions(std::string_view text)
{
    oauth_token::extensions_type out;
    while (!text.empty()) {
        const auto pair = text.substr(0, text.find(','));
        text.remove_prefix(std::min(pair.size() + 1, text.size()));
        const auto equals = std::min(pair.find('='), pair.size());
        out.emplace_back(pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
    }
    return out;
}

inline oidc_options options_from(const producer_config& config)
{
    oidc_options made;
    made.token_endpoint_url = config.sasl_oauthbearer_token_endpoint_url;
    made.grant = config.sasl_oauthbearer_grant_type;
    made.client_id = config.sasl_oauthbearer_client_id;
    made.client_secret = config.sasl_oauthbearer_client_secret;
    made.scope = config.sasl_oauthbearer_scope;
    made.urlencode_header = config.sasl_oauthbearer_header_urlencode;
    made.extensions = split_extensions(config.sasl_oauthbearer_extensions);
    made.ca_location = config.https_ca_location;
    made.ca_pem = config.https_ca_pem;
    auto& assertion = made.assertion;
    assertion.file = config.sasl_oauthbearer_assertion_file;
    assertion.private_key = config.sasl_oauthbearer_assertion_private_key_pem;
    if (!config.sasl_oauthbearer_assertion_private_key_file.empty())
        assertion.private_key = secret::from_file(config.sasl_oauthbearer_assertion_private_key_file);
    assertion.private_key_passphrase = config.sasl_oauthbearer_assertion_private_key_passphrase;
    assertion.algorithm = config.sasl_oauthbearer_assertion_algorithm;
    assertion.issuer = config.sasl_oauthbearer_assertion_claim_iss;
    assertion.subject = config.sasl_oauthbearer_assertion_claim_sub;
    assertion.audience = config.sasl_oauthbearer_assertion_claim_aud;
    assertion.lifetime = std::chrono::seconds{config.sasl_oauthbearer_assertion_claim_exp_seconds};
    assertion.not_before = std::chrono::seconds{config.sasl_oauthbearer_assertion_claim_nbf_seconds};
    assertion.id = config.sasl_oauthbearer_assertion_claim_jti_include;
    return made;
}

// Nothing, with a problem, when the endpoint can't be used.
inline std::optional<http::url> check_endpoint(const oidc_options& options, const producer_config& config,
                                               config_problems& problems)
{
    constexpr auto key = "sasl.oauthbearer.token.endpoint.url";
    const auto error = [&](const std::string& why) {
        problems.emplace_back(config_severity::error, key, key + (' ' + why));
        return std::nullopt;
    };
    if (options.token_endpoint_url.empty())
        return error("is missing; set it to where the identity provider gives tokens");
    std::string problem;
    auto where = http::parse_url(options.token_endpoint_url, problem);
    if (!where) return error(problem);
    if (!where->secure && !config.allows(insecure::http_endpoints))
        return error("is without TLS, so that anybody on the way can read the client's secret and the token; "
                     "use https://, or "
                     "allow it by kurier.insecure.allow=http-endpoints");
    return where;
}

inline void check_client(const oidc_options& options, config_problems& problems)
{
    const auto error = [&](const char* key, const char* text) {
        problems.emplace_back(config_severity::error, key, text);
    };
    const auto& assertion = options.assertion;
    const bool hidden = static_cast<bool>(options.client_secret);
    if (!assertion.file.empty() && assertion.private_key)
        error("sasl.oauthbearer.assertion.file", "sasl.oauthbearer.assertion.file and an assertion's private "
                                                 "key are both set; remove one of them");
    if (options.grant == oauth_grant::jwt_bearer) {
        if (!assertion.given())
            error("sasl.oauthbearer.assertion.file",
                  "sasl.oauthbearer.grant.type=urn:ietf:params:oauth:grant-type:jwt-bearer needs an "
                  "assertion; set "
                  "sasl.oauthbearer.assertion.file, or sasl.oauthbearer.assertion.private.key.file and the "
                  "claims");
        return;
    }
    if (hidden && assertion.given())
        error("sasl.oauthbearer.client.credentials.client.secret",
              "the client has a secret and an assertion, and either proves who it is; remove one of them");
    else if (!assertion.given() && (options.client_id.empty() || !hidden))
        error("sasl.oauthbearer.client.credentials.client.id",
              "fetching tokens needs sasl.oauthbearer.client.credentials.client.id and "
              "sasl.oauthbearer.client.credentials.client.secret, or an assertion");
}

inline http::trust make_trust(const oidc_options& options, config_problems& problems)
{
    http::trust made;
    made.context = openssl::make_context();
    SSL_CTX* context = made.context->native_handle();
    if (options.ca_location.empty() && options.ca_pem.empty()) {
        made.authorities = openssl::trust_system(context, problems);
        return made;
    }
    try {
        if (!options.ca_location.empty() && !options.ca_pem.empty())
            throw std::runtime_error{"https.ca.location and https.ca.pem are both set; remove one of them"};
        producer_config as_brokers; // whose authorities are read the same way
        as_brokers.ssl_truststore_location = options.ca_location;
        as_brokers.ssl_truststore_certificates = options.ca_pem;
        made.authorities = openssl::trust_configured(context, as_brokers);
    } catch (const std::runtime_error& why) {
        problems.emplace_back(config_severity::error, "https.ca.location", why.what());
    }
    return made;
}

} // namespace kurier::inline KURIER_ABI::oauth
