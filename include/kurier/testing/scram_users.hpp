// Users of an embedded broker who log in by SCRAM (RFC 5802): the broker's side of it. Needs kurier::sasl.
#pragma once

#include <kurier/sasl/scram.hpp>
#include <kurier/testing/logins.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

// Users with their passwords, for one mechanism.
template <class Hash> class scram_users
{
public:
    static constexpr std::string_view mechanism = Hash::mechanism;
    using passwords = std::map<std::string, std::string>;

    explicit scram_users(passwords known, std::uint32_t iterations = 4096)
        : known_{std::move(known)}, iterations_{iterations}
    {}

    std::unique_ptr<login_server> begin() const { return std::make_unique<server>(*this); }

private:
    using hash = sasl::hash_value<Hash>;

    class server final : public login_server
    {
    public:
        explicit server(const scram_users& owner) : owner_{owner} {}

        verdict step(std::string_view message) override
        {
            return server_first_.empty() ? on_first(message) : on_final(message);
        }

    private:
        static verdict refuse()
        {
            return {verdict::kind::refused, "Authentication failed during authentication due to invalid "
                                            "credentials with SASL mechanism " +
                                                std::string{Hash::mechanism}};
        }

        verdict on_first(std::string_view message)
        {
            if (!message.starts_with("n,,")) return refuse();
            first_bare_ = message.substr(3);
            auto rest = message.substr(3);
            const auto user = sasl::detail::take_attribute(rest, 'n');
            const auto nonce = sasl::detail::take_attribute(rest, 'r');
            if (!user || !nonce) return refuse();
            user_ = unescaped(*user);
            const auto found = owner_.known_.find(user_);
            if (found == owner_.known_.end()) return refuse();
            nonce_ = std::string{*nonce} + "the-broker's";
            const auto salt = "salt of " + user_; // which stays, as Kafka's does
            sasl::key_derivation<Hash> derivation{as_bytes(found->second), as_bytes(salt),
                                                  owner_.iterations_};
            while (derivation.proceed(keys_) == sasl::key_derivation<Hash>::state::more) {
            }
            server_first_ = "r=" + nonce_ + ",s=" + sasl::to_base64(as_bytes(salt)) +
                            ",i=" + std::to_string(owner_.iterations_);
            return {verdict::kind::more, server_first_};
        }

        verdict on_final(std::string_view message)
        {
            const auto proof_at = message.rfind(",p=");
            if (proof_at == std::string_view::npos || message.substr(0, proof_at) != "c=biws,r=" + nonce_)
                return refuse();
            const auto said =
                first_bare_ + ',' + server_first_ + ',' + std::string{message.substr(0, proof_at)};
            const auto proof = sasl::from_base64(message.substr(proof_at + 3));
            hash stored, signature, again;
            if (!proof || proof->size() != Hash::size || !sasl::hash_of<Hash>(keys_.client.bytes, stored) ||
                !sasl::hmac<Hash>{stored}({as_bytes(said)}, signature))
                return refuse();
            for (std::size_t i = 0; i < Hash::size; ++i) signature[i] ^= (*proof)[i]; // the client's key
            if (!sasl::hash_of<Hash>(signature, again) || again != stored ||
                !sasl::hmac<Hash>{keys_.server.bytes}({as_bytes(said)}, signature))
                return refuse();
            return {verdict::kind::accepted, "v=" + sasl::to_base64(signature), user_};
        }

        static std::string unescaped(std::string_view name)
        {
            std::string out;
            for (; !name.empty(); name.remove_prefix(1)) {
                const bool escaped = name.starts_with("=2C") || name.starts_with("=3D");
                out += !escaped ? name.front() : name[1] == '2' ? ',' : '=';
                if (escaped) name.remove_prefix(2);
            }
            return out;
        }

        const scram_users& owner_; // outlives its logins
        std::string user_, nonce_, first_bare_, server_first_;
        sasl::scram_keys<Hash> keys_;
    };

    passwords known_;
    std::uint32_t iterations_;
};

} // namespace kurier::inline KURIER_ABI::testing
