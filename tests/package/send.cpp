// A consumer's program: a broker in it, a record sent to it, and the record read there.
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>
#include <kurier/version.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

namespace asio = boost::asio;

asio::awaitable<void> send(kurier::testing::embedded_broker& broker)
{
    kurier::producer<> producer{co_await asio::this_coro::executor,
                                kurier::producer_config{broker.bootstrap_servers()}};
    const auto where = co_await producer.send({.topic = "greetings", .value = "hello"});
    co_await producer.close();
    std::cout << "kurier " KURIER_VERSION_STRING ": " << where.topic << '-' << where.partition << '@'
              << where.offset << '\n';
}

int main()
{
    asio::io_context context;
    kurier::testing::embedded_broker broker{context.get_executor()};
    broker.create_topic("greetings", 1);
    bool sent = false;
    asio::co_spawn(context, send(broker), [&](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
        broker.stop();
        sent = true;
    });
    context.run();
    return sent && broker.log("greetings").size() == 1 ? 0 : 1;
}
