// What comes between ApiVersions and the first request of the producer: SASL. A mechanism is a machine without I/O or a
// clock. It says what to do next; the connection does it and reports the result. Without a mechanism a connection is
// ready as soon as its versions are known.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/core/net/api_versions.hpp>
#include <kurier/core/net/request.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/error.hpp>
#include <kurier/instant.hpp>

#include <memory>
#include <string_view>

namespace kurier::core {

// What a handshake wants done next.
struct handshake_step
{
    enum class kind : std::uint8_t {
        send,            // the request that write() gives; its response goes to on_response()
        need_credential, // the driver obtains one (a token, a ticket), which goes to on_credential()
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
    // Completes a request after a step `send`; its correlation id is set.
    virtual void write(request& into, std::string_view client_id) = 0;
    // When to start again; never: the session has no end.
    virtual nanoseconds again_at() const noexcept = 0;
};

// Makes the authenticator of each connection: the mechanism, as the producer was given it.
class authentication
{
public:
    virtual ~authentication() = default;
    virtual std::unique_ptr<authenticator> begin(const broker_node& broker) = 0;
};

} // namespace kurier::core
