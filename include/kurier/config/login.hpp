// Do the configuration and the part that logs in agree? And is it safe?
#pragma once

#include <kurier/config/print.hpp>
#include <kurier/config/problem.hpp>
#include <kurier/config/table.hpp>
#include <kurier/producer_config.hpp>

#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::detail {

enum class login_secrecy : unsigned char { sends_secret, proves_secret };

inline void check_login(const producer_config& config, std::string_view mechanism, login_secrecy secrecy,
                        config_problems& problems)
{
    const auto error = [&](const char* key, std::string text) {
        problems.emplace_back(config_severity::error, key, std::move(text));
    };
    const std::string name{mechanism};
    const auto protocol = "security.protocol=" + print_setting(config, *find_setting("security.protocol"));
    if (!config.uses_sasl())
        error("security.protocol", protocol + " has no SASL, but the engine was given a login with " + name +
                                       "; set SASL_SSL or SASL_PLAINTEXT");
    else if (secrecy == login_secrecy::sends_secret && !config.uses_tls() &&
             !config.allows(insecure::cleartext_secrets))
        error("security.protocol",
              protocol + " would send the secret of " + name +
                  " in the clear; use SASL_SSL, or allow it by kurier.insecure.allow=cleartext-secrets");
    if (!config.sasl_mechanism.empty() && config.sasl_mechanism != mechanism)
        error("sasl.mechanism", "sasl.mechanism=" + config.sasl_mechanism +
                                    " contradicts the engine's login, which is with " + name);
}

// The same for a login that has its user itself.
inline void check_own_login(const producer_config& config, std::string_view mechanism, login_secrecy secrecy,
                            config_problems& problems)
{
    check_login(config, mechanism, secrecy, problems);
    if (!config.sasl_username.empty() || config.sasl_password)
        problems.emplace_back(
            config_severity::error, "sasl.username",
            "sasl.username, sasl.password or sasl.jaas.config name a user, and so does the login "
            "that the engine was given; leave one of them out");
}

} // namespace kurier::inline KURIER_ABI::detail
