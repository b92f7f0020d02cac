#include "with_broker.hpp"

#include <kurier/producer.hpp>

#include <iostream>

// snippet
asio::awaitable<void> failure(kurier::testing::embedded_broker& broker)
{
    broker.create_topic("orders");
    broker.cluster().fail_next("orders", 0, kurier::broker_errc::topic_authorization_failed);
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> orders{executor, kurier::producer_config{broker.bootstrap_servers()}};

    try {
        co_await orders.send({.topic = "orders", .value = "tea"});
    } catch (const kurier::delivery_error& error) {
        std::cout << error.what() << "\n\n";
        std::cout << "persisted: " << to_string(error.failure().persisted)
                  << ", retriable: " << std::boolalpha << error.failure().retriable << '\n';
    }
    co_await orders.close();
}
// end

int main()
{
    return run_with_broker(failure);
}
