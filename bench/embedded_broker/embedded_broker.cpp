// kurier's embedded broker in a process of its own: a quick broker that every client can talk to, without
// Java.
//
// usage: embedded_broker [brokers=N] topic=NAME:PARTITIONS...
// Any other topic comes into being, with 4 partitions, when a client first asks for it. Prints the bootstrap
// servers and ends when its standard input does, so that it can't outlive its starter.
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace asio = boost::asio;

namespace {

struct topic
{
    std::string name;
    std::int32_t partitions;
};

// The embedded broker keeps every record for its owner to look at; a benchmark's would fill the memory.
class forgetful_log
{
public:
    forgetful_log(asio::io_context& context, kurier::testing::embedded_broker& broker,
                  std::vector<topic> topics)
        : timer_{context}, broker_{broker}, topics_{std::move(topics)}
    {
        wait();
    }

private:
    void wait()
    {
        timer_.expires_after(std::chrono::milliseconds{50});
        timer_.async_wait([this](boost::system::error_code) {
            forget();
            wait();
        });
    }

    void forget()
    {
        auto& state = broker_.cluster().state();
        for (const auto& [name, partitions] : topics_) {
            for (std::int32_t i = 0; i < partitions; ++i) {
                auto& log = state.log(name, i);
                log.delete_before(log.end_offset(), false);
            }
        }
    }

    asio::steady_timer timer_;
    kurier::testing::embedded_broker& broker_;
    std::vector<topic> topics_;
};

} // namespace

int main(int argc, char** argv)
{
    kurier::testing::cluster_options options;
    options.topic_defaults.partitions = 4;
    std::vector<topic> topics;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const std::size_t colon = argument.rfind(':');
        if (argument.starts_with("brokers=")) {
            options.brokers = std::atoi(argv[i] + 8);
        } else if (argument.starts_with("topic=") && colon != std::string_view::npos) {
            topics.push_back({std::string{argument.substr(6, colon - 6)}, std::atoi(argv[i] + colon + 1)});
        } else {
            std::fprintf(stderr, "embedded_broker: what is %s?\n", argv[i]);
            return 2;
        }
    }
    asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor(), options};
    for (const auto& [name, partitions] : topics) broker.create_topic(name, partitions);
    const forgetful_log keeps_nothing{context, broker, topics};
    std::printf("%s\n", broker.bootstrap_servers().c_str());
    std::fflush(stdout);

    asio::posix::stream_descriptor input{context, ::dup(STDIN_FILENO)};
    char byte = 0;
    input.async_read_some(asio::buffer(&byte, 1),
                          [&context](boost::system::error_code, std::size_t) { context.stop(); });
    context.run();
}
