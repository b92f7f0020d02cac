// KIP-368: a login is renewed before its session ends. And what follows from one that is refused.
#include "../support/login_peer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace kurier::core::tests {
TEST_CASE(
    "KIP-368: a login is renewed before its session ends, by a share that differs from client to client")
{
    for (const std::int64_t lifetime : {std::int64_t{2'000}, std::int64_t{8'000}, std::int64_t{3'600'000}}) {
        auto b = alice();
        b.config.connections_max_idle = -1ms;
        b.tell_versions();
        b.log_in(lifetime);
        const nanoseconds end = b.now.steady + std::chrono::milliseconds{lifetime};
        const auto at = b.conn->opening.again_at();
        CHECK(at <= end - 1s);
        CHECK(at >= std::min(end - 1s, end - std::chrono::milliseconds{lifetime / 100 * 15}));
        CHECK(b.conns.deadline() == at);
        b.go_to(at);
        CHECK(b.next() == action_kind::credential);
        CHECK(b.conn->accepts_requests());
        b.log_in(lifetime);
        CHECK(b.readies == 1);
        CHECK_FALSE(b.closing());
        CHECK(b.conn->opening.again_at() > at);
    }
}

TEST_CASE("lifetimes that make no sense")
{
    auto b = alice();
    b.tell_versions();
    const auto planned = [&](std::int64_t lifetime) {
        b.log_in(lifetime);
        const auto at = b.conn->opening.again_at();
        return at == never ? at : at - b.now.steady;
    };
    SUBCASE("none")
    {
        CHECK(planned(0) == never);
    }
    SUBCASE("negative")
    {
        CHECK(planned(-1) == never);
    }
    SUBCASE("a millisecond: brokers take one login a second")
    {
        CHECK(planned(1) == 1s);
    }
    SUBCASE("longer than there has been time")
    {
        CHECK(planned(INT64_MAX) > 24h * 300);
        CHECK(b.conn->opening.again_at() < never);
    }
}

TEST_CASE("a login that takes long begins earlier next time")
{
    auto b = alice();
    b.tell_versions();
    b.give("secret");
    b.tell(sasl_handshake_response{}, 1);
    const auto asked = b.now.steady;
    b.now.steady += 3s;
    b.answer("", 60'000);
    CHECK(b.conn->opening.again_at() <=
          asked + 54s); // twice three seconds before the broker's end, counted from the question
}

TEST_CASE("KIP-368: requests go on until the broker is told, and then wait")
{
    auto b = alice();
    b.tell_versions();
    b.log_in(60'000);
    b.go_to(b.conn->opening.again_at());
    CHECK(b.next() == action_kind::credential);
    CHECK(b.conn->accepts_requests());
    b.give("newer");
    CHECK_FALSE(b.conn->accepts_requests());
    b.expect(sasl_handshake_request{"PLAIN"}, 1);
    b.tell(sasl_handshake_response{}, 1);
    b.expect(login_message({"\0alice\0newer", 12}), 2);
    CHECK_FALSE(b.conn->accepts_requests());
    b.answer("");
    CHECK(b.conn->accepts_requests());
    CHECK(b.conn->opening.again_at() == never);
}

TEST_CASE("a credential that doesn't come while the session lasts ends the connection with it")
{
    auto b = alice();
    b.tell_versions();
    b.log_in(20'000);
    const auto end = b.now.steady + 20s;
    b.go_to(b.conn->opening.again_at());
    CHECK(b.next() == action_kind::credential);
    CHECK(b.conns.deadline() == end);
    b.go_to(end - 1ns);
    CHECK_FALSE(b.closing());
    b.go_to(end);
    CHECK(b.conn->close_reason == errc::credential_unavailable);
}

TEST_CASE("after a stall the session is over: nothing but a login may be sent, and brokers take that")
{
    auto b = alice();
    b.config.connections_max_idle = -1ms;
    b.tell_versions();
    b.log_in(20'000);
    b.go_to(b.now.steady + 1h);
    CHECK(b.next() == action_kind::credential);
    CHECK_FALSE(b.conn->accepts_requests());
    b.log_in(20'000);
    CHECK(b.conn->accepts_requests());
}

TEST_CASE("an idle connection stays idle, however often its session is renewed")
{
    auto b = alice();
    b.config.connections_max_idle = 60s;
    b.tell_versions();
    b.log_in(8'000);
    const auto since = b.now.steady;
    while (!b.closing() && b.now.steady < since + 2min) {
        b.go_to(b.conns.deadline());
        if (b.next() == action_kind::credential) b.log_in(8'000);
    }
    CHECK(b.now.steady == since + 60s);
    CHECK_FALSE(b.conn->close_reason);
}

TEST_CASE("a refused login is tried again after a second, and ever more rarely, up to a minute")
{
    auto b = alice();
    nanoseconds pause{0};
    for (int attempt = 0; attempt < 9; ++attempt) {
        b.tell_versions();
        b.conns.credential(b.conn->id, {}, errc::credential_unavailable, {}, b.now);
        CHECK(b.next() == action_kind::close);
        b.conns.closed(b.conn->id, {}, b.now);
        CHECK(b.ends.back() == errc::credential_unavailable);
        pause = b.node.retry_at - b.now.steady;
        CHECK(pause >= std::min<nanoseconds>(800ms * (1 << attempt), 48s));
        CHECK(pause <= std::min<nanoseconds>(1200ms * (1 << attempt), 72s));
        b.connect();
    }
    CHECK(pause >= 48s);
}

TEST_CASE("after a refusal one broker is asked at a time, until one agrees")
{
    auto b = alice();
    CHECK_FALSE(b.conns.must_wait_to_open());
    b.tell_versions();
    b.conns.credential(b.conn->id, {}, errc::credential_unavailable, {}, b.now);
    CHECK(b.next() == action_kind::close);
    b.conns.closed(b.conn->id, {}, b.now);
    CHECK_FALSE(b.conns.must_wait_to_open());
    b.connect();
    CHECK(b.conns.must_wait_to_open());
    b.tell_versions();
    CHECK(b.conns.must_wait_to_open());
    b.log_in();
    CHECK_FALSE(b.conns.must_wait_to_open());
    CHECK_FALSE(b.conns.login_was_refused());
}

TEST_CASE("a session that can't be renewed is a lost connection for the requests on it, and a new one is "
          "tried at once")
{
    struct asker final : exchange // nothing that Kafka knows
    {
        error_code lost;
        bool on_response(connection&, request&, bytes_view, instant) override { return true; }
        void on_lost(connection&, request&, error_code why, instant) override { lost = why; }
    } owner;
    auto b = alice();
    b.tell_versions();
    b.log_in(8'000);
    auto made = b.conns.make(*b.conn, owner, 0);
    made->head.resize(10);
    b.conns.send(*b.conn, std::move(made), b.now);
    CHECK(b.next() == action_kind::write);
    (void)b.written();
    b.go_to(b.conn->opening.again_at());
    CHECK(b.next() == action_kind::credential);
    b.conns.credential(b.conn->id, {}, errc::credential_unavailable, {}, b.now);
    CHECK(b.next() == action_kind::close);
    b.conns.closed(b.conn->id, {}, b.now);
    CHECK(owner.lost == errc::disconnected);
    CHECK(b.ends.back() == errc::credential_unavailable); // for the log
    CHECK(b.node.retry_at <= b.now.steady + 100ms);
    CHECK_FALSE(b.conns.login_was_refused());
}

} // namespace kurier::core::tests
