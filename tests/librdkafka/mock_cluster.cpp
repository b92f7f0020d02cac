// Sends to librdkafka's mock cluster of three brokers while leaders move, and reads it back with librdkafka's consumer:
// every record once and in the order of its partition.
#include <kurier/producer.hpp>

#include <boost/asio/io_context.hpp>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr const char* topic = "mock";
constexpr int partitions = 4, rounds = 3, records_per_round = 200;
constexpr auto patience = std::chrono::seconds{60};

[[noreturn]] void fail(const std::string& what)
{
    std::printf("librdkafka's mock cluster: 0 passed, 1 failed: %s\n", what.c_str());
    std::exit(1);
}

void set(rd_kafka_conf_t* conf, const char* name, const char* value)
{
    char text[512];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK) fail(text);
}

struct destroy
{
    void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
    void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
    void operator()(rd_kafka_topic_partition_list_t* list) const
    {
        rd_kafka_topic_partition_list_destroy(list);
    }
};
using handle = std::unique_ptr<rd_kafka_t, destroy>;

handle make(rd_kafka_type_t type, rd_kafka_conf_t* conf)
{
    char text[512];
    handle made{rd_kafka_new(type, conf, text, sizeof text)};
    if (!made) fail(text);
    return made;
}

handle make_cluster()
{
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    set(conf, "test.mock.num.brokers", "3");
    return make(RD_KAFKA_PRODUCER, conf);
}

struct sent
{
    int told = 0, failed = 0;
    std::string why;
};

void send(kurier::producer<>& producer, sent& so_far, int round)
{
    for (int i = 0; i < records_per_round; ++i) {
        const std::string value = std::to_string(round * records_per_round + i);
        producer.send({.topic = topic, .value = value, .partition = i % partitions})(
            [&](kurier::error_code ec, const kurier::record_metadata&) {
                ++so_far.told;
                if (!ec) return;
                ++so_far.failed;
                so_far.why = ec.message();
            });
    }
}

std::map<int, std::vector<int>> read_back(const std::string& servers, int count)
{
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", servers.c_str());
    set(conf, "group.id", "reader");
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "check.crcs", "true");
    const handle consumer = make(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(consumer.get());
    const std::unique_ptr<rd_kafka_topic_partition_list_t, destroy> all{
        rd_kafka_topic_partition_list_new(partitions)};
    for (int p = 0; p < partitions; ++p) rd_kafka_topic_partition_list_add(all.get(), topic, p)->offset = 0;
    if (rd_kafka_assign(consumer.get(), all.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("assign");
    std::map<int, std::vector<int>> read;
    const auto give_up = std::chrono::steady_clock::now() + patience;
    for (int found = 0; found < count && std::chrono::steady_clock::now() < give_up;) {
        const std::unique_ptr<rd_kafka_message_t, destroy> message{
            rd_kafka_consumer_poll(consumer.get(), 100)};
        if (!message || message->err != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
        read[message->partition].push_back(
            std::stoi(std::string{static_cast<const char*>(message->payload), message->len}));
        ++found;
    }
    return read;
}

} // namespace

int main()
{
    const handle cluster = make_cluster();
    rd_kafka_mock_cluster_t* mock = rd_kafka_handle_mock_cluster(cluster.get());
    if (rd_kafka_mock_topic_create(mock, topic, partitions, 3) != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail("no topic");
    const std::string servers = rd_kafka_mock_cluster_bootstraps(mock);

    boost::asio::io_context context;
    kurier::producer_config config{servers};
    config.metadata_max_age = std::chrono::seconds{1};
    kurier::producer<> producer{context.get_executor(), config};
    sent so_far;
    for (int round = 0; round < rounds; ++round) {
        send(producer, so_far, round);
        const auto give_up = std::chrono::steady_clock::now() + patience;
        const int wanted = (round + 1) * records_per_round;
        while (so_far.told < wanted && std::chrono::steady_clock::now() < give_up)
            context.run_one_for(std::chrono::milliseconds{100});
        if (so_far.told < wanted) fail(std::to_string(wanted - so_far.told) + " records were told nothing");
        if (so_far.failed) fail(std::to_string(so_far.failed) + " records failed, e.g. " + so_far.why);
        for (int p = 0; p < partitions; ++p)
            rd_kafka_mock_partition_set_leader(mock, topic, p, 1 + (p + round + 1) % 3);
    }

    const auto read = read_back(servers, rounds * records_per_round);
    for (int p = 0; p < partitions; ++p) {
        std::vector<int> expected;
        for (int i = p; i < rounds * records_per_round; i += partitions) expected.push_back(i);
        if (!read.contains(p) || read.at(p) != expected)
            fail("partition " + std::to_string(p) + " doesn't hold what was sent, in order");
    }
    std::printf("librdkafka %s, mock cluster: 1 passed, 0 failed\n", rd_kafka_version_str());
}
