// TLS, as a part of an engine; needs OpenSSL 3 (component kurier::tls).
//
//     config.security_protocol = kurier::security_protocol::ssl;
//     kurier::engine engine{executor, config, kurier::tls{}};
//
// The system's authorities are trusted, the broker's certificate has to be for the host that bootstrap.servers or the
// cluster's metadata name, and TLS is 1.2 or 1.3. The configuration's ssl.* settings change that; so does a context of
// one's own, in their place:
//
//     asio::ssl::context context{asio::ssl::context::tls_client};
//     context.load_verify_file("ca.pem");
//     kurier::engine engine{executor, config, kurier::tls{std::move(context)}};
//
// Files that change are read again for new connections; see tls/reload.hpp.
//
// Also with a context the certificate and the host are verified; a verify callback of the context may refuse more. Whether a
// connection begins with TLS is up to security.protocol: with PLAINTEXT this part does nothing.
#pragma once

#include <kurier/config/problem.hpp>
#include <kurier/io/tcp_transport.hpp>
#include <kurier/log.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/tls/reload.hpp>
#include <kurier/tls/transport.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ssl/context.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace kurier::inline KURIER_ABI {

class tls
{
public:
    tls() = default;
    explicit tls(boost::asio::ssl::context own)
        : own_{std::make_shared<boost::asio::ssl::context>(std::move(own))}
    {}

    // --- what an engine asks its parts for

    void check(const producer_config& config, config_problems& problems)
    {
        if (!config.uses_tls()) {
            if (own_)
                problems.emplace_back(
                    config_severity::error, "security.protocol",
                    "a TLS context was given, and security.protocol is without TLS; set it to SSL or "
                    "SASL_SSL");
            return;
        }
        settings_ = std::make_unique<openssl::reloader>(config, own_, problems);
    }

    void log_by(std::function<void(log_event)> log)
    {
        if (settings_) settings_->log_by(std::move(log));
    }

    std::unique_ptr<io::transport> make_transport(const boost::asio::any_io_executor& executor,
                                                  const producer_config& config)
    {
        auto tcp = std::make_unique<io::tcp_transport>(executor, config);
        if (!settings_) return tcp;
        return std::make_unique<openssl::transport>(executor, std::move(tcp), settings_->current(config));
    }

private:
    std::shared_ptr<boost::asio::ssl::context> own_; // nothing: made from the configuration
    std::unique_ptr<openssl::reloader> settings_;    // nothing: without TLS
};

} // namespace kurier::inline KURIER_ABI
