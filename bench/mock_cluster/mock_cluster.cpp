// librdkafka's mock cluster in a process of its own: a cheap, constant broker for every client.
//
// usage: mock_cluster [brokers=N] [partitions=N] [topic=NAME] [topics=N]
// Prints the bootstrap servers and ends when its standard input does, so that it can't outlive its starter.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include <unistd.h>

namespace {

std::string topic_name(const std::string& topic, int topics, int i)
{
    return topics == 1 ? topic : topic + "-" + std::to_string(i);
}

void wait_for_end_of_input()
{
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

} // namespace

int main(int argc, char** argv)
{
    std::map<std::string, std::string> options{{"brokers", "1"}, {"partitions", "1"}, {"topic", "bench"}, {"topics", "1"}};
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const std::size_t equals = argument.find('=');
        if (equals == std::string::npos || !options.contains(argument.substr(0, equals))) {
            std::fprintf(stderr, "mock_cluster: what is %s?\n", argv[i]);
            return 2;
        }
        options[argument.substr(0, equals)] = argument.substr(equals + 1);
    }
    char error[512];
    rd_kafka_t* const host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), error, sizeof error);
    if (host == nullptr) {
        std::fprintf(stderr, "mock_cluster: %s\n", error);
        return 1;
    }
    // From Metadata v9 on, the mock cluster's answers are a byte too long, which not every client forgives.
    constexpr std::int16_t metadata = 3;
    constexpr std::int16_t last_good_version = 8;
    const int brokers = std::atoi(options["brokers"].c_str());
    const int topics = std::atoi(options["topics"].c_str());
    rd_kafka_mock_cluster_t* const cluster = rd_kafka_mock_cluster_new(host, brokers);
    rd_kafka_mock_set_apiversion(cluster, metadata, 0, last_good_version);
    for (int i = 0; i < topics; ++i) {
        const std::string name = topic_name(options["topic"], topics, i);
        rd_kafka_mock_topic_create(cluster, name.c_str(), std::atoi(options["partitions"].c_str()), 1);
    }
    std::printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    std::fflush(stdout);
    wait_for_end_of_input();
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
    return 0;
}
