#include "with_broker.hpp"

#include <kurier/producer.hpp>
#include <kurier/properties.hpp>

#include <iostream>
#include <string>

// snippet
asio::awaitable<void> settings(kurier::testing::embedded_broker& broker)
{
    try {
        kurier::from_properties("bootstrap.servers=localhost:9092\n"
                                "linger.sm=20\n"
                                "acks=1\n"
                                "enable.idempotence=true\n");
    } catch (const kurier::config_error& error) {
        std::cout << error.what() << "\n\n";
    }

    auto config =
        kurier::from_properties("bootstrap.servers=" + broker.bootstrap_servers() + "\n" + "linger.ms=20\n");
    config.client_id = "shop"; // text and fields are the same settings
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> producer{executor, config};
    co_await producer.send({.topic = "settings", .value = "as the file says"});
    co_await producer.close();
    std::cout << "delivered with linger.ms=" << config.linger.count() << '\n';
}
// end

int main()
{
    return run_with_broker(settings);
}
