// How things end: flush, close, destruction in every order, handlers that misbehave. Each delivery completes once.
#include "support/loopback.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <stdexcept>

using namespace kurier;
using namespace kurier::testing;

using strings = kurier::producer<>;

namespace {

// Owns its producer, as a server's coroutine would.
asio::awaitable<void> own_and_send(producer_config config, std::string topic, bool& resumed)
{
    const auto executor = co_await asio::this_coro::executor;
    strings producer{kurier::engine{executor, config, null_log{}}};
    auto earlier = producer.send({.topic = topic, .value = "earlier"});
    co_await producer.send({.topic = topic, .value = "v"});
    resumed = true;
    co_await std::move(earlier);
}

asio::awaitable<void> own_and_flush(producer_config config, bool& resumed)
{
    const auto executor = co_await asio::this_coro::executor;
    strings producer{kurier::engine{executor, config, null_log{}}};
    producer.send({.topic = "t", .value = "v"});
    co_await producer.flush();
    resumed = true;
}

asio::awaitable<void> own_and_send_all(producer_config config, bool& resumed)
{
    const auto executor = co_await asio::this_coro::executor;
    strings producer{kurier::engine{executor, config, null_log{}}};
    const std::vector<strings::record> records(10, {.topic = "t", .value = "v"});
    co_await producer.send_all(records);
    resumed = true;
}

} // namespace

TEST_CASE("flush sends what lingers and completes when all of it is confirmed")
{
    loopback net;
    net.config.linger = 10min;
    net.config.delivery_timeout = 20min;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    outcome first;
    producer.send({.topic = "t", .value = "1"})(first.take());
    net.run([&]() -> asio::awaitable<void> {
        co_await producer.flush();
        CHECK(first.told == 1);
        producer.send({.topic = "t", .value = "2"});
        producer.send({.topic = "t", .value = "3"});
        co_await producer.flush();
        CHECK(net.values("t").size() == 3);
        co_await producer.flush(); // nothing is left
    });
}

TEST_CASE("flush reports no record's failure")
{
    loopback net;
    net.broker->create_topic("t");
    net.cluster().fail_next("t", 0, broker_errc::invalid_record);
    auto producer = net.make_producer();
    outcome failed;
    producer.send({.topic = "t", .value = "1"})(failed.take());
    net.run([&]() -> asio::awaitable<void> { co_await producer.flush(); });
    CHECK(failed.told == 1);
    CHECK(failed.error == broker_errc::invalid_record);
}

TEST_CASE("close drains, then nothing is taken any more and the context runs dry")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    int delivered = 0;
    for (int i = 0; i < 100; ++i)
        producer.send({.topic = "t", .value = "v"})(
            [&](error_code ec, const record_metadata&) { delivered += !ec; });
    outcome late;
    net.run([&]() -> asio::awaitable<void> {
        co_await producer.close();
        CHECK(delivered == 100);
        producer.send({.topic = "t", .value = "late"})(late.take());
        co_await producer.close(); // again: at once
        error_code full;
        const auto unused = co_await producer.ready(asio::as_tuple(asio::use_awaitable));
        full = std::get<0>(unused);
        CHECK(full == errc::closed);
    });
    REQUIRE(net.until([&] { return late.told == 1; }));
    CHECK(late.error == errc::closed);
    CHECK(late.persisted() == persisted::no);
    net.broker->stop();
    net.context.restart();
    CHECK(net.context.run_for(patience) < 1000);
    CHECK(net.context.stopped()); // ran out of work, with the producer object still there
}

TEST_CASE("close(timeout) with a broker that says nothing")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.silence();
    outcome sent, waiting;
    producer.send({.topic = "t", .value = "sent"})(sent.take());
    REQUIRE(net.until([&] { return net.values("t").size() == 2; }));
    producer.send({.topic = "absent", .value = "waits for its topic"})(waiting.take());
    error_code ended;
    bool over = false;
    producer.close(30ms, [&](error_code ec) {
        ended = ec;
        over = true;
    });
    REQUIRE(net.until([&] { return over; }));
    CHECK(ended == errc::aborted);
    CHECK(sent.told == 1);
    CHECK(sent.error == errc::aborted);
    CHECK(sent.persisted() == persisted::possibly);
    CHECK(waiting.told == 1);
    CHECK(waiting.error == errc::aborted);
    CHECK(waiting.persisted() == persisted::no);
}

TEST_CASE("The time of a close counts from the call, also when its operation is started later")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.silence();
    outcome sent;
    producer.send({.topic = "t", .value = "sent"})(sent.take());
    auto closing = producer.close(30ms);
    REQUIRE(net.until([&] { return net.values("t").size() == 2; })); // turns of the loop pass
    bool over = false;
    std::move(closing)([&](error_code) { over = true; });
    REQUIRE(net.until([&] { return over; }));
    CHECK(sent.error == errc::aborted);
}

TEST_CASE("A producer that is destroyed tells everybody, later")
{
    loopback net;
    std::optional producer{net.make_producer()};
    net.warm_up(*producer, "t");
    net.silence();
    outcome sent, queued, unknown;
    int flushes = 0;
    producer->send({.topic = "t", .value = "sent"})(sent.take());
    REQUIRE(net.until([&] { return net.values("t").size() == 2; }));
    producer->send({.topic = "t", .value = "queued"})(queued.take());
    producer->send({.topic = "absent", .value = "unknown"})(unknown.take());
    producer->flush([&](error_code) { ++flushes; });
    auto kept = producer->send({.topic = "t", .value = "kept"});
    producer.reset();
    CHECK(sent.told + queued.told + unknown.told + flushes == 0);
    REQUIRE(net.until([&] { return sent.told + queued.told + unknown.told + flushes == 4; }));
    for (const auto* each : {&sent, &queued, &unknown}) {
        CHECK(each->told == 1);
        CHECK(each->error == errc::aborted);
        CHECK(each->text().find("close()") != std::string::npos);
    }
    CHECK(sent.persisted() == persisted::possibly);
    CHECK(unknown.persisted() == persisted::no);
    outcome last;
    CHECK(kept.resolved());
    std::move(kept)(last.take());
    REQUIRE(net.until([&] { return last.told == 1; }));
    CHECK(last.error == errc::aborted);
    net.broker->stop();
    net.context.restart();
    net.context.run_for(patience);
    CHECK(net.context.stopped());
}

TEST_CASE("A shared engine lives as long as one of its users")
{
    loopback net;
    net.broker->create_topic("t");
    outcome told;
    auto make = [&] {
        std::optional engine{net.make_engine()};
        strings kept{*engine};
        {
            strings other{*engine};
            other.send({.topic = "t", .value = "of the other"})(told.take());
        }
        engine.reset();
        return kept;
    };
    auto producer = make();
    outcome second;
    producer.send({.topic = "t", .value = "of the kept"})(second.take());
    REQUIRE(net.until([&] { return second.told == 1; }));
    CHECK_FALSE(told.error);
    CHECK(net.values("t").size() == 2);
}

TEST_CASE("The context is destroyed with operations under way")
{
    outcome sent, waiting;
    int others = 0;
    auto payload = std::make_shared<int>(1);
    {
        loopback net;
        auto producer = net.make_producer();
        net.warm_up(producer, "t");
        net.silence();
        producer.send({.topic = "t", .value = "v"})(sent.take());
        producer.send({.topic = "t", .value = "v"})(
            [payload, &others](error_code, record_metadata) { ++others; });
        producer.send({.topic = "absent", .value = "v"})(waiting.take());
        const std::vector<strings::record> records(3, {.topic = "t", .value = "v"});
        producer.send_all(records)([payload, &others](error_code, send_summary) { ++others; });
        producer.flush([payload, &others](error_code) { ++others; });
        REQUIRE(net.until([&] { return net.values("t").size() >= 2; }));
        CHECK(payload.use_count() == 4);
    }
    CHECK(payload.use_count() == 1); // freed, and not run
    CHECK(sent.told + waiting.told + others == 0);
}

TEST_CASE("Handlers of another executor: cancelled, or left when the context is destroyed")
{
    outcome cancelled;
    auto payload = std::make_shared<int>(1);
    asio::io_context other{1};
    asio::cancellation_signal cancel, never;
    {
        loopback net;
        auto producer = net.make_producer();
        net.warm_up(producer, "t");
        net.silence();
        const auto elsewhere = [&](auto handler) { return asio::bind_executor(other, std::move(handler)); };
        const auto not_run = [payload](error_code, auto&&) { FAIL("it was run"); };
        producer.send({.topic = "t", .value = "v"})(elsewhere(not_run));
        producer.send({.topic = "t", .value = "v"})(
            asio::bind_cancellation_slot(never.slot(), elsewhere(not_run)));
        producer.send({.topic = "t", .value = "v"})(
            asio::bind_cancellation_slot(cancel.slot(), elsewhere(cancelled.take())));
        producer.send_all(std::vector<strings::record>(3, {.topic = "t", .value = "v"}))(elsewhere(not_run));
        REQUIRE(net.until([&] { return net.values("t").size() >= 2; }));
        cancel.emit(asio::cancellation_type::terminal);
        REQUIRE(run_until(other, [&] { return cancelled.told == 1; }));
        CHECK(other.run_one_for(0s) == 0); // the rest still has work there
        CHECK_FALSE(other.stopped());
    }
    CHECK(payload.use_count() == 1);
    other.restart();
    CHECK(other.run() == 0); // and has none any more, or this would not return
}

TEST_CASE("The context is destroyed with coroutines that own what they wait for")
{
    bool resumed = false;
    {
        loopback net;
        net.broker->create_topic("t");
        net.silence();
        asio::co_spawn(net.context, own_and_send(net.config, "t", resumed), asio::detached);
        REQUIRE(net.until([&] { return !net.values("t").empty(); }));
        asio::co_spawn(net.context, own_and_flush(net.config, resumed), asio::detached);
        asio::co_spawn(net.context, own_and_send_all(net.config, resumed), asio::detached);
        net.context.poll_one();
        net.context.poll_one();
    }
    {
        loopback never_connected;
        asio::co_spawn(never_connected.context, own_and_send(never_connected.config, "t", resumed),
                       asio::detached);
        never_connected.context.poll_one();
    }
    CHECK_FALSE(resumed);
}

TEST_CASE("The producer object outlives the context")
{
    std::optional<strings> producer;
    std::optional<delivery> kept;
    {
        loopback net;
        producer.emplace(net.make_engine());
        net.warm_up(*producer, "t");
        net.silence();
        kept.emplace(producer->send({.topic = "t", .value = "v"}));
        REQUIRE(net.until([&] { return net.values("t").size() == 2; }));
    }
    CHECK(kept->resolved());
}

TEST_CASE("A handler that throws: the error leaves run(), the others are told")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    std::vector<int> told;
    for (int i = 0; i < 6; ++i)
        producer.send({.topic = "t", .value = "v"})([&told, i](error_code, const record_metadata&) {
            told.push_back(i);
            if (i % 2 == 0) throw std::runtime_error("thrown by a handler");
        });
    producer.send({.topic = "."})([&told](error_code, const record_metadata&) {
        told.push_back(6);
        throw std::runtime_error("thrown by a handler");
    });
    int thrown = 0;
    const auto run = [&] {
        try {
            return net.until([&] { return told.size() == 7 && thrown == 4; });
        } catch (const std::runtime_error&) {
            ++thrown;
            return true;
        }
    };
    while (told.size() < 7 || thrown < 4) REQUIRE(run());
    std::ranges::sort(told);
    CHECK(told == std::vector{0, 1, 2, 3, 4, 5, 6});

    outcome next; // the connection is still read
    producer.send({.topic = "t", .value = "next"})(next.take());
    REQUIRE(net.until([&] { return next.told == 1; }));
    CHECK(next.where.offset == 7);
    CHECK(net.cluster().connections() == 1);
}

TEST_CASE("A handler that sends again")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    int left = 50;
    std::int64_t last = -1;
    struct again
    {
        strings& producer;
        int& left;
        std::int64_t& last;
        void operator()(error_code ec, const record_metadata& where) const
        {
            REQUIRE_FALSE(ec);
            CHECK(where.offset == last + 1);
            last = where.offset;
            if (--left > 0) producer.send({.topic = "t", .value = "again"})(*this);
        }
    };
    producer.send({.topic = "t", .value = "first"})(again{producer, left, last});
    REQUIRE(net.until([&] { return left == 0; }));
    CHECK(last == 49);
}

TEST_CASE("A handler that destroys the producer")
{
    loopback net;
    std::optional producer{net.make_producer()};
    net.warm_up(*producer, "t");
    outcome before, after, later;
    producer->send({.topic = "t", .value = "0"})(before.take());
    producer->send({.topic = "t", .value = "1"})([&](error_code, const record_metadata&) {
        producer->send({.topic = "t", .value = "3"})(later.take());
        producer.reset();
    });
    producer->send({.topic = "t", .value = "2"})(after.take());
    REQUIRE(net.until([&] { return before.told + after.told + later.told == 3; }));
    CHECK_FALSE(before.error);
    CHECK_FALSE(after.error); // its batch was confirmed already
    CHECK(later.error == errc::aborted);
    CHECK(before.told == 1);
    CHECK(after.told == 1);
    CHECK(later.told == 1);
}

TEST_CASE("A coroutine that lets its producer go while records are on their way")
{
    loopback net;
    auto warm = net.make_producer();
    net.warm_up(warm, "t");
    outcome told;
    net.run([&]() -> asio::awaitable<void> {
        strings producer{net.make_engine()};
        producer.send({.topic = "t", .value = "v"})(told.take());
        co_return;
    });
    REQUIRE(net.until([&] { return told.told == 1; }));
    CHECK(told.error == errc::aborted);
}

TEST_CASE("delivery.timeout.ms ends what a silent broker leaves open")
{
    loopback net;
    net.config.request_timeout = 40ms;
    net.config.delivery_timeout = 60ms;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    fault silent;
    silent.api_key = protocol::produce_request::api_key;
    silent.answer = answer_fault::never;
    silent.times = 100;
    net.cluster().inject(silent);
    outcome sent;
    producer.send({.topic = "t", .value = "v"})(sent.take());
    REQUIRE(net.until([&] { return sent.told == 1; }));
    CHECK(sent.error == errc::delivery_timeout);
    CHECK(sent.persisted() == persisted::possibly);
    CHECK(sent.text().find("delivery.timeout.ms") != std::string::npos);
}
