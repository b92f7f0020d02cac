#include "with_broker.hpp"

#include <kurier/producer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include <iostream>

// snippet
asio::awaitable<void> time_is_up(kurier::testing::embedded_broker& broker)
{
    using namespace std::chrono_literals;
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> alarms{executor, kurier::producer_config{broker.bootstrap_servers()},
                              kurier::null_log{}};
    co_await alarms.send({.topic = "alarms", .value = "smoke"});

    broker.stop_broker(1); // and nobody is there any more
    auto late = alarms.send({.topic = "alarms", .value = "fire", .timeout = 200ms});
    const auto [error, where] = co_await std::move(late)(asio::as_tuple(asio::deferred));
    std::cout << kurier::error_name(error) << ": " << error.message()
              << "; in the log: " << to_string(where.failure->persisted) << '\n';

    broker.start_broker(1);
    co_await alarms.close(10s);
    std::cout << "the broker has " << broker.log("alarms").size() << " record\n";
}
// end

int main()
{
    return run_with_broker(time_is_up);
}
