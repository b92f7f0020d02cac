#include "with_broker.hpp"

#include <kurier/producer.hpp>

#include <iostream>
#include <string>
#include <vector>

// snippet
asio::awaitable<void> many(kurier::testing::embedded_broker& broker)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> lines{executor, kurier::producer_config{broker.bootstrap_servers()}};

    std::vector<kurier::delivery> deliveries;
    for (int i = 0; i < 1000; ++i)
        deliveries.push_back(lines.send({.topic = "lines", .value = "line " + std::to_string(i)}));

    std::int64_t last = -1;
    for (auto& delivery : deliveries) {
        const auto where = co_await std::move(delivery);
        last = where.offset;
    }
    std::cout << "the last of 1000 records is at offset " << last << '\n';
    co_await lines.close();
}
// end

int main()
{
    return run_with_broker(many);
}
