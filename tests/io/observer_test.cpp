// Who watches a producer over real sockets, and what metrics() says there.
#include "support/loopback.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <algorithm>

using namespace kurier;
using namespace kurier::testing;

namespace {

// Keeps what it is told; copies share it.
struct witness
{
    struct seen_batch
    {
        std::string topic;
        std::int32_t partition, records;
        int attempts;
        error_code error;
        persisted written;
        std::int64_t base_offset;
        bool told_before; // any of its records
    };
    struct notes
    {
        std::vector<std::string> records;
        std::vector<seen_batch> batches;
        std::vector<broker_change> changes;
        int records_told = 0;
    };
    std::shared_ptr<notes> seen = std::make_shared<notes>();

    void on_record(const record_event& event) noexcept
    {
        const auto value = as_text(event.value.view());
        seen->records.push_back(std::string{event.topic} + "/" + std::to_string(event.partition) + "/" +
                                std::string{value});
    }
    void on_batch(const batch_event& event) noexcept
    {
        seen->batches.push_back({std::string{event.topic}, event.partition, event.records, event.attempts,
                                 event.error, event.written, event.base_offset, seen->records_told > 0});
        CHECK(event.queued <= event.taken);
        CHECK(event.bytes > 0);
    }
    void on_broker(const broker_event& event) noexcept
    {
        seen->changes.push_back(event.change);
        CHECK(event.host == "127.0.0.1");
        CHECK(event.port > 0);
    }
    auto count(broker_change change) const { return std::ranges::count(seen->changes, change); }
};

using watched_producer =
    kurier::producer<std::string_view, std::string_view, default_partitioner, serializer<std::string_view>,
                     serializer<std::string_view>, witness>;

// Its hook sends.
struct echo
{
    kurier::producer<>* producer;
    void on_batch(const batch_event& event) noexcept
    {
        if (event.topic == "t") producer->send({.topic = "echo", .value = "seen"});
    }
};

} // namespace

TEST_CASE("An observer sees records as they are sent, batches before their records are told, and brokers")
{
    loopback net;
    net.config.linger = 1ms;
    net.broker->create_topic("t", 1);
    auto engine = net.make_engine();
    witness watcher;
    engine.observe(watcher);
    watched_producer producer{engine, {}, {}, {}, watcher};
    producer.send({.topic = "t", .value = "early"}); // the topic is not known yet
    outcome first;
    producer.send({.topic = "t", .value = "second"})([&](error_code ec, const record_metadata&) {
        CHECK_FALSE(ec);
        ++watcher.seen->records_told;
        first.told = 1;
    });
    REQUIRE(net.until([&] { return first.told == 1; }));
    producer.send({.topic = "t", .value = "third"});
    REQUIRE(net.until([&] { return net.values("t").size() == 3 && watcher.seen->batches.size() == 2; }));

    CHECK(watcher.seen->records == std::vector<std::string>{"t/-1/early", "t/-1/second", "t/0/third"});
    const auto& batch = watcher.seen->batches[0];
    CHECK(batch.topic == "t");
    CHECK(batch.partition == 0);
    CHECK(batch.records == 2);
    CHECK(batch.attempts == 1);
    CHECK_FALSE(batch.error);
    CHECK(batch.written == persisted::yes);
    CHECK(batch.base_offset == 0);
    CHECK_FALSE(batch.told_before);
    CHECK(watcher.seen->batches[1].base_offset == 2);
    CHECK(watcher.count(broker_change::connected) >= 1);
    CHECK(watcher.count(broker_change::answered) == 2);

    const auto metrics = producer.metrics();
    CHECK(metrics.records_delivered == 3);
    CHECK(metrics.batches_delivered == 2);
    CHECK(metrics.requests == 2);
    CHECK(metrics.records_failed + metrics.records_refused == 0);
    CHECK(metrics.connections_opened == static_cast<std::uint64_t>(watcher.count(broker_change::connected)));
    CHECK(metrics.bytes_written > metrics.batch_bytes);
}

TEST_CASE("What send refuses is counted and not observed; a batch that fails says so")
{
    loopback net;
    auto engine = net.make_engine();
    witness watcher;
    engine.observe(watcher);
    watched_producer producer{engine, {}, {}, {}, watcher};
    producer.send({.topic = "", .value = "v"});
    producer.send({.topic = "t", .value = "v", .partition = -3});
    CHECK(watcher.seen->records.empty());
    CHECK(producer.metrics().records_refused == 2);

    net.broker->create_topic("t");
    fault refused;
    refused.api_key = protocol::produce_request::api_key;
    refused.error = broker_errc::invalid_record;
    net.cluster().inject(refused);
    producer.send({.topic = "t", .value = "v"});
    REQUIRE(net.until([&] { return watcher.seen->batches.size() == 1; }));
    CHECK(watcher.seen->batches[0].error == broker_errc::invalid_record);
    CHECK(watcher.seen->batches[0].written == persisted::no);
    CHECK(producer.metrics().records_failed == 1);
    CHECK(producer.metrics().records_refused == 2);
}

TEST_CASE("Several observers, and one that sends")
{
    loopback net;
    net.broker->create_topic("t");
    net.broker->create_topic("echo");
    auto producer = net.make_producer();
    witness watcher;
    producer.engine().observe(echo{&producer});
    producer.engine().observe(watcher);
    producer.send({.topic = "t", .value = "v"});
    REQUIRE(net.until([&] { return watcher.seen->batches.size() == 2; }));
    CHECK(watcher.seen->batches[0].topic == "t");
    CHECK(watcher.seen->batches[1].topic == "echo");
    CHECK(net.values("echo").size() == 1);
}

TEST_CASE("A handler that throws does not have its batch observed twice")
{
    loopback net;
    net.config.linger = 1ms;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    witness watcher;
    producer.engine().observe(watcher);
    int told = 0;
    for (int i = 0; i < 3; ++i)
        producer.send({.topic = "t", .value = "v"})([&](error_code, const record_metadata&) {
            ++told;
            throw std::runtime_error{"the user's"};
        });
    while (told < 3) CHECK_THROWS_AS(net.until([&] { return told == 3; }), std::runtime_error);
    REQUIRE(net.until([&] { return watcher.seen->batches.size() == 1; }));
    net.settle();
    CHECK(watcher.seen->batches.size() == 1);
    CHECK(watcher.seen->batches[0].records == 3);
}

TEST_CASE(
    "A batch whose records were all withdrawn is not observed, one of which some were counts the others")
{
    loopback net;
    net.config.linger = 100ms;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    witness watcher;
    producer.engine().observe(watcher);
    asio::cancellation_signal first, second;
    outcome one, two, three;
    producer.send({.topic = "t", .value = "one"})(asio::bind_cancellation_slot(first.slot(), one.take()));
    first.emit(asio::cancellation_type::all);
    REQUIRE(net.until([&] { return one.told == 1; }));
    CHECK(one.error == errc::withdrawn);
    net.run([&]() -> asio::awaitable<void> { co_await producer.flush(); });
    producer.send({.topic = "t", .value = "two"})(asio::bind_cancellation_slot(second.slot(), two.take()));
    producer.send({.topic = "t", .value = "three"})(three.take());
    second.emit(asio::cancellation_type::all);
    REQUIRE(net.until([&] { return two.told == 1 && three.told == 1; }));
    REQUIRE(watcher.seen->batches.size() == 1);
    CHECK(watcher.seen->batches[0].records == 1);
    CHECK(watcher.seen->batches[0].written == persisted::yes);
}

TEST_CASE("A connection that breaks is told with the request that it took along")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    witness watcher;
    producer.engine().observe(watcher);
    const auto before = producer.metrics();
    fault cut;
    cut.api_key = protocol::produce_request::api_key;
    cut.close_after_answer_bytes = 0;
    net.cluster().inject(cut);
    outcome sent;
    producer.send({.topic = "t", .value = "v"})(sent.take());
    REQUIRE(net.until([&] { return sent.told == 1; }));
    CHECK_FALSE(sent.error);
    CHECK(watcher.count(broker_change::unanswered) == 1);
    CHECK(watcher.count(broker_change::disconnected) == 1);
    const auto after = producer.metrics();
    CHECK(after.requests_lost == before.requests_lost + 1);
    CHECK(after.connections_failed == before.connections_failed + 1);
    CHECK(after.records_retried == before.records_retried + 1);
    CHECK(watcher.seen->batches[0].attempts == 2);
    watcher.seen->changes.clear();
    net.run([&]() -> asio::awaitable<void> { co_await producer.close(); });
    net.settle();
    CHECK(watcher.count(broker_change::disconnected) == static_cast<std::ptrdiff_t>(after.connections));
}
