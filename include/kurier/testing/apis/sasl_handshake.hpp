// SaslHandshake v0-1. On a listener without SASL, and less than a second after a login, it is ILLEGAL_SASL_STATE with no
// mechanisms; a mechanism that isn't taken ends the connection after the answer. Version 0 would make the mechanism's
// messages travel bare, which is not modelled.
#pragma once

#include <kurier/testing/apis/api.hpp>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::sasl_handshake_request>
{
public:
    using request = protocol::sasl_handshake_request;
    using response = protocol::sasl_handshake_response;
    static constexpr released_versions released{{0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}};

    explicit api(const broker_parts& parts) : logins_{parts.logins} {}

    void answer(call& call, const request& asked, response& told)
    {
        auto& session = call.session;
        const bool again = session.at == login_session::phase::known;
        if (!logins_.required() || call.version == 0 || session.at == login_session::phase::introduced ||
            (again &&
             (session.end == core::never || call.now.steady < session.began + std::chrono::seconds{1})))
            return fail(call, broker_errc::illegal_sasl_state, asked, told);
        told = {};
        told.mechanisms = logins_.names();
        const auto* begin = logins_.find(asked.mechanism);
        if (!begin) {
            told.error_code = code_of(broker_errc::unsupported_sasl_mechanism);
            call.hang_up = true;
            return;
        }
        // Another mechanism than the first time is noticed with SaslAuthenticate, which gets no answer.
        session.server = !again || asked.mechanism == session.mechanism ? (*begin)() : nullptr;
        if (!again) session.mechanism = asked.mechanism;
        session.at = login_session::phase::introduced;
    }

    void fail(call&, broker_errc error, const request&, response& told) const
    {
        told = {};
        told.error_code = code_of(error);
    }

private:
    login_desk& logins_;
};

} // namespace kurier::inline KURIER_ABI::testing
