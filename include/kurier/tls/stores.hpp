// Certificates and keys out of PEM, DER and PKCS12, and what to say when there are none. What fails throws
// std::runtime_error with a sentence that has no secret in it.
#pragma once

#include <kurier/secret.hpp>
#include <kurier/tls/certificate.hpp>
#include <kurier/tls/pem.hpp>
#include <kurier/wire/escape.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::openssl {

using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<&EVP_PKEY_free>>;
using pkcs12_ptr = std::unique_ptr<PKCS12, freed_by<&PKCS12_free>>;

struct store
{
    std::vector<x509_ptr> certificates;
    key_ptr key; // null: none was found, or wanted
    bool key_was_encrypted = false;
};

// Where a store comes from, for texts, and what opens it.
struct store_source
{
    std::string name;         // "ssl.keystore.location=/etc/kafka/client.p12", "ssl.keystore.key"
    std::string password_key; // "ssl.keystore.password"
    const secret* password = nullptr;
    bool wants_key = false;
};

namespace detail {

inline bio_ptr bio_over(std::string_view bytes)
{
    bio_ptr bio{BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))};
    if (!bio) throw std::bad_alloc{};
    return bio;
}

inline std::string last_reason()
{
    const auto error = ERR_peek_last_error();
    const char* words = ERR_reason_error_string(error);
    auto text = std::string{words ? words : "unknown"} + " (OpenSSL " + std::to_string(error) + ')';
    ERR_clear_error();
    return text;
}

struct password_call
{
    const secret* password;
    bool asked = false;

    static int give(char* space, int size, int, void* user) noexcept
    {
        auto& self = *static_cast<password_call*>(user);
        self.asked = true;
        if (!self.password || !*self.password) return -1;
        try {
            const auto bytes = self.password->read();
            if (bytes.size() > static_cast<std::size_t>(size)) return -1;
            std::memcpy(space, bytes.view().data(), bytes.size());
            return static_cast<int>(bytes.size());
        } catch (...) {
            return -1;
        }
    }
};

inline void read_pem_key(std::string_view pem, const store_source& from, store& into)
{
    password_call call{from.password};
    ERR_clear_error();
    into.key.reset(PEM_read_bio_PrivateKey(bio_over(pem).get(), nullptr, &password_call::give, &call));
    into.key_was_encrypted = call.asked;
    if (into.key) return;
    const auto reason = last_reason();
    if (pem.find("PRIVATE KEY-----") == std::string_view::npos) return; // none there
    if (call.asked && (!from.password || !*from.password))
        throw std::runtime_error{from.name + " has an encrypted key; set " + from.password_key};
    if (call.asked)
        throw std::runtime_error{from.name + " has a key that " + from.password_key +
                                 " doesn't open: " + reason};
    throw std::runtime_error{from.name + " has a key that OpenSSL can't read: " + reason};
}

inline store read_pem(std::string_view text, const store_source& from)
{
    wiped_text pem{0};
    normalise_pem(text, pem);
    store found;
    const auto bio = bio_over(*pem);
    ERR_clear_error();
    while (auto* one = PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr))
        found.certificates.emplace_back(one);
    const auto reason = ERR_GET_REASON(ERR_peek_last_error());
    if (reason != PEM_R_NO_START_LINE)
        throw std::runtime_error{from.name + " has a certificate that OpenSSL can't read, the " +
                                 std::to_string(found.certificates.size() + 1) + "th: " + last_reason()};
    ERR_clear_error();
    if (from.wants_key) read_pem_key(*pem, from, found);
    return found;
}

inline store read_pkcs12(PKCS12* all, const store_source& from)
{
    if (!from.password || !*from.password)
        throw std::runtime_error{from.name + " is a PKCS12 store; set " + from.password_key};
    wiped_text password{from.password->read().view()};
    EVP_PKEY* key = nullptr;
    X509* leaf = nullptr;
    STACK_OF(X509)* others = nullptr;
    ERR_clear_error();
    if (PKCS12_parse(all, (*password).c_str(), &key, &leaf, &others) != 1) {
        const int reason = ERR_GET_REASON(ERR_peek_last_error());
        const int first = ERR_GET_REASON(ERR_peek_error());
        if (first == PKCS12_R_MAC_VERIFY_FAILURE || reason == PKCS12_R_MAC_VERIFY_FAILURE)
            throw std::runtime_error{from.name + " is a PKCS12 store that " + from.password_key +
                                     " doesn't open"};
        throw std::runtime_error{from.name + " is a PKCS12 store that OpenSSL can't read: " + last_reason() +
                                 "; if it is an old one, encrypted with RC2, export it again with AES"};
    }
    store found;
    found.key.reset(key);
    if (leaf) found.certificates.emplace_back(leaf);
    while (others && sk_X509_num(others) > 0) found.certificates.emplace_back(sk_X509_shift(others));
    sk_X509_free(others);
    return found;
}

inline store read_der(std::string_view bytes, const store_source& from)
{
    const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto size = static_cast<long>(bytes.size());
    const auto* at = data;
    if (const pkcs12_ptr all{d2i_PKCS12(nullptr, &at, size)}) return read_pkcs12(all.get(), from);
    store found;
    at = data;
    if (auto* one = d2i_X509(nullptr, &at, size)) {
        found.certificates.emplace_back(one);
    } else if (from.wants_key) {
        at = data;
        found.key.reset(d2i_AutoPrivateKey(nullptr, &at, size));
    }
    ERR_clear_error();
    return found;
}

} // namespace detail

inline store read_store(bytes_view content, const store_source& from)
{
    const auto text = as_text(content);
    switch (form_of(content)) {
    case store_form::java:
        throw std::runtime_error{from.name +
                                 " is a Java keystore (JKS), which only Java can read; convert it: keytool "
                                 "-importkeystore -srckeystore OLD -destkeystore NEW.p12 -deststoretype "
                                 "PKCS12"};
    case store_form::pem:
        return detail::read_pem(text, from);
    case store_form::der:
        return detail::read_der(text, from);
    default:
        return {};
    }
}

} // namespace kurier::inline KURIER_ABI::openssl
