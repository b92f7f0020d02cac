// A program with the embedded broker
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdio>

int main()
{
    boost::asio::io_context context;
    kurier::testing::embedded_broker broker{context.get_executor()};
    broker.create_topic("t", 3);
    std::puts(broker.bootstrap_servers().c_str());
    return broker.partition_count("t") == 3 ? 0 : 1;
}
