// A conversation of one's own, and a handshake with a mechanism of one's own: what a new API and a new SASL mechanism need.
#include <kurier/core/cluster/rpc.hpp>
#include <kurier/core/net/connections.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

namespace kurier::core {
namespace {

using namespace std::chrono_literals;

// --- an API that Kafka doesn't have ----------------------------------------------------------------------------------

struct weather_request
{
    std::string city;

    using self = weather_request;
    using schema = protocol::fields<protocol::field<&self::city>>;
    static constexpr std::int16_t api_key = 99;
    static constexpr protocol::versions valid{1, 3}, flexible{2};
    static constexpr std::int16_t throttled_by_client = 2;
    bool operator==(const self&) const = default;
};

struct weather_response
{
    std::int32_t throttle_time_ms = 0;
    std::int32_t degrees = 0;

    using self = weather_response;
    using schema =
        protocol::fields<protocol::field<&self::throttle_time_ms>, protocol::field<&self::degrees>>;
    static constexpr std::int16_t api_key = 99;
    static constexpr protocol::versions valid{1, 3}, flexible{2};
    bool operator==(const self&) const = default;
};

class weather_exchange final : public rpc<weather_request, weather_response>
{
public:
    explicit weather_exchange(const rpc_context& context) : rpc{context} {}
    bool ask_for(const std::string& city, instant now) { return ask({}, weather_request{city}, now); }

    std::vector<std::int32_t> degrees;
    std::vector<error_code> failures;

private:
    bool succeeded(connection&, const request&, const weather_response& response, instant) override
    {
        degrees.push_back(response.degrees);
        return true;
    }
    void failed(error_code why, instant) override { failures.push_back(why); }
};

// --- a mechanism that SASL doesn't have ------------------------------------------------------------------------------

// Wants a credential, sends it, and is let in by the response "ok". Its session lasts for a minute.
class password_authenticator final : public authenticator
{
public:
    handshake_step start(const api_versions&, instant) override
    {
        return {handshake_step::kind::need_credential, {}};
    }
    handshake_step on_credential(bytes_view credential, instant) override
    {
        password_ = as_text(credential);
        return {handshake_step::kind::send, {}};
    }
    handshake_step on_response(bytes_view body, instant now) override
    {
        if (as_text(body) != "ok") return {handshake_step::kind::fail, errc::disconnected};
        again_ = now.steady + 1min;
        return {handshake_step::kind::ready, {}};
    }
    handshake_step proceed(instant) override { return {handshake_step::kind::fail, errc::disconnected}; }
    void write(request& into, std::string_view) override
    {
        wire::writer out{into.head};
        out.put_int(static_cast<std::int32_t>(4 + password_.size()));
        out.put_int(into.correlation_id);
        out.put(password_.data(), password_.size());
    }
    nanoseconds again_at() const noexcept override { return again_; }
    nanoseconds session_end() const noexcept override { return again_ == never ? never : again_ + 1s; }
    std::string problem() const override { return {}; }

private:
    std::string password_;
    nanoseconds again_ = never;
};

struct password_authentication final : authentication
{
    std::unique_ptr<authenticator> begin(const broker_node&, random_source&) override
    {
        return std::make_unique<password_authenticator>();
    }
};

// --- one broker, whose side the test plays ---------------------------------------------------------------------------

struct weather_station final : connection_listener
{
    producer_config config{"broker:9092"};
    random_source random{1};
    cluster_view view{config};
    connections conns{config, random, *this};
    router brokers{config, random, view, conns};
    log_queue logs;
    producer_metrics metrics;
    broker_health health{view, logs, metrics};
    weather_exchange weather{rpc_context{config, random, conns, brokers, health, logs}};
    instant now;
    std::vector<error_code> ends;
    int readies = 0;

    void on_ready(connection&, instant) override { ++readies; }
    void on_worked(connection& conn) override { health.works(conn); }
    void on_ended(connection&, error_code why, instant) override { ends.push_back(why); }
    std::string_view cluster_id() const noexcept override { return {}; }

    action next()
    {
        action wanted;
        REQUIRE(conns.poll(wanted));
        return wanted;
    }

    connection& connect()
    {
        CHECK_FALSE(weather.ask_for("Berlin", now)); // nobody is connected yet
        const auto wanted = next();
        REQUIRE(wanted.kind == action_kind::connect);
        conns.connected(wanted.link, now);
        return *conns.find(wanted.link);
    }

    // What the client has written since the last call.
    std::vector<std::byte> written(connection& conn)
    {
        std::vector<std::byte> bytes;
        bytes_view views[4];
        const auto count = conn.gather(views);
        for (std::size_t i = 0; i < count; ++i) bytes.insert(bytes.end(), views[i].begin(), views[i].end());
        conns.written(conn.id, bytes.size(), now);
        return bytes;
    }

    void receive(connection& conn, bytes_view bytes)
    {
        const auto space = conns.read_space(conn.id);
        std::memcpy(space.data(), bytes.data(), bytes.size());
        conns.read(conn.id, bytes.size(), now);
    }

    void receive_text(connection& conn, std::int32_t correlation_id, std::string_view text)
    {
        std::vector<std::byte> frame;
        wire::writer out{frame};
        out.put_int(static_cast<std::int32_t>(4 + text.size()));
        out.put_int(correlation_id);
        out.put(text.data(), text.size());
        receive(conn, frame);
    }

    void tell_versions(connection& conn, std::int16_t newest = 3)
    {
        (void)written(conn);
        protocol::api_versions_response versions;
        versions.api_keys = {{weather_request::api_key, 0, newest}, {18, 0, 4}};
        std::vector<std::byte> frame;
        REQUIRE(protocol::write_response_frame(frame, versions, 4, 1));
        receive(conn, frame);
    }

    void tell_weather(connection& conn, std::int32_t correlation_id, std::int16_t version,
                      const weather_response& response)
    {
        std::vector<std::byte> frame;
        REQUIRE(protocol::write_response_frame(frame, response, version, correlation_id));
        receive(conn, frame);
    }
};

} // namespace

TEST_CASE("a new API is a message and a conversation, and nothing else")
{
    weather_station b;
    auto& conn = b.connect();
    b.tell_versions(conn, 9);
    CHECK(b.readies == 1);
    CHECK(conn.range<weather_request>() == version_range{1, 3}); // what both sides speak
    CHECK(b.weather.ask_for("Berlin", b.now));
    CHECK(b.weather.asked());
    std::vector<std::byte> expected;
    REQUIRE(protocol::write_request_frame(expected, weather_request{"Berlin"}, 3, 2, b.config.client_id));
    CHECK(b.written(conn) == expected);
    b.tell_weather(conn, 2, 3, {0, 21});
    CHECK(b.weather.degrees == std::vector<std::int32_t>{21});
    CHECK_FALSE(b.weather.asked());
}

TEST_CASE("a broker that doesn't have the API: no version in common")
{
    weather_station b;
    auto& conn = b.connect();
    b.tell_versions(conn, 0);
    CHECK_FALSE(conn.range<weather_request>().any());
}

TEST_CASE(
    "KIP-219: a broker that asks for a pause is left alone, from the version on in which the client pauses")
{
    weather_station b;
    auto& conn = b.connect();
    std::int16_t version = 3;
    SUBCASE("the client pauses") {}
    SUBCASE("the broker has paused itself")
    {
        version = 1;
    }
    b.tell_versions(conn, version);
    REQUIRE(b.weather.ask_for("Berlin", b.now));
    (void)b.written(conn);
    b.tell_weather(conn, 2, version, {500, 21});
    CHECK(b.weather.degrees.size() == 1);
    CHECK(b.weather.ask_for("Rome", b.now) == (version == 1));
    b.now.steady += 500ms;
    if (version != 1) CHECK(b.weather.ask_for("Rome", b.now));
}

TEST_CASE("a response that can't be decoded fails the request and ends the connection")
{
    weather_station b;
    auto& conn = b.connect();
    b.tell_versions(conn);
    REQUIRE(b.weather.ask_for("Berlin", b.now));
    (void)b.written(conn);
    b.receive_text(conn, 2, "x");
    CHECK(b.weather.failures == std::vector<error_code>{errc::protocol_error});
    CHECK(conn.phase == connection_phase::closing);
}

TEST_CASE("a request is lost with its connection")
{
    weather_station b;
    auto& conn = b.connect();
    b.tell_versions(conn);
    REQUIRE(b.weather.ask_for("Berlin", b.now));
    b.conns.closed(conn.id, errc::disconnected, b.now);
    CHECK(b.weather.failures == std::vector<error_code>{errc::disconnected});
    CHECK_FALSE(b.weather.asked());
}

TEST_CASE("authentication comes between the versions and the first request")
{
    weather_station b;
    password_authentication passwords;
    b.conns.authenticate_by(passwords);
    auto& conn = b.connect();
    CHECK(b.next().kind == action_kind::write);
    b.tell_versions(conn);
    CHECK(b.next().kind == action_kind::credential);
    CHECK(b.readies == 0);
    CHECK_FALSE(b.weather.ask_for("Berlin", b.now)); // not before it is let in
    SUBCASE("let in")
    {
        b.conns.credential(conn.id, as_bytes("secret"), {}, {}, b.now);
        CHECK(as_text(bytes_view{b.written(conn)}.subspan(8)) == "secret");
        b.receive_text(conn, 2, "ok");
        CHECK(b.readies == 1);
        CHECK(b.weather.ask_for("Berlin", b.now));
    }
    SUBCASE("not let in")
    {
        b.conns.credential(conn.id, as_bytes("wrong"), {}, {}, b.now);
        (void)b.written(conn);
        b.receive_text(conn, 2, "no");
        CHECK(b.readies == 0);
        CHECK(conn.phase == connection_phase::closing);
    }
    SUBCASE("no credential can be had")
    {
        b.conns.credential(conn.id, {}, errc::resolve_failed, "nobody is there", b.now);
        CHECK(conn.close_reason == errc::resolve_failed);
        CHECK(conn.words == "nobody is there");
    }
    SUBCASE("whoever should bring it never does")
    {
        b.now.steady = b.conns.deadline();
        b.conns.on_time(b.now);
        CHECK(conn.close_reason == errc::credential_unavailable);
    }
}

TEST_CASE("KIP-368: before its session ends a connection authenticates again, and holds requests meanwhile")
{
    weather_station b;
    password_authentication passwords;
    b.conns.authenticate_by(passwords);
    auto& conn = b.connect();
    b.tell_versions(conn);
    b.conns.credential(conn.id, as_bytes("secret"), {}, {}, b.now);
    (void)b.written(conn);
    b.receive_text(conn, 2, "ok");
    REQUIRE(b.weather.ask_for("Berlin", b.now));
    (void)b.written(conn);
    CHECK(b.conns.deadline() <= 1min);
    b.now.steady += 1min;
    conn.requests.front()->deadline = never;       // the response to come is not what this is about,
    conn.requests.front()->sent_at = b.now.steady; // and it is not late
    b.conns.on_time(b.now);
    CHECK(conn.phase == connection_phase::ready);
    CHECK(conn.accepts_requests()); // while the credential is on its way
    b.conns.credential(conn.id, as_bytes("newer"), {}, {}, b.now);
    CHECK_FALSE(conn.accepts_requests());
    b.tell_weather(conn, 3, 3, {0, 21}); // what was in flight is still answered
    CHECK(b.weather.degrees.size() == 1);
    CHECK_FALSE(b.weather.ask_for("Rome", b.now)); // held
    CHECK(as_text(bytes_view{b.written(conn)}.subspan(8)) == "newer");
    b.receive_text(conn, 4, "ok");
    CHECK(b.readies == 1); // it was never away
    CHECK(b.weather.ask_for("Rome", b.now));
}

} // namespace kurier::core
