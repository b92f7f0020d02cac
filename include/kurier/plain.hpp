// Logs in with user name and password (SASL's PLAIN):
//
//     kurier::engine engine{executor, config, kurier::plain{"alice", kurier::secret::from_file("/run/secrets/kafka")}};
//
// They travel as they are. So security.protocol should be SASL_SSL; SASL_PLAINTEXT has to be allowed by
// kurier.insecure.allow=cleartext-secrets.
#pragma once

#include <kurier/config/login.hpp>
#include <kurier/io/login.hpp>
#include <kurier/sasl/plain.hpp>
#include <kurier/secret.hpp>

#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI {

class plain
{
public:
    plain(std::string user, secret password) : user_{std::move(user)}, password_{std::move(password)} {}

    void check(const producer_config& config, config_problems& problems) const
    {
        detail::check_own_login(config, "PLAIN", detail::login_secrecy::sends_secret, problems);
    }
    io::login make_login(const producer_config&) const
    {
        return io::login_with(sasl::plain{user_}, password_);
    }

private:
    std::string user_;
    secret password_;
};

} // namespace kurier::inline KURIER_ABI
