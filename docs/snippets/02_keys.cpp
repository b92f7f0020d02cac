#include "with_broker.hpp"

#include <kurier/producer.hpp>

#include <iostream>

// snippet
asio::awaitable<void> keys(kurier::testing::embedded_broker& broker)
{
    broker.create_topic("orders", 3);
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> orders{executor, kurier::producer_config{broker.bootstrap_servers()}};

    for (const char* customer : {"ann", "bob", "cem", "ann", "bob"}) {
        const auto where = co_await orders.send({.topic = "orders", .key = customer, .value = "tea"});
        std::cout << customer << " -> partition " << where.partition << ", offset " << where.offset << '\n';
    }
    co_await orders.close();
}
// end

int main()
{
    return run_with_broker(keys);
}
