// A type of your own, with a serializer object that has state, sees the topic and adds a header.
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>
#include <string>

namespace asio = boost::asio;

struct reading
{
    std::string sensor;
    double celsius = 0;
};

struct reading_writer
{
    std::string schema; // state

    void serialize(const reading& r, kurier::byte_writer& out, const kurier::serialize_context& context) const
    {
        context.headers.add("schema", schema);
        out.put(r.sensor + "=" + std::to_string(r.celsius));
    }
};

asio::awaitable<void> run(std::string servers)
{
    using readings = kurier::producer<std::string, reading, kurier::default_partitioner,
                                      kurier::serializer<std::string>, reading_writer>;
    const auto executor = co_await asio::this_coro::executor;
    readings producer{executor, kurier::producer_config{servers}, {}, {}, reading_writer{"reading-v1"}};

    const reading now{"cellar", 11.5};
    const auto where = co_await producer.send({.topic = "readings", .key = now.sensor, .value = now});
    std::cout << "written to " << where.topic << '-' << where.partition << '@' << where.offset << '\n';
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
