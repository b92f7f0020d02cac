// record::timeout: a record's own time, which is over before that of its batch.
#include "../support/core_script.hpp"

#include <kurier/core/intake/expiries.hpp>

using namespace kurier;
using namespace kurier::core;
using namespace kurier::core::script;
using enum broker_errc;

namespace {

producer_config long_linger()
{
    auto config = plain_config();
    config.linger = 100ms;
    return config;
}

outcome& send_within(core_script& s, nanoseconds time, std::string_view value, std::string_view topic = "t")
{
    auto& told = s.outcomes.emplace_back();
    auto& known = s.core.use_topic(topic, s.now);
    const auto result = s.core.send(
        {known, 0, {{}, value, {}, s.now.wall_ms}, {}, true, {}, true, s.now.steady + time}, s.now);
    s.last_place = result.appended;
    s.last_waiting = result.parked;
    core_script::listen(
        result.parked ? result.parked->waiter : result.appended.where->slot_of(result.appended.index), told);
    return told;
}

} // namespace

TEST_CASE("a record that has not left is taken out of its batch, and the others go without it")
{
    core_script s{long_linger()};
    s.warm_up();
    auto& first = s.send("t", "first");
    auto& late = send_within(s, 20ms, "late");
    auto& last = s.send("t", "last");
    s.step(19ms);
    CHECK_FALSE(late.done());
    CHECK(s.core.deadline() == s.now.steady + 1ms);
    s.step(1ms);
    CHECK(late.times_told == 1);
    CHECK(late.error == errc::record_expired);
    CHECK(late.failure->persisted == persisted::no);
    CHECK(late.failure->attempts == 0);
    CHECK(late.failure->topic == "t");
    CHECK(late.failure->partition == 0);
    CHECK(late.failure->retriable);
    s.step(100ms);
    CHECK(s.asked.front().only().values == std::vector<std::string>{"first", "last"});
    s.answer();
    CHECK(first.ok());
    CHECK(last.ok());
    CHECK(last.offset == first.offset + 1);
    CHECK(late.times_told == 1);
    CHECK(s.core.metrics().records_failed == 1);
    CHECK(s.core.idle());
}

TEST_CASE("a record that is on its way is possibly written, and its batch goes on")
{
    core_script s;
    s.warm_up();
    s.brokers[2] = 9002;
    const auto before = s.core.metrics().records_delivered;
    auto& late = send_within(s, 20ms, "late");
    s.step(19ms);
    REQUIRE(s.asked.size() == 1);
    CHECK_FALSE(late.done());
    s.step(1ms);
    CHECK(late.error == errc::record_expired);
    CHECK(late.failure->persisted == persisted::possibly);
    CHECK(late.failure->attempts == 1);
    CHECK(late.failure->last_broker == "broker:9001 (id 1)");
    CHECK_FALSE(s.core.idle());
    s.answer();
    CHECK(late.times_told == 1);
    CHECK(s.core.metrics().records_delivered == before + 1); // as it turned out
    CHECK(s.core.metrics().records_failed == 0);
    CHECK(s.core.idle());
}

TEST_CASE("the only record of a batch: nothing is sent")
{
    core_script s{long_linger()};
    s.warm_up();
    auto& late = send_within(s, 20ms, "late");
    s.step(1s);
    CHECK(late.error == errc::record_expired);
    CHECK(late.failure->persisted == persisted::no);
    CHECK(s.asked.empty());
    CHECK(s.core.idle());
    CHECK(s.core.pool().in_use() == 0);
}

TEST_CASE(
    "the only record of a batch whose leader is away: the batch ends with it, and nothing waits for more")
{
    core_script s;
    s.warm_up();
    s.drop(s.link_to(9001));
    s.accept_connections = false;
    outcome* late = nullptr;
    bool cancelled = false;
    SUBCASE("its time is over")
    {
        late = &send_within(s, 20ms, "late");
    }
    SUBCASE("it is cancelled")
    {
        s.send("t", "late");
        cancelled = true;
    }
    SUBCASE("its time is over, behind one that stays")
    {
        auto& patient = s.send("t", "patient");
        late = &send_within(s, 20ms, "late");
        s.step(20ms);
        CHECK(late->error == errc::record_expired);
        CHECK(s.partition().open); // or it would be lost
        s.accept_connections = true;
        s.step(2s);
        s.answer();
        CHECK(patient.ok());
        return;
    }
    CHECK_FALSE(s.core.idle());
    if (cancelled) {
        CHECK(s.core.withdraw(*s.last_place.where, s.last_place.index));
        s.step();
    } else {
        s.step(20ms);
        CHECK(late->error == errc::record_expired);
        CHECK(late->failure->persisted == persisted::no);
        CHECK(late->times_told == 1);
    }
    CHECK(s.core.idle());
    CHECK(s.core.pool().in_use() == 0);
    CHECK_FALSE(s.partition().open);
    CHECK(s.partition().queue.empty());
}

TEST_CASE("no time at all is over at once")
{
    core_script s;
    s.warm_up();
    auto& late = send_within(s, 0ms, "late");
    s.step();
    CHECK(late.error == errc::record_expired);
    CHECK(s.asked.empty());
}

TEST_CASE("a record that waits for its topic: the reason is the brokers'")
{
    core_script s;
    s.accept_connections = false;
    auto& late = send_within(s, 20ms, "late");
    auto& patient = s.send("t", "patient");
    s.step();
    s.drop(s.connects.at(0).link, errc::resolve_failed);
    s.step(20ms);
    CHECK(late.error == errc::record_expired);
    CHECK(late.last_error == errc::resolve_failed);
    CHECK(late.failure->persisted == persisted::no);
    CHECK_FALSE(patient.done());
    CHECK(s.core.waiting().size() == 1);
    s.accept_connections = true;
    s.step(1s);
    s.answer_all();
    CHECK(patient.ok());
}

TEST_CASE("a record that waited for its topic has what is left of its time in the batch")
{
    core_script s{long_linger()};
    s.answer_metadata = false;
    auto& late = send_within(s, 50ms, "late");
    s.step(20ms);
    REQUIRE(s.held.size() == 1);
    s.answer_metadata = true;
    protocol::metadata_request question;
    question.topics.emplace().emplace_back().name = "t";
    s.respond(s.held[0].first, s.peers.at(s.held[0].first).answers.front().first,
              protocol::metadata_request::valid.hi, s.metadata_answer(question));
    CHECK(s.core.waiting().empty());
    s.step(29ms);
    CHECK_FALSE(late.done());
    s.step(1ms);
    CHECK(late.error == errc::record_expired);
    CHECK(late.failure->persisted == persisted::no);
}

TEST_CASE("delivery.timeout.ms and max.block.ms bound it")
{
    core_script s;
    s.warm_up();
    auto& unknown = send_within(s, 1h, "a", "nowhere");
    auto& late = send_within(s, 1h, "a");
    s.step();
    REQUIRE(s.asked.size() == 1);
    s.lose_for_good(9001);
    s.step(s.core.config().delivery_timeout);
    CHECK(unknown.error == errc::max_block_exceeded);
    CHECK(late.error == errc::delivery_timeout);
    s.step(2h);
    CHECK(late.times_told == 1);
}

TEST_CASE("a record whose batch was split: on its way, whatever came before")
{
    core_script s{long_linger()};
    s.warm_up();
    auto& first = s.send("t", "first");
    auto& late = send_within(s, 200ms, "late");
    s.step(100ms);
    s.answer(message_too_large);
    s.step(50ms);
    CHECK_FALSE(late.done());
    s.step(50ms);
    CHECK(late.error == errc::record_expired);
    CHECK(late.failure->persisted == persisted::possibly);
    s.step(1s);
    s.answer_all();
    s.step(1s);
    s.answer_all();
    CHECK(first.ok());
    CHECK(late.times_told == 1);
    CHECK(s.core.idle());
}

TEST_CASE("a record that was withdrawn, or delivered, does not expire")
{
    core_script s{long_linger()};
    s.warm_up();
    auto& withdrawn = send_within(s, 20ms, "withdrawn");
    REQUIRE(s.core.withdraw(*s.last_place.where, s.last_place.index));
    s.step(50ms);
    CHECK_FALSE(withdrawn.done());
    auto& delivered = send_within(s, 5s, "delivered");
    s.step(100ms);
    s.answer();
    CHECK(delivered.ok());
    s.step(10s);
    CHECK(delivered.times_told == 1);
    CHECK(s.core.metrics().records_failed == 0);
}

TEST_CASE("with acks=0 a record that is taken out in the turn in which its batch leaves is told so")
{
    auto config = plain_config();
    config.acks = acks::none;
    config.enable_idempotence = false;
    core_script s{config};
    s.warm_up();
    auto& other = s.send("t", "other");
    auto& late = send_within(s, 0ms, "late");
    s.step();
    CHECK(other.ok());
    CHECK(late.error == errc::record_expired);
    CHECK(late.failure->persisted == persisted::no);
    CHECK(s.unacknowledged.back().only().values == std::vector<std::string>{"other"});
}

TEST_CASE("what is remembered of delivered records stays less than what is open, twice over")
{
    core_script s;
    s.warm_up();
    expiries kept;
    batch done;
    done.phase = batch_phase::done;
    partition_state partition;
    done.partition = &partition;
    for (int i = 0; i < 10'000; ++i) {
        kept.prepare();
        kept.add(1h).is_in({&done, 0});
    }
    CHECK(kept.size() < 200);
    for (int i = 0; i < 300; ++i) {
        send_within(s, 1h, "a");
        s.step();
        s.answer();
    }
    CHECK(s.core.deadline() > s.now.steady);
}

TEST_CASE("a core with expired records that nobody was told of may be destroyed")
{
    core_script s{long_linger()};
    s.warm_up();
    send_within(s, 0ms, "late");
    s.core.turn(s.now);
    CHECK(s.core.next_expired());
}
