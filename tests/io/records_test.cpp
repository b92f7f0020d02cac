// What goes into a record and what comes out of the broker's log, what is refused, and what happens without room.
#include "support/executors.hpp"
#include "support/loopback.hpp"

#include <kurier/partitioners/round_robin.hpp>
#include <kurier/serializers/uuid.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/steady_timer.hpp>

#include <ranges>
#include <stdexcept>

using namespace kurier;
using namespace kurier::testing;

using strings = kurier::producer<>;

namespace {

struct point
{
    int x = 0, y = 0;
};

struct half_broken // throws for one value, refuses another
{
    void serialize(const int& value, byte_writer& out) const
    {
        if (value == 13) throw std::runtime_error("thirteen is refused");
        if (value == 14) throw 14;
        out.put(std::to_string(value));
    }
};

std::string big_endian(std::uint64_t value, int bytes)
{
    std::string out;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
    return out;
}

} // namespace

template <> struct kurier::serializer<point>
{
    void serialize(const point& p, byte_writer& out) const
    {
        out.put(std::to_string(p.x) + "," + std::to_string(p.y));
    }
};

TEST_CASE("Producers of many types on one engine")
{
    loopback net;
    net.broker->create_topic("t");
    auto engine = net.make_engine();
    kurier::producer<std::int32_t, point> points{engine};
    kurier::producer<std::string, std::optional<std::int64_t>> numbers{engine};
    kurier::producer<std::nullptr_t, std::vector<std::byte>> bytes{engine};
    kurier::producer<std::int16_t, double> doubles{engine};
    kurier::producer<const char*, float> floats{engine};
    net.run([&]() -> asio::awaitable<void> {
        const point somewhere{3, 4};
        co_await points.send({.topic = "t", .key = 258, .value = somewhere});
        co_await numbers.send({.topic = "t", .key = "k", .value = std::optional<std::int64_t>{-1}});
        co_await numbers.send({.topic = "t", .key = "gone", .value = std::nullopt});
        const std::vector<std::byte> raw{std::byte{0}, std::byte{255}};
        co_await bytes.send({.topic = "t", .value = raw});
        co_await bytes.send({.topic = "t", .value = std::vector<std::byte>{}});
        co_await doubles.send({.topic = "t", .key = std::int16_t{-2}, .value = 1.0});
        co_await floats.send({.topic = "t", .key = "f", .value = 1.0F});
        co_await engine.close();
    });
    const auto log = net.broker->log("t");
    REQUIRE(log.size() == 7);
    CHECK(log[0].key == big_endian(258, 4));
    CHECK(log[0].value == "3,4");
    CHECK(log[1].key == "k");
    CHECK(log[1].value == big_endian(~std::uint64_t{0}, 8));
    CHECK(log[2].key == "gone");
    CHECK_FALSE(log[2].value);
    CHECK_FALSE(log[3].key);
    CHECK(log[3].value == std::string("\0\xff", 2));
    CHECK(log[4].value == ""); // empty is not null
    CHECK(log[5].key == "\xff\xfe");
    CHECK(log[5].value == big_endian(0x3ff0000000000000, 8));
    CHECK(log[6].key == "f");
    CHECK(log[6].value == big_endian(0x3f800000, 4));
    for (const auto& each : log) CHECK(each.producer_id == log[0].producer_id);
    CHECK(net.cluster().connections() <= 2);
}

TEST_CASE("Headers, null values among them, and timestamps")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        const std::array<header_view, 3> headers{
            {{"a", as_bytes("1")}, {"a", as_bytes("2")}, {"none", nullable_bytes{}}}};
        const timestamp when{std::chrono::milliseconds{1'234'567'890'123}};
        const auto where =
            co_await producer.send({.topic = "t", .value = "v", .headers = headers, .time = when});
        CHECK(where.time == when);
    });
    const auto log = net.broker->log("t");
    REQUIRE(log.size() == 1);
    CHECK(log[0].timestamp == 1'234'567'890'123);
    CHECK(log[0].headers == std::vector<stored_header>{{"a", "1"}, {"a", "2"}, {"none", std::nullopt}});
}

TEST_CASE("A header's name is what Kafka takes, NUL included: a mirror can pass it on")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    const std::string_view name{"a\0b", 3}, value{"\xff\0", 2};
    net.run([&]() -> asio::awaitable<void> {
        const std::array<header_view, 2> headers{{{name, as_bytes(value)}, {"", nullable_bytes{}}}};
        co_await producer.send({.topic = "t", .value = "v", .headers = headers});
    });
    REQUIRE(net.broker->log("t").size() == 1);
    CHECK(net.broker->log("t")[0].headers ==
          std::vector<stored_header>{{std::string{name}, std::string{value}}, {"", std::nullopt}});
    CHECK(net.cluster().violations().surely_wrong() == 0);
}

TEST_CASE("The broker's time comes back where the topic is set to it")
{
    loopback net;
    topic_options options;
    options.log_append_time = true;
    net.cluster().create_topic("t", options);
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        const timestamp when{std::chrono::milliseconds{1000}};
        const auto where = co_await producer.send({.topic = "t", .value = "v", .time = when});
        CHECK(where.time > when);
        CHECK(where.time.time_since_epoch().count() == net.broker->log("t").at(0).timestamp);
    });
}

TEST_CASE("A partition that is named, and a partitioner")
{
    loopback net;
    net.broker->create_topic("t", 3);
    auto engine = net.make_engine();
    strings producer{engine};
    kurier::producer<std::string_view, std::string_view, round_robin_partitioner> turns{engine};
    net.run([&]() -> asio::awaitable<void> {
        for (std::int32_t i = 0; i < 3; ++i) {
            const auto where =
                co_await producer.send({.topic = "t", .key = "same", .value = "v", .partition = i});
            CHECK(where.partition == i);
        }
        std::array<int, 3> seen{};
        for (int i = 0; i < 6; ++i) {
            const auto where = co_await turns.send({.topic = "t", .value = "v"});
            ++seen[static_cast<std::size_t>(where.partition)];
        }
        CHECK(seen == std::array{2, 2, 2});
        const auto one = co_await producer.send({.topic = "t", .key = "k", .value = "v"});
        const auto two = co_await producer.send({.topic = "t", .key = "k", .value = "v"});
        CHECK(one.partition == two.partition);
    });
}

TEST_CASE("What no broker would take is refused before anything is queued")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    const auto refuse = [&](const strings::record& what, error_code code, std::string_view text) {
        CAPTURE(text);
        outcome told;
        producer.send(what)(told.take());
        REQUIRE(net.until([&] { return told.told == 1; }));
        CHECK(told.error == code);
        CHECK(told.persisted() == persisted::no);
        CAPTURE(told.text());
        CHECK(told.text().find(text) != std::string::npos);
    };
    refuse({.value = "v"}, errc::invalid_topic, "is null");
    refuse({.topic = "", .value = "v"}, errc::invalid_topic, "is empty");
    refuse({.topic = "a b", .value = "v"}, errc::invalid_topic, "letters, digits");
    refuse({.topic = std::string(250, 'x'), .value = "v"}, errc::invalid_topic, "longer than 249");
    refuse({.topic = "t", .value = "v", .partition = -3}, errc::invalid_partition,
           "partition -3 is negative");
    refuse({.topic = "t", .value = "v", .time = timestamp{std::chrono::milliseconds{-1}}},
           errc::invalid_record, "timestamp -1");
    const std::array<header_view, 1> null{{{std::string_view{}, {}}}};
    refuse({.topic = "t", .value = "v", .headers = null}, errc::invalid_record, "header's name is null");
    const std::string huge(2 * 1024 * 1024, 'x');
    refuse({.topic = "t", .value = huge}, errc::record_too_large, "max.request.size is 1048576");
    refuse({.topic = "absent", .value = huge}, errc::record_too_large, "max.request.size");
    CHECK(net.values("t").size() == 1);
    CHECK(net.cluster().violations().surely_wrong() == 0);
}

TEST_CASE("A partition that the topic doesn't have: try_send fails at once, send when max.block.ms is over")
{
    loopback net;
    net.broker->create_topic("t", 2);
    net.config.max_block = std::chrono::milliseconds{50};
    auto producer = net.make_producer();
    for (const bool known : {false, true}) {
        if (known) net.warm_up(producer, "t");
        outcome told, tried;
        producer.send({.topic = "t", .value = "v", .partition = 2})(told.take());
        if (known) producer.try_send({.topic = "t", .value = "v", .partition = 2})(tried.take());
        REQUIRE(net.until([&] { return told.told == 1; }));
        for (const auto* failed : {&told, &tried}) {
            if (failed == &tried && !known) continue;
            CHECK(failed->error == errc::invalid_partition);
            CHECK(failed->text().find("partition 2 and the topic has partitions 0 to 1") !=
                  std::string::npos);
        }
    }
}

TEST_CASE("A record either fits into buffer.memory or is refused at once")
{
    loopback net;
    net.broker->create_topic("t");
    net.config.buffer_memory = 100'000;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    const auto error_of = [&](std::size_t size) {
        const std::string value(size, 'x');
        outcome told;
        producer.send({.topic = "t", .value = value})(told.take());
        REQUIRE(net.until([&] { return told.told == 1; }));
        return told.error;
    };
    for (const std::size_t size : {98'000u, 98'200u, 99'000u, 99'800u}) CHECK_FALSE(error_of(size));
    std::size_t fits = 99'800, too_large = 100'000;
    while (too_large - fits > 1) {
        const auto between = (fits + too_large) / 2;
        if (const auto error = error_of(between)) {
            CHECK(error == errc::record_too_large);
            too_large = between;
        } else {
            fits = between;
        }
    }
    CHECK(fits + 200 > 100'000);
    outcome told; // a large value stays where it is, its key doesn't
    producer.send_large({.topic = "t", .key = std::string(100'000, 'k')},
                        kurier::large_value{std::string(200'000, 'v')})(told.take());
    REQUIRE(net.until([&] { return told.told == 1; }));
    CHECK(told.error == errc::record_too_large);
}

TEST_CASE("A serializer that throws: send throws, send_all counts")
{
    loopback net;
    net.broker->create_topic("t");
    kurier::producer<std::string_view, int, default_partitioner, serializer<std::string_view>, half_broken>
        producer{net.make_engine()};
    CHECK_THROWS_AS(producer.send({.topic = "t", .value = 13}), std::runtime_error);
    net.run([&]() -> asio::awaitable<void> {
        std::vector<decltype(producer)::record> records;
        for (int i = 11; i < 16; ++i) records.push_back({.topic = "t", .value = i});
        auto [ec, summary] = co_await producer.send_all(records, asio::as_tuple(asio::use_awaitable));
        CHECK(ec == errc::serialization_failed);
        CHECK(summary.delivered == 3);
        CHECK(summary.failed == 2);
        CHECK(summary.first_failure->text == "thirteen is refused");
    });
    CHECK(net.values("t") == std::vector<std::string>{"11", "12", "15"});
}

TEST_CASE("A range that throws: send_all tells of the records before")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    const auto alive = std::make_shared<int>();
    auto broken = std::views::iota(0, 5) | std::views::transform([](int i) {
                      if (i == 2) throw i;
                      return strings::record{.topic = "t", .value = "v"};
                  });
    int told = 0;
    producer.send_all(broken, [&told, alive](error_code ec, const send_summary& summary) {
        ++told;
        CHECK(ec == errc::serialization_failed);
        CHECK(summary.delivered == 2);
        CHECK(summary.failed == 1);
        REQUIRE(summary.first_failure);
        CHECK(summary.first_failure->text.find("the range of records threw") == 0);
    });
    CHECK(told == 0);
    REQUIRE(net.until([&] { return told == 1; }));
    CHECK(alive.use_count() == 1);
    CHECK(net.values("t").size() == 2);
}

TEST_CASE("Without memory for the wait the delivery is as it was")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    int allocations = 0;
    const counting_allocator<int> no_memory{allocations, 0};
    const auto never = [](error_code, const record_metadata&) { FAIL("called"); };
    auto sent = producer.send({.topic = "t", .value = "v"});
    auto refused = producer.send({.topic = "no topic", .value = "v"});
    CHECK_THROWS_AS(std::move(sent)(asio::bind_allocator(no_memory, never)), std::bad_alloc);
    CHECK_THROWS_AS(std::move(refused)(asio::bind_allocator(no_memory, never)), std::bad_alloc);
    outcome second_try, third;
    std::move(sent)(second_try.take());
    std::move(refused)(third.take());
    REQUIRE(net.until([&] { return second_try.told + third.told == 2; }));
    CHECK(second_try.where.offset == 1);
    CHECK(third.error == errc::invalid_topic);
}

TEST_CASE("partitions_for")
{
    loopback net;
    net.broker->create_topic("t", 4);
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        const auto found = co_await producer.partitions_for("t");
        REQUIRE(found.size() == 4);
        for (std::int32_t i = 0; i < 4; ++i) {
            CHECK(found[static_cast<std::size_t>(i)].partition == i);
            CHECK(found[static_cast<std::size_t>(i)].leader == 1);
        }
        auto [ec, none] = co_await producer.partitions_for("bad topic", asio::as_tuple(asio::use_awaitable));
        CHECK(ec == errc::invalid_topic);
        CHECK(none.empty());
    });
}

TEST_CASE("A topic that nobody creates: send and partitions_for end after max.block.ms")
{
    cluster_options strict;
    strict.auto_create_topics_enable = false;
    loopback net{strict};
    net.config.max_block = 50ms;
    auto producer = net.make_producer();
    outcome told;
    producer.send({.topic = "missing", .value = "v"})(told.take());
    net.run([&]() -> asio::awaitable<void> {
        auto [ec, none] = co_await producer.partitions_for("missing", asio::as_tuple(asio::use_awaitable));
        CHECK(ec == errc::max_block_exceeded);
    });
    REQUIRE(net.until([&] { return told.told == 1; }));
    CHECK(told.error == errc::max_block_exceeded);
    CHECK(told.persisted() == persisted::no);
    CAPTURE(told.text());
    CHECK(told.text().find("UNKNOWN_TOPIC_OR_PARTITION") != std::string::npos);
    CHECK(told.text().find("max.block.ms") != std::string::npos);
}

TEST_CASE("Without room: send waits in order, try_send says so")
{
    loopback net;
    net.config.buffer_memory = 8192;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    std::vector<int> order;
    int full = 0;
    const std::string filling(1500, 'x');
    for (int i = 0; i < 30; ++i)
        producer.send({.topic = "t", .value = std::to_string(i) + filling})(
            [&order, i](error_code ec, const record_metadata&) {
                CHECK_FALSE(ec);
                order.push_back(i);
            });
    std::string text;
    producer.try_send({.topic = "t", .value = filling})([&](error_code ec, const record_metadata& where) {
        CHECK(ec == errc::buffer_full);
        CHECK(where.failure->persisted == persisted::no);
        text = describe(*where.failure);
        ++full;
    });
    REQUIRE(net.until([&] { return order.size() == 30 && full == 1; }));
    CHECK(text.find("buffer.memory") != std::string::npos);
    const auto stored = net.values("t");
    REQUIRE(stored.size() == 31);
    for (int i = 0; i < 30; ++i) {
        CHECK(order[static_cast<std::size_t>(i)] == i);
        CHECK(stored[static_cast<std::size_t>(i) + 1] == std::to_string(i) + filling);
    }
    outcome again;
    producer.try_send({.topic = "t", .value = filling})(again.take());
    REQUIRE(net.until([&] { return again.told == 1; }));
    CHECK_FALSE(again.error);
    CHECK(net.cluster().violations().surely_wrong() == 0);
}

TEST_CASE("Without room until max.block.ms: the text says what is in use")
{
    loopback net;
    net.config.buffer_memory = 8192;
    net.config.max_block = 50ms;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.silence();
    const std::string filling(5000, 'x');
    outcome stuck, waits;
    producer.send({.topic = "t", .value = filling})(stuck.take());
    producer.send({.topic = "t", .value = filling})(waits.take());
    REQUIRE(net.until([&] { return waits.told == 1; }));
    CHECK(waits.error == errc::max_block_exceeded);
    CHECK(waits.persisted() == persisted::no);
    CAPTURE(waits.text());
    CHECK(waits.text().find("of 8192 bytes of buffer.memory") != std::string::npos);
    CHECK(stuck.told == 0);
}

TEST_CASE("Records that wait are bounded too")
{
    loopback net;
    net.config.waiting_memory = 4096;
    auto producer = net.make_producer();
    const std::string filling(1000, 'x');
    std::array<outcome, 8> told;
    for (auto& each : told) producer.send({.topic = "t", .value = filling})(each.take());
    REQUIRE(net.until(
        [&] { return std::ranges::all_of(told, [](const outcome& each) { return each.told == 1; }); }));
    const auto refused =
        std::ranges::count_if(told, [](const outcome& each) { return each.error == errc::buffer_full; });
    CHECK(refused >= 4);
    CHECK_FALSE(told.front().error);
    CHECK(told.back().error == errc::buffer_full);
    CHECK(told.back().text().find("kurier.waiting.memory") != std::string::npos);
    CHECK(net.values("t").size() == 8 - static_cast<std::size_t>(refused));
}

TEST_CASE("send_all with more than fits, and ready")
{
    loopback net;
    net.config.buffer_memory = 16384;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.run([&]() -> asio::awaitable<void> {
        std::vector<std::string> values;
        for (int i = 0; i < 200; ++i) values.push_back(std::to_string(i) + std::string(500, 'v'));
        std::vector<strings::record> records;
        for (const auto& value : values) records.push_back({.topic = "t", .value = value});
        auto sending = producer.send_all(records, asio::deferred);
        const send_summary summary = co_await std::move(sending);
        CHECK(summary.delivered == 200);
        co_await producer.ready();
        for (int i = 0; i < 200; ++i) {
            co_await producer.ready();
            auto sent = producer.try_send({.topic = "t", .value = values[0]});
            CHECK_FALSE(sent.resolved());
        }
        co_await producer.flush();
        values.insert(values.begin(), "warm up");
        auto stored = net.values("t");
        CHECK(stored.size() == 401);
        stored.resize(values.size());
        CHECK(stored == values);
    });
}

TEST_CASE("A record's time of any precision, and the system clock's now")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        const auto now = std::chrono::system_clock::now();
        const auto where = co_await producer.send({.topic = "t", .value = "v", .time = now});
        CHECK(where.time == std::chrono::floor<std::chrono::milliseconds>(now));
        const std::chrono::sys_days day{std::chrono::days{20'000}};
        co_await producer.send({.topic = "t", .value = "v", .time = day});
        const std::optional<std::chrono::sys_seconds> none;
        co_await producer.send({.topic = "t", .value = "v", .time = none});
    });
    const auto log = net.broker->log("t");
    REQUIRE(log.size() == 3);
    CHECK(log[1].timestamp == 20'000LL * 24 * 3600 * 1000);
    CHECK(log[2].timestamp > log[1].timestamp);
}

TEST_CASE("A record's own timeout, however it is waited for")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.silence();
    outcome sent, kept, caught, group;
    net.run([&]() -> asio::awaitable<void> {
        auto first = producer.send({.topic = "t", .value = "on its way", .timeout = 20ms});
        auto second =
            producer.send({.topic = "t", .value = "queued behind", .partition = 0, .timeout = 20ms});
        std::move(first)(sent.take());
        try {
            co_await producer.send({.topic = "t", .value = "a third", .timeout = 1ms});
        } catch (const delivery_error& error) {
            ++caught.told;
            caught.error = error.code();
            caught.where.failure = error.shared_failure();
        }
        const std::array<strings::record, 1> records{
            strings::record{.topic = "t", .value = "a", .timeout = 20ms}};
        auto [ec, summary] = co_await producer.send_all(records, asio::as_tuple(asio::deferred));
        group.error = ec;
        CHECK(summary.failed == 1);
        std::move(second)(kept.take()); // awaited when its time is long over
    });
    REQUIRE(net.until([&] { return sent.told + kept.told == 2; }));
    for (const auto* one : {&sent, &kept, &caught}) {
        CAPTURE(one->text());
        CHECK(one->error == errc::record_expired);
        CHECK(one->told == 1);
    }
    CHECK(group.error == errc::record_expired);
    CHECK(sent.persisted() == persisted::possibly);
    CHECK(kept.where.failure->topic == "t");
    CHECK(caught.text().find("within the record's timeout") != std::string::npos);
}

TEST_CASE("A record that waits for nothing has its time for itself: nobody is told, and it isn't sent")
{
    loopback net;
    net.config.linger = 1h;
    auto producer = net.make_producer();
    net.broker->create_topic("t");
    outcome late;
    net.run([&]() -> asio::awaitable<void> {
        co_await producer.partitions_for("t");
        auto dropped = producer.send({.topic = "t", .value = "gone", .timeout = 1ms});
        auto held = producer.send({.topic = "t", .value = "gone too", .timeout = 1ms});
        producer.send({.topic = "t", .value = "stays"});
        asio::steady_timer pause{net.context};
        while (!held.resolved()) {
            pause.expires_after(1ms);
            co_await pause.async_wait(asio::use_awaitable);
        }
        CHECK(producer.metrics().records_failed == 2);
        co_await producer.flush();
        std::move(held)(late.take()); // after its batch was delivered without it
    });
    REQUIRE(net.until([&] { return late.told == 1; }));
    CHECK(late.error == errc::record_expired);
    CHECK(late.persisted() == persisted::no);
    CHECK(net.values("t") == std::vector<std::string>{"stays"});
}
