// librdkafka's mock cluster in a process of its own: a cheap, constant broker for every client.
//
// usage: mock_cluster [brokers=N] topic=NAME:PARTITIONS...
// Any other topic comes into being, with 4 partitions, when a client first asks for it. Prints the bootstrap
// servers and ends when its standard input does, so that it can't outlive its starter.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

void wait_for_end_of_input()
{
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

} // namespace

int main(int argc, char** argv)
{
    int brokers = 1;
    std::vector<std::string> topics;
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        if (argument.starts_with("brokers=")) {
            brokers = std::atoi(argument.c_str() + 8);
        } else if (argument.starts_with("topic=")) {
            topics.push_back(argument.substr(6));
        } else {
            std::fprintf(stderr, "mock_cluster: what is %s?\n", argv[i]);
            return 2;
        }
    }
    char error[512];
    rd_kafka_t* const host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), error, sizeof error);
    if (host == nullptr) {
        std::fprintf(stderr, "mock_cluster: %s\n", error);
        return 1;
    }
    // From Metadata v9 on, the mock cluster's answers are a byte too long, which not every client forgives (kurier does).
    constexpr std::int16_t metadata = 3;
    constexpr std::int16_t last_good_version = 8;
    rd_kafka_mock_cluster_t* const cluster = rd_kafka_mock_cluster_new(host, brokers);
    rd_kafka_mock_set_apiversion(cluster, metadata, 0, last_good_version);
    for (const std::string& topic : topics) {
        const std::size_t colon = topic.rfind(':');
        const int partitions = colon == std::string::npos ? 1 : std::atoi(topic.c_str() + colon + 1);
        rd_kafka_mock_topic_create(cluster, topic.substr(0, colon).c_str(), partitions, 1);
    }
    std::printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    std::fflush(stdout);
    wait_for_end_of_input();
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return 0;
}
