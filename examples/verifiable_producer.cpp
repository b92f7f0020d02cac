// Flag for flag and line for line Kafka's own org.apache.kafka.tools.VerifiableProducer, so that Kafka's system tests
// can drive kurier: sends increasing numbers and writes what became of each as a line of JSON.
// Like the Java tool it does not retry, unless the configuration file says so.
#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>
#include <kurier/oidc.hpp>
#include <kurier/producer.hpp>
#include <kurier/properties.hpp>
#include <kurier/sasl.hpp>
#include <kurier/tls.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

namespace asio = boost::asio;
using namespace std::chrono;
using every_codec =
    kurier::codecs<kurier::gzip_codec, kurier::snappy_codec, kurier::lz4_codec, kurier::zstd_codec>;
using text_producer = kurier::producer<std::optional<std::string_view>, std::string_view>;

struct options
{
    std::string topic;
    kurier::producer_config config;
    std::int64_t max_messages = -1;        // -1: until a signal comes
    std::int64_t throughput = -1;          // records per second; -1: as fast as it goes
    std::int64_t message_create_time = -1; // of the first record; -1: now
    std::optional<int> value_prefix;
    int repeating_keys = -1; // keys 0 .. n-1 in turn; -1: no keys
};

std::int64_t now_ms()
{
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string json_text(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (static_cast<unsigned char>(c) >= 0x20)
            out += c;
        else
            out += ' ';
    }
    return out += '"';
}

void print_event(std::string_view name, const std::string& fields)
{
    std::printf("{\"timestamp\":%lld,\"name\":\"%.*s\"%s}\n", static_cast<long long>(now_ms()),
                static_cast<int>(name.size()), name.data(), fields.c_str());
    std::fflush(stdout);
}

struct progress
{
    std::int64_t sent = 0, acked = 0;
    bool stopping = false;
};

struct message
{
    std::optional<std::string> key;
    std::string value;

    std::string key_json() const { return key ? json_text(*key) : "null"; }
};

void report(const message& what, const options& o, kurier::error_code ec,
            const kurier::record_metadata& where, progress& counts)
{
    const auto fields = ",\"key\":" + what.key_json() + ",\"value\":" + json_text(what.value);
    if (!ec) {
        ++counts.acked;
        print_event("producer_send_success", fields + ",\"topic\":" + json_text(where.topic) +
                                                 ",\"partition\":" + std::to_string(where.partition) +
                                                 ",\"offset\":" + std::to_string(where.offset));
        return;
    }
    const auto text = where.failure ? kurier::describe(*where.failure) : ec.message();
    const auto written = where.failure ? where.failure->persisted : kurier::persisted::possibly;
    print_event("producer_send_error", ",\"topic\":" + json_text(o.topic) + fields +
                                           ",\"exception\":" + json_text(kurier::error_name(ec)) +
                                           ",\"message\":" + json_text(text) + ",\"persisted\":\"" +
                                           std::string{kurier::to_string(written)} + "\"");
}

message make_message(const options& o, std::int64_t number)
{
    message made;
    if (o.repeating_keys > 0) made.key = std::to_string(number % o.repeating_keys);
    made.value = o.value_prefix ? std::to_string(*o.value_prefix) + "." + std::to_string(number)
                                : std::to_string(number);
    return made;
}

asio::awaitable<void> run(const options& o, std::shared_ptr<progress> counts)
{
    const auto executor = co_await asio::this_coro::executor;
    text_producer to{kurier::engine{executor, o.config, every_codec{}, kurier::tls{},
                                    kurier::sasl::from_config{kurier::oidc{}}}};
    asio::steady_timer pause{executor};
    asio::signal_set signals{executor, SIGINT, SIGTERM};
    signals.async_wait([&pause, counts](boost::system::error_code ec, int) {
        if (ec) return;
        counts->stopping = true;
        pause.cancel();
    });

    print_event("startup_complete", "");
    const auto start = steady_clock::now();
    const auto start_ms = now_ms();
    for (std::int64_t i = 0; (o.max_messages < 0 || i < o.max_messages) && !counts->stopping; ++i) {
        auto what = std::make_shared<message>(make_message(o, i));
        std::optional<kurier::timestamp> time;
        if (o.message_create_time >= 0)
            time = kurier::timestamp{milliseconds{o.message_create_time + (now_ms() - start_ms)}};
        std::optional<std::string_view> key;
        if (what->key) key = *what->key;
        to.send({.topic = o.topic, .key = key, .value = what->value, .time = time})(
            [what, &o, counts](kurier::error_code ec, const kurier::record_metadata& where) {
                report(*what, o, ec, where, *counts);
            });
        ++counts->sent;
        if (o.throughput > 0) {
            const auto due = start + duration_cast<steady_clock::duration>(duration<double>(
                                         static_cast<double>(i + 1) / static_cast<double>(o.throughput)));
            if (due > steady_clock::now()) {
                boost::system::error_code ignored;
                pause.expires_at(due);
                co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            }
        }
        if (i % 100 == 0) co_await to.ready(asio::use_awaitable);
    }
    co_await to.close(asio::use_awaitable);
    signals.cancel();
    print_event("shutdown_complete", "");
    const auto seconds = duration<double>(steady_clock::now() - start).count();
    char average[64];
    std::snprintf(average, sizeof average, "%.6f",
                  seconds > 0 ? static_cast<double>(counts->acked) / seconds : 0.0);
    print_event("tool_data", ",\"sent\":" + std::to_string(counts->sent) +
                                 ",\"acked\":" + std::to_string(counts->acked) + ",\"target_throughput\":" +
                                 std::to_string(o.throughput) + ",\"avg_throughput\":" + average);
}

options parse_options(int count, char** arguments)
{
    options o;
    std::string servers, properties, acks = "-1";
    for (int i = 1; i < count; i += 2) {
        const std::string name = arguments[i];
        if (i + 1 == count) throw std::invalid_argument{name + " needs a value"};
        const std::string value = arguments[i + 1];
        if (name == "--topic")
            o.topic = value;
        else if (name == "--bootstrap-server" || name == "--broker-list")
            servers = value;
        else if (name == "--max-messages")
            o.max_messages = std::stoll(value);
        else if (name == "--throughput")
            o.throughput = std::stoll(value);
        else if (name == "--acks")
            acks = value;
        else if (name == "--message-create-time")
            o.message_create_time = std::stoll(value);
        else if (name == "--value-prefix")
            o.value_prefix = std::stoi(value);
        else if (name == "--repeating-keys")
            o.repeating_keys = std::stoi(value);
        else if (name == "--command-config" || name == "--producer.config") {
            std::ifstream file{value};
            if (!file) throw std::invalid_argument{"can't read " + value};
            std::stringstream text;
            text << file.rdbuf();
            properties = text.str();
        } else
            throw std::invalid_argument{"unknown option " + name};
    }
    if (o.topic.empty() || servers.empty())
        throw std::invalid_argument{"--bootstrap-server and --topic are needed"};
    // The file comes last, so that it may ask for retries.
    o.config = kurier::from_properties("acks=" + acks + "\nretries=0\n" + properties +
                                       "\nbootstrap.servers=" + servers + "\n");
    return o;
}

int main(int count, char** arguments)
{
    try {
        const auto o = parse_options(count, arguments);
        asio::io_context context{1};
        std::exception_ptr error;
        asio::co_spawn(context, run(o, std::make_shared<progress>()),
                       [&error](std::exception_ptr thrown) { error = thrown; });
        context.run();
        if (error) std::rethrow_exception(error);
    } catch (const std::exception& error) {
        std::cerr << "verifiable_producer: " << error.what() << '\n';
        return 1;
    }
}
