// Whom to trust: the authorities that the configuration names, or the system's; and lists of what was revoked.
#pragma once

#include <kurier/config/problem.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/tls/context.hpp>
#include <kurier/tls/stores.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace kurier::inline KURIER_ABI::openssl {

inline void trust_store(SSL_CTX* context, bytes_view content, const store_source& from)
{
    const auto found = read_store(content, from);
    if (found.certificates.empty())
        throw std::runtime_error{
            from.name + " has no certificate; it begins with \"" +
            wire::escape(as_text(content.first(std::min<std::size_t>(content.size(), 12))), 40) + '"'};
    X509_STORE* all = SSL_CTX_get_cert_store(context);
    for (const auto& one : found.certificates) X509_STORE_add_cert(all, one.get());
    // Java takes any certificate of a truststore for an anchor, OpenSSL only a root unless it is told so.
    X509_STORE_set_flags(all, X509_V_FLAG_PARTIAL_CHAIN);
}

// Returns how they are called in texts.
inline std::string trust_configured(SSL_CTX* context, const producer_config& config)
{
    const auto& path = config.ssl_truststore_location;
    if (path.empty()) {
        trust_store(context, as_bytes(config.ssl_truststore_certificates),
                    {"ssl.truststore.certificates", {}});
        return "the " + std::to_string(count_authorities(context)) +
               " authorities of ssl.truststore.certificates";
    }
    std::error_code not_there;
    if (std::filesystem::is_directory(path, not_there)) {
        if (SSL_CTX_load_verify_dir(context, path.c_str()) != 1)
            throw std::runtime_error{path + " can't be used"};
        X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
        return "the authorities in " + path + ", by the hash of their names";
    }
    const auto content = read_store(path);
    trust_store(
        context, content.view(),
        {"ssl.truststore.location=" + path, "ssl.truststore.password", &config.ssl_truststore_password});
    return "the " + std::to_string(count_authorities(context)) + " authorities of " + path;
}

inline std::string trust(SSL_CTX* context, const producer_config& config, config_problems& problems)
{
    const bool asks_system = config.ssl_truststore_location == "probe"; // librdkafka's word
    if (asks_system || (config.ssl_truststore_location.empty() && config.ssl_truststore_certificates.empty()))
        return trust_system(context, problems);
    try {
        return trust_configured(context, config);
    } catch (const std::runtime_error& why) {
        problems.emplace_back(config_severity::error, "ssl.truststore.location", why.what());
        return {};
    }
}

inline void load_revocations(SSL_CTX* context, const std::string& path, config_problems& problems)
{
    if (path.empty()) return;
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, path.c_str(), X509_FILETYPE_PEM) < 1)
        problems.emplace_back(config_severity::error, "ssl.crl.location",
                              "ssl.crl.location=" + path +
                                  " has no revocation list in PEM: " + detail::last_reason());
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

} // namespace kurier::inline KURIER_ABI::openssl
