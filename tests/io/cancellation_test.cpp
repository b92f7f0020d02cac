// Cancelling: a record that was not sent is taken back and never written; afterwards only the wait ends.
#include "support/loopback.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>

using namespace kurier;
using namespace kurier::testing;
using namespace boost::asio::experimental::awaitable_operators;

namespace {

constexpr auto all_types = asio::cancellation_type::all;

} // namespace

TEST_CASE("A record whose topic is not known yet is withdrawn")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    asio::cancellation_signal cancel;
    outcome first, second;
    producer.send({.topic = "t", .value = "first"})(
        asio::bind_cancellation_slot(cancel.slot(), first.take()));
    producer.send({.topic = "t", .value = "second"})(second.take());
    cancel.emit(all_types);
    cancel.emit(all_types); // again: nothing is left to cancel
    CHECK(first.told == 0); // not inside the call
    REQUIRE(net.until([&] { return second.told == 1; }));
    CHECK(first.told == 1);
    CHECK(first.error == errc::withdrawn);
    CHECK(first.persisted() == persisted::no);
    CHECK(first.where.failure->topic == "t");
    CHECK_FALSE(second.error);
    CHECK(net.values("t") == std::vector<std::string>{"second"});
}

TEST_CASE("A record that lingers is withdrawn, its neighbours are sent")
{
    loopback net;
    net.config.linger = 10min;
    net.broker->create_topic("t");
    net.config.delivery_timeout = 20min;
    auto producer = net.make_producer();
    outcome opening;
    producer.send({.topic = "t", .value = "0"})(opening.take());
    producer.flush(asio::deferred)([](error_code) {});
    REQUIRE(net.until([&] { return opening.told == 1; }));

    asio::cancellation_signal cancel;
    outcome before, middle, after;
    producer.send({.topic = "t", .value = "before"})(before.take());
    producer.send({.topic = "t", .value = "middle"})(
        asio::bind_cancellation_slot(cancel.slot(), middle.take()));
    producer.send({.topic = "t", .value = "after"})(after.take());
    cancel.emit(all_types);
    REQUIRE(net.until([&] { return middle.told == 1; }));
    CHECK(middle.error == errc::withdrawn);
    CHECK(before.told == 0);
    producer.flush(asio::deferred)([](error_code) {});
    REQUIRE(net.until([&] { return before.told + after.told == 2; }));
    CHECK(before.where.offset == 1);
    CHECK(after.where.offset == 2);
    CHECK(middle.told == 1);
    CHECK(net.values("t") == std::vector<std::string>{"0", "before", "after"});
    CHECK(net.cluster().violations().surely_wrong() == 0);
}

TEST_CASE("A record that waits for room is withdrawn")
{
    loopback net;
    net.config.buffer_memory = 4096;
    net.config.max_in_flight_requests_per_connection = 1;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    const std::string large(3000, 'x');
    asio::cancellation_signal cancel;
    outcome first, waiting, behind;
    producer.send({.topic = "t", .value = large})(first.take());
    producer.send({.topic = "t", .value = large + "w"})(
        asio::bind_cancellation_slot(cancel.slot(), waiting.take()));
    producer.send({.topic = "t", .value = large + "b"})(behind.take());
    cancel.emit(all_types);
    REQUIRE(net.until([&] { return behind.told == 1; }));
    CHECK(waiting.error == errc::withdrawn);
    CHECK(waiting.told == 1);
    CHECK_FALSE(first.error);
    CHECK(net.values("t") == std::vector<std::string>{"warm up", large, large + "b"});
}

TEST_CASE("After it was sent only the wait ends")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.silence();
    asio::cancellation_signal cancel;
    outcome sent;
    producer.send({.topic = "t", .value = "sent"})(asio::bind_cancellation_slot(cancel.slot(), sent.take()));
    REQUIRE(net.until([&] { return net.values("t").size() == 2; }));
    CHECK(sent.told == 0);
    cancel.emit(all_types);
    REQUIRE(net.until([&] { return sent.told == 1; }));
    CHECK(sent.error == errc::abandoned);
    CHECK(sent.persisted() == persisted::possibly);
    CHECK(sent.where.failure->attempts == 1);
    CHECK(net.values("t").size() == 2);
}

TEST_CASE("Cancelling what was delivered does nothing")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    asio::cancellation_signal cancel;
    outcome sent;
    producer.send({.topic = "t", .value = "v"})(asio::bind_cancellation_slot(cancel.slot(), sent.take()));
    REQUIRE(net.until([&] { return sent.told == 1; }));
    cancel.emit(all_types);
    net.settle();
    CHECK(sent.told == 1);
    CHECK_FALSE(sent.error);
}

namespace {

struct group_outcome
{
    int told = 0;
    error_code error;
    send_summary summary;

    auto take()
    {
        return [this](error_code ec, send_summary all) {
            ++told;
            error = ec;
            summary = std::move(all);
        };
    }
};

// Cancels while a certain value is being sent.
struct cancelling_serializer
{
    asio::cancellation_signal* cancel = nullptr;

    void serialize(std::string_view value, byte_writer& out) const
    {
        if (value == "cancel") cancel->emit(all_types);
        out.put(value);
    }
};

} // namespace

TEST_CASE("send_all: what was not sent is taken back, what was delivered is counted")
{
    cluster_options strict;
    strict.auto_create_topics_enable = false;
    loopback net{strict};
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    const std::vector<kurier::producer<>::record> records{{.topic = "t", .value = "1"},
                                                          {.topic = "missing", .value = "2"},
                                                          {.topic = "t", .value = "3"},
                                                          {.topic = "no topic", .value = "4"},
                                                          {.topic = "missing", .value = "5"}};
    asio::cancellation_signal cancel;
    group_outcome all;
    producer.send_all(records, asio::bind_cancellation_slot(cancel.slot(), all.take()));
    REQUIRE(net.until([&] { return producer.metrics().records_delivered == 3; }));
    CHECK(all.told == 0);
    cancel.emit(all_types);
    cancel.emit(all_types); // again: nothing is left to cancel
    CHECK(all.told == 0);   // not inside the call
    REQUIRE(net.until([&] { return all.told == 1; }));
    CHECK(all.error == errc::withdrawn);
    CHECK(all.summary.delivered == 2);
    CHECK(all.summary.failed == 3);
    CHECK(all.summary.withdrawn == 2);
    CHECK(all.summary.possibly_written == 0);
    REQUIRE(all.summary.first_failure);
    CHECK(all.summary.first_failure->code == errc::invalid_topic);
    net.warm_up(producer, "missing");
    CHECK(net.values("missing") == std::vector<std::string>{"warm up"});
}

TEST_CASE("send_all: what was sent may be written, and the wait ends")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.silence();
    const std::vector<kurier::producer<>::record> records(3, {.topic = "t", .value = "sent"});
    asio::cancellation_signal cancel;
    group_outcome all;
    producer.send_all(records, asio::bind_cancellation_slot(cancel.slot(), all.take()));
    REQUIRE(net.until([&] { return net.values("t").size() == 4; }));
    cancel.emit(all_types);
    REQUIRE(net.until([&] { return all.told == 1; }));
    CHECK(all.error == errc::abandoned);
    CHECK(all.summary.failed == 3);
    CHECK(all.summary.possibly_written == 3);
    CHECK(all.summary.withdrawn == 0);
    REQUIRE(all.summary.first_failure);
    CHECK(all.summary.first_failure->topic == "t");
    CHECK(all.summary.first_failure->persisted == persisted::possibly);
    CHECK(net.values("t").size() == 4);
}

TEST_CASE("send_all can be cancelled while it sends")
{
    loopback net;
    asio::cancellation_signal cancel;
    using text = std::string_view;
    using cancelling_producer =
        kurier::producer<text, text, default_partitioner, serializer<text>, cancelling_serializer>;
    cancelling_producer producer{net.make_engine(), {}, {}, {&cancel}};
    const std::vector<cancelling_producer::record> records{
        {.topic = "t", .value = "1"}, {.topic = "t", .value = "cancel"}, {.topic = "t", .value = "3"}};
    group_outcome all;
    producer.send_all(records, asio::bind_cancellation_slot(cancel.slot(), all.take()));
    REQUIRE(net.until([&] { return all.told == 1; }));
    CHECK(all.error == errc::withdrawn);
    CHECK(all.summary.withdrawn == 3);
}

TEST_CASE("send_all || timer")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    std::vector<kurier::producer<>::record> records(20, {.topic = "t", .value = "v"});
    net.run([&]() -> asio::awaitable<void> {
        asio::steady_timer timer{net.context, 10min};
        const auto sent = co_await (producer.send_all(records, asio::use_awaitable) ||
                                    timer.async_wait(asio::use_awaitable));
        REQUIRE(sent.index() == 0);
        CHECK(std::get<0>(sent).delivered == 20);
        net.silence();
        timer.expires_after(1ms);
        const auto cut_off = co_await (producer.send_all(records, asio::use_awaitable) ||
                                       timer.async_wait(asio::use_awaitable));
        CHECK(cut_off.index() == 1);
    });
}

TEST_CASE("send || timer: the timer wins against a topic that nobody creates")
{
    cluster_options strict;
    strict.auto_create_topics_enable = false;
    loopback net{strict};
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        asio::steady_timer timer{net.context, 20ms};
        const auto first = co_await (producer.send({.topic = "missing", .value = "v"})(asio::use_awaitable) ||
                                     timer.async_wait(asio::use_awaitable));
        CHECK(first.index() == 1);
    });
    net.broker->create_topic("missing");
    outcome later;
    producer.send({.topic = "missing", .value = "later"})(later.take());
    REQUIRE(net.until([&] { return later.told == 1; }));
    CHECK(net.values("missing") == std::vector<std::string>{"later"});
}

TEST_CASE("send || timer: the send wins")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        asio::steady_timer timer{net.context, 10min};
        const auto first = co_await (producer.send({.topic = "t", .value = "v"})(asio::use_awaitable) ||
                                     timer.async_wait(asio::use_awaitable));
        REQUIRE(first.index() == 0);
        CHECK(std::get<0>(first).offset == 0);
    });
}

TEST_CASE("send && send, and a parallel group of deliveries")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> {
        const auto [first, second] =
            co_await (producer.send({.topic = "t", .value = "1"})(asio::use_awaitable) &&
                      producer.send({.topic = "t", .value = "2"})(asio::use_awaitable));
        CHECK(first.offset == 0);
        CHECK(second.offset == 1);
        auto group = asio::experimental::make_parallel_group(
            producer.send({.topic = "t", .value = "3"})(asio::deferred),
            producer.send({.topic = ""})(asio::deferred));
        auto [order, ec3, where3, ec4, where4] =
            co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
        CHECK_FALSE(ec3);
        CHECK(where3.offset == 2);
        CHECK(ec4 == errc::invalid_topic);
        CHECK(order.size() == 2);
    });
}

TEST_CASE("A coroutine that is cancelled takes back what it awaits")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    asio::cancellation_signal cancel;
    error_code seen;
    bool begun = false, ended = false;
    const auto body = [&]() -> asio::awaitable<void> {
        begun = true;
        try {
            co_await producer.send({.topic = "t", .value = "v"});
        } catch (const delivery_error& error) {
            seen = error.code();
        }
    };
    asio::co_spawn(net.context, body,
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
    while (!begun) net.context.run_one(); // up to the first co_await
    while (seen.failed() == false && !ended && net.context.poll_one() > 0 && net.values("t").empty())
        cancel.emit(asio::cancellation_type::terminal);
    cancel.emit(asio::cancellation_type::terminal);
    REQUIRE(net.until([&] { return ended; }));
    CHECK(seen == errc::withdrawn);
    CHECK(net.values("t").empty());
}

TEST_CASE("flush, ready, partitions_for and close can be cancelled")
{
    loopback net;
    net.config.buffer_memory = 4096;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.silence();
    outcome stuck, next;
    producer.send({.topic = "t", .value = std::string(3000, 'x')})(stuck.take());

    asio::cancellation_signal cancel_flush, cancel_ready, cancel_partitions, cancel_close;
    std::vector<error_code> told;
    const auto take = [&told](error_code ec) { told.push_back(ec); };
    producer.flush(asio::bind_cancellation_slot(cancel_flush.slot(), take));
    producer.ready(asio::bind_cancellation_slot(cancel_ready.slot(), take));
    producer.partitions_for(
        "absent", asio::bind_cancellation_slot(cancel_partitions.slot(),
                                               [&told](error_code ec, std::vector<partition_info> found) {
                                                   CHECK(found.empty());
                                                   told.push_back(ec);
                                               }));
    REQUIRE(net.until([&] { return net.values("t").size() == 2; }));
    cancel_flush.emit(all_types);
    cancel_flush.emit(all_types);
    cancel_ready.emit(all_types);
    cancel_partitions.emit(all_types);
    CHECK(told.empty());
    REQUIRE(net.until([&] { return told.size() == 3; }));
    producer.close(asio::bind_cancellation_slot(cancel_close.slot(), take));
    net.settle();
    CHECK(told.size() == 3);
    cancel_close.emit(all_types);
    REQUIRE(net.until([&] { return told.size() == 4; }));
    for (const auto& ec : told) CHECK(ec == asio::error::operation_aborted);
    CHECK(stuck.told == 0); // its record is still on its way
}

TEST_CASE("A signal that outlives the context finds nothing to cancel")
{
    asio::cancellation_signal send, send_all, flush, partitions, close;
    const auto signals = {&send, &send_all, &flush, &partitions, &close};
    {
        loopback net;
        auto producer = net.make_producer();
        const std::vector<kurier::producer<>::record> records(3, {.topic = "t", .value = "v"});
        const auto never = [](error_code, const auto&...) { FAIL("called"); };
        producer.send(records[0])(asio::bind_cancellation_slot(send.slot(), never));
        producer.send_all(records, asio::bind_cancellation_slot(send_all.slot(), never));
        producer.flush(asio::bind_cancellation_slot(flush.slot(), never));
        producer.partitions_for("t", asio::bind_cancellation_slot(partitions.slot(), never));
        producer.close(asio::bind_cancellation_slot(close.slot(), never));
        for (auto* signal : signals) CHECK(signal->slot().has_handler());
    }
    for (auto* signal : signals) {
        CHECK_FALSE(signal->slot().has_handler());
        signal->emit(all_types);
    }
}
