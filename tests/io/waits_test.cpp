// Who waits for room or a flush costs a turn nothing, however many they are, and ends in order. Counted in questions.
#include "../support/loopback.hpp"

#include <kurier/io/state_waits.hpp>
#include <kurier/testing/memory_network.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <deque>
#include <memory>
#include <vector>

namespace {

using namespace kurier::testing;

struct world
{
    world() { network.cluster().create_topic("t"); }

    void send(int records)
    {
        for (int i = 0; i < records; ++i) {
            outcome sent;
            producer.send({.topic = "t", .value = "x"})(sent.take());
            CHECK(run_until(context, [&] { return sent.told > 0; }));
        }
    }
    void settle()
    {
        context.restart();
        while (context.poll() > 0) {
        }
    }

    asio::io_context context{1};
    memory_network network{context.get_executor()};
    kurier::producer<> producer{context.get_executor(), quick_config(network.bootstrap_servers()), network,
                                kurier::null_log{}};
};

struct counted_wait final : kurier::io::state_wait
{
    struct tally
    {
        bool over = false;
        int asked = 0, ended = 0, destroyed = 0;
        std::vector<int> order;
    };

    counted_wait(tally& of, int n, kurier::io::wait_line where, std::uint64_t place) : counts{of}, number{n}
    {
        line = where;
        rank = place;
    }
    bool over(kurier::io::driver&, kurier::error_code&) override
    {
        ++counts.asked;
        return counts.over || cancelled;
    }
    void complete(kurier::io::driver&, kurier::error_code) override
    {
        ++counts.ended;
        counts.order.push_back(number);
    }
    void destroy() noexcept override { ++counts.destroyed; }

    tally& counts;
    int number;
};

} // namespace

TEST_CASE(
    "ten thousand who wait for room are one question a turn, and none is asked twice when there is some")
{
    world w;
    counted_wait::tally counts;
    std::deque<counted_wait> waits;
    for (int i = 0; i < 10'000; ++i) {
        auto& wait = waits.emplace_back(counts, i, kurier::io::wait_line::room, 0U);
        w.producer.engine().driver()->add_wait(kurier::io::state_wait_ptr{&wait});
    }
    w.send(20);
    CHECK(counts.asked > 0);
    CHECK(counts.asked < 1000); // a few turns for each record
    CHECK(counts.ended == 0);

    counts.over = true;
    counts.asked = 0;
    w.send(1);
    CHECK(counts.ended == 10'000);
    CHECK(counts.asked == 10'000);
    CHECK(std::ranges::is_sorted(counts.order));
}

TEST_CASE("a wait that is cancelled ends at once, wherever it stands in line")
{
    world w;
    counted_wait::tally counts;
    std::deque<counted_wait> waits;
    auto& driver = *w.producer.engine().driver();
    for (int i = 0; i < 100; ++i)
        driver.add_wait(
            kurier::io::state_wait_ptr{&waits.emplace_back(counts, i, kurier::io::wait_line::room, 0U)});
    for (const std::size_t at : {99U, 50U, 50U, 0U}) driver.cancel_wait(waits[at]);
    w.settle();
    CHECK(counts.order == std::vector{99, 50, 0});
    counts.over = true;
    w.send(1);
    CHECK(counts.ended == 100);
}

TEST_CASE(
    "those who wait for a flush end in the order of their flushes, though they began to wait in another")
{
    world w;
    counted_wait::tally counts;
    std::deque<counted_wait> waits;
    for (const int place : {3, 1, 2, 2, 5, 4}) {
        auto& wait = waits.emplace_back(counts, place, kurier::io::wait_line::flush,
                                        static_cast<std::uint64_t>(place));
        w.producer.engine().driver()->add_wait(kurier::io::state_wait_ptr{&wait});
    }
    w.send(1);
    CHECK(counts.ended == 0);
    counts.over = true;
    w.send(1);
    CHECK(counts.order == std::vector{1, 2, 2, 3, 4, 5});
}

TEST_CASE("waits that never ended are destroyed with the producer's state")
{
    counted_wait::tally counts;
    std::deque<counted_wait> waits;
    {
        world w;
        auto& driver = *w.producer.engine().driver();
        for (const auto line :
             {kurier::io::wait_line::none, kurier::io::wait_line::room, kurier::io::wait_line::flush})
            driver.add_wait(kurier::io::state_wait_ptr{&waits.emplace_back(counts, 0, line, 0U)});
        driver.cancel_wait(waits.back());
    }
    CHECK(counts.ended + counts.destroyed == 3);
}

TEST_CASE("flush and ready of an engine wait in line, and one of them can be cancelled")
{
    world w;
    w.network.cluster().stop_broker(1);
    (void)w.producer.send(
        {.topic = "t", .value = "x"}); // waits: there is no room for others as long as it does
    std::vector<kurier::error_code> ended;
    asio::cancellation_signal signal;
    const auto take = [&](kurier::error_code ec) { ended.push_back(ec); };
    w.producer.ready(take);
    w.producer.ready(asio::bind_cancellation_slot(signal.slot(), take));
    w.producer.flush(take);
    w.settle();
    CHECK(ended.empty());
    signal.emit(asio::cancellation_type::total);
    CHECK(run_until(w.context, [&] { return ended.size() == 1; }));
    CHECK(ended.front() == asio::error::operation_aborted);
    w.network.cluster().start_broker(1);
    CHECK(run_until(w.context, [&] { return ended.size() == 3; }));
    CHECK_FALSE(ended.back());
}
