// What comes between ApiVersions and the producer's first request: SASL. A mechanism is a state machine without I/O or
// clock: it says what to do next, the connection does it and reports the result. Without a mechanism a connection is ready
// as soon as its versions are known.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/core/net/api_versions.hpp>
#include <kurier/core/net/request.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/core/support/random.hpp>
#include <kurier/error.hpp>
#include <kurier/instant.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::core {

// What a handshake wants done next.
struct handshake_step
{
    enum class kind : std::uint8_t {
        send,            // the request that write() gives; its response goes to on_response()
        need_credential, // the driver obtains one (a password, a token), which goes to on_credential()
        compute,         // proceed() has more to do, in a turn of its own
        ready,           // the connection may be used
        fail,            // close it, with `error`
    };
    kind what = kind::ready;
    error_code error;
};

// Authenticates one connection, and again before its session ends (KIP-368).
class authenticator
{
public:
    virtual ~authenticator() = default;
    virtual handshake_step start(const api_versions& versions, instant now) = 0;
    virtual handshake_step on_response(bytes_view body, instant now) = 0;
    virtual handshake_step on_credential(bytes_view credential, instant now) = 0;
    virtual handshake_step proceed(instant now) = 0;
    // Completes a request after a step `send`; its correlation id is set.
    virtual void write(request& into, std::string_view client_id) = 0;
    // When to authenticate again; never: the session doesn't expire.
    virtual nanoseconds again_at() const noexcept = 0;
    // From when on the broker accepts nothing else.
    virtual nanoseconds session_end() const noexcept = 0;
    // After a step `fail`, in words: what the broker said and what it may mean. Empty: the error says it all.
    virtual std::string problem() const = 0;
};

// Makes an authenticator for each connection: the mechanism that the engine was given.
class authentication
{
public:
    virtual ~authentication() = default;
    virtual std::unique_ptr<authenticator> begin(const broker_node& broker, random_source& random) = 0;
    virtual void refused() {} // a broker has rejected the credential
};

// The broker, or whoever issues the credential, rejects us, and would again if we retried at once.
inline bool login_refused(error_code why) noexcept
{
    return why == errc::authentication_failed || why == errc::credential_unavailable ||
           why == broker_errc::sasl_authentication_failed || why == broker_errc::unsupported_sasl_mechanism ||
           why == broker_errc::illegal_sasl_state;
}

} // namespace kurier::inline KURIER_ABI::core
