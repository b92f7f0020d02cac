// librdkafka as a measured client: rd_kafka_produce with a copied payload, a poll every 64 messages, and a
// delivery report callback that counts, as its own documentation and performance tool do it.
#include "../../pacer.hpp"
#include "../../payload.hpp"
#include "../../peer_arguments.hpp"

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <iterator>
#include <memory>
#include <thread>

using namespace kurier::bench;

namespace {

struct deliveries
{
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    std::vector<std::uint64_t> sent_ns; // of a fixed rate, by record
    std::unique_ptr<pacer> pace;
    histogram from_send;
    histogram from_due;
};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque)
{
    auto& all = *static_cast<deliveries*>(opaque);
    ++(message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? all.ok : all.failed);
    if (all.pace == nullptr || message->_private == nullptr) return;
    const auto record = reinterpret_cast<std::uintptr_t>(message->_private) - 1;
    const std::uint64_t now = monotonic_ns();
    all.from_send.record(now - all.sent_ns[record]);
    all.from_due.record(now - all.pace->due_ns(record));
}

class client
{
public:
    client(const peer_arguments& arguments, deliveries& all) : headers_{arguments.headers}
    {
        rd_kafka_conf_t* const conf = rd_kafka_conf_new();
        set(conf, "bootstrap.servers", arguments.bootstrap);
        set(conf, "compression.codec", arguments.codec);
        set(conf, "acks", arguments.acks);
        set(conf, "enable.idempotence", arguments.idempotent ? "true" : "false");
        set(conf, "partitioner", "murmur2_random"); // as Java's and franz-go's, instead of its own CRC32
        if (arguments.linger_ms != "default") set(conf, "linger.ms", arguments.linger_ms);
        if (arguments.batch_bytes != "default") set(conf, "batch.size", arguments.batch_bytes);
        for (const auto& [name, value] : arguments.extra) set(conf, name, value);
        rd_kafka_conf_set_dr_msg_cb(conf, &on_delivery);
        rd_kafka_conf_set_opaque(conf, &all);
        char error[512];
        handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
        if (handle_ == nullptr) throw std::runtime_error{error};
        for (std::size_t i = 0; i < arguments.topics; ++i)
            topics_.push_back(rd_kafka_topic_new(handle_, arguments.topic_name(i).c_str(), nullptr));
        learn(arguments.known_topics);
    }

    client(const client&) = delete;

    ~client()
    {
        for (rd_kafka_topic_t* const topic : topics_) rd_kafka_topic_destroy(topic);
        for (rd_kafka_topic_t* const topic : idle_) rd_kafka_topic_destroy(topic);
        rd_kafka_destroy(handle_);
    }

    // False when the queue is full.
    bool produce(std::size_t topic, std::string_view value, std::string_view key, void* opaque)
    {
        return headers_ == 0 ? produce_plain(topic, value, key, opaque)
                             : produce_with_headers(topic, value, key, opaque);
    }

    void poll(int timeout_ms) { rd_kafka_poll(handle_, timeout_ms); }

    void flush()
    {
        while (rd_kafka_outq_len(handle_) > 0) rd_kafka_flush(handle_, 1000);
    }

private:
    static void set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value)
    {
        char error[512];
        if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK)
            throw std::runtime_error{error};
    }

    // A topic stays in librdkafka's metadata while there is a handle for it.
    void learn(const std::string& known_topics)
    {
        const std::size_t colon = known_topics.rfind(':');
        const std::size_t count = colon == std::string::npos ? 0 : std::stoul(known_topics.substr(colon + 1));
        for (std::size_t i = 0; i < count; ++i) {
            const std::string name = known_topics.substr(0, colon) + "-" + std::to_string(i);
            idle_.push_back(rd_kafka_topic_new(handle_, name.c_str(), nullptr));
            const rd_kafka_metadata_t* metadata = nullptr;
            if (rd_kafka_metadata(handle_, 0, idle_.back(), &metadata, 10'000) == RD_KAFKA_RESP_ERR_NO_ERROR)
                rd_kafka_metadata_destroy(metadata);
        }
    }

    bool produce_plain(std::size_t topic, std::string_view value, std::string_view key, void* opaque)
    {
        if (rd_kafka_produce(topics_[topic], RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                             const_cast<char*>(value.data()), value.size(), key.data(), key.size(),
                             opaque) == 0)
            return true;
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            throw std::runtime_error{rd_kafka_err2str(rd_kafka_last_error())};
        return false;
    }

    bool produce_with_headers(std::size_t topic, std::string_view value, std::string_view key, void* opaque)
    {
        rd_kafka_headers_t* const headers = rd_kafka_headers_new(headers_);
        for (std::size_t i = 0; i < headers_; ++i)
            rd_kafka_header_add(headers, "trace-id", 8, "0123456789abcdef", 16);
        rd_kafka_vu_t parts[6]{};
        parts[0].vtype = RD_KAFKA_VTYPE_RKT;
        parts[0].u.rkt = topics_[topic];
        parts[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
        parts[1].u.i = RD_KAFKA_MSG_F_COPY;
        parts[2].vtype = RD_KAFKA_VTYPE_VALUE;
        parts[2].u.mem = {const_cast<char*>(value.data()), value.size()};
        parts[3].vtype = RD_KAFKA_VTYPE_KEY;
        parts[3].u.mem = {const_cast<char*>(key.data()), key.size()};
        parts[4].vtype = RD_KAFKA_VTYPE_HEADERS;
        parts[4].u.headers = headers;
        parts[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
        parts[5].u.ptr = opaque;
        rd_kafka_error_t* const failure = rd_kafka_produceva(handle_, parts, std::size(parts));
        const rd_kafka_resp_err_t error =
            failure == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(failure);
        rd_kafka_error_destroy(failure);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
        rd_kafka_headers_destroy(headers);
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) throw std::runtime_error{rd_kafka_err2str(error)};
        return false;
    }

    std::size_t headers_;
    rd_kafka_t* handle_ = nullptr;
    std::vector<rd_kafka_topic_t*> topics_;
    std::vector<rd_kafka_topic_t*> idle_;
};

// Connections, metadata, producer id: not part of what is measured.
void warm_up(client& kafka, const peer_arguments& arguments, std::string_view value, deliveries& all)
{
    for (std::size_t topic = 0; topic < arguments.topics; ++topic) kafka.produce(topic, value, {}, nullptr);
    kafka.flush();
    if (all.failed != 0) throw std::runtime_error{"the warm-up failed"};
    all.ok = 0;
}

void at_full_speed(client& kafka, const peer_arguments& arguments, const value_pool& values,
                   const key_pool& keys)
{
    cycle value{values.size()};
    cycle key{std::max<std::size_t>(keys.size(), 1)};
    cycle topic{arguments.topics};
    cycle turn{64};
    for (std::uint64_t i = 0; i < arguments.records; ++i) {
        const std::string_view sent_value = values[value.next()];
        const std::string_view sent_key = keys.size() == 0 ? std::string_view{} : keys[key.next()];
        const std::size_t sent_topic = topic.next();
        while (!kafka.produce(sent_topic, sent_value, sent_key, nullptr)) kafka.poll(1);
        if (turn.next() == 0) kafka.poll(0);
    }
    kafka.flush();
}

void at_fixed_rate(client& kafka, const peer_arguments& arguments, const value_pool& values,
                   const key_pool& keys, deliveries& all)
{
    std::atomic<bool> polling{true};
    std::thread poller{[&] {
        while (polling) kafka.poll(100);
    }};
    cycle value{values.size()};
    cycle key{std::max<std::size_t>(keys.size(), 1)};
    for (std::uint64_t i = 0; i < arguments.records; ++i) {
        if (all.pace->starts_burst(i)) sleep_until(all.pace->due_ns(i));
        const std::string_view sent_value = values[value.next()];
        const std::string_view sent_key = keys.size() == 0 ? std::string_view{} : keys[key.next()];
        all.sent_ns[i] = monotonic_ns();
        while (!kafka.produce(0, sent_value, sent_key,
                              reinterpret_cast<void*>(static_cast<std::uintptr_t>(i + 1))))
            sleep_until(monotonic_ns() + 1'000'000);
    }
    kafka.flush();
    polling = false;
    poller.join();
}

int run(const peer_arguments& arguments)
{
    const value_pool values = value_pool::from_file(arguments.payload, "\n");
    const key_pool keys{arguments.keys};
    const auto all = std::make_unique<deliveries>();
    client kafka{arguments, *all};
    warm_up(kafka, arguments, values[0], *all);

    peer_result result;
    result.peer = "librdkafka";
    result.version = rd_kafka_version_str();
    result.records = arguments.records;
    if (arguments.rate > 0) {
        all->sent_ns.assign(arguments.records, 0);
        ask_for_precise_timers();
    }
    const processor_time before = processor_time_used();
    const std::uint64_t start = monotonic_ns();
    if (arguments.rate > 0) {
        all->pace = std::make_unique<pacer>(start, arguments.rate, arguments.burst);
        at_fixed_rate(kafka, arguments, values, keys, *all);
    } else {
        at_full_speed(kafka, arguments, values, keys);
    }
    result.wall_ns = monotonic_ns() - start;
    result.processor = processor_time_used() - before;
    result.peak_memory = peak_memory_kb();
    result.ok = all->ok;
    result.failed = all->failed;
    if (arguments.rate > 0) {
        result.from_send = &all->from_send;
        result.from_due = &all->from_due;
    }
    result.print();
    return result.ok == arguments.records ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(peer_arguments::parse(argc, argv));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "librdkafka client: %s\n", error.what());
        return 2;
    }
}
