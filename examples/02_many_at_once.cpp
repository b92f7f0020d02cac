// Sends a batch of records and awaits them together: in flight all at once, one resumption at the end.
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>
#include <string>
#include <vector>

namespace asio = boost::asio;

asio::awaitable<void> run(std::string servers)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> producer{executor, kurier::producer_config{servers}};

    std::vector<std::string> lines;
    for (int i = 0; i < 1000; ++i) lines.push_back("line " + std::to_string(i));
    std::vector<kurier::producer<>::record> records;
    for (const auto& line : lines) records.push_back({.topic = "lines", .value = line});

    const kurier::send_summary summary = co_await producer.send_all(records, asio::use_awaitable);
    std::cout << summary.delivered << " delivered, " << summary.failed << " failed\n";

    // The same by hand: send now, await later. Order is the order of the calls of send.
    std::vector<kurier::delivery> deliveries;
    for (const auto& r : records) deliveries.push_back(producer.send(r));
    std::int64_t last = -1;
    for (auto& delivery : deliveries) last = (co_await std::move(delivery)).offset;
    std::cout << "the last one has offset " << last << '\n';

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
