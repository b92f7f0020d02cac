// From a configuration to what connections need. Made when the engine is, and again when files change.
#pragma once

#include <kurier/config/problem.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/tls/ciphers.hpp>
#include <kurier/tls/context.hpp>
#include <kurier/tls/identity.hpp>
#include <kurier/tls/transport.hpp>
#include <kurier/tls/trust.hpp>

#include <memory>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::openssl {

// Without problems that are errors, the result can be used. `own`: the user's context, or nothing.
inline std::shared_ptr<const setup>
make_setup(const producer_config& config, std::shared_ptr<asio::ssl::context> own, config_problems& problems)
{
    auto made = std::make_shared<setup>();
    const bool verify = config.enable_ssl_certificate_verification;
    made->chain = verify ? chain_check::on : chain_check::off;
    made->names = config.ssl_endpoint_identification_algorithm == endpoint_identification::https
                      ? host_check::on
                      : host_check::off;
    made->loosen = config.allows(insecure::unchecked_certificates);
    if (own) {
        made->context = std::move(own);
        made->trusted = "the " + std::to_string(count_authorities(made->context->native_handle())) +
                        " authorities of the context that the program gave";
    } else {
        made->context = make_context();
        SSL_CTX* context = made->context->native_handle();
        set_ciphers(context, config, problems);
        if (verify) {
            made->trusted = trust(context, config, problems);
            load_revocations(context, config.ssl_crl_location, problems);
        }
        identity_loader{config, problems}.load(context);
    }
    made->own = own_certificate(made->context->native_handle());
    return made;
}

} // namespace kurier::inline KURIER_ABI::openssl
