// Tokens for OAUTHBEARER from an identity provider (OAuth 2 as Kafka has it: KIP-768, KIP-1139), over HTTPS:
//
//     kurier::engine engine{executor, kurier::from_properties(text), kurier::tls{}, kurier::oauthbearer{kurier::oidc{}}};
//
// asks for what the configuration's sasl.oauthbearer.* settings say. Or without them:
//
//     kurier::oidc_options options;
//     options.token_endpoint_url = "https://login.example.com/oauth2/token";
//     options.client_id = "orders";
//     options.client_secret = kurier::secret::from_file("/run/secrets/orders");
//     kurier::engine engine{executor, config, kurier::tls{}, kurier::oauthbearer{kurier::oidc{options}}};
//
// Asked when a connection logs in and four fifths of the last token's life are over. What the provider refuses, and a
// server that can't be reached, is the login's failure, with its words; records wait until their own deadline.
//
// CMake: kurier::oidc, which brings OpenSSL.
#pragma once

#include <kurier/oauth/from_config.hpp>
#include <kurier/oauth/options.hpp>
#include <kurier/oauth/source.hpp>
#include <kurier/oauthbearer.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI {

class oidc
{
public:
    // As the configuration says.
    oidc() = default;
    explicit oidc(oidc_options options) : options_{std::move(options)} {}

    // Completes with a token, or throws std::runtime_error with the provider's words. It is for one engine at a time: what
    // it awaits is on the executor of its caller.
    boost::asio::awaitable<oauth_token> operator()()
    {
        if (provider_) return provider_->fetch();
        return read(file_);
    }

    // --- what an engine asks its parts for

    void check(const producer_config& config, config_problems& problems)
    {
        auto options = options_ ? *options_ : oauth::options_from(config);
        // a connection that is given up first would not tell what the provider said
        options.timeout = std::min(options.timeout, config.socket_connection_setup_timeout * 4 / 5);
        constexpr std::string_view file = "file:";
        if (options.token_endpoint_url.starts_with(file)) {
            std::string_view path = options.token_endpoint_url;
            path.remove_prefix(path.starts_with("file://") ? 7 : file.size());
            file_ = secret::from_file(std::string{path});
            extensions_ = options.extensions;
            return;
        }
        const auto where = oauth::check_endpoint(options, config, problems);
        oauth::check_client(options, problems);
        if (!where) return;
        http::trust trusted;
        if (where->secure) trusted = oauth::make_trust(options, problems);
        provider_ = std::make_shared<oauth::provider>(options, *where, std::move(trusted));
    }

private:
    // A token that somebody else renews, as Kubernetes projects them: read anew for each login.
    boost::asio::awaitable<oauth_token> read(secret file) const
    {
        const auto bytes = file.read();
        co_return oauth_token{std::string{as_text(bytes.view())}, {}, extensions_};
    }

    std::optional<oidc_options> options_;
    std::shared_ptr<oauth::provider> provider_; // nothing: the token is in a file
    secret file_;
    oauth_token::extensions_type extensions_;
};

} // namespace kurier::inline KURIER_ABI
