#include "with_broker.hpp"

#include <kurier/producer.hpp>

#include <iostream>

// snippet
struct batch_printer
{
    void on_batch(const kurier::batch_event& batch) noexcept
    {
        std::cout << batch.topic << '-' << batch.partition << ": " << batch.records << " records, attempt "
                  << batch.attempts << ", offset " << batch.base_offset << '\n';
    }
};

asio::awaitable<void> watching(kurier::testing::embedded_broker& broker)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::engine engine{executor, kurier::producer_config{broker.bootstrap_servers()}, batch_printer{}};
    kurier::producer<> events{engine};

    for (int i = 0; i < 500; ++i) events.send({.topic = "events", .value = "something happened"});
    co_await events.flush();

    const auto metrics = events.metrics();
    std::cout << metrics.records_delivered << " delivered, " << metrics.records_failed << " failed, "
              << metrics.records_pending << " pending\n";
    co_await events.close();
}
// end

int main()
{
    return run_with_broker(watching);
}
