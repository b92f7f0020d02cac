// OAUTHBEARER (RFC 7628, KIP-255): a bearer token that somebody else has issued. Where it comes from is a token source's
// business; here it is checked and sent. Its credential is what encode_token() makes of a token and its extensions.
#pragma once

#include <kurier/sasl/mechanism.hpp>
#include <kurier/wire/escape.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::sasl {

using token_extension = std::pair<std::string, std::string>; // sent beside the token (KIP-342)

namespace detail {

constexpr char oauth_separator = '\x01';

constexpr bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// As brokers read it: [-_~+/.A-Za-z0-9]+=*
constexpr bool is_bearer_token(std::string_view text)
{
    while (text.ends_with('=')) text.remove_suffix(1);
    const auto allowed = [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') ||
               std::string_view{"-_~+/."}.find(c) != std::string_view::npos;
    };
    return !text.empty() && std::ranges::all_of(text, allowed);
}

constexpr bool is_extension_name(std::string_view name)
{
    return !name.empty() && name != "auth" && std::ranges::all_of(name, is_letter);
}

constexpr bool is_extension_value(std::string_view value)
{
    const auto allowed = [](char c) {
        return (c >= 0x20 && c <= 0x7e) || c == '\t' || c == '\r' || c == '\n';
    };
    return !value.empty() && std::ranges::all_of(value, allowed);
}

} // namespace detail

// Token and extensions as one credential: token 01 name=value 01 name=value
inline secret_bytes encode_token(std::string_view token, std::span<const token_extension> extensions = {})
{
    std::size_t size = token.size();
    for (const auto& [name, value] : extensions) size += name.size() + value.size() + 2;
    secret_bytes out{size};
    auto* at = std::ranges::copy(as_bytes(token), out.span().data()).out;
    const auto put = [&](std::string_view text) { at = std::ranges::copy(as_bytes(text), at).out; };
    for (const auto& [name, value] : extensions) {
        put("\x01");
        put(name);
        put("=");
        put(value);
    }
    return out;
}

class oauthbearer
{
public:
    // `identity`: whom to act as, when that isn't the token's subject; brokers insist on their being the same.
    explicit oauthbearer(std::string identity = {}) : identity_{std::move(identity)} {}

    class login
    {
    public:
        explicit login(const oauthbearer& owner) : identity_{owner.identity_} {}

        progress start(secret_bytes credential)
        {
            auto rest = as_text(credential.view());
            const auto token = rest.substr(0, rest.find(detail::oauth_separator));
            if (token.empty()) return failed("the token is empty");
            if (!detail::is_bearer_token(token))
                return failed("the token has a character that a bearer token can't have");
            for (rest.remove_prefix(token.size()); !rest.empty();) {
                rest.remove_prefix(1);
                const auto extension = rest.substr(0, rest.find(detail::oauth_separator));
                if (!check_extension(extension)) return progress::fail;
                rest.remove_prefix(extension.size());
            }
            compose(credential.view());
            return progress::send;
        }

        // An empty answer is a yes. A refusal comes as JSON and wants an answer itself, before the broker ends it.
        progress step(bytes_view challenge)
        {
            if (refused_) return failed(refusal_);
            if (challenge.empty()) {
                message_ = {};
                return progress::done;
            }
            refused_ = true;
            refusal_ = "the broker refuses the token: " + wire::escape(as_text(challenge));
            message_ = secret_bytes{std::string_view{"\x01"}};
            return progress::send;
        }

        bytes_view message() const noexcept { return message_.view(); }
        std::string_view problem() const noexcept { return problem_; }

    private:
        progress failed(std::string why)
        {
            problem_ = std::move(why);
            return progress::fail;
        }

        bool check_extension(std::string_view text)
        {
            const auto equals = text.find('=');
            const auto name = text.substr(0, equals);
            const bool named = detail::is_extension_name(name);
            if (!named)
                (void)failed("an extension's name is not made of letters alone, or is \"auth\": " +
                             wire::escape(name, 80));
            else if (equals == std::string_view::npos || !detail::is_extension_value(text.substr(equals + 1)))
                (void)failed("the extension " + std::string{name} +
                             " has no value, or one with characters that can't be sent");
            return problem_.empty();
        }

        // n,[a=identity],01auth=Bearer token01[name=value01]01
        void compose(bytes_view credential)
        {
            std::string front = "n,";
            if (!identity_.empty()) front += "a=";
            for (const char c : identity_) {
                if (c == '=' || c == ',')
                    front += c == '=' ? "=3D" : "=2C";
                else
                    front += c;
            }
            front += ",\x01"
                     "auth=Bearer ";
            message_ = secret_bytes{front.size() + credential.size() + 2};
            auto* at = std::ranges::copy(as_bytes(front), message_.span().data()).out;
            at = std::ranges::copy(credential, at).out; // its separators are the message's
            at[0] = at[1] = std::byte{detail::oauth_separator};
        }

        std::string_view identity_; // the mechanism's, which outlives its logins
        secret_bytes message_;
        std::string problem_, refusal_;
        bool refused_ = false;
    };

    std::string_view name() const noexcept { return "OAUTHBEARER"; }
    login begin() const { return login{*this}; }

    std::string_view refusal_hint() const noexcept
    {
        return "the token may have expired, or be for another audience; see the claims exp, aud and iss";
    }

private:
    std::string identity_;
};

} // namespace kurier::inline KURIER_ABI::sasl
