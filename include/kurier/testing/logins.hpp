// A broker's listener with SASL: which mechanisms it takes from whom, and how long a session lasts.
//
//     broker.cluster().logins().add(kurier::testing::plain_users{{{"alice", "secret"}}});
//     broker.cluster().logins().session_lifetime = 8s;
//
// From the first mechanism on connections have to log in. SCRAM is in testing/scram_users.hpp. Faults for SaslHandshake and
// SaslAuthenticate are ordered like those of any API.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/instant.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

// The broker's end of one login.
class login_server
{
public:
    struct verdict
    {
        enum class kind : std::uint8_t { more, accepted, refused };
        kind what = kind::refused;
        std::string text; // for the client; of a refusal, why
        std::string principal = {};
    };

    virtual ~login_server() = default;
    virtual verdict step(std::string_view message) = 0;
};

using begin_login = std::function<std::unique_ptr<login_server>()>;

// What a connection is, as far as logins go.
struct login_session
{
    enum class phase : std::uint8_t { unknown, introduced, known };
    phase at = phase::unknown;
    std::string mechanism, principal;
    std::unique_ptr<login_server> server; // while a login goes on
    core::nanoseconds end = core::never;  // since when nothing but a new login is taken
    core::nanoseconds began{0};
};

class login_desk
{
public:
    std::chrono::milliseconds session_lifetime{0}; // connections.max.reauth.ms; 0: for ever

    // Users have a `std::string_view mechanism` and make a login_server by begin().
    template <class Users> void add(Users users)
    {
        const std::string name{Users::mechanism};
        auto kept = std::make_shared<Users>(std::move(users));
        mechanisms_[name] = [kept] { return kept->begin(); };
    }

    bool required() const noexcept { return !mechanisms_.empty(); }
    std::uint64_t accepted() const noexcept { return accepted_; }
    std::uint64_t refused() const noexcept { return refused_; }
    void count(bool good) noexcept { ++(good ? accepted_ : refused_); }

    const begin_login* find(const std::string& mechanism) const
    {
        const auto found = mechanisms_.find(mechanism);
        return found == mechanisms_.end() ? nullptr : &found->second;
    }
    std::vector<std::string> names() const
    {
        std::vector<std::string> all;
        all.reserve(mechanisms_.size());
        for (const auto& [name, begin] : mechanisms_) all.push_back(name);
        return all;
    }

private:
    std::map<std::string, begin_login> mechanisms_;
    std::uint64_t accepted_ = 0, refused_ = 0;
};

// Names and passwords.
class plain_users
{
public:
    static constexpr std::string_view mechanism = "PLAIN";
    using passwords = std::map<std::string, std::string>;

    explicit plain_users(passwords known) : known_{std::move(known)} {}

    std::unique_ptr<login_server> begin() const { return std::make_unique<server>(known_); }

private:
    class server final : public login_server
    {
    public:
        explicit server(const passwords& known) : known_{known} {}

        verdict step(std::string_view message) override
        {
            const auto first = message.find('\0'), second = message.find('\0', first + 1);
            if (first != 0 || second == std::string_view::npos)
                return {verdict::kind::refused, "Invalid SASL/PLAIN response"};
            const std::string user{message.substr(1, second - 1)};
            const auto found = known_.find(user);
            if (found == known_.end() || found->second != message.substr(second + 1))
                return {verdict::kind::refused, "Authentication failed: Invalid username or password"};
            return {verdict::kind::accepted, {}, user};
        }

    private:
        const passwords& known_;
    };

    passwords known_;
};

// Tokens that a test says are good: whose, by name; empty: nobody's.
class token_users
{
public:
    static constexpr std::string_view mechanism = "OAUTHBEARER";
    using judge = std::function<std::string(std::string_view token)>;

    explicit token_users(judge whose) : whose_{std::move(whose)} {}

    std::unique_ptr<login_server> begin() const { return std::make_unique<server>(whose_); }

private:
    class server final : public login_server
    {
    public:
        explicit server(const judge& whose) : whose_{whose} {}

        // As Kafka does: a refusal is JSON, which the client has to answer before it gets the error.
        verdict step(std::string_view message) override
        {
            constexpr std::string_view refusal = R"({"status":"invalid_token"})";
            if (refused_) return {verdict::kind::refused, std::string{refusal}};
            constexpr std::string_view front = "n,,\x01"
                                               "auth=Bearer ";
            if (!message.starts_with(front) || !message.ends_with("\x01\x01"))
                return {verdict::kind::refused, "Authentication failed"};
            message.remove_prefix(front.size());
            if (auto name = whose_(message.substr(0, message.find('\x01'))); !name.empty())
                return {verdict::kind::accepted, {}, std::move(name)};
            refused_ = true;
            return {verdict::kind::more, std::string{refusal}};
        }

    private:
        const judge& whose_;
        bool refused_ = false;
    };

    judge whose_;
};

} // namespace kurier::inline KURIER_ABI::testing
