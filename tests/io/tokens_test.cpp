// Every way to wait for a delivery, over a real socket.
#include "support/loopback.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <array>
#include <atomic>
#include <future>
#include <thread>

using namespace kurier;
using namespace kurier::testing;

using producer_of_strings = kurier::producer<>;

TEST_CASE("co_await gives the metadata")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        const record_metadata first = co_await producer.send({.topic = "t", .key = "k", .value = "one"});
        CHECK(first.topic == "t");
        CHECK(first.partition == 0);
        CHECK(first.offset == 0);
        CHECK(first.time.time_since_epoch().count() > 0);
        const record_metadata second =
            co_await producer.send({.topic = "t", .value = std::string(36, 'v') + "v"});
        CHECK(second.offset == 1);
        co_await producer.close();
    });
    CHECK(net.broker->log("t").at(0).value == "one");
    CHECK(net.cluster().violations().surely_wrong() == 0);
}

TEST_CASE("co_await throws a delivery_error that says what is known")
{
    loopback net;
    net.broker->create_topic("t");
    net.cluster().fail_next("t", 0, broker_errc::topic_authorization_failed);
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        try {
            co_await producer.send({.topic = "t", .value = "v"});
            FAIL("it should have thrown");
        } catch (const delivery_error& error) {
            CHECK(error.code() == broker_errc::topic_authorization_failed);
            CHECK(error.failure().topic == "t");
            CHECK(error.failure().partition == 0);
            CHECK(error.failure().attempts == 1);
            CHECK(error.failure().persisted == persisted::no);
            CHECK(error.failure().last_broker.find(net.broker->bootstrap_servers()) == 0);
            CHECK(std::string_view{error.what()}.find("it was not written") != std::string_view::npos);
        }
    });
}

TEST_CASE("as_tuple and redirect_error give the error without throwing")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        auto [ec, where] =
            co_await producer.send({.topic = "t", .value = "1"})(asio::as_tuple(asio::deferred));
        CHECK_FALSE(ec);
        CHECK(where.offset == 0);
        auto [again, there] =
            co_await producer.send({.topic = "t", .value = "2"})(asio::as_tuple(asio::use_awaitable));
        CHECK_FALSE(again);
        CHECK(there.offset == 1);
        auto [bad, nowhere] =
            co_await producer.send({.topic = "", .value = "3"})(asio::as_tuple(asio::use_awaitable));
        CHECK(bad == errc::invalid_topic);
        REQUIRE(nowhere.failure);
        CHECK(nowhere.failure->persisted == persisted::no);

        error_code error;
        const auto place = co_await producer.send({.topic = "t", .value = "4"})(
            asio::redirect_error(asio::use_awaitable, error));
        CHECK_FALSE(error);
        CHECK(place.offset == 2);
        co_await producer.send({.topic = "", .value = "5"})(asio::redirect_error(asio::use_awaitable, error));
        CHECK(error == errc::invalid_topic);
    });
}

TEST_CASE("use_awaitable, deferred and use_future throw a delivery_error too")
{
    loopback net;
    auto producer = net.make_producer();
    const auto explains = [](const delivery_error& error) {
        CHECK(error.code() == errc::invalid_topic);
        CHECK(error.failure().topic == "..");
    };
    net.run([&]() -> asio::awaitable<void> {
        try {
            co_await producer.send({.topic = ".."})(asio::use_awaitable);
            FAIL("it should have thrown");
        } catch (const delivery_error& error) {
            explains(error);
        }
        try {
            co_await producer.send({.topic = ".."})(asio::deferred);
            FAIL("it should have thrown");
        } catch (const delivery_error& error) {
            explains(error);
        }
    });
    auto failing = producer.send({.topic = ".."})(asio::use_future);
    REQUIRE(net.until([&] { return failing.wait_for(0s) == std::future_status::ready; }));
    try {
        failing.get();
        FAIL("it should have thrown");
    } catch (const delivery_error& error) {
        explains(error);
    }
}

TEST_CASE("Callbacks of every size, and those that only move")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    std::vector<int> told;
    std::array<char, 400> large{};
    large[399] = 'x';
    auto owned = std::make_unique<int>(7);

    producer.send({.topic = "t", .value = "small"})(
        [&told](error_code, const record_metadata&) { told.push_back(0); });
    producer.send({.topic = "t", .value = "large"})([&told, large](error_code ec, record_metadata where) {
        CHECK_FALSE(ec);
        CHECK(where.offset == 1);
        CHECK(large[399] == 'x');
        told.push_back(1);
    });
    producer.send({.topic = "t", .value = "owns"})(
        [&told, owned = std::move(owned)](error_code, record_metadata&& where) {
            CHECK(where.topic == "t");
            CHECK(*owned == 7);
            told.push_back(2);
        });
    producer.send({.topic = "t", .value = "generic"})([&told](auto ec, auto&& where) {
        CHECK_FALSE(ec);
        CHECK(where.offset == 3);
        told.push_back(3);
    });
    CHECK(told.empty()); // never inside the call
    REQUIRE(net.until([&] { return told.size() == 4; }));
    CHECK(told == std::vector{0, 1, 2, 3});
}

TEST_CASE("A refused record's callback does not run inside the call either")
{
    loopback net;
    auto producer = net.make_producer();
    outcome refused;
    producer.send({.topic = "no spaces"})(refused.take());
    CHECK(refused.told == 0);
    REQUIRE(net.until([&] { return refused.told == 1; }));
    CHECK(refused.error == errc::invalid_topic);
}

TEST_CASE("A handler runs on its own executor")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    asio::io_context other{1};
    outcome delivered, refused;
    producer.send({.topic = "t", .value = "v"})(asio::bind_executor(other, delivered.take()));
    producer.send({.topic = ""})(asio::bind_executor(other, refused.take()));
    bool flushed = false;
    producer.flush(asio::bind_executor(net.context, [&](error_code) { flushed = true; }));
    REQUIRE(net.until([&] { return flushed; }));
    CHECK(delivered.told == 0);
    CHECK(refused.told == 0);
    REQUIRE(run_until(other, [&] { return delivered.told + refused.told == 2; }));
    CHECK(delivered.where.offset == 0);
    CHECK(refused.error == errc::invalid_topic);
}

TEST_CASE("The other executor has work until its handler has run")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    asio::thread_pool pool{1};
    std::atomic<bool> told{false};
    producer.send({.topic = "t", .value = "v"})(
        asio::bind_executor(pool, [&](error_code, record_metadata) { told = true; }));
    std::thread loop{[&] { net.context.run(); }};
    pool.join(); // returns when nothing is left to do
    CHECK(told);
    asio::post(net.context, [&] { net.context.stop(); });
    loop.join();
}

TEST_CASE("use_future from another thread")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    std::thread loop{[&] { net.context.run(); }};
    const auto send = [&](std::string_view topic, std::string_view value) {
        return asio::dispatch(net.context, asio::use_future([&] {
                                  return producer.send({.topic = topic, .value = value})(asio::use_future);
                              }))
            .get();
    };
    for (int i = 0; i < 20; ++i) {
        auto delivered = send("t", std::to_string(i));
        CHECK(delivered.get().offset == i);
    }
    auto refused = send("", "v");
    auto closed =
        asio::dispatch(net.context, asio::use_future([&] { return producer.close(asio::use_future); })).get();
    closed.get();
    asio::post(net.context, [&] { net.broker->stop(); });
    loop.join();
    // Not before the loop's thread has let go of the exception: libstdc++ counts its references without instrumentation,
    // so ThreadSanitizer would see a race between reading it here and freeing it there
    CHECK_THROWS_AS(refused.get(), delivery_error);
    CHECK(net.values("t").size() == 20);
}

TEST_CASE("A strand of a pool with several threads")
{
    loopback net;
    net.broker->create_topic("t", 3);
    std::thread loop{[&] { net.context.run(); }};
    asio::thread_pool pool{2};
    // It outlives the pool's threads: Asio counts its references with a fence, which ThreadSanitizer doesn't know
    const asio::any_io_executor strand = asio::make_strand(pool.get_executor());
    {
        auto producer = asio::dispatch(strand, asio::use_future([&] {
                                           return std::make_unique<producer_of_strings>(strand, net.config);
                                       }))
                            .get();
        std::atomic<int> delivered{0};
        const auto burst = [&](int from) -> asio::awaitable<void> {
            for (int i = from; i < from + 25; ++i) {
                const auto value = std::to_string(i);
                co_await producer->send({.topic = "t", .key = value, .value = value});
                ++delivered;
            }
        };
        std::vector<std::future<void>> bursts;
        for (int i = 0; i < 4; ++i) bursts.push_back(asio::co_spawn(strand, burst(i * 25), asio::use_future));
        for (auto& each : bursts) each.get();
        CHECK(delivered == 100);
        asio::dispatch(strand, asio::use_future([&] { return producer->close(asio::use_future); }))
            .get()
            .get();
        asio::dispatch(strand, asio::use_future([&] { producer.reset(); })).get();
    }
    pool.join();
    asio::post(net.context, [&] { net.broker->stop(); });
    loop.join();
    CHECK(net.values("t", 0).size() + net.values("t", 1).size() + net.values("t", 2).size() == 100);
}

TEST_CASE("deferred: what is sent waits for nobody")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    auto operation = producer.send({.topic = "t", .value = "v"})(asio::deferred);
    REQUIRE(net.until([&] { return net.values("t").size() == 1; }));
    outcome told;
    std::move(operation)(told.take());
    CHECK(told.told == 0);
    REQUIRE(net.until([&] { return told.told == 1; }));
    CHECK(told.where.offset == 0);
}

TEST_CASE("detached, and a delivery that is dropped: the record is written all the same")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    producer.send({.topic = "t", .value = "detached"})(asio::detached);
    producer.send({.topic = "t", .value = "dropped"});
    {
        auto held = producer.send({.topic = "t", .value = "held"});
    }
    CHECK(net.until([&] { return net.values("t").size() == 3; }));
    CHECK(net.values("t") == std::vector<std::string>{"detached", "dropped", "held"});
}

TEST_CASE("Send now, await later, in any order, also after completion")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        std::vector<delivery> deliveries;
        for (int i = 0; i < 50; ++i)
            deliveries.push_back(producer.send({.topic = "t", .value = std::to_string(i)}));
        CHECK_FALSE(deliveries.front().resolved());
        const auto last = co_await std::move(deliveries.back());
        CHECK(last.offset == 49);
        deliveries.pop_back();
        CHECK(deliveries.front().resolved());
        const auto first = co_await std::move(deliveries.front());
        CHECK(first.offset == 0);
        while (deliveries.size() > 1) {
            const auto where = co_await std::move(deliveries.back());
            CHECK(where.offset == static_cast<std::int64_t>(deliveries.size()) - 1);
            deliveries.pop_back();
        }
    });
}

TEST_CASE("A record of a topic that is not known yet can be awaited later too")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        auto first = producer.send({.topic = "t", .value = "first"});
        auto second = producer.send({.topic = "t", .value = "second"});
        co_await producer.flush();
        CHECK(first.resolved());
        const auto where = co_await std::move(second);
        CHECK(where.offset == 1);
        CHECK(where.topic == "t");
        const auto earlier = co_await std::move(first);
        CHECK(earlier.offset == 0);
    });
}

TEST_CASE("A failure can be awaited after it has happened")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.cluster().fail_next("t", 0, broker_errc::invalid_record);
    net.run([&]() -> asio::awaitable<void> {
        auto failing = producer.send({.topic = "t", .value = "v"});
        auto refused = producer.send({.topic = "bad topic", .value = "v"});
        co_await producer.flush();
        CHECK(failing.resolved());
        auto [ec, where] = co_await std::move(failing)(asio::as_tuple(asio::use_awaitable));
        CHECK(ec == broker_errc::invalid_record);
        REQUIRE(where.failure);
        CHECK(where.failure->attempts == 1);
        try {
            co_await std::move(refused);
            FAIL("it should have thrown");
        } catch (const delivery_error& error) {
            CHECK(error.code() == errc::invalid_topic);
        }
    });
}

TEST_CASE("Handlers of a partition run in the order of its records")
{
    loopback net;
    net.config.batch_size = 200; // many small batches
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    std::vector<int> order;
    std::vector<std::int64_t> offsets;
    for (int i = 0; i < 300; ++i)
        producer.send({.topic = "t", .value = "value " + std::to_string(i)})(
            [&, i](error_code ec, const record_metadata& where) {
                CHECK_FALSE(ec);
                order.push_back(i);
                offsets.push_back(where.offset);
            });
    REQUIRE(net.until([&] { return order.size() == 300; }));
    for (int i = 0; i < 300; ++i) {
        CHECK(order[static_cast<std::size_t>(i)] == i);
        CHECK(offsets[static_cast<std::size_t>(i)] == i);
    }
    CHECK(net.cluster().batches_appended() > 10);
}

TEST_CASE("acks=0: deliveries complete without an offset")
{
    loopback net;
    net.config.acks = acks::none;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        const auto where = co_await producer.send({.topic = "t", .value = "v"});
        CHECK_FALSE(where.has_offset());
        CHECK(where.partition == 0);
    });
    CHECK(net.until([&] { return net.values("t").size() == 1; }));
}

TEST_CASE("send_all completes once, for all of them")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        std::vector<producer_of_strings::record> records(100, {.topic = "t", .value = "v"});
        const send_summary all = co_await producer.send_all(records);
        CHECK(all.delivered == 100);
        CHECK(all.failed == 0);
        records[5].topic = "bad topic";
        records[7].partition = -3; // no topic has it
        auto [ec, some] = co_await producer.send_all(records, asio::as_tuple(asio::use_awaitable));
        CHECK(ec == errc::invalid_topic);
        CHECK(some.delivered == 98);
        CHECK(some.failed == 2);
        CHECK(some.possibly_written == 0);
        REQUIRE(some.first_failure);
        CHECK(some.first_failure->code == errc::invalid_topic);
        records.clear();
        const send_summary none = co_await producer.send_all(records);
        CHECK(none.delivered + none.failed == 0);
    });
    CHECK(net.values("t").size() == 198);
}
