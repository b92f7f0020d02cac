// SCRAM's keys (RFC 5802) with OpenSSL's primitives: derived from a password in slices, because the iterations are meant to
// take long, and kept, because every broker asks for the same ones.
#pragma once

#include <kurier/sasl/mechanism.hpp>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace kurier::inline KURIER_ABI::sasl {

struct sha256
{
    static constexpr std::string_view mechanism = "SCRAM-SHA-256", digest = "SHA256";
    static constexpr std::size_t size = 32;
};

struct sha512
{
    static constexpr std::string_view mechanism = "SCRAM-SHA-512", digest = "SHA512";
    static constexpr std::size_t size = 64;
};

inline bool openssl_random_bytes(std::span<std::byte> bytes)
{
    return RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) == 1;
}

template <class Hash> using hash_value = std::array<std::byte, Hash::size>;

// A hash value that is overwritten when it goes.
template <class Hash> struct secret_hash
{
    hash_value<Hash> bytes{};

    secret_hash() = default;
    secret_hash(const secret_hash&) = default;
    secret_hash& operator=(const secret_hash&) = default;
    ~secret_hash() { wipe(bytes); }
};

// HMAC with one key, again and again.
template <class Hash> class hmac
{
public:
    hmac() = default; // of no use yet

    explicit hmac(bytes_view key)
    {
        const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> algorithm{
            EVP_MAC_fetch(nullptr, "HMAC", nullptr), &EVP_MAC_free};
        if (!algorithm) return;
        context_.reset(EVP_MAC_CTX_new(algorithm.get()));
        const OSSL_PARAM hash[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                                    const_cast<char*>(Hash::digest.data()),
                                                                    Hash::digest.size()),
                                   OSSL_PARAM_construct_end()};
        static constexpr unsigned char none = 0; // a null key would mean: the one from before
        const auto* data = key.empty() ? &none : reinterpret_cast<const unsigned char*>(key.data());
        if (!context_ || EVP_MAC_init(context_.get(), data, key.size(), hash) != 1) context_.reset();
    }

    // False: OpenSSL can't (its FIPS provider refuses keys that are too short).
    bool operator()(std::initializer_list<bytes_view> parts, hash_value<Hash>& out)
    {
        if (!context_ || EVP_MAC_init(context_.get(), nullptr, 0, nullptr) != 1) return false;
        for (const auto part : parts)
            if (EVP_MAC_update(context_.get(), reinterpret_cast<const unsigned char*>(part.data()),
                               part.size()) != 1)
                return false;
        std::size_t size = 0;
        return EVP_MAC_final(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                             out.size()) == 1;
    }

    explicit operator bool() const noexcept { return context_ != nullptr; }

private:
    struct free_context
    {
        void operator()(EVP_MAC_CTX* context) const noexcept { EVP_MAC_CTX_free(context); }
    };
    std::unique_ptr<EVP_MAC_CTX, free_context> context_; // overwritten by OpenSSL when it goes
};

template <class Hash> bool hash_of(bytes_view bytes, hash_value<Hash>& out)
{
    std::size_t size = 0;
    return EVP_Q_digest(nullptr, Hash::digest.data(), nullptr, bytes.data(), bytes.size(),
                        reinterpret_cast<unsigned char*>(out.data()), &size) == 1;
}

template <class Hash> struct scram_keys
{
    secret_hash<Hash> client, server;
};

// Hi() of RFC 5802, which is PBKDF2 for one block, and the two keys that follow from it.
template <class Hash> class key_derivation
{
public:
    static constexpr std::uint32_t slice = 1024; // about a millisecond

    key_derivation(bytes_view password, bytes_view salt, std::uint32_t iterations)
        : hmac_{password}, left_{iterations}
    {
        constexpr std::array first_block{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
        failed_ = !hmac_({salt, first_block}, round_.bytes);
        salted_ = round_;
        --left_;
    }

    enum class state : std::uint8_t { more, done, failed };

    state proceed(scram_keys<Hash>& keys)
    {
        for (auto rounds = std::min(left_, slice); rounds > 0 && !failed_; --rounds, --left_) {
            failed_ = !hmac_({round_.bytes}, round_.bytes);
            for (std::size_t i = 0; i < Hash::size; ++i) salted_.bytes[i] ^= round_.bytes[i];
        }
        if (!failed_ && left_ > 0) return state::more;
        hmac<Hash> salted{salted_.bytes};
        failed_ = failed_ || !salted({as_bytes("Client Key")}, keys.client.bytes) ||
                  !salted({as_bytes("Server Key")}, keys.server.bytes);
        return failed_ ? state::failed : state::done;
    }

private:
    hmac<Hash> hmac_; // keyed with the password
    std::uint32_t left_;
    bool failed_ = false;
    secret_hash<Hash> round_, salted_;
};

// The keys derived last. One set is enough: a user's salt is the same at all brokers, and stays so until the password is
// changed. It knows the password by a digest with a key of its own.
template <class Hash> class key_cache
{
public:
    explicit key_cache(random_bytes random)
    {
        secret_hash<Hash> key;
        if (random(key.bytes)) digest_ = hmac<Hash>{key.bytes};
    }

    // Names a derivation. False: there can be no name, so derive without the cache.
    bool name(bytes_view password, bytes_view salt, std::uint32_t iterations, hash_value<Hash>& out)
    {
        std::array<std::byte, 8> numbers{};
        for (std::size_t i = 0; i < 4; ++i) {
            numbers[i] = static_cast<std::byte>(iterations >> (8 * i) & 255U);
            numbers[4 + i] = static_cast<std::byte>(salt.size() >> (8 * i) & 255U);
        }
        return digest_({numbers, salt, password}, out);
    }

    const scram_keys<Hash>* find(const hash_value<Hash>& name) const noexcept
    {
        return filled_ && name == name_ ? &keys_ : nullptr;
    }

    void keep(const hash_value<Hash>& name, const scram_keys<Hash>& keys) noexcept
    {
        name_ = name;
        keys_ = keys;
        filled_ = true;
    }

    // Of several logins that need the same keys, one derives them and the others wait for it.
    bool derives_another(const hash_value<Hash>& name, const void* login) noexcept
    {
        if (deriver_ && deriver_ != login && name == deriving_) return true;
        if (!deriver_) {
            deriver_ = login;
            deriving_ = name;
        }
        return false;
    }
    void ends(const void* login) noexcept
    {
        if (deriver_ == login) deriver_ = nullptr;
    }

private:
    hmac<Hash> digest_;
    hash_value<Hash> name_{}, deriving_{};
    scram_keys<Hash> keys_;
    bool filled_ = false;
    const void* deriver_ = nullptr;
};

} // namespace kurier::inline KURIER_ABI::sasl
