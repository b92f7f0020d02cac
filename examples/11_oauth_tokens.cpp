// Logs in with tokens that a coroutine fetches: asked for when one is needed, used until it is old or refused.
#include <kurier/oauthbearer.hpp>
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

namespace asio = boost::asio;
using namespace std::chrono_literals;

// In your program this asks an identity provider, over HTTPS.
struct identity_provider
{
    int issued = 0;

    asio::awaitable<kurier::oauth_token> issue()
    {
        asio::steady_timer network{co_await asio::this_coro::executor, 20ms};
        co_await network.async_wait(asio::use_awaitable);
        std::cout << "token " << ++issued << " is issued\n";
        co_return kurier::oauth_token{"token-" + std::to_string(issued), 1h};
    }
};

asio::awaitable<void> run(kurier::engine engine)
{
    kurier::producer<> producer{std::move(engine)};
    for (int i = 0; i < 3; ++i) {
        const auto where = co_await producer.send({.topic = "visits", .value = "one"});
        std::cout << "delivered to offset " << where.offset << '\n';
    }
    co_await producer.close();
}

int main()
{
    asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor()};
    broker.cluster().logins().add(kurier::testing::token_users{
        [](std::string_view token) { return token.starts_with("token-") ? "alice" : ""; }});

    kurier::producer_config config{broker.bootstrap_servers()};
    config.security_protocol = kurier::security_protocol::sasl_plaintext;
    config.insecure_allow = kurier::insecure::cleartext_secrets; // this broker has no TLS; yours should
    identity_provider provider;
    kurier::engine engine{context.get_executor(), config,
                          kurier::oauthbearer{[&] { return provider.issue(); }}};
    asio::co_spawn(context, run(std::move(engine)), [&broker](std::exception_ptr error) {
        broker.stop();
        if (error) std::rethrow_exception(error);
    });
    context.run();
}
