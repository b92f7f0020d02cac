// Certificates for tests, made when they are needed: nothing of them lies in a file, and none can run out.
#pragma once

#include <kurier/tls/certificate.hpp>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::testing {

using openssl::freed_by;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<&EVP_PKEY_free>>;

struct certificate
{
    openssl::x509_ptr x509;
    key_ptr key;

    std::string pem() const
    {
        const openssl::bio_ptr out{BIO_new(BIO_s_mem())};
        PEM_write_bio_X509(out.get(), x509.get());
        return text_in(out.get());
    }
    std::string key_pem(const char* password = nullptr) const
    {
        const openssl::bio_ptr out{BIO_new(BIO_s_mem())};
        PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), password ? EVP_aes_256_cbc() : nullptr, nullptr,
                                      0, nullptr, const_cast<char*>(password));
        return text_in(out.get());
    }
    certificate share() const
    {
        X509_up_ref(x509.get());
        EVP_PKEY_up_ref(key.get());
        return {openssl::x509_ptr{x509.get()}, key_ptr{key.get()}};
    }

private:
    static std::string text_in(BIO* bio)
    {
        char* data = nullptr;
        const auto size = BIO_get_mem_data(bio, &data);
        return {data, static_cast<std::size_t>(size)};
    }
};

struct certificate_order
{
    std::string name = "broker";
    std::string hosts = "DNS:localhost,IP:127.0.0.1,IP:::1"; // empty: none
    const certificate* issuer = nullptr;                     // none: signs itself
    bool authority = false;
    std::string usage = "serverAuth,clientAuth"; // empty: says nothing
    int from_days = -1, until_days = 30;         // from today
    int rsa_bits = 0;                            // 0: a key on P-256
};

inline certificate make_certificate(const certificate_order& order)
{
    static long serial = 1;
    certificate made{openssl::x509_ptr{X509_new()},
                     key_ptr{order.rsa_bits > 0 ? EVP_RSA_gen(static_cast<unsigned>(order.rsa_bits))
                                                : EVP_EC_gen("P-256")}};
    X509* x509 = made.x509.get();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
    const std::time_t now = std::time(nullptr);
    constexpr long day = 24 * 60 * 60;
    ASN1_TIME_set(X509_getm_notBefore(x509), now + order.from_days * day);
    ASN1_TIME_set(X509_getm_notAfter(x509), now + order.until_days * day);
    X509_set_pubkey(x509, made.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(order.name.c_str()), -1, -1, 0);
    const auto& issuer = order.issuer ? *order.issuer : made;
    X509_set_issuer_name(x509, X509_get_subject_name(issuer.x509.get()));
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer.x509.get(), x509, nullptr, nullptr, 0);
    const auto add = [&](int what, const std::string& value) {
        if (value.empty()) return;
        using extension = std::unique_ptr<X509_EXTENSION, freed_by<&X509_EXTENSION_free>>;
        const extension made_one{X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str())};
        if (!made_one || X509_add_ext(x509, made_one.get(), -1) != 1) throw std::runtime_error{value};
    };
    add(NID_basic_constraints, order.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add(NID_subject_alt_name, order.authority ? "" : order.hosts);
    add(NID_ext_key_usage, order.authority ? "" : order.usage);
    add(NID_subject_key_identifier, "hash");
    if (X509_sign(x509, issuer.key.get(), EVP_sha256()) == 0) throw std::runtime_error{"X509_sign"};
    return made;
}

inline certificate make_authority(std::string name = "authority", const certificate* issuer = nullptr)
{
    certificate_order order;
    order.name = std::move(name);
    order.issuer = issuer;
    order.authority = true;
    return make_certificate(order);
}

} // namespace kurier::inline KURIER_ABI::testing
