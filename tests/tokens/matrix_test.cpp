// Every operation with every kind of completion token, on every kind of executor.
#include "support/executors.hpp"
#include "support/loopback.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/experimental/promise.hpp>
#include <boost/asio/experimental/use_promise.hpp>
#include <boost/asio/io_context_strand.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#if __has_include(<boost/asio/cancel_after.hpp>)
#include <boost/asio/cancel_after.hpp>
#define KURIER_TEST_CANCEL_AFTER
#endif

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <tuple>

using namespace kurier;
using namespace kurier::testing;
using namespace boost::asio::experimental::awaitable_operators;
using asio::experimental::make_parallel_group;

namespace {

struct world
{
    world() { net.broker->create_topic("t"); }

    // Handlers may be called by any thread.
    auto count()
    {
        return [this](error_code ec, const auto&...) {
            if (!ec) ++succeeded;
            asio::post(net.context, [] {}); // so that the test looks again
        };
    }
    bool until(int count)
    {
        return net.until([&] { return succeeded == count; });
    }

    loopback net;
    kurier::producer<> producer = net.make_producer();
    std::vector<kurier::producer<>::record> records{3, {.topic = "t", .value = "v"}};
    std::atomic<int> succeeded{0};
};

} // namespace

// `begin` starts one with a token, `bare` is one that has none yet.
namespace operations {

struct send
{
    static auto bare(world& w) { return w.producer.send({.topic = "t", .value = "v"}); }
    template <class Token> static auto begin(world& w, Token&& token)
    {
        return bare(w)(std::forward<Token>(token));
    }
};

struct send_large
{
    static auto bare(world& w)
    {
        return w.producer.send_large({.topic = "t"}, large_value{std::string{"v"}});
    }
    template <class Token> static auto begin(world& w, Token&& token)
    {
        return bare(w)(std::forward<Token>(token));
    }
};

struct send_all
{
    static auto bare(world& w) { return w.producer.send_all(w.records); }
    template <class Token> static auto begin(world& w, Token&& token)
    {
        return w.producer.send_all(w.records, std::forward<Token>(token));
    }
};

struct flush
{
    static auto bare(world& w) { return w.producer.flush(); }
    template <class Token> static auto begin(world& w, Token&& token)
    {
        return w.producer.flush(std::forward<Token>(token));
    }
};

struct ready
{
    static auto bare(world& w) { return w.producer.ready(); }
    template <class Token> static auto begin(world& w, Token&& token)
    {
        return w.producer.ready(std::forward<Token>(token));
    }
};

struct partitions_for
{
    static auto bare(world& w) { return w.producer.partitions_for("t"); }
    template <class Token> static auto begin(world& w, Token&& token)
    {
        return w.producer.partitions_for("t", std::forward<Token>(token));
    }
};

struct close
{
    static auto bare(world& w) { return w.producer.close(); }
    template <class Token> static auto begin(world& w, Token&& token)
    {
        return w.producer.close(std::forward<Token>(token));
    }
};

struct close_within
{
    static auto bare(world& w) { return w.producer.close(10min); }
    template <class Token> static auto begin(world& w, Token&& token)
    {
        return w.producer.close(10min, std::forward<Token>(token));
    }
};

} // namespace operations

#define EVERY_OPERATION                                                                                      \
    operations::send, operations::send_large, operations::send_all, operations::flush, operations::ready,    \
        operations::partitions_for, operations::close, operations::close_within

TEST_CASE_TEMPLATE("Functions are called once, on their executor", Operation, EVERY_OPERATION)
{
    world w;
    asio::thread_pool pool{2};
    asio::io_context other{1};
    auto strand = asio::make_strand(pool.get_executor());
    asio::io_context::strand old_strand{w.net.context};
    int bare_calls = 0;

    Operation::begin(w, w.count());
    Operation::begin(w,
                     [count = w.count(), only_moves = std::make_unique<int>()](auto ec, auto&&... results) {
                         CHECK(ec.message() != "");
                         count(ec, results...);
                     });
    Operation::begin(w, asio::bind_executor(w.net.context, w.count()));
    Operation::begin(w, asio::bind_executor(w.producer.get_executor(), w.count()));
    Operation::begin(w, asio::bind_executor(asio::make_strand(w.net.context), w.count()));
    Operation::begin(w, asio::bind_executor(old_strand, w.count()));
    Operation::begin(w, asio::bind_executor(pool, w.count()));
    Operation::begin(w, asio::bind_executor(asio::any_io_executor{strand}, w.count()));
    Operation::begin(w, asio::bind_executor(asio::system_executor{}, w.count()));
    Operation::begin(w, asio::bind_executor(bare_executor{bare_calls}, w.count()));
    Operation::begin(w, asio::bind_executor(strand, [&, count = w.count()](error_code ec, auto&&... results) {
                         CHECK(strand.running_in_this_thread());
                         count(ec, results...);
                     }));
    Operation::begin(w, asio::bind_executor(other, [&, count = w.count()](error_code ec, auto&&... results) {
                         CHECK(other.get_executor().running_in_this_thread());
                         count(ec, results...);
                     }));
    REQUIRE(w.net.until([&] {
        other.restart();
        other.poll();
        return w.succeeded == 12;
    }));
    CHECK(bare_calls == 1);
    pool.join();
    CHECK(w.succeeded == 12);
}

TEST_CASE_TEMPLATE("Coroutines", Operation, EVERY_OPERATION)
{
    world w;
    w.net.run([&]() -> asio::awaitable<void> {
        co_await Operation::bare(w);
        co_await Operation::begin(w, asio::use_awaitable);
        co_await Operation::begin(w, asio::deferred);
        const auto awaited = co_await Operation::begin(w, asio::as_tuple(asio::use_awaitable));
        CHECK_FALSE(std::get<0>(awaited));
        const auto deferred = co_await Operation::begin(w, asio::as_tuple(asio::deferred));
        CHECK_FALSE(std::get<0>(deferred));
        error_code ec = errc::aborted;
        co_await Operation::begin(w, asio::redirect_error(asio::use_awaitable, ec));
        CHECK_FALSE(ec);
    });
}

TEST_CASE_TEMPLATE("Groups of operations that have no token yet", Operation, EVERY_OPERATION)
{
    world w;
    w.net.run([&]() -> asio::awaitable<void> {
        using asio::experimental::wait_for_all;
        asio::steady_timer timer{w.net.context, 10min};
        const auto first = co_await make_parallel_group(Operation::bare(w), timer.async_wait(asio::deferred))
                               .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
        CHECK(std::get<0>(first)[0] == 0);
        CHECK_FALSE(std::get<1>(first));
        std::vector<decltype(Operation::bare(w))> several;
        for (int i = 0; i < 3; ++i) several.push_back(Operation::bare(w));
        const auto all =
            co_await make_parallel_group(std::move(several)).async_wait(wait_for_all(), asio::use_awaitable);
        CHECK(std::get<1>(all) == std::vector<error_code>(3));
    });
}

TEST_CASE_TEMPLATE("Operators", Operation, EVERY_OPERATION)
{
    world w;
    w.net.run([&]() -> asio::awaitable<void> {
        asio::steady_timer timer{w.net.context, 10min};
        const auto either =
            co_await (Operation::begin(w, asio::use_awaitable) || timer.async_wait(asio::use_awaitable));
        CHECK(either.index() == 0);
        co_await (Operation::begin(w, asio::use_awaitable) && Operation::begin(w, asio::use_awaitable));
    });
}

TEST_CASE_TEMPLATE("Detached, with an allocator, with a cancellation slot", Operation, EVERY_OPERATION)
{
    world w;
    int allocations = 0;
    asio::cancellation_signal cancel;
    Operation::begin(w, asio::detached);
    Operation::begin(w, asio::bind_allocator(counting_allocator<int>{allocations}, w.count()));
    CHECK(allocations == 1);
    Operation::begin(w, asio::bind_cancellation_slot(cancel.slot(), w.count()));
    REQUIRE(w.until(2));
    cancel.emit(asio::cancellation_type::all); // there is nothing left to cancel
    CHECK(w.succeeded == 2);
}

#if defined(KURIER_TEST_CANCEL_AFTER)
TEST_CASE_TEMPLATE("A time-out that does not come", Operation, EVERY_OPERATION)
{
    world w;
    Operation::begin(w, asio::cancel_after(10min, w.count()));
    w.net.run([&]() -> asio::awaitable<void> {
        co_await Operation::begin(w, asio::cancel_after(10min));
        co_await Operation::begin(w, asio::cancel_after(10min, asio::use_awaitable));
        asio::steady_timer timer{w.net.context};
        co_await Operation::begin(w, asio::cancel_after(timer, 10min, asio::use_awaitable));
    });
    REQUIRE(w.until(1));
}

TEST_CASE("A time-out that comes")
{
    cluster_options strict;
    strict.auto_create_topics_enable = false;
    loopback net{strict};
    auto producer = net.make_producer();
    const auto code_of = [](auto awaited) { return std::get<0>(awaited); };
    net.run([&]() -> asio::awaitable<void> {
        const auto timed_out = asio::as_tuple(asio::cancel_after(1ms, asio::use_awaitable));
        const auto sent = co_await producer.send({.topic = "t", .value = "v"})(timed_out);
        CHECK(code_of(sent) == errc::withdrawn);
        std::vector<kurier::producer<>::record> records(3, {.topic = "t", .value = "v"});
        const auto [ec, summary] = co_await producer.send_all(records, timed_out);
        CHECK(ec == errc::withdrawn);
        CHECK(summary.withdrawn == 3);
        const auto waits = producer.send({.topic = "t", .value = "v"});
        CHECK(code_of(co_await producer.flush(timed_out)) == asio::error::operation_aborted);
        CHECK(code_of(co_await producer.partitions_for("t", timed_out)) == asio::error::operation_aborted);
        CHECK(code_of(co_await producer.close(timed_out)) == asio::error::operation_aborted);
    });
}
#endif

TEST_CASE_TEMPLATE("Futures and promises", Operation, EVERY_OPERATION)
{
    world w;
    auto future = Operation::begin(w, asio::use_future);
    auto mapped = Operation::begin(w, asio::use_future([](error_code ec, auto&&...) { return !ec; }));
    auto promise = Operation::begin(w, asio::experimental::use_promise);
    std::move(promise)(w.count());
    REQUIRE(w.until(1));
    REQUIRE(w.net.until([&] {
        return future.wait_for(0s) == std::future_status::ready &&
               mapped.wait_for(0s) == std::future_status::ready;
    }));
    future.get();
    CHECK(mapped.get());
}
