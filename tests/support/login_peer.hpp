// The broker's side of one connection that logs in, for a core without anything else.
#pragma once

#include <kurier/core/net/connections.hpp>
#include <kurier/core/net/sasl.hpp>
#include <kurier/sasl/plain.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::core::tests {

using namespace protocol;
using namespace std::chrono_literals;

// The other end of one connection.
template <class Mechanism> struct login_peer final : connection_listener
{
    explicit login_peer(Mechanism mechanism = Mechanism{}) : sasl{std::move(mechanism)}
    {
        conns.authenticate_by(sasl);
        node.id = 1;
        node.move_to("broker", 9092);
        connect();
    }

    producer_config config{"broker:9092"};
    random_source random{1};
    connections conns{config, random, *this};
    sasl_authentication<Mechanism> sasl;
    broker_node node;
    connection* conn = nullptr;
    instant now{1h, 0};
    int readies = 0;
    std::vector<error_code> ends;
    std::int32_t answered = 0; // the correlation id

    void on_ready(connection&, instant) override { ++readies; }
    void on_worked(connection&) override {}
    void on_ended(connection&, error_code why, instant) override { ends.push_back(why); }
    std::string_view cluster_id() const noexcept override { return {}; }

    void connect()
    {
        conn = &conns.open(node, now);
        answered = 0;
        CHECK(next() == action_kind::connect);
        conns.connected(conn->id, now);
        CHECK(next() == action_kind::write);
        (void)written();
    }

    std::optional<action_kind> next()
    {
        action wanted;
        if (!conns.poll(wanted)) return std::nullopt;
        return wanted.kind;
    }

    std::vector<std::byte> written()
    {
        std::vector<std::byte> bytes;
        bytes_view views[4];
        const auto count = conn->gather(views);
        for (std::size_t i = 0; i < count; ++i) bytes.insert(bytes.end(), views[i].begin(), views[i].end());
        conns.written(conn->id, bytes.size(), now);
        return bytes;
    }

    // What was sent is this request.
    template <class Request> void expect(const Request& wanted, std::int16_t version)
    {
        CHECK(next() == action_kind::write);
        std::vector<std::byte> frame;
        REQUIRE(write_request_frame(frame, wanted, version, answered + 1, config.client_id));
        CHECK(written() == frame);
    }

    void receive(bytes_view bytes)
    {
        const auto space = conns.read_space(conn->id);
        REQUIRE(space.size() >= bytes.size());
        std::memcpy(space.data(), bytes.data(), bytes.size());
        conns.read(conn->id, bytes.size(), now);
    }

    template <class Response> void tell(const Response& response, std::int16_t version)
    {
        std::vector<std::byte> frame;
        REQUIRE(write_response_frame(frame, response, version, ++answered));
        receive(frame);
    }

    void tell_versions(std::int16_t authenticate = 2)
    {
        api_versions_response versions;
        versions.api_keys = {{17, 0, 1}, {18, 0, 4}, {36, 0, authenticate}};
        tell(versions, 4);
        CHECK(next() == action_kind::credential);
    }

    void give(std::string_view secret) { conns.credential(conn->id, as_bytes(secret), {}, {}, now); }

    void answer(std::string_view challenge, std::int64_t lifetime = 0, std::int16_t version = 2)
    {
        sasl_authenticate_response told;
        told.auth_bytes = as_bytes(challenge);
        told.session_lifetime_ms = lifetime;
        tell(told, version);
    }

    // With a mechanism of one message.
    void log_in(std::int64_t lifetime = 0)
    {
        give("secret");
        CHECK(next() == action_kind::write);
        (void)written();
        tell(sasl_handshake_response{0, {"PLAIN"}}, 1);
        CHECK(next() == action_kind::write);
        (void)written();
        answer("", lifetime);
    }

    bool closing() const { return conn->phase == connection_phase::closing; }
    void go_to(nanoseconds at)
    {
        now.steady = at;
        conns.on_time(now);
    }
};

using plain_peer = login_peer<sasl::plain>;

inline plain_peer alice()
{
    return plain_peer{sasl::plain{"alice"}};
}

inline sasl_authenticate_request login_message(std::string_view text)
{
    sasl_authenticate_request made;
    made.auth_bytes = as_bytes(text);
    return made;
}

} // namespace kurier::core::tests
