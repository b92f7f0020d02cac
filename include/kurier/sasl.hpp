// Logs in as the configuration says: sasl.mechanism, and sasl.jaas.config or sasl.username and sasl.password.
//
//     kurier::engine engine{executor, kurier::from_properties(text), kurier::sasl::from_config{}};
//
// A source of tokens in the braces, kurier::oidc{} for one, is for sasl.mechanism=OAUTHBEARER.
//
// CMake: kurier::sasl, which brings OpenSSL.
#pragma once

#include <kurier/oauthbearer.hpp>
#include <kurier/plain.hpp>
#include <kurier/scram.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace kurier::inline KURIER_ABI::sasl {

namespace detail {
struct no_tokens
{};
} // namespace detail

template <class Tokens = detail::no_tokens> class from_config
{
public:
    from_config()
        requires(std::is_same_v<Tokens, detail::no_tokens>)
    = default;
    explicit from_config(Tokens tokens)
        requires(!std::is_same_v<Tokens, detail::no_tokens>)
        : tokens_{std::move(tokens)}
    {}

    void check(const producer_config& config, config_problems& problems)
    {
        if (!config.uses_sasl()) return; // it logs in if the configuration does
        const auto& name = config.sasl_mechanism;
        if (name == "PLAIN") return with_user(config, kurier::detail::login_secrecy::sends_secret, problems);
        if (name == sha256::mechanism || name == sha512::mechanism)
            return with_user(config, kurier::detail::login_secrecy::proves_secret, problems);
        if constexpr (has_tokens) {
            if (name == "OAUTHBEARER") return tokens_.check(config, problems);
        }
        std::string what = "sasl.mechanism is missing; it may be ";
        if (name == "OAUTHBEARER")
            what = "sasl.mechanism=OAUTHBEARER needs a source of tokens: write from_config{kurier::oidc{}}, "
                   "or give the engine a "
                   "kurier::oauthbearer in place of from_config, which does ";
        else if (!name.empty())
            what = "sasl.mechanism=" + name + " is not one that kurier has; it may be ";
        problems.emplace_back(config_severity::error, "sasl.mechanism",
                              what + "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
    }

    io::login make_login(const producer_config& config) const
    {
        if (!config.uses_sasl()) return {};
        const auto& name = config.sasl_mechanism;
        if constexpr (has_tokens) {
            if (name == "OAUTHBEARER") return tokens_.make_login(config);
        }
        if (name == "PLAIN")
            return kurier::plain{config.sasl_username, config.sasl_password}.make_login(config);
        scram_options options;
        options.token = config.sasl_scram_token;
        if (name == sha256::mechanism)
            return kurier::scram_sha256{config.sasl_username, config.sasl_password, options}.make_login(
                config);
        return kurier::scram_sha512{config.sasl_username, config.sasl_password, options}.make_login(config);
    }

private:
    static constexpr bool has_tokens = !std::is_same_v<Tokens, detail::no_tokens>;
    using token_login = std::conditional_t<has_tokens, kurier::oauthbearer<Tokens>, detail::no_tokens>;

    static void with_user(const producer_config& config, kurier::detail::login_secrecy secrecy,
                          config_problems& problems)
    {
        kurier::detail::check_login(config, config.sasl_mechanism, secrecy, problems);
        if (config.sasl_username.empty() || !config.sasl_password)
            problems.emplace_back(
                config_severity::error, "sasl.username",
                "sasl.mechanism=" + config.sasl_mechanism +
                    " needs a user: set sasl.username and sasl.password, or sasl.jaas.config");
    }

    token_login tokens_;
};

} // namespace kurier::inline KURIER_ABI::sasl
