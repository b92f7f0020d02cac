#include "with_broker.hpp"

#include <kurier/producer.hpp>

#include <iostream>

// snippet
asio::awaitable<void> testing(kurier::testing::embedded_broker& broker)
{
    broker.create_topic("orders");
    // The broker writes the first batch and says that it failed: it is sent again, and may not be there twice.
    broker.cluster().fail_next_after_append("orders", 0, kurier::broker_errc::not_leader_or_follower);

    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> orders{executor, kurier::producer_config{broker.bootstrap_servers()}};
    co_await orders.send({.topic = "orders", .key = "ann", .value = "tea"});
    co_await orders.send({.topic = "orders", .key = "bob", .value = "milk"});

    std::cout << orders.metrics().records_retried << " retried\n";
    for (const auto& record : broker.log("orders"))
        std::cout << record.offset << ": " << *record.key << " wants " << *record.value << '\n';
    co_await orders.close();
}
// end

int main()
{
    return run_with_broker(testing);
}
