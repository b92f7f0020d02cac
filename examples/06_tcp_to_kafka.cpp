// A coroutine server: each line that a TCP client sends becomes a record, and "ok OFFSET" or "error TEXT" goes back when
// the cluster has it. Back-pressure comes by itself: a client whose record waits for room is not read any further.
// Without arguments it starts a broker of its own, sends three lines to itself and ends.
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <iostream>
#include <string>

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> serve(tcp::socket client, kurier::producer<>& producer)
{
    std::string input, answer;
    try {
        for (;;) {
            const auto size = co_await asio::async_read_until(client, asio::dynamic_buffer(input, 65536),
                                                              '\n', asio::use_awaitable);
            try {
                const auto where = co_await producer.send(
                    {.topic = "lines", .value = std::string_view{input}.substr(0, size - 1)});
                answer = "ok " + std::to_string(where.offset) + "\n";
            } catch (const kurier::delivery_error& error) {
                answer = std::string{"error "} + error.what() + "\n";
            }
            input.erase(0, size);
            co_await asio::async_write(client, asio::buffer(answer), asio::use_awaitable);
        }
    } catch (const boost::system::system_error&) {
        // the client has gone; its records are on their way or delivered
    }
}

asio::awaitable<void> listen(tcp::acceptor& acceptor, kurier::producer<>& producer)
{
    for (;;) {
        auto client = co_await acceptor.async_accept(asio::use_awaitable);
        asio::co_spawn(acceptor.get_executor(), serve(std::move(client), producer), asio::detached);
    }
}

asio::awaitable<void> try_it(tcp::acceptor& acceptor, kurier::producer<>& producer)
{
    tcp::socket socket{acceptor.get_executor()};
    co_await socket.async_connect(acceptor.local_endpoint(), asio::use_awaitable);
    for (const std::string line : {"one\n", "two\n", "three\n"}) {
        co_await asio::async_write(socket, asio::buffer(line), asio::use_awaitable);
        std::string answer;
        co_await asio::async_read_until(socket, asio::dynamic_buffer(answer), '\n', asio::use_awaitable);
        std::cout << line.substr(0, line.size() - 1) << ": " << answer;
    }
    acceptor.close();
    co_await producer.close();
}

int main(int argc, char** argv)
{
    asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor()};
    kurier::producer<> producer{context.get_executor(),
                                kurier::producer_config{argc > 1 ? argv[1] : broker.bootstrap_servers()}};
    const auto port = static_cast<unsigned short>(argc > 2 ? std::stoi(argv[2]) : 0);
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), port}};
    std::cout << "listening on port " << acceptor.local_endpoint().port() << std::endl;

    asio::co_spawn(context, listen(acceptor, producer), [](std::exception_ptr) {});
    if (argc <= 1)
        asio::co_spawn(context, try_it(acceptor, producer), [&](std::exception_ptr error) {
            broker.stop();
            if (error) std::rethrow_exception(error);
        });
    context.run();
}
