// OpenSSL's context as kurier sets it up: TLS 1.2 and 1.3, ciphers with forward secrecy, the system's authorities.
#pragma once

#include <kurier/config/problem.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/tls/certificate.hpp>

#include <boost/asio/ssl/context.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::openssl {

namespace asio = boost::asio;

inline std::shared_ptr<asio::ssl::context> make_context()
{
    auto made = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    SSL_CTX* context = made->native_handle();
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        throw std::bad_alloc{};
    return made;
}

inline int count_authorities(SSL_CTX* context) noexcept
{
    const STACK_OF(X509_OBJECT)* all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    int count = 0;
    for (int i = 0; i < sk_X509_OBJECT_num(all); ++i)
        count += X509_OBJECT_get_type(sk_X509_OBJECT_value(all, i)) == X509_LU_X509 ? 1 : 0;
    return count;
}

// Where this OpenSSL looks: a file, which is read at once, and a directory, in which it looks when it needs to.
inline std::string system_path(const char* variable, const char* otherwise)
{
    const char* set = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): nobody sets it
    return set ? set : otherwise;
}

// Returns how they are called in texts; empty, with a problem, when there are none.
inline std::string trust_system(SSL_CTX* context, config_problems& problems)
{
    SSL_CTX_set_default_verify_paths(context);
    ERR_clear_error(); // a path that doesn't exist is none
    const auto file = system_path(X509_get_default_cert_file_env(), X509_get_default_cert_file());
    const auto directory = system_path(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
    const int count = count_authorities(context);
    if (count > 0) return "the system's " + std::to_string(count) + " authorities (" + file + ')';
    std::error_code missing;
    const std::filesystem::directory_iterator entries{directory, missing};
    if (!missing && entries != std::filesystem::directory_iterator{})
        return "the system's authorities (" + directory + ')';
    problems.emplace_back(config_severity::error, "ssl.truststore.location",
                          "this system has no certificate authorities, neither in " + file + " nor in " +
                              directory +
                              "; install them (on Debian: ca-certificates) or set ssl.truststore.location");
    return {};
}

// "CN=client (issued by CN=ca, valid until ...)"; empty: the context has no certificate.
inline std::string own_certificate(SSL_CTX* context)
{
    X509* certificate = SSL_CTX_get0_certificate(context);
    if (!certificate) return {};
    const certificate_facts facts{certificate};
    return facts.subject + " (issued by " + facts.issuer + ", valid until " + facts.valid_until + ')';
}

} // namespace kurier::inline KURIER_ABI::openssl
