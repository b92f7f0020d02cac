// A broker for programs under test: prints its address, runs until standard input ends, then prints what the named
// topics hold, one record a line: TOPIC PARTITION OFFSET KEY VALUE HEADERS, separated by tabs, null as <null>; headers
// as name=value, separated by semicolons.
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <iostream>
#include <string>

#include <unistd.h>

namespace asio = boost::asio;

int main(int argc, char** argv)
{
    asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor()};
    std::cout << broker.bootstrap_servers() << std::endl;

    asio::posix::stream_descriptor input{context, STDIN_FILENO};
    input.async_wait(asio::posix::stream_descriptor::wait_read,
                     [&](boost::system::error_code) { broker.stop(); });
    context.run();

    for (int i = 1; i < argc; ++i) {
        const std::string topic = argv[i];
        for (std::int32_t partition = 0; partition < broker.partition_count(topic); ++partition)
            for (const auto& r : broker.log(topic, partition)) {
                std::cout << topic << '\t' << partition << '\t' << r.offset << '\t'
                          << r.key.value_or("<null>") << '\t' << r.value.value_or("<null>") << '\t';
                for (const auto& header : r.headers)
                    std::cout << (&header == r.headers.data() ? "" : ";") << header.name << '='
                              << header.value.value_or("<null>");
                std::cout << '\n';
            }
    }
}
