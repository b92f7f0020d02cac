// A partitioner of your own: urgent records go to partition 0, the others where their key says.
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <iostream>
#include <string>

namespace asio = boost::asio;

struct urgent_first
{
    std::int32_t partition(const kurier::partition_query& query) const noexcept
    {
        for (const auto& header : query.headers)
            if (header.name == "urgent") return 0;
        if (query.key.is_null() || query.partition_count == 1) return kurier::any_partition;
        return 1 + kurier::murmur2_partition(query.key.view(), query.partition_count - 1);
    }
};

asio::awaitable<void> run(std::string servers)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<std::string_view, std::string_view, urgent_first> producer{
        executor, kurier::producer_config{servers}};
    const std::array<kurier::header_view, 1> urgent{{{"urgent", {}}}};
    for (const char* key : {"a", "b", "c"}) {
        const auto usual = co_await producer.send({.topic = "jobs", .key = key, .value = "work"});
        const auto first =
            co_await producer.send({.topic = "jobs", .key = key, .value = "now!", .headers = urgent});
        std::cout << key << ": partition " << usual.partition << ", urgent ones " << first.partition << '\n';
    }
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
