// PLAIN (RFC 4616): user name and password as they are, for connections that are encrypted.
#pragma once

#include <kurier/sasl/mechanism.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::sasl {

class plain
{
public:
    explicit plain(std::string user) : user_{std::move(user)} {}

    class login
    {
    public:
        explicit login(const plain& owner) : user_{owner.user_} {}

        // Bytes as they are: no broker prepares them (RFC 4013), so nor may we.
        progress start(secret_bytes password)
        {
            const auto text = as_text(password.view());
            if (user_.empty()) return failed("the user name is empty");
            if (text.empty()) return failed("the password is empty");
            if (user_.find('\0') != std::string_view::npos)
                return failed("the user name has a NUL, which PLAIN can't carry");
            if (text.find('\0') != std::string_view::npos)
                return failed("the password has a NUL, which PLAIN can't carry");
            message_ = secret_bytes{user_.size() + text.size() + 2}; // zeros: no other identity, separators
            auto* at = std::ranges::copy(as_bytes(user_), message_.span().data() + 1).out;
            std::ranges::copy(password.view(), at + 1);
            return progress::send;
        }

        // Some brokers send a text along.
        progress step(bytes_view)
        {
            message_ = {};
            return progress::done;
        }

        bytes_view message() const noexcept { return message_.view(); }
        std::string_view problem() const noexcept { return problem_; }

    private:
        progress failed(std::string_view why) noexcept
        {
            problem_ = why;
            return progress::fail;
        }

        std::string_view user_; // the mechanism's, which outlives its logins
        secret_bytes message_;
        std::string_view problem_;
    };

    std::string_view name() const noexcept { return "PLAIN"; }
    login begin() const { return login{*this}; }

private:
    std::string user_;
};

} // namespace kurier::inline KURIER_ABI::sasl
