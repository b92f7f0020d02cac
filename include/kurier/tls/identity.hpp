// Who we are: the client's certificate with the chain to its authority, and its key.
#pragma once

#include <kurier/config/problem.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/tls/stores.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::openssl {

inline constexpr int expires_soon_days = 14;

class identity_loader
{
public:
    identity_loader(const producer_config& config, config_problems& problems)
        : config_{config}, problems_{problems}
    {}

    void load(SSL_CTX* context)
    {
        const bool inline_chain = !config_.ssl_keystore_certificate_chain.empty();
        if (config_.ssl_keystore_location.empty() && !inline_chain) return;
        try {
            auto found = inline_chain ? read_inline() : read_location();
            if (found.certificates.empty()) throw std::runtime_error{name_ + " has no certificate"};
            if (!found.key)
                throw std::runtime_error{name_ +
                                         " has no private key; put it there, or set ssl.key.location"};
            use(context, found);
        } catch (const std::exception& why) {
            problems_.emplace_back(config_severity::error, "ssl.keystore.location", why.what());
        }
    }

private:
    store read_inline()
    {
        name_ = "ssl.keystore.certificate.chain";
        auto found = read_store(as_bytes(config_.ssl_keystore_certificate_chain), {name_, {}});
        if (config_.ssl_keystore_key)
            take_key(found, config_.ssl_keystore_key.read().view(), "ssl.keystore.key");
        else
            take_key_file(found);
        return found;
    }

    store read_location()
    {
        const auto& path = config_.ssl_keystore_location;
        name_ = "ssl.keystore.location=" + path;
        const auto content = read_store(path);
        const bool pem = form_of(content.view()) == store_form::pem;
        // A PEM file is not encrypted, its key may be; this is how Java has it too.
        if (pem && config_.ssl_keystore_password)
            throw std::runtime_error{
                name_ + " is a PEM file, for which ssl.keystore.password has no meaning; remove it, a "
                        "key's password is ssl.key.password"};
        const bool key_elsewhere = !config_.ssl_key_location.empty();
        auto found = read_store(
            content.view(),
            pem ? store_source{name_, "ssl.key.password", &config_.ssl_key_password, !key_elsewhere}
                : store_source{name_, "ssl.keystore.password", &config_.ssl_keystore_password, true});
        if (pem) warn_of_password(found);
        if (key_elsewhere) take_key_file(found);
        return found;
    }

    void take_key_file(store& into)
    {
        if (config_.ssl_key_location.empty()) return;
        const auto content = read_store(config_.ssl_key_location);
        take_key(into, content.view(), "ssl.key.location=" + config_.ssl_key_location);
    }

    void take_key(store& into, bytes_view content, const std::string& name)
    {
        auto other = read_store(content, {name, "ssl.key.password", &config_.ssl_key_password, true});
        if (!other.key) throw std::runtime_error{name + " has no private key"};
        into.key = std::move(other.key);
        into.key_was_encrypted = other.key_was_encrypted;
        warn_of_password(into);
    }

    void warn_of_password(const store& found)
    {
        if (found.key && !found.key_was_encrypted && config_.ssl_key_password)
            problems_.emplace_back(config_severity::warning, "ssl.key.password",
                                   "ssl.key.password is set, and the key is not encrypted");
    }

    void use(SSL_CTX* context, store& found)
    {
        auto& all = found.certificates;
        const auto own = std::ranges::find_if(all, [&](const x509_ptr& one) {
            return X509_check_private_key(one.get(), found.key.get()) == 1;
        });
        ERR_clear_error();
        const certificate_facts first{all.front().get()};
        if (own == all.end())
            throw std::runtime_error{name_ + ": the key doesn't belong to the certificate " + first.subject +
                                     "; they must be of one pair"};
        const certificate_facts facts{own->get()};
        const auto* end = X509_get0_notAfter(own->get());
        if (X509_cmp_current_time(end) < 0)
            throw std::runtime_error{name_ + ": the certificate " + facts.subject + " expired on " +
                                     facts.valid_until + ", and the clock here says " + time_now()};
        std::time_t soon = std::time(nullptr) + expires_soon_days * 24L * 60 * 60;
        if (X509_cmp_time(end, &soon) < 0)
            problems_.emplace_back(config_severity::warning, "ssl.keystore.location",
                                   name_ + ": the certificate " + facts.subject + " expires soon, on " +
                                       facts.valid_until);
        if (SSL_CTX_use_certificate(context, own->get()) != 1 ||
            SSL_CTX_use_PrivateKey(context, found.key.get()) != 1)
            throw std::runtime_error{name_ + " is refused by OpenSSL: " + detail::last_reason()};
        std::rotate(all.begin(), own, own + 1); // in front; its issuers stay in their order
        for (auto issuer = all.begin() + 1; issuer != all.end(); ++issuer)
            SSL_CTX_add1_chain_cert(context, issuer->get());
    }

    const producer_config& config_;
    config_problems& problems_;
    std::string name_;
};

} // namespace kurier::inline KURIER_ABI::openssl
