// Versions, ciphers, curves and signatures as the configuration has them: by Java's names (IANA's) or by OpenSSL's.
#pragma once

#include <kurier/config/problem.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/tls/stores.hpp>
#include <kurier/wire/escape.hpp>

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::openssl {

// OpenSSL's name of a cipher of TLS 1.2; empty: it has none of this name.
inline std::string cipher_name(SSL_CTX* context, std::string_view name)
{
    const std::unique_ptr<SSL, freed_by<&SSL_free>> ssl{SSL_new(context)};
    if (!ssl || SSL_set_cipher_list(ssl.get(), "ALL:COMPLEMENTOFALL") != 1) return {};
    const STACK_OF(SSL_CIPHER)* all = SSL_get_ciphers(ssl.get());
    for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
        const SSL_CIPHER* one = sk_SSL_CIPHER_value(all, i);
        const char* standard = SSL_CIPHER_standard_name(one);
        if ((standard && name == standard) || name == SSL_CIPHER_get_name(one))
            return SSL_CIPHER_get_name(one);
    }
    return {};
}

// A list of names of both versions, separated by commas.
inline void set_cipher_suites(SSL_CTX* context, std::string_view list, config_problems& problems)
{
    std::string older, newer; // of TLS 1.2 and 1.3
    while (!list.empty()) {
        const auto comma = list.find(',');
        auto name = list.substr(0, comma);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
        while (name.starts_with(' ')) name.remove_prefix(1);
        while (name.ends_with(' ')) name.remove_suffix(1);
        const bool is_newer = name.starts_with("TLS_AES_") || name.starts_with("TLS_CHACHA20_");
        const auto known = is_newer ? std::string{name} : cipher_name(context, name);
        if (known.empty()) {
            problems.emplace_back(config_severity::error, "ssl.cipher.suites",
                                  "ssl.cipher.suites names \"" + wire::escape(name, 80) +
                                      "\", which OpenSSL doesn't have; remove it");
            continue;
        }
        auto& of = is_newer ? newer : older;
        of += (of.empty() ? "" : ":") + known;
    }
    const bool good = (older.empty() || SSL_CTX_set_cipher_list(context, older.c_str()) == 1) &&
                      (newer.empty() || SSL_CTX_set_ciphersuites(context, newer.c_str()) == 1);
    if (!good)
        problems.emplace_back(config_severity::error, "ssl.cipher.suites",
                              "ssl.cipher.suites is refused by OpenSSL: " + detail::last_reason());
    if (older.empty()) SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    if (newer.empty()) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
}

inline void set_ciphers(SSL_CTX* context, const producer_config& config, config_problems& problems)
{
    SSL_CTX_set_min_proto_version(context,
                                  config.takes_tls(tls_versions::v1_2) ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(context,
                                  config.takes_tls(tls_versions::v1_3) ? TLS1_3_VERSION : TLS1_2_VERSION);
    const auto try_to = [&](const char* key, const std::string& value, auto set) {
        ERR_clear_error();
        if (value.empty() || set(context, value.c_str()) == 1) return;
        problems.emplace_back(config_severity::error, key,
                              std::string{key} + " is refused by OpenSSL: " + detail::last_reason());
    };
    const auto& suites = config.ssl_cipher_suites;
    if (suites.find_first_of(":!+@") != std::string::npos) // OpenSSL's language
        try_to("ssl.cipher.suites", suites,
               [](SSL_CTX* to, const char* list) { return SSL_CTX_set_cipher_list(to, list); });
    else if (!suites.empty())
        set_cipher_suites(context, suites, problems);
    try_to("ssl.curves.list", config.ssl_curves_list,
           [](SSL_CTX* to, const char* list) { return SSL_CTX_set1_curves_list(to, list); });
    try_to("ssl.sigalgs.list", config.ssl_sigalgs_list,
           [](SSL_CTX* to, const char* list) { return SSL_CTX_set1_sigalgs_list(to, list); });
}

} // namespace kurier::inline KURIER_ABI::openssl
