// Handlers that run on another executor than the producer's: another thread may be there before the call that told it is
// over, so nothing of the producer may be left in their hands.
#include "support/executors.hpp"
#include "support/loopback.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

using namespace kurier;
using namespace kurier::testing;

namespace {

// The producer is on a strand of a pool, its users on strands of their own; the broker has another thread.
struct threads
{
    explicit threads(std::size_t count) : pool{count}
    {
        net.broker->create_topic("t");
        on_strand([this] { producer.emplace(kurier::engine{strand, net.config, net.log}); });
        broker = std::thread{[this] { net.context.run(); }};
    }
    ~threads()
    {
        on_strand([this] { producer.reset(); });
        asio::post(net.context, [this] { net.broker->stop(); });
        pool.join();
        broker.join();
    }

    template <class Act> void on_strand(Act act)
    {
        asio::post(strand, asio::use_future(std::move(act))).get();
    }

    loopback net;
    asio::thread_pool pool;
    // It outlives the pool's threads: Asio counts its references with a fence, which ThreadSanitizer doesn't know
    const asio::any_io_executor strand = asio::make_strand(pool.get_executor());
    std::optional<kurier::producer<>> producer;
    std::thread broker;
};

constexpr int sessions = 8, rounds = 40;

asio::awaitable<void> hop(const kurier::producer<>& to)
{
    co_await asio::dispatch(asio::bind_executor(to.get_executor(), asio::use_awaitable));
}

template <class Session> void run_sessions(threads& world, Session session)
{
    std::vector<asio::any_io_executor> strands;
    std::vector<std::future<void>> ends;
    for (int i = 0; i < sessions; ++i) {
        strands.emplace_back(asio::make_strand(world.pool.get_executor()));
        ends.push_back(asio::co_spawn(strands.back(), session(*world.producer), asio::use_future));
    }
    bool all = true;
    for (auto& end : ends) all &= end.wait_for(patience) == std::future_status::ready;
    if (!all) world.pool.stop();
    REQUIRE(all);
    for (auto& end : ends) end.get();
}

} // namespace

TEST_CASE("Coroutines of other strands hop to the producer's, send, and go on on their own")
{
    threads world{4};
    std::atomic<int> delivered{0};
    run_sessions(world, [&](kurier::producer<>& producer) -> asio::awaitable<void> {
        for (int i = 0; i < rounds; ++i) {
            co_await hop(producer);
            co_await producer.send({.topic = "t", .value = "x"});
            ++delivered;
        }
    });
    CHECK(delivered == sessions * rounds);
}

TEST_CASE("They learn there of records that were refused, or delivered before they asked")
{
    threads world{4};
    std::atomic<int> refused{0}, delivered{0};
    run_sessions(world, [&](kurier::producer<>& producer) -> asio::awaitable<void> {
        for (int i = 0; i < rounds; ++i) {
            co_await hop(producer);
            try {
                co_await producer.send({.topic = "no spaces", .value = "x"});
            } catch (const delivery_error&) {
                ++refused;
            }
            co_await hop(producer);
            auto sent = producer.send({.topic = "t", .value = "x"});
            while (!sent.resolved()) {
                co_await producer.flush();
                co_await hop(producer);
            }
            co_await std::move(sent);
            ++delivered;
        }
    });
    CHECK(refused == sessions * rounds);
    CHECK(delivered == sessions * rounds);
}

TEST_CASE("Every other operation ends there too")
{
    threads world{4};
    std::atomic<int> ended{0};
    run_sessions(world, [&](kurier::producer<>& producer) -> asio::awaitable<void> {
        std::vector<kurier::producer<>::record> records(5, {.topic = "t", .value = "v"});
        for (int i = 0; i < rounds; ++i) {
            co_await hop(producer);
            const auto summary = co_await producer.send_all(records);
            co_await hop(producer);
            const auto found = co_await producer.partitions_for("t", asio::use_awaitable);
            co_await hop(producer);
            co_await producer.ready(asio::use_awaitable);
            co_await hop(producer);
            co_await producer.flush();
            if (summary.delivered == 5 && found.size() == 1) ++ended;
        }
    });
    CHECK(ended == sessions * rounds);
}

TEST_CASE("Another executor gets the handlers of a batch in few pieces, and calls them in their order")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    asio::io_context other{1};
    std::atomic<int> submitted{0};
    const counting_executor executor{other.get_executor(), submitted};
    std::vector<std::int64_t> offsets;
    for (int i = 0; i < 100; ++i)
        producer.send({.topic = "t", .value = "v"})(
            asio::bind_executor(executor, [&](error_code ec, const record_metadata& where) {
                CHECK_FALSE(ec);
                offsets.push_back(where.offset);
            }));
    REQUIRE(net.until([&] { return producer.metrics().records_delivered == 101; }));
    const auto batches = static_cast<int>(producer.metrics().batches_delivered) - 1;
    CHECK(submitted <= 100 / 32 + batches);
    CHECK(offsets.empty());
    REQUIRE(run_until(other, [&] { return offsets.size() == 100; }));
    CHECK(std::ranges::is_sorted(offsets));
}

TEST_CASE("Each of several executors gets its own")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    asio::io_context other{1};
    std::atomic<int> submitted{0};
    const counting_executor executor{other.get_executor(), submitted};
    constexpr std::size_t count = 12; // more than are looked at for each record
    std::vector<std::vector<std::int64_t>> offsets(count);
    std::vector<asio::strand<counting_executor<asio::io_context::executor_type>>> strands;
    for (std::size_t i = 0; i < count; ++i) strands.push_back(asio::make_strand(executor));
    for (std::size_t i = 0; i < 10 * count; ++i)
        producer.send({.topic = "t", .value = "v"})(
            asio::bind_executor(strands[i % count], [&offsets, to = i % count, strand = strands[i % count]](
                                                        error_code, const record_metadata& where) {
                CHECK(strand.running_in_this_thread());
                offsets[to].push_back(where.offset);
            }));
    REQUIRE(net.until([&] { return producer.metrics().records_delivered == 1 + 10 * count; }));
    REQUIRE(run_until(other, [&] {
        return std::ranges::all_of(offsets, [](const auto& each) { return each.size() == 10; });
    }));
    for (const auto& each : offsets) CHECK(std::ranges::is_sorted(each));
}

TEST_CASE("A handler that throws there keeps nobody else from being called")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    asio::io_context other{1};
    int told = 0;
    for (int i = 0; i < 10; ++i)
        producer.send({.topic = "t", .value = "v"})(
            asio::bind_executor(other, [&, i](error_code, const record_metadata&) {
                ++told;
                if (i == 3) throw std::runtime_error{"from a handler"};
            }));
    REQUIRE(net.until([&] { return producer.metrics().records_delivered == 11; }));
    CHECK_THROWS_AS(run_until(other, [&] { return told == 10; }), std::runtime_error);
    CHECK(run_until(other, [&] { return told == 10; }));
}

TEST_CASE("Handlers on their way go with the context that was to call them, or with the producer's")
{
    const auto alive = std::make_shared<int>();
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    {
        asio::io_context other{1};
        for (int i = 0; i < 40; ++i)
            producer.send({.topic = "t", .value = "v"})(
                asio::bind_executor(other, [alive](error_code, const record_metadata&) { FAIL("called"); }));
        REQUIRE(net.until([&] { return producer.metrics().records_delivered == 41; }));
        CHECK(alive.use_count() == 41);
    }
    CHECK(alive.use_count() == 1);
    asio::io_context other{1};
    {
        loopback short_lived;
        auto on_it = short_lived.make_producer();
        on_it.send({.topic = "t", .value = "v"})(
            asio::bind_executor(other, [alive](error_code, const record_metadata&) { FAIL("called"); }));
    }
    CHECK(alive.use_count() == 1);
    CHECK(other.run() == 0); // and nothing keeps it from ending
}

TEST_CASE("An executor that any_io_executor can't hold")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    int calls = 0;
    outcome delivered, refused;
    error_code flushed = errc::aborted;
    producer.send({.topic = "t", .value = "v"})(asio::bind_executor(bare_executor{calls}, delivered.take()));
    producer.send({.topic = "", .value = "v"})(asio::bind_executor(bare_executor{calls}, refused.take()));
    producer.flush(asio::bind_executor(bare_executor{calls}, [&](error_code ec) { flushed = ec; }));
    CHECK(calls == 0);
    REQUIRE(net.until([&] { return delivered.told + refused.told == 2 && !flushed; }));
    CHECK(calls == 3);
    CHECK(delivered.where.offset == 1);
    CHECK(refused.error == errc::invalid_topic);
}

TEST_CASE("A future is told by the producer's thread: no thread is made for it")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    auto told = producer.send({.topic = "t", .value = "v"})(
        asio::use_future([](error_code, const record_metadata&) { return std::this_thread::get_id(); }));
    REQUIRE(net.until([&] { return told.wait_for(0s) == std::future_status::ready; }));
    CHECK(told.get() == std::this_thread::get_id());
}
