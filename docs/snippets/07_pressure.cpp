#include "with_broker.hpp"

#include <kurier/producer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include <iostream>
#include <string>

// snippet
asio::awaitable<void> pressure(kurier::testing::embedded_broker& broker)
{
    kurier::producer_config config{broker.bootstrap_servers()};
    config.buffer_memory = 256 * 1024;
    config.max_request_size = config.batch_size = 64 * 1024;
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> clicks{executor, config};
    const std::string click(1000, 'x');

    kurier::error_code error;
    while (!error) { // faster than any broker
        auto delivery = clicks.try_send({.topic = "clicks", .value = click});
        if (delivery.resolved()) {
            const auto [refusal, where] = co_await std::move(delivery)(asio::as_tuple(asio::deferred));
            error = refusal;
        }
    }
    std::cout << "try_send: " << kurier::error_name(error) << '\n';

    co_await clicks.ready();
    const auto where = co_await clicks.send({.topic = "clicks", .value = click});
    std::cout << "after ready(): delivered to " << where.topic << '-' << where.partition << '\n';
    co_await clicks.close();
}
// end

int main()
{
    return run_with_broker(pressure);
}
