// SaslAuthenticate v0-2: a mechanism's messages. A refusal ends the connection after the answer, a lifetime comes with the
// last answer, and a session is not renewed for somebody else (KIP-368).
#pragma once

#include <kurier/testing/apis/api.hpp>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::sasl_authenticate_request>
{
public:
    using request = protocol::sasl_authenticate_request;
    using response = protocol::sasl_authenticate_response;
    static constexpr released_versions released{{0, 0}, {0, 2}, {0, 2}, {0, 2}, protocol::never};

    explicit api(const broker_parts& parts) : logins_{parts.logins} {}

    void answer(call& call, const request& asked, response& told)
    {
        using verdict = login_server::verdict;
        auto& session = call.session;
        if (session.at != login_session::phase::introduced)
            return refuse(call, broker_errc::illegal_sasl_state,
                          "SaslAuthenticate request received after successful authentication", told, false);
        if (!session.server) {
            call.unanswered = call.hang_up = true;
            return;
        }
        const auto judged = session.server->step(as_text(asked.auth_bytes.view()));
        const bool another = !session.principal.empty() && session.principal != judged.principal;
        if (judged.what == verdict::kind::refused)
            return refuse(call, broker_errc::sasl_authentication_failed, judged.text, told, true);
        if (judged.what == verdict::kind::accepted && another)
            return refuse(call, broker_errc::sasl_authentication_failed,
                          "Cannot change principals during re-authentication", told, true);
        told = {};
        told.error_message = std::string{};
        message_ = judged.text;
        told.auth_bytes = as_bytes(message_);
        if (judged.what == verdict::kind::accepted) accept(call, judged.principal, told);
    }

    void fail(call& call, broker_errc error, const request&, response& told)
    {
        refuse(call, error, "as ordered", told, true);
    }

private:
    void refuse(call& call, broker_errc error, const std::string& why, response& told, bool hang_up)
    {
        told = {};
        told.error_code = code_of(error);
        told.error_message = why;
        call.hang_up = hang_up;
        logins_.count(false);
    }

    void accept(call& call, const std::string& principal, response& told)
    {
        auto& session = call.session;
        session.at = login_session::phase::known;
        session.principal = principal;
        session.server.reset();
        session.began = call.now.steady;
        const auto lifetime = logins_.session_lifetime;
        session.end = lifetime.count() > 0 ? core::later(call.now.steady, lifetime) : core::never;
        told.session_lifetime_ms = call.version >= 1 ? lifetime.count() : 0;
        logins_.count(true);
    }

    login_desk& logins_;
    std::string message_; // that the response refers to
};

} // namespace kurier::inline KURIER_ABI::testing
