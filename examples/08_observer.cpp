// Watching a producer: one line for each batch and each change of a connection, and the numbers of metrics() at the end.
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <iostream>
#include <string>

namespace asio = boost::asio;

struct watcher
{
    void on_batch(const kurier::batch_event& batch) noexcept
    {
        const std::chrono::duration<double, std::milli> queued = batch.queued, taken = batch.taken;
        std::cout << batch.topic << '-' << batch.partition << ": " << batch.records << " records, "
                  << batch.bytes << " bytes, "
                  << (batch.error ? batch.error.message() : "offset " + std::to_string(batch.base_offset))
                  << "; queued " << queued.count() << " ms, " << taken.count() << " ms in all\n";
    }

    void on_broker(const kurier::broker_event& broker) noexcept
    {
        if (broker.change == kurier::broker_change::connected)
            std::cout << "connected to " << broker.host << ':' << broker.port << '\n';
        else if (broker.error)
            std::cout << "trouble with " << broker.host << ": " << broker.error.message() << '\n';
    }
};

asio::awaitable<void> run(std::string servers)
{
    kurier::producer_config config{servers};
    config.linger = std::chrono::milliseconds{5};
    const auto executor = co_await asio::this_coro::executor;
    kurier::engine engine{executor, config};
    engine.observe(watcher{});
    kurier::producer<> producer{engine};

    for (int i = 0; i < 1000; ++i) producer.send({.topic = "events", .value = "something has happened"});
    co_await producer.flush();

    const auto metrics = producer.metrics();
    std::cout << metrics.records_delivered << " records in " << metrics.batches_delivered << " batches and "
              << metrics.requests << " requests; answered after "
              << std::chrono::duration<double, std::milli>{metrics.request_latency.mean()}.count()
              << " ms on average\n";
    co_await producer.close();
}

int main(int argc, char** argv)
{
    asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor()};
    asio::co_spawn(context, run(argc > 1 ? argv[1] : broker.bootstrap_servers()),
                   [&broker](std::exception_ptr error) {
                       broker.stop();
                       if (error) std::rethrow_exception(error);
                   });
    context.run();
}
