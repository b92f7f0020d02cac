// engine::connect: whether a cluster can be used, told early and with the whole story.
#include "support/loopback.hpp"

#include <kurier/plain.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/ip/tcp.hpp>

using namespace kurier;
using namespace kurier::testing;

namespace {

struct attempt
{
    int told = 0;
    error_code error;
    std::string what;

    auto take()
    {
        return [this](const std::exception_ptr& thrown) {
            ++told;
            try {
                if (thrown) std::rethrow_exception(thrown);
            } catch (const boost::system::system_error& failed) {
                error = failed.code();
                what = failed.what();
            }
        };
    }
    bool says(std::string_view text) const { return what.find(text) != std::string::npos; }
};

struct connecting : loopback
{
    connecting() { config.max_block = 60s; }

    template <class Engine> attempt connect(Engine& engine)
    {
        attempt result;
        engine.connect(result.take());
        REQUIRE(until([&] { return result.told > 0; }));
        settle();
        CHECK(result.told == 1);
        return result;
    }
    kurier::engine logging_in(std::string_view password)
    {
        config.security_protocol = security_protocol::sasl_plaintext;
        config.insecure_allow = insecure::cleartext_secrets;
        return {context.get_executor(), config, log, plain{"alice", secret::literal(std::string{password})}};
    }
};

} // namespace

TEST_CASE("connect succeeds when brokers have answered, with a login where one is wanted")
{
    connecting net;
    SUBCASE("without a login")
    {
        auto engine = net.make_engine();
        CHECK_FALSE(net.connect(engine).error);
        CHECK_FALSE(net.connect(engine).error); // asks again
    }
    SUBCASE("with one")
    {
        net.cluster().logins().add(plain_users{{{"alice", "secret"}}});
        auto engine = net.logging_in("secret");
        CHECK_FALSE(net.connect(engine).error);
        CHECK(engine.metrics().connections == 1);
    }
    SUBCASE("by a producer and a coroutine")
    {
        net.run([&]() -> asio::awaitable<void> {
            auto producer = net.make_producer();
            co_await producer.connect();
        });
    }
}

TEST_CASE("connect fails at once when a login is refused, and says it all")
{
    connecting net;
    net.cluster().logins().add(plain_users{{{"alice", "secret"}}});
    auto engine = net.logging_in("wrong");
    std::string what;
    net.run([&]() -> asio::awaitable<void> {
        try {
            co_await engine.connect();
        } catch (const connect_error& failed) {
            CHECK(failed.code() == broker_errc::sasl_authentication_failed);
            what = failed.what();
        }
    });
    CHECK(what.starts_with("not connected after "));
    CHECK(what.find("ms: " + net.config.bootstrap_servers.front() +
                    ": the broker refuses the login with PLAIN: \"Authentication failed") !=
          std::string::npos);
    CHECK(what.find("; check the user name, the password") != std::string::npos);
}

TEST_CASE("connect fails at once when no broker is left, and says so of each")
{
    connecting net;
    asio::ip::tcp::acceptor closed{net.context, {asio::ip::address_v4::loopback(), 0}};
    const auto nobody = "127.0.0.1:" + std::to_string(closed.local_endpoint().port());
    closed.close();
    net.config.bootstrap_servers = {nobody};
    auto engine = net.make_engine();
    const auto result = net.connect(engine);
    CHECK(result.error == errc::connect_failed);
    CHECK(result.says(nobody + ": Connection refused"));
}

TEST_CASE("a listener that wants a login, and a client without one")
{
    connecting net;
    net.cluster().logins().add(plain_users{{{"alice", "secret"}}});
    auto engine = net.make_engine();
    const auto result = net.connect(engine);
    CHECK(result.error == errc::disconnected);
    CHECK(result.says("as a listener does that wants a login (SASL)"));
    CHECK(result.says("compare security.protocol with the listener"));
}

TEST_CASE("connect waits no longer than max.block.ms, and an engine that closes ends it")
{
    connecting net;
    fault silent;
    silent.api_key = protocol::metadata_request::api_key;
    silent.answer = answer_fault::never;
    net.cluster().inject(silent);
    SUBCASE("time is up")
    {
        net.config.max_block = 50ms;
        auto engine = net.make_engine();
        CHECK(net.connect(engine).error == errc::max_block_exceeded);
    }
    SUBCASE("closed")
    {
        auto engine = net.make_engine();
        attempt result;
        engine.connect(result.take());
        engine.close([](error_code) {});
        REQUIRE(net.until([&] { return result.told > 0; }));
        CHECK(result.error == errc::closed);
    }
    SUBCASE("cancelled")
    {
        auto engine = net.make_engine();
        attempt result;
        asio::cancellation_signal stop;
        engine.connect(asio::bind_cancellation_slot(stop.slot(), result.take()));
        stop.emit(asio::cancellation_type::total);
        REQUIRE(net.until([&] { return result.told > 0; }));
        CHECK(result.error == asio::error::operation_aborted);
    }
}

TEST_CASE("brokers that name no broker haven't answered")
{
    connecting net;
    net.config.max_block = 100ms;
    net.cluster().edit<protocol::metadata_response>(
        [](broker_id, protocol::metadata_response& told) { told.brokers.clear(); });
    auto engine = net.make_engine();
    CHECK(net.connect(engine).error == errc::max_block_exceeded);
}
