// The beginning of a connection: which versions of which API does this broker speak, and who are we?
//
//   connected ──ApiVersions──▶ versions known ──[authentication]──▶ ready ──[again before the session ends]──▶ ready
//
// A state machine that returns steps; connections.hpp carries them out. Each connection asks for versions afresh, because
// the broker may have been upgraded. A broker that doesn't know the version of ApiVersions says so in a version 0 response
// (KIP-511), says it in a form that can't be read, or hangs up; each leads to a lower version, remembered for the broker.
#pragma once

#include <kurier/core/net/authentication.hpp>
#include <kurier/protocol/frame.hpp>
#include <kurier/version.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class handshake
{
public:
    using step = handshake_step;

    explicit handshake(std::unique_ptr<authenticator> mechanism = {}) : mechanism_{std::move(mechanism)} {}

    // Version 5 asks a known broker whether it is still the one we mean (KIP-1242): its address may have gone to another
    // cluster. An empty cluster id asks nothing.
    step start(const broker_node& node, std::string_view cluster_id)
    {
        asked_ = node.api_versions_try;
        cluster_id_ = {};
        if (!cluster_id.empty() && node.id >= 0 && asked_ == api_versions_first) {
            asked_ = protocol::api_versions_request::valid.hi;
            cluster_id_ = cluster_id;
            node_id_ = node.id;
        }
        phase_ = phase::versions;
        return {step::kind::send, {}};
    }

    void write(request& into, std::string_view client_id)
    {
        if (phase_ == phase::authentication) return mechanism_->write(into, client_id);
        protocol::api_versions_request question;
        if (!cluster_id_.empty()) {
            question.cluster_id = cluster_id_;
            question.node_id = node_id_;
        }
        question.client_software_name = "kurier";
        question.client_software_version = KURIER_VERSION_STRING;
        into.version = asked_;
        protocol::write_request_frame(into.head, question, asked_, into.correlation_id, client_id);
    }

    // `body`: what follows the correlation id.
    step on_response(broker_node& node, bytes_view body, instant now)
    {
        return phase_ == phase::authentication ? after(mechanism_->on_response(body, now))
                                               : on_versions(node, body, now);
    }

    step on_credential(bytes_view credential, instant now)
    {
        return after(mechanism_->on_credential(credential, now));
    }
    step proceed(instant now) { return after(mechanism_->proceed(now)); }

    // Before the session expires (KIP-368), or after it if we were late: brokers accept that too.
    step authenticate_again(instant now) { return authenticate(now); }

    bool asks_for_versions() const noexcept { return phase_ == phase::versions; }
    bool logs_in() const noexcept { return mechanism_ != nullptr; }
    bool authenticates() const noexcept { return phase_ == phase::authentication; }
    // The old session stays valid while the credential for the next one is being obtained.
    bool holds_requests() const noexcept { return authenticates() && !renews_; }
    nanoseconds session_end() const noexcept { return renews_ ? mechanism_->session_end() : never; }
    std::string problem() const { return authenticates() ? mechanism_->problem() : std::string{}; }
    nanoseconds again_at() const noexcept
    {
        return mechanism_ && phase_ == phase::done ? mechanism_->again_at() : never;
    }
    const api_versions& versions() const noexcept { return versions_; }

private:
    enum class phase : std::uint8_t { versions, authentication, done };

    step on_versions(broker_node& node, bytes_view body, instant now)
    {
        protocol::api_versions_response response;
        bool readable = protocol::decode(body, asked_, response);
        if (!readable && asked_ > 0) { // an unknown version is always refused in the format of version 0
            response = {};
            readable = protocol::decode(body, 0, response);
            if (!readable ||
                response.error_code != static_cast<std::int16_t>(broker_errc::unsupported_version))
                return ask_lower(node, 0);
        }
        if (!readable) return {step::kind::fail, errc::protocol_error};
        versions_.learn(response);
        const auto own = versions_.of<protocol::api_versions_request>();
        switch (static_cast<broker_errc>(response.error_code)) {
        case broker_errc::none:
            // The lower version was a guess, after a connection that ended too early.
            if (own.any()) node.api_versions_try = std::min(own.highest, api_versions_first);
            return authenticate(now);
        case broker_errc::unsupported_version:
            if (asked_ == 0) return {step::kind::fail, errc::protocol_error};
            return ask_lower(node, own.any() && own.highest < asked_ ? own.highest : std::int16_t{0});
        case broker_errc::rebootstrap_required: // of another cluster, or another broker of this one
            return {step::kind::fail, broker_errc::rebootstrap_required};
        default:
            return {step::kind::fail, errc::protocol_error};
        }
    }

    step ask_lower(broker_node& node, std::int16_t version)
    {
        node.api_versions_try = asked_ = version;
        cluster_id_ = {};
        return {step::kind::send, {}};
    }

    step authenticate(instant now)
    {
        if (!mechanism_) return after({step::kind::ready, {}});
        const bool in_session = phase_ == phase::done && now.steady < mechanism_->session_end();
        phase_ = phase::authentication;
        auto next = after(mechanism_->start(versions_, now));
        renews_ = in_session && next.what == step::kind::need_credential;
        return next;
    }

    step after(step next) noexcept
    {
        renews_ = false;
        if (next.what == step::kind::ready) phase_ = phase::done;
        return next;
    }

    std::unique_ptr<authenticator> mechanism_;
    phase phase_ = phase::versions;
    bool renews_ = false;   // authenticating again, but nothing has been sent yet
    api_versions versions_; // empty until the broker has told
    std::int16_t asked_ = 0;
    std::string cluster_id_; // for the broker to confirm
    std::int32_t node_id_ = -1;
};

// A connection that ended while ApiVersions was on its way: some brokers hang up on a version they don't know.
inline void lower_after_hangup(broker_node& node) noexcept
{
    if (node.api_versions_try > 3)
        node.api_versions_try = 3;
    else if (node.api_versions_try > 0)
        node.api_versions_try = 0;
}

// First bytes that no Kafka broker sends in a response, but other servers do.
inline error_code recognise_stranger(bytes_view first) noexcept
{
    const auto text = as_text(first);
    if (text.starts_with("HTTP") || text.starts_with("<htm") || text.starts_with("<!DO"))
        return errc::http_peer;
    if (first.size() >= 3 && (first[0] == std::byte{0x15} || first[0] == std::byte{0x16}) &&
        first[1] == std::byte{3} && first[2] <= std::byte{4})
        return errc::tls_peer;
    return {};
}

} // namespace kurier::inline KURIER_ABI::core
