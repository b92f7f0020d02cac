// What the core counts. That delivered and failed records are each counted once is checked by every test with a
// core_script.
#include "../support/core_script.hpp"

namespace kurier::core::script {
namespace {

using enum broker_errc;

std::vector<broker_event_queue::entry> events_of(core_script& s)
{
    std::vector<broker_event_queue::entry> all;
    broker_event_queue::entry next;
    while (s.core.poll(next)) all.push_back(next);
    return all;
}

std::vector<broker_change> changes_of(core_script& s)
{
    std::vector<broker_change> all;
    for (const auto& happened : events_of(s)) all.push_back(happened.event.change);
    return all;
}

} // namespace

TEST_CASE("How long things took: how often, in all, and at most")
{
    duration_metric some;
    CHECK(some.mean() == 0ns);
    some.add(5ms);
    some.add(1ms);
    CHECK(some.count == 2);
    CHECK(some.total == 6ms);
    CHECK(some.max == 5ms);
    CHECK(some.mean() == 3ms);
}

TEST_CASE(
    "A batch on its way is counted: what waits, what was sent, what is acknowledged, and how long it took")
{
    auto config = plain_config();
    config.linger = 5ms;
    core_script s{config};
    s.warm_up();
    const auto before = s.core.metrics();
    s.send("t", "one");
    s.pass(2ms);
    s.send("t", "two");

    auto now = s.core.metrics();
    CHECK(now.records_pending == 2);
    CHECK(now.batches_pending == 1);
    CHECK(now.requests == before.requests);
    CHECK(now.connections == 2); // the bootstrap one and the leader's
    CHECK(now.requests_in_flight == 0);
    CHECK(now.buffer_total == config.buffer_memory);
    CHECK(now.buffer_in_use == s.core.pool().in_use());
    CHECK(now.buffer_in_use > 0);

    s.step(3ms);
    now = s.core.metrics();
    CHECK(now.requests == before.requests + 1);
    CHECK(now.requests_in_flight == 1);
    CHECK(now.queue_time.count == before.queue_time.count + 1);
    CHECK(now.queue_time.total == before.queue_time.total + 5ms);
    CHECK(now.records_delivered == before.records_delivered);
    CHECK(now.bytes_written > before.bytes_written + s.asked.front().only().bytes.size());

    s.pass(7ms);
    const auto size = s.asked.front().only().bytes.size();
    s.answer();
    now = s.core.metrics();
    CHECK(now.records_delivered == before.records_delivered + 2);
    CHECK(now.batches_delivered == before.batches_delivered + 1);
    CHECK(now.batch_bytes == before.batch_bytes + size);
    CHECK(now.delivery_time.max == 12ms);
    CHECK(now.request_latency.count == before.request_latency.count + 1);
    CHECK(now.request_latency.max == 7ms);
    CHECK(now.bytes_read > before.bytes_read);
    CHECK(now.records_pending + now.batches_pending + now.requests_in_flight == 0);
    CHECK(now.records_retried + now.batches_failed + now.requests_lost + now.throttle_time.count == 0);
}

TEST_CASE(
    "A further attempt counts as a retry, of the batch and of its records; the first one's wait counts once")
{
    auto config = plain_config();
    config.linger = 5ms;
    core_script s{config};
    s.warm_up();
    const auto before = s.core.metrics();
    for (const auto* value : {"a", "b", "c"}) s.send("t", value);
    s.step(5ms);
    s.answer(not_enough_replicas);
    s.step(1s);
    s.answer();
    const auto now = s.core.metrics();
    CHECK(now.batches_retried == 1);
    CHECK(now.records_retried == 3);
    CHECK(now.queue_time.count == before.queue_time.count + 1);
    CHECK(now.batches_delivered == before.batches_delivered + 1);
    CHECK(now.batches_failed == 0);
}

TEST_CASE("Failures: by the broker's word, in the waiting room, withdrawn, and after a split")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    s.step();
    s.answer(invalid_record);
    CHECK(s.core.metrics().batches_failed == 1);
    CHECK(s.core.metrics().records_failed == 1);

    s.send("nowhere", "a");
    CHECK(s.core.metrics().records_waiting == 1);
    s.step(s.core.config().max_block);
    CHECK(s.core.metrics().records_waiting == 0);
    CHECK(s.core.metrics().records_failed == 2);
    CHECK(s.core.metrics().batches_failed == 1);

    const auto before = s.core.metrics();
    s.send("t", "a");
    REQUIRE(s.core.withdraw(*s.last_place.where, s.last_place.index));
    CHECK(s.core.metrics().records_pending == 0);
    s.step();
    CHECK(s.core.idle());
    const auto now = s.core.metrics();
    CHECK(now.records_failed == before.records_failed);
    CHECK(now.records_delivered == before.records_delivered);
}

TEST_CASE("A split is counted once, and the pieces' records as delivered")
{
    auto config = plain_config();
    config.linger = 5ms;
    core_script s{config};
    s.warm_up();
    const auto before = s.core.metrics();
    s.send("t", "a");
    s.send("t", "b");
    s.step(5ms);
    s.answer(message_too_large);
    s.step(1s);
    s.answer_all();
    s.step(1s);
    s.answer_all();
    const auto now = s.core.metrics();
    CHECK(now.batches_split == 1);
    CHECK(now.records_delivered == before.records_delivered + 2);
    CHECK(now.batches_delivered == before.batches_delivered + 2);
    CHECK(now.batches_failed == 0);
}

TEST_CASE("acks=0: written is delivered, and no answer is waited for")
{
    auto config = plain_config();
    config.acks = acks::none;
    config.enable_idempotence = false;
    core_script s{config};
    s.send("t", "a");
    s.step();
    CHECK(s.core.metrics().records_delivered == 1);
    CHECK(s.core.metrics().requests == 1);
    CHECK(s.core.metrics().request_latency.count == 0);
    CHECK(s.core.metrics().requests_in_flight == 0);
}

TEST_CASE("Observers of brokers are told of connections, answers, throttling and losses; without one nothing "
          "is kept")
{
    core_script s;
    s.warm_up();
    CHECK(events_of(s).empty());
    s.core.observe_brokers();

    s.send("t", "a");
    s.step();
    s.pass(3ms);
    auto question = s.take();
    s.answer(question, {{}}, 40);
    auto happened = events_of(s);
    REQUIRE(happened.size() == 2);
    CHECK(happened[0].event.change == broker_change::answered);
    CHECK(happened[0].event.taken == 3ms);
    CHECK(happened[0].event.bytes > question.only().bytes.size());
    CHECK(happened[0].event.id == 1);
    CHECK(happened[0].host == "broker");
    CHECK(happened[0].event.port == 9001);
    CHECK_FALSE(happened[0].event.error);
    CHECK(happened[1].event.change == broker_change::throttled);
    CHECK(happened[1].event.taken == 40ms);
    CHECK(s.core.metrics().throttle_time.max == 40ms);

    s.step(40ms);
    s.send("t", "b");
    s.step();
    s.pass(1ms);
    s.accept_connections = false;
    s.drop(s.link_to(9001));
    happened = events_of(s);
    REQUIRE(happened.size() == 2);
    CHECK(happened[0].event.change == broker_change::unanswered);
    CHECK(happened[0].event.error == errc::disconnected);
    CHECK(happened[0].event.taken == 1ms);
    CHECK(happened[1].event.change == broker_change::disconnected);
    CHECK(happened[1].event.error == errc::disconnected);
    CHECK(s.core.metrics().requests_lost == 1);
    CHECK(s.core.metrics().connections_failed == 1);

    s.step(1s);
    s.drop(s.link_to(9001), errc::connect_timed_out);
    CHECK(changes_of(s) == std::vector{broker_change::unreachable});
    s.accept_connections = true;
    const auto opened = s.core.metrics().connections_opened;
    s.step(5s);
    CHECK(s.core.metrics().connections_opened == opened + 1);
    CHECK(changes_of(s) == std::vector{broker_change::connected});
    s.answer_all();
}

TEST_CASE("An answer that can't be read counts as none")
{
    core_script s;
    s.warm_up();
    s.core.observe_brokers();
    const auto before = s.core.metrics();
    s.send("t", "a");
    s.step();
    const auto question = s.take();
    s.put_answer(question.link, question.correlation_id,
                 {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{5},
                  static_cast<std::byte>(question.correlation_id >> 24),
                  static_cast<std::byte>(question.correlation_id >> 16),
                  static_cast<std::byte>(question.correlation_id >> 8),
                  static_cast<std::byte>(question.correlation_id), std::byte{0xff}});
    s.step();
    CHECK(s.core.metrics().requests_lost == before.requests_lost + 1);
    CHECK(s.core.metrics().request_latency.count == before.request_latency.count);
    const auto changes = changes_of(s);
    REQUIRE(changes.size() >= 2);
    CHECK(changes[0] == broker_change::unanswered);
    CHECK(changes[1] == broker_change::disconnected);
    s.step(1s);
    s.answer_all();
}

TEST_CASE("The end on purpose: connections that close are no failures, and what is told has no error")
{
    core_script s;
    s.warm_up();
    s.core.observe_brokers();
    const auto before = s.core.metrics();
    s.core.abort(errc::closed);
    s.step();
    const auto happened = events_of(s);
    CHECK(happened.size() == before.connections);
    for (const auto& [event, host] : happened) {
        CHECK(event.change == broker_change::disconnected);
        CHECK_FALSE(event.error);
    }
    CHECK(s.core.metrics().connections_failed == before.connections_failed);
    CHECK(s.core.metrics().connections == 0);
}

TEST_CASE("While nobody takes the events, the oldest are dropped")
{
    broker_event_queue queue;
    broker_node node;
    node.host = "broker";
    queue.add(node, broker_change::connected, {});
    broker_event_queue::entry out;
    CHECK_FALSE(queue.poll(out)); // nobody observes
    queue.begin();
    for (std::size_t i = 0; i < 2000; ++i) queue.add(node, broker_change::answered, {}, i);
    REQUIRE(queue.poll(out));
    CHECK(out.event.bytes == 2000 - 1024);
    CHECK(out.event.host == "broker");
}

} // namespace kurier::core::script
