// Memory: buffer.memory as a bound, who waits and in which order, flush, close and the end.
#include "../support/core_script.hpp"

namespace kurier::core::script {
namespace {

using enum broker_errc;

// One record of about 1000 bytes fills a block of 1536: four fit.
producer_config small_buffer()
{
    auto config = plain_config();
    config.buffer_memory = 6144;
    config.batch_size = 1200;
    config.max_block = 10s;
    return config;
}

std::string kilobyte(char with)
{
    return std::string(1000, with);
}

void drain(core_script& s) // everything is answered until nothing is left
{
    for (int i = 0; i < 100; ++i) {
        s.step(1s);
        if (s.asked.empty() && s.core.idle()) return;
        s.answer_all();
    }
    FAIL("it does not end");
}

} // namespace

// --- linger and full -------------------------------------------------------------------------------------------------

TEST_CASE("a batch is sent when it is full, or when its linger is over, not before")
{
    auto config = plain_config();
    config.linger = 10ms;
    config.batch_size = 500;
    core_script s{config};
    s.warm_up();
    s.send("t", "a");
    s.step(9ms);
    CHECK(s.asked.empty());
    s.step(1ms);
    CHECK(s.asked.size() == 1);
    s.answer();
    for (int i = 0; i < 4; ++i) s.send("t", std::string(120, 'x'));
    s.step();
    REQUIRE(s.asked.size() == 1); // three fit, the fourth closed the batch
    CHECK(s.asked[0].only().header.record_count == 3);
    CHECK(s.asked[0].only().bytes.size() <= 500);
    s.step(10ms);
    CHECK(s.asked.size() == 2);
}

TEST_CASE("a record larger than batch.size goes in a batch of its own")
{
    auto config = plain_config();
    config.batch_size = 100;
    core_script s{config};
    s.warm_up();
    s.send("t", std::string(5000, 'x'));
    s.step();
    CHECK(s.asked.at(0).only().values.at(0).size() == 5000);
}

TEST_CASE("one batch per partition in a request, several partitions and topics together")
{
    core_script s;
    s.topics["u"] = {id_of(2), {{}, {}}, none};
    s.warm_up("t");
    s.warm_up("u");
    s.send("u", "1", 1);
    s.send("t", "0", 0);
    s.send("u", "0", 0);
    s.step();
    REQUIRE(s.asked.size() == 1);
    REQUIRE(s.asked[0].batches.size() == 3);
    CHECK(s.asked[0].batches[0].topic == "t");
    CHECK(s.asked[0].batches[1].topic == "u");
    CHECK(s.asked[0].batches[1].partition == 0);
    CHECK(s.asked[0].batches[2].partition == 1);
    s.answer_all();
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

TEST_CASE("max.request.size: what does not fit goes with the next request; one batch always fits")
{
    auto config = plain_config();
    config.max_request_size = 1500;
    core_script s{config};
    s.topics["t"].partitions.resize(4);
    s.warm_up();
    for (int i = 0; i < 4; ++i) s.send("t", std::string(600, 'x'), i);
    s.step();
    REQUIRE(s.asked.size() == 2);
    CHECK(s.asked[0].batches.size() == 2);
    CHECK(s.asked[1].batches.size() == 2);
    s.answer_all();
    s.send("t", std::string(3000, 'x'), 0);
    s.step();
    CHECK(s.asked.at(0).batches.size() == 1);
}

TEST_CASE("librdkafka #2912: the first record is not late; a wake-up is never lost")
{
    core_script s;
    auto& told = s.send("t", "a");
    s.step(); // no time passes
    s.answer();
    CHECK(told.ok());
    CHECK(s.core.deadline() > s.now.steady);
}

// --- buffer.memory ---------------------------------------------------------------------------------------------------

TEST_CASE("buffer.memory is never passed; who finds no room waits, and goes in order when there is some")
{
    core_script s{small_buffer()};
    s.warm_up();
    for (char c = 'a'; c < 'k'; ++c) s.send("t", kilobyte(c));
    CHECK(s.core.pool().in_use() <= 6144);
    CHECK(s.core.waiting().size() == 6);
    std::string order;
    for (int i = 0; i < 20; ++i) {
        s.step(100ms);
        CHECK(s.core.pool().in_use() <= 6144);
        if (s.asked.empty()) break;
        order += s.asked[0].only().values[0][0];
        s.answer();
    }
    CHECK(order == "abcdefghij");
    for (const auto& told : s.outcomes) CHECK(told.ok());
    CHECK(s.core.pool().in_use() == 0);
    CHECK(s.core.waiting().used() == 0);
}

TEST_CASE("librdkafka #2912: room that an acknowledgement makes is used at once, without another event")
{
    core_script s{small_buffer()};
    s.warm_up();
    for (char c = 'a'; c < 'f'; ++c) s.send("t", kilobyte(c));
    CHECK(s.core.waiting().size() == 1);
    s.step();
    s.answer();
    CHECK(s.core.waiting().size() == 0);
}

TEST_CASE("2.4: who waits for room doesn't wait for another's linger")
{
    auto config = small_buffer();
    config.linger = 1h;
    config.delivery_timeout = 3h;
    core_script s{config};
    s.topics["t"].partitions.resize(5);
    for (int i = 0; i < 4; ++i) s.send("t", kilobyte('x'), i); // metadata comes with the first
    s.step();
    REQUIRE(s.core.waiting().size() == 0);
    s.step(1s);
    CHECK(s.asked.empty());
    s.send("t", kilobyte('y'), 4);
    CHECK(s.core.waiting().size() == 1);
    s.step(1s);
    CHECK_FALSE(s.asked.empty()); // the open batches go out to make room
    s.core.flush();
    drain(s);
}

TEST_CASE("no room within max.block.ms: the record fails, unsent, and says what stands in the way")
{
    core_script s{small_buffer()};
    s.warm_up();
    for (char c = 'a'; c < 'e'; ++c) s.send("t", kilobyte(c));
    auto& told = s.send("t", kilobyte('e'));
    s.step(9999ms);
    CHECK_FALSE(told.done());
    s.step(1ms);
    CHECK(told.error == errc::max_block_exceeded);
    CHECK(told.written == persisted::no);
    CHECK(told.text.find("buffer.memory") != std::string::npos);
}

TEST_CASE("the waiting room is bounded too")
{
    auto config = small_buffer();
    config.waiting_memory = 4000;
    core_script s{config};
    s.warm_up();
    for (int i = 0; i < 4; ++i) s.send("t", kilobyte('a'));
    int refused = 0;
    for (int i = 0; i < 10; ++i) refused += s.send("t", kilobyte('b')).error == errc::buffer_full;
    CHECK(refused > 0);
    CHECK(s.core.waiting().used() <= 4000);
    drain(s);
}

TEST_CASE("a record that buffer.memory has room for goes out, whatever its size (KAFKA-3648)")
{
    for (const std::size_t memory : {200u, 600u, 1000u, 100'000u, 1'000'000u, 1'000'003u, 2'000'000u}) {
        CAPTURE(memory);
        auto config = plain_config();
        config.buffer_memory = memory;
        config.max_request_size = 3'000'000;
        core_script s{config};
        s.warm_up();
        const auto largest = record_limits{config}.both();
        std::string value(largest, 'x');
        record_bytes record{{}, value, {}, s.now.wall_ms};
        while (accumulator::size_alone(record) > largest) {
            value.pop_back();
            record.value = nullable_bytes{value};
        }
        auto& told = s.send_record("t", record, 0);
        CHECK(s.core.pool().in_use() <= memory);
        CHECK(s.core.pool().in_use() + 8 > memory);
        s.send("t", "another");
        s.step();
        s.answer_all();
        CHECK(told.ok());
        s.step();
        s.answer_all();
        CHECK(s.outcomes.back().ok());
        value += 'y'; // one more is beyond it
        record.value = nullable_bytes{value};
        CHECK(accumulator::size_alone(record) > largest);
        CHECK_FALSE(s.core.pool().has_room(accumulator::room_for(record), memory));
    }
}

TEST_CASE("what goes into a request: max.request.size, and the int32 of a frame's size")
{
    producer_config config;
    config.max_request_size = 1000;
    const auto takes = [&](std::initializer_list<std::size_t> sizes) {
        request_room room{config};
        int taken = 0;
        for (const auto size : sizes)
            if (!room.take(size))
                break;
            else
                ++taken;
        return taken;
    };
    CHECK(takes({400, 600}) == 2);
    CHECK(takes({400, 601}) == 1);
    CHECK(takes({5000, 1}) == 1); // one always fits
    config.max_request_size = 0x7fffffff;
    CHECK(takes({0x3fffffff, 0x3fffffff}) == 1); // what is around them doesn't fit
    CHECK(takes({0x3fffffff, 0x3ffff000}) == 2);
    CHECK(takes({record_limits{config}.request}) == 1);
}

TEST_CASE("the largest record makes a frame whose size fits into an int32, with the longest names")
{
    producer_config config;
    config.client_id = std::string(30'000, 'c');
    config.max_request_size = 0x7fffffff;
    topic_state topic;
    topic.name = topic_name{std::string(249, 't')};
    auto& partition = topic.partitions.emplace_back();
    partition.topic = &topic;
    batch huge;
    huge.partition = &partition;
    huge.size = record_limits{config}.request; // its bytes are never looked at
    for (std::int16_t version = 3; version <= protocol::produce_request::valid.hi; ++version) {
        request made;
        made.version = version;
        produce_codec codec;
        codec.encode(made, {&huge}, config);
        wire::reader in{made.head};
        const auto size = in.take_int<std::int32_t>();
        CHECK(size > 0);
        CHECK(static_cast<std::size_t>(size) == made.head.size() - 4 + huge.size);
        CHECK(made.head.size() <= request_frame_max(config) + partition_frame_max);
    }
}

TEST_CASE("a later record may not overtake one that waits, though it would fit")
{
    core_script s{small_buffer()};
    s.warm_up();
    for (char c = 'a'; c < 'e'; ++c) s.send("t", kilobyte(c));
    s.send("t", kilobyte('e')); // waits
    s.send("t", "f");           // small
    CHECK(s.core.waiting().size() == 2);
    std::string order;
    for (int i = 0; i < 20; ++i) {
        s.step(1s);
        if (s.asked.empty()) break;
        for (const auto& value : s.asked[0].only().values) order += value[0];
        s.answer();
    }
    CHECK(order == "abcdef");
}

TEST_CASE("half of the buffer at most for one broker: a dead one does not stop the others")
{
    auto config = small_buffer();
    config.max_block = 60s;
    core_script s{config};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.lose_for_good(9001); // broker 1 is dead
    for (int i = 0; i < 10; ++i) s.send("t", kilobyte('d'), 0);
    CHECK(s.core.view().node(1)->memory <= 3072);
    for (int i = 0; i < 10; ++i) {
        auto& told = s.send("t", kilobyte('l'), 1);
        s.step(10ms);
        s.answer_all();
        s.step(10ms);
        CHECK(told.ok());
    }
}

TEST_CASE(
    "half of the buffer at most, but a record larger than that gets in when its broker has nothing else")
{
    core_script s{small_buffer()};
    s.brokers[2] = 9002;
    s.warm_up();
    auto& told = s.send("t", std::string(4000, 'x'));
    s.step();
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("records of one leader don't wait behind those of another")
{
    core_script s{small_buffer()};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    for (int i = 0; i < 4; ++i) s.send("t", kilobyte('a'), 0);
    CHECK(s.core.waiting().size() == 2);
    s.send("t", kilobyte('b'), 1);
    CHECK(s.core.waiting().size() == 2);
    drain(s);
}

TEST_CASE("a leader hint moves the records that wait: nothing overtakes them at the new leader")
{
    core_script s{small_buffer()};
    s.brokers[2] = 9002;
    s.warm_up();
    for (char c = 'a'; c < 'g'; ++c) s.send("t", kilobyte(c));
    CHECK(s.core.waiting().size() == 4);
    s.step();
    s.answer_metadata = false;
    s.answer(reply{.error = not_leader_or_follower, .leader = 2, .leader_epoch = 1});
    s.send("t", "z");
    std::string order;
    for (int i = 0; i < 30; ++i) {
        s.step(100ms);
        if (s.asked.empty()) continue;
        if (s.asked[0].link == s.link_to(9001)) {
            s.answer(not_leader_or_follower);
            continue;
        }
        for (const auto& value : s.asked[0].only().values) order += value[0];
        s.answer();
    }
    CHECK(order == "abcdefz");
}

TEST_CASE("a leader that goes: the records that waited for it go with their partition")
{
    core_script s{small_buffer()};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    for (char c = 'a'; c < 'g'; ++c) s.send("t", kilobyte(c), 0);
    s.step();
    s.topics["t"].partitions[0] = {2, 1, 0};
    s.drop(s.link_to(9001));
    std::string order;
    for (int i = 0; i < 30; ++i) {
        s.step(500ms);
        if (s.asked.empty()) break;
        for (const auto& value : s.asked[0].only().values) order += value[0];
        s.answer();
    }
    CHECK(order == "abcdef");
}

TEST_CASE("franz-go #832: a record that waits is withdrawn, which does not hold back those behind it")
{
    core_script s{small_buffer()};
    s.warm_up();
    for (char c = 'a'; c < 'e'; ++c) s.send("t", kilobyte(c));
    auto& withdrawn = s.send("t", kilobyte('e'));
    auto* waiting = s.last_waiting;
    waiting->held = true;
    auto& behind = s.send("t", kilobyte('f'));
    const auto epoch = s.core.flush();
    s.core.withdraw(*waiting);
    CHECK(waiting->error == errc::withdrawn);
    s.core.drop(*waiting);
    drain(s);
    CHECK(withdrawn.times_told == 0);
    CHECK(behind.ok());
    CHECK(s.core.flushed(epoch));
}

TEST_CASE("a waiting record's delivery follows it into its batch")
{
    core_script s{small_buffer()};
    s.warm_up();
    for (char c = 'a'; c < 'e'; ++c) s.send("t", kilobyte(c));
    s.send("t", kilobyte('e'));
    auto* waiting = s.last_waiting;
    waiting->held = true;
    s.step();
    s.answer();
    REQUIRE(waiting->where);
    auto& where = *waiting->where;
    CHECK(where.deliveries == 1);
    s.core.drop(*waiting);
    drain(s);
    CHECK(where.done());
    CHECK(where.offset_of(0) == 5);
    s.core.drop(where);
}

// --- topics that are not known ---------------------------------------------------------------------------------------

TEST_CASE("an unknown topic is waited for, with pauses, until max.block.ms")
{
    core_script s{small_buffer()};
    auto& told = s.send("new", "a");
    s.step(9999ms);
    CHECK_FALSE(told.done());
    CHECK(s.metadata_asked.size() > 5);
    CHECK(s.metadata_asked.size() < 25);
    s.step(2ms);
    CHECK(told.error == errc::max_block_exceeded);
    CHECK(told.written == persisted::no);
    CHECK(told.text.find("does not know") != std::string::npos);
}

TEST_CASE("a topic that comes into being while its records wait: they go in order, each to its partition")
{
    core_script s;
    for (int i = 0; i < 6; ++i) s.send("new", std::to_string(i), i % 2);
    s.step(1s);
    s.topics["new"] = {id_of(9), {{}, {}}, none};
    s.step(2s);
    REQUIRE(s.asked.size() == 1);
    REQUIRE(s.asked[0].batches.size() == 2);
    CHECK(s.asked[0].batches[0].values == std::vector<std::string>{"0", "2", "4"});
    CHECK(s.asked[0].batches[1].values == std::vector<std::string>{"1", "3", "5"});
}

TEST_CASE("a topic that may not be written to fails at once")
{
    core_script s;
    s.topics["t"].error = topic_authorization_failed;
    auto& told = s.send("t", "a");
    s.step();
    CHECK(told.error == topic_authorization_failed);
    s.topics["t"].error = none; // granted later
    auto& again = s.send("t", "b");
    s.step(1s);
    s.answer_all();
    CHECK(again.ok());
}

TEST_CASE("a partition without a leader: its record waits in the buffer, and other topics go on")
{
    core_script s;
    s.topics["t"].partitions = {{-1, 0, 0}, {1, 0, 0}};
    auto& stuck = s.send("t", "a", 0);
    auto& fine = s.send("t", "b", 1);
    s.step(1s);
    s.answer_all();
    CHECK(fine.ok());
    CHECK_FALSE(stuck.done());
    s.topics["t"].partitions[0] = {1, 1, 0};
    s.step(3s);
    s.answer_all();
    CHECK(stuck.ok());
}

TEST_CASE("partitions that are added are found with the next refresh, and used")
{
    core_script s;
    s.warm_up();
    s.topics["t"].partitions.resize(3);
    s.step(200s);
    s.send("t", "in use");
    s.step();
    s.answer();
    s.step(101s);
    CHECK(s.core.view().find("t")->partitions.size() == 3);
    auto& told = s.send("t", "a", 2);
    s.step();
    CHECK(s.asked.at(0).only().partition == 2);
    s.answer();
    CHECK(told.ok());
}

TEST_CASE(
    "the partition is chosen when the topic is known, and a chooser may leave it to the sticky partitioner")
{
    core_script s;
    s.topics["t"].partitions.resize(4);
    auto& told = s.outcomes.emplace_back();
    auto& topic = s.core.use_topic("t", s.now);
    static int asked = 0;
    asked = 0;
    const partition_chooser chooser{[](void*, const topic_state& known, nullable_bytes key, nullable_bytes,
                                       std::span<const header_view> headers) -> std::int32_t {
                                        ++asked;
                                        CHECK(known.partitions.size() == 4);
                                        CHECK(as_text(key.view()) == "k");
                                        CHECK(headers.size() == 1);
                                        return 3;
                                    },
                                    {}};
    const header_view headers[] = {{"h", nullable_bytes{}}};
    auto* waiting = s.core.send({topic, {}, {"k", "v", headers, 1}, chooser}, s.now).parked;
    waiting->waiter.notify = [](void* context, const fate&) { ++static_cast<outcome*>(context)->times_told; };
    waiting->waiter.context = &told;
    s.send_record("t", {{}, "unkeyed", {}, 1}, std::nullopt);
    s.step();
    CHECK(asked == 1);
    REQUIRE(s.asked.size() == 1);
    bool found = false;
    for (const auto& batch : s.asked[0].batches) found |= batch.partition == 3 && batch.values.at(0) == "v";
    CHECK(found);
    s.answer_all();
    CHECK(told.times_told == 1);
}

TEST_CASE(
    "a chooser is called in the middle of an event, in which nothing may be sent early: the core says so")
{
    core_script s;
    auto& topic = s.core.use_topic("t", s.now);
    const partition_chooser chooser{[](void* core, const topic_state& known, nullable_bytes, nullable_bytes,
                                       std::span<const header_view>) -> std::int32_t {
                                        CHECK(static_cast<producer_core*>(core)->busy());
                                        return known.partitions.size() == 1 ? 0 : 99;
                                    },
                                    std::shared_ptr<void>{std::shared_ptr<void>{}, &s.core}};
    auto* waiting = s.core.send({topic, {}, {"k", "v", {}, 1}, chooser}, s.now).parked;
    REQUIRE(waiting);
    CHECK_FALSE(s.core.busy());
    s.step();
    CHECK_FALSE(s.core.busy());
    CHECK(s.take().only().values == std::vector<std::string>{"v"});
}

TEST_CASE("a record that may not wait for room: taken for a topic that isn't known yet while buffer.memory "
          "can hold it")
{
    auto config = small_buffer();
    config.max_block = 5s;
    core_script s{config};
    s.answer_metadata = false;
    const auto try_send = [&](std::string_view name, std::string_view value) {
        auto& topic = s.core.use_topic(name, s.now);
        return s.core.send({topic, {}, {{}, value, {}, s.now.wall_ms}, {}, false}, s.now);
    };
    std::size_t taken = 0;
    while (try_send("t", kilobyte('a')).parked) REQUIRE(++taken < 1000);
    CHECK(taken >= 1);
    CHECK(s.core.waiting().used() <= config.buffer_memory);
    CHECK(s.core.waiting().used() + 1500 > config.buffer_memory);
    CHECK(try_send("t", kilobyte('a')).refused == errc::buffer_full);
    CHECK(try_send("other", kilobyte('a')).refused ==
          errc::buffer_full);   // they would all be in the one buffer
    s.send("t", kilobyte('b')); // send has kurier.waiting.memory
    CHECK(s.outcomes.back().times_told == 0);
}

TEST_CASE("a record that may not wait for room: refused where others of its topic wait for that")
{
    core_script s{small_buffer()};
    s.warm_up();
    while (s.core.waiting().empty()) s.send("t", kilobyte('a'));
    auto& topic = s.core.use_topic("t", s.now);
    CHECK(s.core.send({topic, 0, {{}, "a", {}, s.now.wall_ms}, {}, false}, s.now).refused ==
          errc::buffer_full);
}

TEST_CASE("whatever negative number a chooser gives: the sticky partition takes the record")
{
    core_script s;
    s.topics["t"].partitions.resize(4);
    auto& told = s.outcomes.emplace_back();
    auto& topic = s.core.use_topic("t", s.now);
    const partition_chooser chooser{[](void*, const topic_state&, nullable_bytes, nullable_bytes,
                                       std::span<const header_view>) -> std::int32_t { return -7; },
                                    {}};
    auto* waiting = s.core.send({topic, {}, {"k", "v", {}, 1}, chooser}, s.now).parked;
    core_script::listen(waiting->waiter, told);
    s.step();
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE(
    "a record without a partition for a topic without leaders is chosen once and sent when one is elected")
{
    core_script s;
    s.topics["t"].partitions = {{-1, 0, 0}};
    auto& told = s.send_record("t", {{}, "a", {}, 1}, std::nullopt);
    auto& next = s.send_record("t", {{}, "b", {}, 1}, std::nullopt);
    s.step(1s);
    s.topics["t"].partitions = {{1, 1, 0}};
    s.step(3s);
    s.answer_all();
    s.step(1s);
    s.answer_all();
    CHECK(told.ok());
    CHECK(next.ok());
}

// --- flush -----------------------------------------------------------------------------------------------------------

TEST_CASE("flush: no lingering, and over when all that was sent before is told")
{
    auto config = plain_config();
    config.linger = 1s;
    core_script s{config};
    s.warm_up();
    CHECK(s.core.flushed(s.core.flush())); // nothing to wait for
    auto& before = s.send("t", "a");
    const auto epoch = s.core.flush();
    CHECK_FALSE(s.core.flushed(epoch));
    s.step();
    REQUIRE(s.asked.size() == 1);
    s.send("t", "after");
    s.answer();
    CHECK(before.ok());
    CHECK(s.core.flushed(epoch)); // whatever came later
}

TEST_CASE("KAFKA-9312: flush waits for what waits for room or for its topic, for retries, and for failures")
{
    auto config = small_buffer();
    config.linger = 1s;
    core_script s{config};
    s.warm_up();
    for (char c = 'a'; c < 'g'; ++c) s.send("t", kilobyte(c));
    CHECK(s.core.waiting().size() == 2);
    auto& unknown = s.send("new", "x");
    const auto epoch = s.core.flush();
    int answers = 0;
    for (int i = 0; i < 40 && !s.core.flushed(epoch); ++i) {
        s.step(400ms);
        if (s.asked.empty()) continue;
        if (++answers == 2)
            s.answer(not_enough_replicas);
        else
            s.answer();
    }
    CHECK(s.core.flushed(epoch));
    CHECK(unknown.error == errc::max_block_exceeded);
    for (std::size_t i = 0; i < 6; ++i) CHECK(s.outcomes[i].ok());
}

TEST_CASE("several flushes at once end in order")
{
    auto config = plain_config();
    config.linger = 1s;
    core_script s{config};
    s.warm_up();
    s.send("t", "a");
    const auto first = s.core.flush();
    s.step();
    s.send("t", "b");
    const auto second = s.core.flush();
    s.step();
    REQUIRE(s.asked.size() == 2);
    s.answer();
    CHECK(s.core.flushed(first));
    CHECK_FALSE(s.core.flushed(second));
    s.answer();
    CHECK(s.core.flushed(second));
}

// --- the end ---------------------------------------------------------------------------------------------------------

TEST_CASE("abort: each record is told once, what may be written says so, connections are closed")
{
    core_script s{small_buffer()};
    s.warm_up();
    auto& in_flight = s.send("t", kilobyte('a'));
    s.step();
    auto& queued = s.send("t", kilobyte('b'));
    for (char c = 'c'; c < 'f'; ++c) s.send("t", kilobyte(c));
    auto& unknown = s.send("new", "x");
    CHECK(s.core.waiting().size() >= 2);
    s.core.abort(errc::aborted);
    s.step();
    for (const auto& told : s.outcomes) {
        CHECK(told.times_told == 1);
        CHECK(told.error == errc::aborted);
    }
    CHECK(in_flight.written == persisted::possibly);
    CHECK(queued.written == persisted::no);
    CHECK(unknown.written == persisted::no);
    CHECK(s.core.idle());
    CHECK(s.core.connections().all().empty());
    CHECK(s.core.pool().in_use() == 0);
    CHECK(s.core.deadline() == never);
    s.step(1h); // and nothing comes back to life
    CHECK(s.core.connections().all().empty());
    CHECK(s.core.deadline() == never);
}

TEST_CASE("abort before anything is connected, twice, and with answers still on their way")
{
    core_script s;
    SUBCASE("unconnected")
    {
        s.accept_connections = false;
        s.send("t", "a");
        s.step();
    }
    SUBCASE("in flight, the driver slow to close")
    {
        s.confirm_close = false;
        s.warm_up();
        s.send("t", "a");
        s.step();
        const auto question = s.take();
        s.core.abort(errc::aborted);
        s.step();
        s.answer(question, {{}}); // nobody listens any more
        for (const auto& [link, why] : s.closes) s.drop(link, {});
    }
    s.core.abort(errc::aborted);
    s.core.abort(errc::closed);
    s.step(1h);
    CHECK(s.outcomes.back().times_told == 1);
    CHECK(s.core.connections().all().empty());
    CHECK(s.core.pool().in_use() == 0);
}

TEST_CASE("a core may be destroyed at any moment")
{
    for (int steps = 0; steps < 12; ++steps) {
        core_script s{small_buffer()};
        s.take_writes = steps % 2 == 0;
        for (int i = 0; i < 8; ++i) s.send("t", kilobyte('a'));
        s.send("new", "a");
        for (int i = 0; i < steps; ++i) {
            s.step(100ms);
            if (!s.asked.empty()) s.answer(i % 3 == 0 ? not_enough_replicas : none);
        }
    }
}

} // namespace kurier::core::script
