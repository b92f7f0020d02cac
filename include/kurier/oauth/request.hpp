// The request for a token (RFC 6749 section 4.4, RFC 7523), as bytes that are wiped afterwards.
#pragma once

#include <kurier/http/form.hpp>
#include <kurier/http/url.hpp>
#include <kurier/http/wiped_text.hpp>
#include <kurier/oauth/options.hpp>
#include <kurier/sasl/base64.hpp>

#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::oauth {

struct token_request
{
    http::wiped_text authorization; // empty: none
    http::wiped_text form;
};

// Base64 of id:secret. Java once used the alphabet for URLs here, which providers refuse (KAFKA-14496).
inline http::wiped_text basic_authentication(std::string_view id, std::string_view password, bool urlencode)
{
    http::wiped_text plain;
    plain.reserve((id.size() + password.size()) * 3 + 1);
    if (urlencode) {
        http::append_encoded(plain, id);
        plain += ':';
        http::append_encoded(plain, password);
    } else {
        plain.append(id).append(":").append(password);
    }
    http::wiped_text out{"Basic "};
    out.reserve(out.size() + (plain.size() + 2) / 3 * 4);
    sasl::append_base64(out, as_bytes(std::string_view{plain}));
    return out;
}

// `assertion` is used where the options have one.
inline token_request make_token_request(const oidc_options& options, std::string_view assertion)
{
    token_request made;
    made.form.reserve(512 + assertion.size());
    if (options.grant == oauth_grant::jwt_bearer) {
        http::append_field(made.form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        http::append_field(made.form, "assertion", assertion);
    } else {
        http::append_field(made.form, "grant_type", "client_credentials");
        if (options.assertion.given()) {
            http::append_field(made.form, "client_assertion_type",
                               "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            http::append_field(made.form, "client_assertion", assertion);
            if (!options.client_id.empty()) http::append_field(made.form, "client_id", options.client_id);
        } else {
            const auto password = options.client_secret.read();
            made.authorization =
                basic_authentication(options.client_id, as_text(password.view()), options.urlencode_header);
        }
    }
    if (!options.scope.empty()) http::append_field(made.form, "scope", options.scope);
    return made;
}

} // namespace kurier::inline KURIER_ABI::oauth
