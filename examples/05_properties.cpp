// Configuration from a .properties file with Kafka's own keys; what is wrong is said all at once.
#include <kurier/producer.hpp>
#include <kurier/properties.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

namespace asio = boost::asio;

asio::awaitable<void> run(kurier::producer_config config)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> producer{executor, config};
    const auto where = co_await producer.send({.topic = "settings", .value = "as the file says"});
    std::cout << "delivered with acks=" << static_cast<int>(config.acks) << " to offset " << where.offset
              << '\n';
    co_await producer.close();
}

int main(int argc, char** argv)
{
    asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor()};
    std::string text =
        "acks=all\nlinger.ms=20\nbatch.size=65536\nbootstrap.servers=" + broker.bootstrap_servers() + "\n";
    if (argc > 1) {
        std::ifstream file{argv[1]};
        text = (std::ostringstream{} << file.rdbuf()).str();
    }
    try {
        kurier::from_properties("linger.sm=5\nacks=2\nbootstrap.servers=localhost\n");
    } catch (const kurier::config_error& error) {
        std::cout << "An example of what a bad file leads to: " << error.what() << '\n';
    }
    asio::co_spawn(context, run(kurier::from_properties(text)), [&broker](std::exception_ptr error) {
        broker.stop();
        if (error) std::rethrow_exception(error);
    });
    context.run();
}
