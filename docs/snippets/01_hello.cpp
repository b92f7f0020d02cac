#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> hello(std::string servers)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> producer{executor, kurier::producer_config{servers}};

    const auto where = co_await producer.send({.topic = "greetings", .value = "hello"});
    std::cout << where.topic << '-' << where.partition << " at offset " << where.offset << '\n';

    co_await producer.close(10s);
}

int main(int argc, char** argv)
{
    asio::io_context context;
    kurier::testing::embedded_broker broker{context.get_executor()};
    const std::string servers = argc > 1 ? argv[1] : broker.bootstrap_servers();
    asio::co_spawn(context, hello(servers), [&broker](std::exception_ptr error) {
        broker.stop();
        if (error) std::rethrow_exception(error);
    });
    context.run();
    return 0;
}
