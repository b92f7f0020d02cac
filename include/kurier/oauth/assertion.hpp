// An assertion: a signed JWT (RFC 7523) that tells who we are, or for whom a token is wanted.
#pragma once

#include <kurier/http/wiped_text.hpp>
#include <kurier/oauth/options.hpp>
#include <kurier/sasl/base64.hpp>
#include <kurier/sasl/json_text.hpp>
#include <kurier/tls/stores.hpp>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::oauth {

namespace detail {

using digest_ptr = std::unique_ptr<EVP_MD_CTX, openssl::freed_by<&EVP_MD_CTX_free>>;
using ecdsa_ptr = std::unique_ptr<ECDSA_SIG, openssl::freed_by<&ECDSA_SIG_free>>;

inline std::string random_id()
{
    std::array<unsigned char, 16> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        throw std::runtime_error{"OpenSSL has no random bytes"};
    return sasl::to_base64(std::as_bytes(std::span{bytes}), sasl::base64_form::url);
}

// `now`: seconds since 1970.
inline std::string claims(const assertion_options& options, std::int64_t now)
{
    std::string out = "{";
    const auto text = [&](const char* name, std::string_view value) {
        if (value.empty()) return;
        (((out += '"') += name) += "\":");
        sasl::append_json_text(out, value);
        out += ',';
    };
    text("iss", options.issuer);
    text("sub", options.subject);
    text("aud", options.audience);
    if (options.id) text("jti", random_id());
    return out + "\"iat\":" + std::to_string(now) +
           ",\"nbf\":" + std::to_string(now - options.not_before.count()) +
           ",\"exp\":" + std::to_string(now + options.lifetime.count()) + '}';
}

// JWTs want both numbers of an ECDSA signature side by side (RFC 7518 section 3.4), OpenSSL has them in DER.
inline std::vector<unsigned char> side_by_side(const std::vector<unsigned char>& der)
{
    const unsigned char* at = der.data();
    const ecdsa_ptr both{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()))};
    std::vector<unsigned char> out(64);
    if (!both || BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), out.data(), 32) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), out.data() + 32, 32) < 0)
        throw std::runtime_error{"it is not on the curve P-256, which ES256 is for"};
    return out;
}

inline std::vector<unsigned char> sign(EVP_PKEY* key, assertion_algorithm algorithm, std::string_view what)
{
    const bool rsa = algorithm == assertion_algorithm::rs256;
    if (EVP_PKEY_get_base_id(key) != (rsa ? EVP_PKEY_RSA : EVP_PKEY_EC))
        throw std::runtime_error{rsa ? "RS256 needs an RSA key" : "ES256 needs an EC key"};
    const digest_ptr context{EVP_MD_CTX_new()};
    const auto* bytes = reinterpret_cast<const unsigned char*>(what.data());
    std::size_t size = 0;
    if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
        EVP_DigestSign(context.get(), nullptr, &size, bytes, what.size()) != 1)
        throw std::runtime_error{openssl::detail::last_reason()};
    std::vector<unsigned char> signature(size);
    if (EVP_DigestSign(context.get(), signature.data(), &size, bytes, what.size()) != 1)
        throw std::runtime_error{openssl::detail::last_reason()};
    signature.resize(size);
    return rsa ? signature : side_by_side(signature);
}

} // namespace detail

// Throws std::runtime_error with a sentence about the key, or what secret::read() throws.
inline http::wiped_text make_assertion(const assertion_options& options, std::int64_t now)
{
    if (!options.file.empty())
        return http::wiped_text{as_text(secret::from_file(options.file).read().view())};
    const auto pem = options.private_key.read();
    const auto name = "the assertion's private key, from " + options.private_key.whence() + ',';
    const auto found =
        openssl::read_store(pem.view(), {name, "sasl.oauthbearer.assertion.private.key.passphrase",
                                         &options.private_key_passphrase, true});
    if (!found.key) throw std::runtime_error{name + " is no private key"};
    const bool rsa = options.algorithm == assertion_algorithm::rs256;
    http::wiped_text out;
    const auto append = [&](std::string_view part) {
        sasl::append_base64(out, as_bytes(part), sasl::base64_form::url);
    };
    append(rsa ? R"({"alg":"RS256","typ":"JWT"})" : R"({"alg":"ES256","typ":"JWT"})");
    out += '.';
    append(detail::claims(options, now));
    try {
        const auto signature = detail::sign(found.key.get(), options.algorithm, out);
        out += '.';
        sasl::append_base64(out, std::as_bytes(std::span{signature}), sasl::base64_form::url);
    } catch (const std::runtime_error& why) {
        throw std::runtime_error{name + " can't sign: " + why.what()};
    }
    return out;
}

} // namespace kurier::inline KURIER_ABI::oauth
