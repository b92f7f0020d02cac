// Code of the user's that is called while a record is sent: it may send itself, and it may throw anything.
#include "support/loopback.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

#include <functional>
#include <memory>
#include <stdexcept>

using namespace kurier;
using namespace kurier::testing;

namespace {

struct customer
{
    std::string name;
};
struct order
{
    int id = 0;
};

using hook = std::shared_ptr<std::function<void()>>;

struct customer_serializer
{
    void serialize(const customer& one, byte_writer& out) const { out.put(one.name); }
};

// Calls the hook in the middle of its work.
struct order_serializer
{
    hook inside = std::make_shared<std::function<void()>>();

    void serialize(const order& one, byte_writer& out, const serialize_context& context) const
    {
        out.put(std::string_view{"order "});
        context.headers.add("id", as_bytes("x"));
        if (one.id > 0 && *inside) (*inside)();
        if (one.id == 13) throw 13;
        if (one.id == 14) throw std::runtime_error("fourteen");
        out.put(std::to_string(one.id));
    }
};

// Sends a record to "audit" for each that it places.
struct auditing_partitioner
{
    std::function<void(std::string_view topic)> inside;

    std::int32_t partition(const partition_query& query) noexcept
    {
        if (inside) inside(query.topic);
        return query.key.is_null() ? any_partition
                                   : murmur2_partition(query.key.view(), query.partition_count);
    }
};

// Stays with one partition until that would begin a batch (KIP-480).
struct sticky_partitioner
{
    std::int32_t current = 0;
    int* batches;

    std::int32_t partition(const partition_query& query) noexcept { return current % query.partition_count; }
    void on_new_batch(std::string_view, std::int32_t partition) noexcept
    {
        ++*batches;
        if (partition == current) current = (current + 1) % 4;
    }
};
using sticky_producer = kurier::producer<std::string_view, std::string_view, sticky_partitioner>;

struct auditing_observer
{
    std::shared_ptr<std::function<void()>> inside = std::make_shared<std::function<void()>>();
    std::shared_ptr<std::vector<std::string>> seen = std::make_shared<std::vector<std::string>>();

    void on_record(const record_event& event) noexcept
    {
        if (event.topic == "audit") return;
        if (*inside) (*inside)();
        seen->push_back(std::string{as_text(event.key.view())} + "=" +
                        std::string{as_text(event.value.view())});
    }
};

struct numbered_throws // a range whose third element can't be had
{
    using record =
        kurier::producer<customer, order, default_partitioner, customer_serializer, order_serializer>::record;
    struct iterator
    {
        int at = 0;
        const record* one = nullptr;
        const record& operator*() const
        {
            if (at == 2) throw 2;
            return *one;
        }
        iterator& operator++()
        {
            ++at;
            return *this;
        }
        bool operator==(const iterator& other) const { return at == other.at; }
    };
    const record* one;
    iterator begin() const { return {0, one}; }
    iterator end() const { return {5, one}; }
};

using orders = kurier::producer<customer, order, default_partitioner, customer_serializer, order_serializer>;

} // namespace

TEST_CASE(
    "A serializer that sends through the same producer changes nothing of the record that it is called for")
{
    loopback net;
    net.broker->create_topic("orders");
    net.broker->create_topic("audit");
    order_serializer serializer;
    orders producer{net.make_engine(), {}, {}, serializer};
    const customer auditor{"a key that is longer than the other one by far"}, buyer{"customer-7"};
    const order none{-1}, first{1};
    const auto large = std::make_shared<const std::string>(5000, 'L');
    int sent_inside = 0;
    *serializer.inside = [&] {
        ++sent_inside;
        producer.send({.topic = "audit", .key = auditor, .value = none});
        producer.send_large({.topic = "audit", .key = auditor}, large_value{large, as_bytes(*large)});
    };
    net.run([&]() -> asio::awaitable<void> {
        co_await producer.partitions_for("orders");
        co_await producer.partitions_for("audit");
        const std::array<header_view, 1> given{{{"given", as_bytes("1")}}};
        co_await producer.send({.topic = "orders", .key = buyer, .value = first, .headers = given});
        co_await producer.flush();
    });
    CHECK(sent_inside == 1);
    const auto log = net.broker->log("orders");
    REQUIRE(log.size() == 1);
    CHECK(log[0].key == "customer-7");
    CHECK(log[0].value == "order 1");
    CHECK(log[0].headers == std::vector<stored_header>{{"given", "1"}, {"id", "x"}});
    const auto audit = net.broker->log("audit");
    REQUIRE(audit.size() == 2);
    for (const auto& one : audit) CHECK(one.key == auditor.name);
    CHECK(audit[0].value == "order -1");
    CHECK(audit[0].headers == std::vector<stored_header>{{"id", "x"}});
    CHECK(audit[1].value == *large);
}

TEST_CASE("A partitioner that sends, while its record is sent and when its topic becomes known")
{
    loopback net;
    net.config.batch_size = 100; // a few records are a batch, which leaves early
    net.broker->create_topic("orders", 4);
    net.broker->create_topic("audit");
    using placed =
        kurier::producer<customer, order, auditing_partitioner, customer_serializer, order_serializer>;
    std::optional<placed> producer;
    const customer auditor{"auditor"}, buyer{"customer-7"};
    const order none{-1}, first{1};
    int inside = 0;
    producer.emplace(net.make_engine(), auditing_partitioner{[&](std::string_view topic) {
                         if (topic == "audit") return;
                         ++inside;
                         for (int i = 0; i < 9; ++i)
                             producer->send({.topic = "audit", .key = auditor, .value = none});
                     }});
    net.run([&]() -> asio::awaitable<void> {
        co_await producer->partitions_for("audit");
        for (int i = 0; i < 3; ++i)
            producer->send({.topic = "orders", .key = buyer, .value = first}); // not known
        co_await producer->flush();
        co_await producer->send({.topic = "orders", .key = buyer, .value = first});
        co_await producer->flush();
    });
    CHECK(inside == 4);
    std::size_t found = 0;
    for (std::int32_t partition = 0; partition < 4; ++partition)
        for (const auto& one : net.broker->log("orders", partition)) {
            ++found;
            CHECK(one.key == "customer-7");
            CHECK(one.value == "order 1");
        }
    CHECK(found == 4);
    CHECK(net.values("audit") == std::vector<std::string>(36, "order -1"));
    producer.reset();
}

TEST_CASE("A partitioner hears when its choice would begin a batch, and may choose again")
{
    loopback net;
    net.config.batch_size = 1000;
    net.config.linger = 1h;
    net.broker->create_topic("t", 4);
    int told = 0;
    std::optional<sticky_producer> producer;
    producer.emplace(net.make_engine(), sticky_partitioner{0, &told});
    const std::string value(40, 'v');
    const std::array<header_view, 1> headers{{{"a", as_bytes("1")}}};
    net.run([&]() -> asio::awaitable<void> {
        SUBCASE("where the topic is known")
        {
            co_await producer->partitions_for("t");
        }
        SUBCASE("where it becomes known with all of the records waiting") {}
        for (int i = 0; i < 400; ++i)
            if (i % 10 == 0) // takes the slow way, and begins a batch no sooner for that
                producer->send({.topic = "t", .value = value, .headers = headers});
            else
                producer->send({.topic = "t", .value = value});
        co_await producer->flush();
    });
    CAPTURE(told);
    for (std::int32_t partition = 0; partition < 4; ++partition) {
        const auto records = net.broker->log("t", partition).size();
        CHECK(records > 70); // an even spread is 100
        CHECK(records < 130);
    }
    const auto batches = producer->metrics().batches_delivered;
    CHECK(static_cast<std::uint64_t>(told) >= batches - 4);
    CHECK(static_cast<std::uint64_t>(told) <= batches + 4);
    CHECK(batches < 400 / 15); // full ones
    producer.reset();
}

TEST_CASE("A record that names its partition is none of the partitioner's business")
{
    loopback net;
    net.broker->create_topic("t", 4);
    int told = 0;
    sticky_producer producer{net.make_engine(), sticky_partitioner{0, &told}};
    net.run([&]() -> asio::awaitable<void> {
        co_await producer.partitions_for("t");
        const auto where = co_await producer.send({.topic = "t", .value = "v", .partition = 3});
        CHECK(where.partition == 3);
    });
    CHECK(told == 0);
}

TEST_CASE("An observer of records that sends, and then looks at its own event")
{
    loopback net;
    net.broker->create_topic("orders");
    net.broker->create_topic("audit");
    auditing_observer observer;
    kurier::producer<customer, order, default_partitioner, customer_serializer, order_serializer,
                     auditing_observer>
        producer{net.make_engine(), {}, {}, {}, observer};
    const customer auditor{"a key that is longer than the other one by far"}, buyer{"customer-7"};
    const order none{-1}, first{1};
    *observer.inside = [&] { producer.send({.topic = "audit", .key = auditor, .value = none}); };
    net.run([&]() -> asio::awaitable<void> {
        co_await producer.send({.topic = "orders", .key = buyer, .value = first}); // parked, then known
        co_await producer.send({.topic = "orders", .key = buyer, .value = first});
        co_await producer.flush();
    });
    CHECK(*observer.seen == std::vector<std::string>(2, "customer-7=order 1"));
    CHECK(net.values("audit").size() == 2);
}

TEST_CASE("A serializer that throws anything leaves the producer as it was")
{
    loopback net;
    net.broker->create_topic("orders");
    orders producer{net.make_engine()};
    const customer buyer{"customer-7"};
    const order bad{13}, good{1};
    CHECK_THROWS_AS(producer.send({.topic = "orders", .key = buyer, .value = bad}), int);
    net.run([&]() -> asio::awaitable<void> {
        co_await producer.send({.topic = "orders", .key = buyer, .value = good});
    });
    CHECK(net.values("orders") == std::vector<std::string>{"order 1"});
}

TEST_CASE(
    "send_all: what a serializer or the range throws is the failure of that record; the others are delivered")
{
    loopback net;
    net.broker->create_topic("orders");
    orders producer{net.make_engine()};
    const customer buyer{"customer-7"};
    const order good{1}, throws_int{13}, throws_error{14};
    const std::vector<orders::record> records{{.topic = "orders", .key = buyer, .value = good},
                                              {.topic = "orders", .key = buyer, .value = throws_int},
                                              {.topic = "orders", .key = buyer, .value = throws_error},
                                              {.topic = "orders", .key = buyer, .value = good}};
    net.run([&]() -> asio::awaitable<void> {
        auto [ec, summary] = co_await producer.send_all(records, asio::as_tuple(asio::deferred));
        CHECK(ec == errc::serialization_failed);
        CHECK(summary.delivered == 2);
        CHECK(summary.failed == 2);
        CHECK(summary.first_failure->text == "what was thrown is no std::exception");

        const numbered_throws range{&records[0]};
        auto [second, rest] = co_await producer.send_all(range, asio::as_tuple(asio::deferred));
        CHECK(second == errc::serialization_failed);
        CHECK(rest.delivered == 2);
        CHECK(rest.failed == 1);
    });
    CHECK(net.values("orders").size() == 4);
}

TEST_CASE("A log sink that throws loses its line, nothing else")
{
    loopback net;
    net.broker->create_topic("orders");
    int lines = 0;
    const auto broken = [&lines](const log_event&) {
        ++lines;
        throw std::runtime_error("disk full");
    };
    kurier::producer<> producer{kurier::engine{net.context.get_executor(), net.config, broken}};
    net.run([&]() -> asio::awaitable<void> {
        co_await producer.send({.topic = "orders", .value = "v"});
        co_await producer.close();
    });
    CHECK(lines > 0);
    CHECK(net.values("orders") == std::vector<std::string>{"v"});
}

TEST_CASE("The seed of an engine's random numbers is in its debug log")
{
    loopback net;
    const auto engine = net.make_engine();
    CHECK(net.log.has("debug engine.started"));
    CHECK(net.log.has(" seed="));
}
