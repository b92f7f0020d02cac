// A SASL mechanism on a connection (KIP-152, KIP-368): SaslHandshake, then its messages in SaslAuthenticate until both sides
// are satisfied, and all of it again before the session expires, behind whatever is in flight.
#pragma once

#include <kurier/core/net/authentication.hpp>
#include <kurier/protocol/frame.hpp>
#include <kurier/protocol/messages/sasl_authenticate.hpp>
#include <kurier/protocol/messages/sasl_handshake.hpp>
#include <kurier/sasl/mechanism.hpp>
#include <kurier/wire/escape.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

template <sasl::mechanism Mechanism> class sasl_authenticator final : public authenticator
{
public:
    sasl_authenticator(Mechanism& mechanism, random_source& random) : mechanism_{mechanism}, random_{random}
    {}

    handshake_step start(const api_versions& versions, instant now) override
    {
        const auto offered = versions.of<protocol::sasl_authenticate_request>();
        version_ = offered.any() ? offered.highest : std::int16_t{0};
        began_ = now.steady;
        return {handshake_step::kind::need_credential, {}};
    }

    // The mechanism first: what it refuses need not reach the broker.
    handshake_step on_credential(bytes_view credential, instant now) override
    {
        login_.reset(new login{mechanism_.begin()});
        introduces_ = true;
        const auto first = login_->start(secret_bytes{credential});
        return first == sasl::progress::send ? check_size() : after(first, now);
    }

    handshake_step on_response(bytes_view body, instant now) override
    {
        return std::exchange(introduces_, false) ? on_introduced(body, now) : on_answer(body, now);
    }

    handshake_step proceed(instant now) override
    {
        if constexpr (requires { login_->proceed(); })
            return after(login_->proceed(), now);
        else
            return fail(errc::authentication_failed, "nothing is being computed");
    }

    void write(request& into, std::string_view client_id) override
    {
        if (introduces_) {
            into.version = 1;
            protocol::write_request_frame(into.head,
                                          protocol::sasl_handshake_request{std::string{mechanism_.name()}},
                                          into.version, into.correlation_id, client_id);
            return;
        }
        into.version = version_;
        protocol::sasl_authenticate_request message;
        message.auth_bytes = login_->message();
        into.head.reserve(message.auth_bytes.size() + client_id.size() +
                          64); // growing would leave copies behind
        protocol::write_request_frame(into.head, message, version_, into.correlation_id, client_id);
    }

    nanoseconds again_at() const noexcept override { return again_at_; }
    nanoseconds session_end() const noexcept override { return session_end_; }
    std::string problem() const override { return problem_; }

private:
    using login = decltype(std::declval<Mechanism&>().begin());
    using kind = handshake_step::kind;

    static constexpr std::size_t message_max =
        524'288 - 1024; // sasl.server.max.receive.size (KIP-684), less a header
    static constexpr nanoseconds second = std::chrono::seconds{1};

    std::string name() const { return std::string{mechanism_.name()}; }

    handshake_step fail(error_code why, std::string words)
    {
        problem_ = std::move(words);
        login_.reset();
        return {kind::fail, why};
    }

    handshake_step check_size()
    {
        const auto size = login_->message().size();
        if (size <= message_max) return {kind::send, {}};
        return fail(errc::authentication_failed, name() + ": a message of " + std::to_string(size) +
                                                     " bytes exceeds what brokers take before a login, " +
                                                     std::to_string(message_max));
    }

    handshake_step on_introduced(bytes_view body, instant now)
    {
        protocol::sasl_handshake_response response;
        if (!protocol::decode_response(body, 1, response)) return {kind::fail, errc::protocol_error};
        const auto error = static_cast<broker_errc>(response.error_code);
        if (error == broker_errc::none) {
            sent_at_ = now.steady;
            return {kind::send, {}};
        }
        if (error == broker_errc::unsupported_sasl_mechanism)
            return fail(error, "the broker does not take " + name() + ", but " + list(response.mechanisms));
        if (error == broker_errc::illegal_sasl_state)
            return fail(error, "this listener has no SASL: use the port of one that has, or "
                               "security.protocol=PLAINTEXT or SSL");
        return fail(error, name() + ": " + make_error_code(error).message());
    }

    // It may be long, and contain anything.
    static std::string list(const std::vector<std::string>& mechanisms)
    {
        std::string out;
        for (const auto& one : mechanisms) out += (out.empty() ? "" : ", ") + one;
        return out.empty() ? "nothing" : wire::escape(out, 200);
    }

    handshake_step on_answer(bytes_view body, instant now)
    {
        protocol::sasl_authenticate_response response;
        if (!protocol::decode_response(body, version_, response)) return {kind::fail, errc::protocol_error};
        const auto error = static_cast<broker_errc>(response.error_code);
        if (error != broker_errc::none) return refused(error, response.error_message.value_or(""));
        lifetime_ms_ = response.session_lifetime_ms;
        return after(login_->step(response.auth_bytes.view()), now);
    }

    handshake_step refused(broker_errc error, const std::string& words)
    {
        auto what = "the broker refuses the login with " + name();
        if (!words.empty()) what += ": \"" + wire::escape(words) + '"';
        if constexpr (requires { std::string_view{mechanism_.refusal_hint()}; })
            what += "; " + std::string{mechanism_.refusal_hint()};
        return fail(error, std::move(what));
    }

    handshake_step after(sasl::progress next, instant now)
    {
        switch (next) {
        case sasl::progress::send:
            sent_at_ = now.steady;
            return check_size();
        case sasl::progress::compute:
            return {kind::compute, {}};
        case sasl::progress::done:
            plan_next(now);
            login_.reset();
            return {kind::ready, {}};
        default:
            return fail(errc::authentication_failed, name() + ": " + std::string{login_->problem()});
        }
    }

    // The broker's clock starts at its response, later than ours. Begin early by 5 to 15 % of the session, so that a fleet
    // doesn't do it all at once, by twice the time that the login took, and by a second; but never within a second of the
    // last time, which brokers refuse.
    void plan_next(instant now)
    {
        again_at_ = session_end_ = never;
        if (lifetime_ms_ <= 0) return;
        constexpr std::int64_t year = 365LL * 24 * 3600 * 1000;
        const nanoseconds lifetime =
            std::chrono::milliseconds{std::clamp<std::int64_t>(lifetime_ms_, 1000, year)};
        const auto share = 5 + static_cast<std::int64_t>(random_.below(11));
        const auto lead = std::max({second, 2 * (now.steady - began_), lifetime / 100 * share});
        session_end_ = later(sent_at_, lifetime);
        again_at_ = std::max(session_end_ - lead, later(now.steady, second));
    }

    Mechanism& mechanism_; // the engine's
    random_source& random_;
    std::unique_ptr<login> login_; // while it lasts
    bool introduces_ = false;      // SaslHandshake is what is sent or awaited
    std::int16_t version_ = 0;
    std::int64_t lifetime_ms_ = 0;
    nanoseconds began_{0}, sent_at_{0};
    nanoseconds again_at_ = never, session_end_ = never;
    std::string problem_;
};

template <sasl::mechanism Mechanism> class sasl_authentication final : public authentication
{
public:
    // `refused` is called when a broker has rejected the credential.
    explicit sasl_authentication(Mechanism mechanism, std::function<void()> refused = {})
        : mechanism_{std::move(mechanism)}, refused_{std::move(refused)}
    {}

    std::unique_ptr<authenticator> begin(const broker_node&, random_source& random) override
    {
        return std::make_unique<sasl_authenticator<Mechanism>>(mechanism_, random);
    }

    void refused() override
    {
        if (refused_) refused_();
    }

private:
    Mechanism mechanism_;
    std::function<void()> refused_;
};

} // namespace kurier::inline KURIER_ABI::core
