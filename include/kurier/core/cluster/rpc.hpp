// A conversation of one request at a time with the broker that its route names: finds a connection, sends the request,
// decodes the response, and honours throttling (KIP-219). When to ask, and what a response means, is up to the derived
// class.
#pragma once

#include <kurier/core/cluster/broker_health.hpp>
#include <kurier/core/cluster/router.hpp>
#include <kurier/protocol/frame.hpp>

namespace kurier::inline KURIER_ABI::core {

// What every conversation is made of.
struct rpc_context
{
    const producer_config& config;
    random_source& random;
    connections& conns;
    router& brokers;
    broker_health& health;
    log_queue& logs;
};

template <class Request, class Response> class rpc : public exchange
{
public:
    bool asked() const noexcept { return due_ != nullptr; } // its response is due

protected:
    explicit rpc(const rpc_context& context) : context_{context} {}
    ~rpc() = default;

    // False: no broker can be asked before retry_at(), if not earlier, when a connection comes.
    bool ask(const route& to, const Request& question, instant now)
    {
        auto* conn = connection_for(to, now);
        if (conn) send(*conn, question, now);
        return conn != nullptr;
    }

    connection* connection_for(const route& to, instant now) { return context_.brokers.usable(to, now); }
    nanoseconds retry_at() const noexcept { return context_.brokers.retry_at(); }

    void send(connection& conn, const Request& question, instant now)
    {
        context_.conns.send_message(conn, *this, question, now);
        due_ = conn.requests.back().get();
    }

    // Of a conversation: the decoded response; false: it makes no sense. Or there is none, and why.
    virtual bool succeeded(connection& from, const request& sent, const Response& response, instant now) = 0;
    virtual void failed(error_code why, instant now) = 0;

    const rpc_context context_;

private:
    bool on_response(connection& from, request& sent, bytes_view body, instant now) final
    {
        if (&sent != due_) return true;
        due_ = nullptr;
        Response response;
        if (!protocol::decode_response(body, sent.version, response)) {
            failed(errc::protocol_error, now);
            return false;
        }
        if constexpr (requires { response.throttle_time_ms; })
            if (response.throttle_time_ms > 0 && sent.version >= Request::throttled_by_client)
                context_.health.throttled(from, response.throttle_time_ms, now);
        return succeeded(from, sent, response, now);
    }

    void on_lost(connection&, request& sent, error_code why, instant now) final
    {
        if (&sent != due_) return;
        due_ = nullptr;
        failed(why, now);
    }

    // Another broker may be asked now: a late response would describe an older state.
    void on_silent(connection&, request& sent, instant now) final
    {
        if (&sent != due_) return;
        due_ = nullptr;
        failed(errc::request_timed_out, now);
    }

    const request* due_ = nullptr; // the one that was sent last, unless it is over
};

} // namespace kurier::inline KURIER_ABI::core
