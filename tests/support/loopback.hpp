// A producer's world for tests over real sockets: one event loop, an embedded broker on a loopback port, a log that is
// kept. Nothing sleeps: a test runs the loop until what it waits for is true.
#pragma once

#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI {

inline std::ostream& operator<<(std::ostream& out, persisted what)
{
    return out << to_string(what);
}

namespace testing {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

inline constexpr auto patience = 20s; // for a machine that is busy with other things

// Runs handlers until `done()`; false when it took too long or nothing is left to run.
template <class Done> bool run_until(asio::io_context& context, Done done)
{
    const auto give_up = std::chrono::steady_clock::now() + patience;
    context.restart();
    while (!done()) {
        const auto left = give_up - std::chrono::steady_clock::now();
        if (left <= left.zero() || context.run_one_for(left) == 0) return done();
    }
    return true;
}

// Keeps what a producer logs. Copies share the lines.
struct kept_log
{
    std::shared_ptr<std::vector<std::string>> lines = std::make_shared<std::vector<std::string>>();

    void operator()(const log_event& event) const
    {
        auto& line = lines->emplace_back(std::string{to_string(event.level)} + ' ' +
                                         std::string{event.event} + ": " + std::string{event.text});
        append_log_fields(line, event.fields);
    }
    bool has(std::string_view text) const
    {
        for (const auto& line : *lines)
            if (line.find(text) != std::string::npos) return true;
        return false;
    }
    std::string all() const
    {
        std::string joined;
        for (const auto& line : *lines) joined += line + '\n';
        return joined;
    }
};

inline producer_config quick_config(std::string_view servers)
{
    producer_config config{servers};
    config.linger = 0ms;
    config.retry_backoff = 1ms;
    config.retry_backoff_max = 5ms;
    config.reconnect_backoff = 1ms;
    config.reconnect_backoff_max = 5ms;
    return config;
}

// What a handler was told, and how often.
struct outcome
{
    int told = 0;
    error_code error;
    record_metadata where;

    auto take()
    {
        return [this](error_code ec, const record_metadata& metadata) {
            ++told;
            error = ec;
            where = metadata;
        };
    }
    std::string text() const { return where.failure ? describe(*where.failure) : std::string{}; }
    kurier::persisted persisted() const
    {
        return where.failure ? where.failure->persisted : kurier::persisted::yes;
    }
};

struct loopback
{
    explicit loopback(cluster_options options = {})
        : broker{std::in_place, context.get_executor(), std::move(options)},
          config{quick_config(broker->bootstrap_servers())}
    {}

    kurier::engine make_engine() { return {context.get_executor(), config, log}; }
    kurier::producer<> make_producer() { return kurier::producer<>{make_engine()}; }
    cluster_model& cluster() { return broker->cluster(); }

    template <class Done> bool until(Done done) { return run_until(context, std::move(done)); }

    // Runs what is ready now; what needs a socket or a timer may not have happened yet.
    void settle()
    {
        context.restart();
        while (context.poll() > 0) {
        }
    }

    // Runs a coroutine to its end; throws what it throws.
    template <class Body> void run(Body body)
    {
        bool ended = false;
        std::exception_ptr thrown;
        asio::co_spawn(context, std::move(body), [&](std::exception_ptr error) {
            thrown = error;
            ended = true;
        });
        REQUIRE(until([&] { return ended; }));
        if (thrown) std::rethrow_exception(thrown);
    }

    // The next Produce request is handled, but this connection answers nothing more.
    void silence()
    {
        fault silent;
        silent.api_key = protocol::produce_request::api_key;
        silent.answer = answer_fault::never;
        cluster().inject(silent);
    }

    // Metadata, versions and producer id are there: the next record goes out at once.
    void warm_up(kurier::producer<>& producer, std::string_view topic)
    {
        if (broker->partition_count(topic) == 0) broker->create_topic(topic);
        outcome first;
        producer.send({.topic = topic, .value = "warm up"})(first.take());
        REQUIRE(until([&] { return first.told > 0; }));
        REQUIRE(!first.error);
    }

    std::vector<std::string> values(std::string_view topic, std::int32_t partition = 0)
    {
        std::vector<std::string> found;
        if (partition < broker->partition_count(topic))
            for (auto& stored : broker->log(topic, partition)) found.push_back(stored.value.value_or("null"));
        return found;
    }

    asio::io_context context{1};
    std::optional<embedded_broker> broker;
    producer_config config;
    kept_log log;
};

} // namespace testing
} // namespace kurier::inline KURIER_ABI
