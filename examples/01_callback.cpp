// Callbacks instead of coroutines: any Asio completion token will do.
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>
#include <string>

int main(int argc, char** argv)
{
    boost::asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor()};
    kurier::producer<> producer{context.get_executor(),
                                kurier::producer_config{argc > 1 ? argv[1] : broker.bootstrap_servers()}};

    for (int i = 0; i < 5; ++i)
        // The record's bytes are taken at the call; the callback runs later, on the producer's executor.
        producer.send({.topic = "events", .key = "k", .value = "event " + std::to_string(i)})(
            [i](kurier::error_code ec, const kurier::record_metadata& where) {
                if (ec)
                    std::cerr << kurier::describe(*where.failure) << '\n';
                else
                    std::cout << "event " << i << " is at " << where.topic << '-' << where.partition << '@'
                              << where.offset << '\n';
            });

    producer.close([&broker](kurier::error_code) { broker.stop(); });
    context.run();
}
