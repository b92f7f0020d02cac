// Logs in by proving to know a password (SCRAM-SHA-256, SCRAM-SHA-512), and has the broker prove the same:
//
//     kurier::engine engine{executor, config,
//                           kurier::scram_sha512{"alice", kurier::secret::from_file("/run/secrets/kafka")}};
//
// CMake: kurier::sasl, which brings OpenSSL.
#pragma once

#include <kurier/config/login.hpp>
#include <kurier/io/login.hpp>
#include <kurier/sasl/scram.hpp>
#include <kurier/secret.hpp>

#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI {

using sasl::scram_options; // bounds for the iterations; whether it is a delegation token

// A login for an engine; scram_sha256 and scram_sha512 are the two that Kafka has.
template <class Hash> class basic_scram
{
public:
    basic_scram(std::string user, secret password, scram_options options = {})
        : user_{std::move(user)}, password_{std::move(password)}, options_{options}
    {}

    void check(const producer_config& config, config_problems& problems) const
    {
        detail::check_own_login(config, Hash::mechanism, detail::login_secrecy::proves_secret, problems);
    }
    io::login make_login(const producer_config&) const // each engine keeps keys of its own
    {
        return io::login_with(sasl::scram<Hash>{user_, options_}, password_);
    }

private:
    std::string user_;
    secret password_;
    scram_options options_;
};

// SCRAM-SHA-256.
using scram_sha256 = basic_scram<sasl::sha256>;
// SCRAM-SHA-512: takes longer to guess, for who gets hold of what the broker stores.
using scram_sha512 = basic_scram<sasl::sha512>;

} // namespace kurier::inline KURIER_ABI
