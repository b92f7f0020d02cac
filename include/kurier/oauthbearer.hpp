// Logs in with tokens that somebody else issues (SASL's OAUTHBEARER). A source is called when one is needed:
//
//     kurier::engine engine{executor, config, kurier::oauthbearer{[&]() -> asio::awaitable<kurier::oauth_token> {
//         auto answer = co_await identity_provider.fetch_token();
//         co_return kurier::oauth_token{std::move(answer.access_token), std::chrono::seconds{answer.expires_in}};
//     }}};
//
// It may also return a token, or an operation of Asio's. It is called on the engine's executor, and never twice at once.
#pragma once

#include <kurier/config/login.hpp>
#include <kurier/io/login.hpp>
#include <kurier/io/token_source.hpp>
#include <kurier/oauth_token.hpp>
#include <kurier/sasl/oauthbearer.hpp>
#include <kurier/sasl/unsecured_token.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI {

template <class Source> class oauthbearer
{
public:
    explicit oauthbearer(Source source) : source_{std::make_shared<Source>(std::move(source))} {}

    void check(const producer_config& config, config_problems& problems) const
    {
        detail::check_own_login(config, "OAUTHBEARER", detail::login_secrecy::sends_secret, problems);
        if constexpr (requires { source_->check(config, problems); }) source_->check(config, problems);
    }

    io::login make_login(const producer_config&) const
    {
        auto tokens = std::make_shared<io::token_source<Source>>(source_);
        auto mechanism = std::make_shared<core::sasl_authentication<sasl::oauthbearer>>(
            sasl::oauthbearer{}, [tokens] { tokens->refused(); });
        return {std::move(mechanism), std::move(tokens)};
    }

private:
    std::shared_ptr<Source> source_;
};

// Tokens that anybody could make, for brokers that are set up for tests. Needs kurier.insecure.allow=unsecured-tokens.
class unsecured_tokens
{
public:
    explicit unsecured_tokens(std::string subject, std::chrono::seconds lifetime = std::chrono::hours{1})
        : subject_{std::move(subject)}, lifetime_{lifetime}
    {}

    oauth_token operator()() const
    {
        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        return oauth_token{sasl::unsecured_token(subject_, now.time_since_epoch().count(), lifetime_),
                           lifetime_};
    }

    void check(const producer_config& config, config_problems& problems) const
    {
        if (config.allows(insecure::unsecured_tokens)) return;
        problems.emplace_back(
            config_severity::error, "kurier.insecure.allow",
            "tokens without a signature prove nothing; where that is wanted, for a test, allow "
            "them by kurier.insecure.allow=unsecured-tokens");
    }

private:
    std::string subject_;
    std::chrono::seconds lifetime_;
};

} // namespace kurier::inline KURIER_ABI
