// SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677) as Kafka speaks them (KIP-84), with delegation tokens (KIP-48). The
// password doesn't leave the process, and the broker has to prove that it knows it too. CMake: kurier::sasl.
#pragma once

#include <kurier/sasl/base64.hpp>
#include <kurier/sasl/scram_keys.hpp>

#include <charconv>
#include <optional>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::sasl {

// A broker that asks for fewer iterations would make a password cheap to guess, one that asks for more keeps us busy.
struct scram_options
{
    std::uint32_t iterations_min = 4096, iterations_max = 131072;
    std::size_t nonce_bytes = 24;
    bool token = false; // user and password are a delegation token's id and HMAC
};

namespace detail {

// Takes "r=value" and the comma behind it from the front of a message.
inline std::optional<std::string_view> take_attribute(std::string_view& message, char name)
{
    if (message.size() < 2 || message[0] != name || message[1] != '=') return std::nullopt;
    const auto comma = message.find(',');
    const auto value = message.substr(2, comma == std::string_view::npos ? comma : comma - 2);
    message.remove_prefix(comma == std::string_view::npos ? message.size() : comma + 1);
    return value;
}

constexpr bool is_nonce(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; });
}

} // namespace detail

template <class Hash> class scram
{
public:
    static constexpr std::size_t salt_max = 1024;

    explicit scram(std::string user, scram_options options = {}, random_bytes random = &openssl_random_bytes)
        : user_{std::move(user)}, options_{options}, random_{random},
          cache_{std::make_shared<key_cache<Hash>>(random)}
    {}

    class login
    {
    public:
        explicit login(const scram& owner) : owner_{&owner}, cache_{owner.cache_} {}
        login(login&&) = delete; // the cache knows it by its address
        ~login() { cache_->ends(this); }

        progress start(secret_bytes password);
        progress step(bytes_view challenge);
        progress proceed();

        bytes_view message() const noexcept { return as_bytes(message_); }
        std::string_view problem() const noexcept { return problem_; }

    private:
        enum class phase : std::uint8_t { first, keys, proof, over };

        progress failed(std::string why)
        {
            problem_ = std::move(why);
            at_ = phase::over;
            return progress::fail;
        }

        progress on_server_first(std::string_view message);
        progress on_server_final(std::string_view message);
        progress derive();
        progress prove(const scram_keys<Hash>& keys);
        bool take_nonce(std::string_view& rest, std::string& why);

        const scram* owner_; // outlives its logins
        std::shared_ptr<key_cache<Hash>> cache_;
        phase at_ = phase::first;
        secret_bytes password_; // until the keys are there
        std::string nonce_, bare_, server_first_, final_without_proof_, message_, problem_;
        std::vector<std::byte> salt_;
        std::uint32_t iterations_ = 0;
        std::optional<key_derivation<Hash>> derivation_;
        std::optional<hash_value<Hash>> key_name_;
        hash_value<Hash> server_signature_{};
    };

    std::string_view name() const noexcept { return Hash::mechanism; }
    login begin() const { return login{*this}; }

    std::string_view refusal_hint() const noexcept
    {
        return options_.token
                   ? "the delegation token may have expired, or not been renewed"
                   : "user or password may be wrong, or the user has no credential for this mechanism: "
                     "those for SCRAM-SHA-256 and SCRAM-SHA-512 are kept separately";
    }

private:
    std::string user_;
    scram_options options_;
    random_bytes random_;
    std::shared_ptr<key_cache<Hash>> cache_;
};

using scram_sha256 = scram<sha256>;
using scram_sha512 = scram<sha512>;

// --- one login -------------------------------------------------------------------------------------------------------

template <class Hash> progress scram<Hash>::login::start(secret_bytes password)
{
    const std::string_view user = owner_->user_;
    if (user.empty()) return failed("the user name is empty");
    if (password.empty()) return failed("the password is empty");
    bare_ = "n=";
    for (const char c : user) {
        // Kafka's grammar is ASCII, and its brokers prepare neither names nor passwords (RFC 4013).
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f)
            return failed("the user name has a byte that Kafka's SCRAM can't carry (it takes ASCII only)");
        if (c == '=')
            bare_ += "=3D";
        else if (c == ',')
            bare_ += "=2C";
        else
            bare_ += c;
    }
    std::vector<std::byte> random(owner_->options_.nonce_bytes);
    if (!owner_->random_(random)) return failed("the system gives no random bytes");
    nonce_ = to_base64(random);
    bare_ += ",r=" + nonce_;
    if (owner_->options_.token) bare_ += ",tokenauth=true";
    password_ = std::move(password);
    message_ = "n,," + bare_;
    return progress::send;
}

template <class Hash> progress scram<Hash>::login::step(bytes_view challenge)
{
    switch (at_) {
    case phase::first:
        return on_server_first(as_text(challenge));
    case phase::proof:
        return on_server_final(as_text(challenge));
    default:
        return failed("the broker sent a message that is not part of SCRAM");
    }
}

template <class Hash> bool scram<Hash>::login::take_nonce(std::string_view& rest, std::string& why)
{
    const auto nonce = detail::take_attribute(rest, 'r');
    if (!nonce || !detail::is_nonce(*nonce))
        why = "the broker's first message has no nonce";
    else if (!nonce->starts_with(nonce_))
        why = "the broker's nonce does not begin with ours: its answer belongs to another login";
    else if (nonce->size() == nonce_.size())
        why = "the broker has added nothing to our nonce, so that an old answer could be played back";
    else
        nonce_ = *nonce;
    return why.empty();
}

template <class Hash> progress scram<Hash>::login::on_server_first(std::string_view message)
{
    auto rest = message;
    std::string why;
    if (rest.starts_with("m=")) return failed("the broker wants an extension of SCRAM that is unknown here");
    if (rest.starts_with("e=")) return failed("the broker refused the user name");
    if (!take_nonce(rest, why)) return failed(std::move(why));

    const auto salt = detail::take_attribute(rest, 's');
    auto bytes = salt ? from_base64(*salt) : std::nullopt;
    if (!bytes || bytes->empty() || bytes->size() > salt_max)
        return failed("the broker's first message has no salt, or one that is not base64");
    salt_ = std::move(*bytes);

    const auto count = detail::take_attribute(rest, 'i').value_or("");
    const auto* end = count.data() + count.size();
    const auto [last, error] = std::from_chars(count.data(), end, iterations_);
    const auto& options = owner_->options_;
    if (count.empty() || last != end || (error != std::errc{} && error != std::errc::result_out_of_range))
        return failed("the broker's first message has no number of iterations");
    if (error != std::errc{} || iterations_ < options.iterations_min || iterations_ > options.iterations_max)
        return failed("the broker asks for " + std::string{count.substr(0, 20)} +
                      " iterations; allowed are " + std::to_string(options.iterations_min) + " to " +
                      std::to_string(options.iterations_max));
    for (; !rest.empty(); rest.remove_prefix(std::min(rest.find(','), rest.size() - 1) + 1))
        if (rest.starts_with("m="))
            return failed("the broker wants an extension of SCRAM that is unknown here");

    server_first_ = message;                     // as it came, for the proof
    final_without_proof_ = "c=biws,r=" + nonce_; // base64 of "n,,"
    at_ = phase::keys;
    hash_value<Hash> name;
    if (cache_->name(password_.view(), salt_, iterations_, name)) key_name_ = name;
    return derive();
}

template <class Hash> progress scram<Hash>::login::proceed()
{
    return at_ == phase::keys ? derive() : failed("nothing is being computed");
}

template <class Hash> progress scram<Hash>::login::derive()
{
    if (key_name_) {
        if (const auto* known = cache_->find(*key_name_)) return prove(*known);
        if (cache_->derives_another(*key_name_, this)) return progress::compute;
    }
    if (!derivation_) derivation_.emplace(password_.view(), salt_, iterations_);
    scram_keys<Hash> keys;
    using state = typename key_derivation<Hash>::state;
    switch (derivation_->proceed(keys)) {
    case state::more:
        return progress::compute;
    case state::failed:
        return failed(
            "OpenSSL can't compute the proof; with its FIPS provider a password needs 14 characters");
    default:
        if (key_name_) cache_->keep(*key_name_, keys);
        return prove(keys);
    }
}

template <class Hash> progress scram<Hash>::login::prove(const scram_keys<Hash>& keys)
{
    cache_->ends(this);
    derivation_.reset();
    password_ = {};
    const auto said = bare_ + ',' + server_first_ + ',' + final_without_proof_;
    hash_value<Hash> stored, proof;
    if (!hash_of<Hash>(keys.client.bytes, stored) || !hmac<Hash>{stored}({as_bytes(said)}, proof) ||
        !hmac<Hash>{keys.server.bytes}({as_bytes(said)}, server_signature_))
        return failed("OpenSSL can't compute the proof");
    for (std::size_t i = 0; i < Hash::size; ++i) proof[i] ^= keys.client.bytes[i];
    message_ = final_without_proof_ + ",p=" + to_base64(proof);
    at_ = phase::proof;
    return progress::send;
}

template <class Hash> progress scram<Hash>::login::on_server_final(std::string_view message)
{
    at_ = phase::over;
    if (message.starts_with("e=")) return failed("the broker refused the proof of the password");
    const auto signature = detail::take_attribute(message, 'v');
    const auto bytes = signature ? from_base64(*signature) : std::nullopt;
    if (!bytes || bytes->size() != Hash::size ||
        CRYPTO_memcmp(bytes->data(), server_signature_.data(), Hash::size) != 0)
        return failed("the broker did not prove that it knows the password: it may be somebody else");
    return progress::done;
}

} // namespace kurier::inline KURIER_ABI::sasl
