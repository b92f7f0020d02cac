// Turns of the event loop: none is unbounded, so that whatever else runs on the executor goes on beside a producer that
// always has something to do. Counted in handlers, over a transport without sockets.
#include "../support/executors.hpp"
#include "../support/loopback.hpp"

#include <kurier/testing/memory_network.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <new>
#include <utility>

namespace {

using namespace kurier::testing;

// How often another handler of the context runs while `records` are sent, one after the other.
int handlers_beside(kurier::acks acks, int records)
{
    asio::io_context context{1};
    memory_network network{context.get_executor()};
    network.cluster().create_topic("t");
    auto config = quick_config(network.bootstrap_servers());
    config.acks = acks;
    config.enable_idempotence = false;
    kurier::producer<> producer{context.get_executor(), config, network, kurier::null_log{}};

    int sent = 0, beside = 0;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
            while (sent < records) {
                co_await producer.send({.topic = "t", .value = "x"});
                ++sent;
            }
        },
        asio::detached);
    const std::function<void()> another = [&] {
        if (sent > 0 && sent < records) ++beside;
        if (sent < records) asio::post(context, another);
    };
    another();
    CHECK(run_until(context, [&] { return sent == records; }));
    return beside;
}

} // namespace

TEST_CASE("a coroutine that awaits one record after the other leaves the executor to others, with acks=0 too")
{
    CHECK(handlers_beside(kurier::acks::leader, 1000) >= 250);
    CHECK(handlers_beside(kurier::acks::none, 1000) >= 250);
}

TEST_CASE("with acks=0 a handler that sends the next record each time ends the turn")
{
    asio::io_context context{1};
    memory_network network{context.get_executor()};
    network.cluster().create_topic("t");
    auto config = quick_config(network.bootstrap_servers());
    config.acks = kurier::acks::none;
    config.enable_idempotence = false;
    kurier::producer<> producer{context.get_executor(), config, network, kurier::null_log{}};

    bool stop = false;
    int sent = 0;
    std::function<void(kurier::error_code, kurier::record_metadata)> next;
    next = [&](kurier::error_code, const kurier::record_metadata&) {
        if (stop || ++sent == 100'000) return; // a turn without end would get there
        producer.send({.topic = "t", .value = "x"})(next);
    };
    next({}, {});
    CHECK(run_until(context, [&] { return sent >= 100; }));
    CHECK(sent < 1000);
    stop = true;
}

TEST_CASE("an executor that refuses a turn: the send throws, nothing was sent, and the next one goes out")
{
    struct refusal
    {
        bool refuses = false;
        void operator++()
        {
            if (std::exchange(refuses, false)) throw std::bad_alloc{};
        }
    };
    refusal once;
    asio::io_context context{1};
    const counting_executor<asio::io_context::executor_type, refusal> executor{context.get_executor(), once};
    memory_network network{context.get_executor()};
    network.cluster().create_topic("t");
    auto config = quick_config(network.bootstrap_servers());
    config.socket_connection_setup_timeout = 10min; // so that no timer's turn comes to the rescue
    config.socket_connection_setup_timeout_max = 10min;
    kurier::producer<> producer{executor, config, network, kurier::null_log{}};
    outcome first, second;
    producer.send({.topic = "t", .value = "first"})(first.take());
    CHECK(run_until(context, [&] { return first.told > 0; }));
    while (context.poll() > 0) { // no turn is on its way
    }

    once.refuses = true;
    CHECK_THROWS_AS((void)producer.send({.topic = "t", .value = "refused"}), std::bad_alloc);
    producer.send({.topic = "t", .value = "second"})(second.take());
    CHECK(run_until(context, [&] { return second.told > 0; }));
    CHECK(second.text() == "");
    CHECK(network.cluster().log("t").size() == 2);
}
