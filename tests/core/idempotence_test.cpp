// Sequences, epochs and what may be in flight: nothing is lost, doubled or reordered, whatever the broker answers
// (KIP-98, KIP-360). Test names begin with bugs that other producers shipped.
#include "../support/core_script.hpp"

namespace kurier::core::script {
namespace {

using enum broker_errc;

// One record per batch, several batches on their way at once.
void send_batches(core_script& s, int count, const char* value = "v")
{
    for (int i = 0; i < count; ++i) {
        s.send("t", value + std::to_string(i));
        s.step();
    }
}

std::int32_t sequence(const produce_question& question)
{
    return question.only().header.base_sequence;
}
std::int16_t epoch(const produce_question& question)
{
    return question.only().header.producer_epoch;
}

} // namespace

TEST_CASE("rule 2: one batch in flight until the first acknowledgement, then five")
{
    core_script s;
    send_batches(s, 8);
    CHECK(s.asked.size() == 1);
    s.answer();
    // What had waited went into one batch meanwhile, or several; more are sent now.
    send_batches(s, 10);
    CHECK(s.partition().flights.size() == 5);
    CHECK(s.asked.size() == 5);
    std::int32_t next = 1;
    for (const auto& question : s.asked) {
        CHECK(sequence(question) == next);
        next += question.only().header.record_count;
    }
}

TEST_CASE("rule 2: max.in.flight.requests.per.connection bounds it further")
{
    auto config = plain_config();
    config.max_in_flight_requests_per_connection = 2;
    core_script s{config};
    s.warm_up();
    send_batches(s, 6);
    CHECK(s.asked.size() == 2);
}

TEST_CASE("rule 2: never more than five per partition, since a broker remembers five")
{
    auto config = plain_config();
    config.max_in_flight_requests_per_connection = 20;
    core_script s{config};
    s.warm_up();
    send_batches(s, 12);
    CHECK(s.asked.size() == 5);
}

TEST_CASE("KAFKA-14312: after a leader change one batch at a time again, until the new leader "
          "acknowledges")
{
    core_script s;
    s.brokers[2] = 9002;
    s.warm_up();
    s.topics["t"].partitions[0] = {2, 1, 10};
    s.send("t", "a");
    s.step();
    s.answer(not_leader_or_follower);
    s.step(1s);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].link == s.link_to(9002));
    send_batches(s, 4);
    CHECK(s.asked.size() == 1);
    s.answer();
    send_batches(s, 4);
    CHECK(s.asked.size() > 1);
}

TEST_CASE("KAFKA-14312: an old leadership's acknowledgement proves nothing for the new one")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    send_batches(s, 2);
    s.send("t", "elsewhere", 1);
    s.step();
    REQUIRE(s.asked.size() == 3);
    const auto first = s.take(), second = s.take();
    s.topics["t"].partitions[0].epoch = 7; // the same broker, elected again
    s.answer(kafka_storage_error);         // something that asks for metadata
    s.step(1s);
    CHECK(s.partition().leader_epoch == 7);
    s.asked.clear();
    s.answer(first, {{}});
    s.answer(second, {{}});
    send_batches(s, 3);
    CHECK(s.asked.size() == 1);
}

TEST_CASE("rule 2: what the old leader was sent goes to the new one before anything else, the first alone")
{
    core_script s;
    s.brokers[2] = 9002;
    s.warm_up();
    send_batches(s, 3);
    REQUIRE(s.asked.size() == 3);
    const auto first = s.take();
    s.topics["t"].partitions[0] = {2, 1, 10};
    s.answer(first, {reply{.error = not_leader_or_follower, .leader = 2, .leader_epoch = 1}});
    CHECK(s.partition().leader->id == 2);
    send_batches(s, 2);
    REQUIRE(s.asked.size() == 3);     // the first alone, at the new leader and without a pause
    s.answer(not_leader_or_follower); // the old one's, which settle nothing any more
    s.answer(not_leader_or_follower);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].link == s.link_to(9002));
    CHECK(sequence(s.asked[0]) == sequence(first));
    s.answer();
    s.step(1s);
    CHECK(sequence(s.asked[0]) == sequence(first) + 1);
}

TEST_CASE("a retry goes alone and overtakes nothing")
{
    core_script s;
    s.warm_up();
    send_batches(s, 4);
    const auto first = s.take(), second = s.take(), third = s.take(), fourth = s.take();
    s.answer(first, {reply{.error = not_enough_replicas}});
    s.answer(second, {reply{.error = out_of_order_sequence_number}});
    s.answer(third, {reply{.error = out_of_order_sequence_number}});
    s.step(5s);
    CHECK(s.asked.empty()); // the fourth is still out
    s.answer(fourth, {reply{.error = out_of_order_sequence_number}});
    s.step(5s);
    for (const auto* expected : {&first, &second, &third, &fourth}) {
        REQUIRE(s.asked.size() == 1);
        CHECK(s.asked[0].only().bytes == expected->only().bytes);
        s.answer();
        s.step(5s);
    }
}

TEST_CASE("librdkafka #4953: OUT_OF_ORDER behind a batch that is retried is no evidence")
{
    core_script s;
    s.warm_up();
    send_batches(s, 2);
    s.answer(not_enough_replicas);
    s.answer(out_of_order_sequence_number);
    s.step(5s);
    CHECK(epoch(s.asked.at(0)) == 0);
    CHECK(sequence(s.asked.at(0)) == 1);
    s.answer();
    s.step(5s);
    CHECK(epoch(s.asked.at(0)) == 0);
    CHECK(sequence(s.asked.at(0)) == 2);
    s.answer();
    CHECK(s.outcomes[0].ok());
    CHECK(s.outcomes[1].ok());
}

TEST_CASE("OUT_OF_ORDER for the batch that is next: a new epoch, from 0, and the batch is not lost")
{
    core_script s;
    s.warm_up();
    send_batches(s, 3);
    s.answer(out_of_order_sequence_number);
    CHECK(s.partition().producer.epoch == 0); // not before the others are back
    s.answer(out_of_order_sequence_number);
    s.answer(out_of_order_sequence_number);
    s.step(5s);
    CHECK(s.asked.size() == 1); // the first of an epoch alone
    for (int i = 0; i < 3; ++i) {
        REQUIRE_FALSE(s.asked.empty());
        CHECK(epoch(s.asked[0]) == 1);
        CHECK(sequence(s.asked[0]) == i);
        CHECK(s.asked[0].only().values == std::vector<std::string>{"v" + std::to_string(i)});
        s.answer();
    }
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

TEST_CASE("franz-go #1217: a timeout means unknown, and its sequences are not used again")
{
    auto config = plain_config();
    config.delivery_timeout = 10s;
    config.request_timeout = 10s;
    core_script s{config};
    s.warm_up();
    auto& lost = s.send("t", "lost");
    s.step();
    const auto first = s.take();
    CHECK(sequence(first) == 1);
    s.step(11s);
    CHECK(lost.error == errc::delivery_timeout);
    CHECK(lost.written == persisted::possibly);
    auto& next = s.send("t", "next");
    s.step(1s);
    REQUIRE(s.asked.size() == 1);
    const bool reused = epoch(s.asked[0]) == 0 && sequence(s.asked[0]) == 1;
    CHECK_FALSE(reused);
    CHECK(epoch(s.asked[0]) == 1); // after the loss a new epoch starts at 0
    CHECK(sequence(s.asked[0]) == 0);
    s.answer();
    CHECK(next.ok());
}

TEST_CASE("librdkafka 1.9.0: sequences survive a broker that denies the topic for a moment")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    s.step();
    const auto known = s.topics;
    s.topics["t"].error = unknown_topic_or_partition;
    s.answer(unknown_topic_or_partition);
    s.step(3s);
    s.asked.clear();
    s.drop(s.link_to(9001));
    s.step(1s);
    s.topics = known;
    s.step(5s);
    REQUIRE(s.asked.size() == 1);
    CHECK(epoch(s.asked[0]) == 0);
    CHECK(sequence(s.asked[0]) == 1);
}

TEST_CASE(
    "librdkafka 1.9.0: a topic made again under a new id: sequences go on, since what is in doubt may be in "
    "the new log")
{
    core_script s;
    s.warm_up();
    send_batches(s, 2);
    const auto first = s.take(), second = s.take();
    s.topics["t"] = {id_of(2), {{1, 0, 0}}, none};
    s.answer(first, {reply{.error = unknown_topic_id}});
    s.answer(second, {reply{.error = unknown_topic_id}});
    s.step(5s);
    REQUIRE(s.asked.size() == 1); // one alone: the new log knows nothing of us (KAFKA-14312)
    CHECK(s.asked[0].only().bytes == first.only().bytes);
    SUBCASE("a broker takes any first sequence (KIP-360)")
    {
        s.answer();
        s.step(1s);
        CHECK(s.asked.at(0).only().bytes == second.only().bytes);
    }
    SUBCASE("one before KIP-360 does not")
    {
        s.answer(reply{.error = unknown_producer_id, .log_start = 0});
        s.step(1s);
        CHECK(epoch(s.asked.at(0)) == 1);
        CHECK(sequence(s.asked.at(0)) == 0);
    }
}

TEST_CASE("KAFKA-12152: an epoch is a partition's own; the others keep theirs")
{
    core_script s;
    s.topics["t"].partitions.resize(2);
    s.warm_up();
    s.send("t", "a", 0);
    s.step();
    s.answer(out_of_order_sequence_number);
    s.step(5s);
    CHECK(epoch(s.asked.at(0)) == 1);
    s.answer();
    s.send("t", "b", 1);
    s.step();
    CHECK(epoch(s.asked.at(0)) == 0);
    CHECK(sequence(s.asked.at(0)) == 1);
    CHECK(s.ids_asked == 1);
}

TEST_CASE("librdkafka #3584: a batch that may be written is sent again as it was, and a duplicate "
          "is success")
{
    core_script s;
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    const auto first = s.take();
    s.drop(first.link);
    s.step(5s);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().bytes == first.only().bytes);
    s.answer(duplicate_sequence_number);
    CHECK(told.ok());
    CHECK(told.offset == -1);
    CHECK(told.written == persisted::yes);
    s.send("t", "b");
    s.step();
    CHECK(sequence(s.asked.at(0)) == 2);
    CHECK(epoch(s.asked.at(0)) == 0);
}

TEST_CASE("librdkafka #4736: a retry has the same records though more came meanwhile")
{
    core_script s;
    s.warm_up();
    send_batches(s, 2);
    const auto first = s.take(), second = s.take();
    s.send("t", "later");
    s.drop(first.link);
    for (int i = 0; i < 5; ++i) s.send("t", "more");
    s.step(5s);
    CHECK(s.take().only().bytes == first.only().bytes);
    s.drop(s.link_to(9001));
    s.step(5s);
    const auto again = s.take();
    CHECK(again.only().bytes == first.only().bytes);
    s.answer(again, {{}});
    s.step(5s);
    CHECK(s.take().only().bytes == second.only().bytes);
}

TEST_CASE("librdkafka #2163: a batch gets its sequence when it is sent, so one that expires "
          "leaves no gap")
{
    auto config = plain_config();
    config.delivery_timeout = 5s;
    config.request_timeout = 5s;
    core_script s{config};
    s.warm_up();
    s.lose_for_good(9001);
    auto& never_sent = s.send("t", "a");
    s.step(6s);
    CHECK(never_sent.error == errc::batch_expired);
    CHECK(never_sent.written == persisted::no);
    CHECK(never_sent.attempts == 0);
    s.accept_connections = true;
    for (const auto& [id, one] : s.peers)
        if (!one.connected) s.accept(id);
    s.send("t", "b");
    s.step(2s);
    REQUIRE_FALSE(s.asked.empty());
    CHECK(epoch(s.asked[0]) == 0);
    CHECK(sequence(s.asked[0]) == 1);
}

TEST_CASE("librdkafka #2163: a batch that did not fit into the request has no sequence yet")
{
    auto config = plain_config();
    config.max_request_size = 1000;
    config.delivery_timeout = 5s;
    config.request_timeout = 5s;
    core_script s{config};
    s.topics["t"].partitions.resize(2);
    s.warm_up();
    s.send("t", std::string(700, 'a'), 0);
    auto& second = s.send("t", std::string(700, 'b'), 1);
    s.take_writes = false; // the second can't go: the first request is not written
    s.step();
    REQUIRE(s.partition(0).flights.size() + s.partition(1).flights.size() == 1);
    CHECK_FALSE(s.partition(1).queue.front()->has_sequence());
    s.step(6s);
    CHECK(second.error == errc::batch_expired);
    CHECK(second.written == persisted::no);
    CHECK_FALSE(s.partition(1).producer.gap);
}

TEST_CASE("librdkafka #2163: a batch that expires after it was sent leaves a gap; its followers find out "
          "what happened")
{
    auto config = plain_config();
    config.delivery_timeout = 10s;
    config.request_timeout = 5s;
    core_script s{config};
    s.warm_up();
    auto& first = s.send("t", "first");
    s.step();
    s.step(3s);
    auto& second = s.send("t", "second");
    s.step();
    REQUIRE(s.asked.size() == 2);
    s.drop(s.link_to(9001));
    s.accept_connections = false;
    s.step(7500ms);
    CHECK(first.error == errc::delivery_timeout);
    CHECK(first.written == persisted::possibly);
    CHECK_FALSE(second.done());
    s.accept_connections = true;
    for (const auto& [id, one] : s.peers)
        if (!one.connected) s.accept(id);

    SUBCASE("it was written: the next one fits, and the epoch goes on")
    {
        s.step(1s);
        REQUIRE(s.asked.size() == 1);
        CHECK(sequence(s.asked[0]) == 2);
        s.answer();
        CHECK(second.ok());
        s.send("t", "third");
        s.step();
        CHECK(epoch(s.asked.at(0)) == 0);
        CHECK(sequence(s.asked.at(0)) == 3);
    }
    SUBCASE("it was not: the broker misses it, and a new epoch starts")
    {
        s.step(1s);
        REQUIRE(s.asked.size() == 1);
        s.answer(out_of_order_sequence_number);
        CHECK(second.error == out_of_order_sequence_number); // its first attempt may still arrive
        CHECK(second.written == persisted::possibly);
        s.send("t", "third");
        s.step(1s);
        REQUIRE(s.asked.size() == 1);
        CHECK(epoch(s.asked[0]) == 1);
        CHECK(sequence(s.asked[0]) == 0);
    }
    SUBCASE("nobody followed: a new epoch starts before anything new is sent")
    {
        s.step(1s);
        s.answer(message_too_large); // final
        CHECK(second.error == message_too_large);
        s.send("t", "third");
        s.step(1s);
        CHECK(epoch(s.asked.at(0)) == 1);
        CHECK(sequence(s.asked.at(0)) == 0);
    }
}

TEST_CASE("franz-go #216, KAFKA-7693: after 2^31-1 comes 0")
{
    core_script s;
    s.warm_up();
    s.change().producer.next_sequence = 2147483647 - 1;
    s.change().producer.last_acked = 2147483647 - 2;
    std::vector<std::string> values{"a", "b", "c"};
    for (const auto& value : values) s.send("t", value); // one batch: 2^31-2, 2^31-1, 0
    s.step();
    const auto first = s.take();
    CHECK(sequence(first) == 2147483646);
    CHECK(first.only().header.record_count == 3);
    CHECK(first.only().header.last_sequence() == 0);
    s.send("t", "d");
    s.step();
    CHECK(sequence(s.asked.at(0)) == 1);

    SUBCASE("both acknowledged")
    {
        s.answer(first, {{}});
        s.answer();
        CHECK(s.partition().producer.last_acked == 1);
        s.send("t", "e");
        s.step();
        CHECK(sequence(s.asked.at(0)) == 2);
    }
    SUBCASE("both lost and sent again in order")
    {
        const auto second = s.take();
        s.drop(first.link);
        s.step(5s);
        CHECK(s.asked.at(0).only().bytes == first.only().bytes);
        s.answer();
        s.step(5s);
        CHECK(s.asked.at(0).only().bytes == second.only().bytes);
        s.answer();
        CHECK(s.partition().producer.last_acked == 1);
        CHECK_FALSE(s.partition().producer.gap);
    }
}

TEST_CASE("KAFKA-7693: sequence 0 behind 2^31-1 goes alone: a broker that has only an older epoch would take "
          "it, and "
          "refuse those before it")
{
    core_script s;
    s.warm_up();
    s.change().producer.next_sequence = 2147483647;
    s.change().producer.last_acked = 2147483647 - 1;
    s.send("t", "last");
    s.step();
    CHECK(sequence(s.asked.at(0)) == 2147483647);
    auto& told = s.send("t", "first again");
    s.step();
    CHECK(s.asked.size() == 1);
    SUBCASE("the broker has all")
    {
        s.answer();
        CHECK(sequence(s.asked.at(0)) == 0);
        CHECK(epoch(s.asked.at(0)) == 0);
        s.send("t", "second");
        s.step();
        CHECK(sequence(s.asked.at(1)) == 1);
        s.answer_all();
    }
    SUBCASE("the broker lost this epoch")
    {
        s.answer(out_of_order_sequence_number);
        s.step(1s);
        CHECK(s.asked.at(0).only().values == std::vector<std::string>{"last"});
        CHECK(epoch(s.asked.at(0)) == 1);
        s.answer();
        s.answer_all();
    }
    CHECK(told.ok());
}

TEST_CASE("kafkajs #598: the sequence grows by the number of records")
{
    auto config = plain_config();
    config.linger = 5ms;
    core_script s{config};
    for (const auto& value : {"a", "b", "c"}) s.send("t", value);
    s.step(1s);
    CHECK(s.asked.at(0).only().header.record_count == 3);
    s.answer();
    s.send("t", "d");
    s.step(1s);
    CHECK(sequence(s.asked.at(0)) == 3);
}

TEST_CASE("UNKNOWN_PRODUCER_ID: retention took our last records, so a new epoch starts and nothing is lost")
{
    core_script s;
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.answer(reply{.error = unknown_producer_id, .log_start = 100});
    s.step(5s);
    CHECK(epoch(s.asked.at(0)) == 1);
    CHECK(sequence(s.asked.at(0)) == 0);
    s.answer();
    CHECK(told.ok());
}

TEST_CASE("UNKNOWN_PRODUCER_ID from a broker that does not know the start of its log: tried again as it is")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    s.step();
    s.answer(reply{.error = unknown_producer_id, .log_start = -1});
    s.step(5s);
    CHECK(epoch(s.asked.at(0)) == 0);
    CHECK(sequence(s.asked.at(0)) == 1);
}

TEST_CASE("INVALID_PRODUCER_EPOCH: somebody else has our id, so a new one is fetched")
{
    core_script s;
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.answer(invalid_producer_epoch);
    s.step(5s);
    CHECK(s.ids_asked == 2);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().header.producer_id == 101);
    CHECK(epoch(s.asked[0]) == 0);
    CHECK(sequence(s.asked[0]) == 0);
    s.answer();
    CHECK(told.ok());
}

TEST_CASE(
    "INVALID_PRODUCER_EPOCH: what may be written is not sent under a new id, or it could be there twice")
{
    core_script s;
    s.warm_up();
    auto& first = s.send("t", "a");
    s.step();
    auto& second = s.send("t", "b");
    s.step();
    REQUIRE(s.asked.size() == 2);
    s.drop(s.link_to(9001)); // both may be written
    auto& third = s.send("t", "c");
    s.step(5s);
    s.answer(invalid_producer_epoch);
    CHECK(first.error == invalid_producer_epoch); // at once
    CHECK(first.written == persisted::possibly);
    s.step(5s);
    CHECK(second.done());
    CHECK(second.written == persisted::possibly);
    REQUIRE(s.asked.size() == 1); // what was never sent goes on
    CHECK(s.asked[0].only().values == std::vector<std::string>{"c"});
    CHECK(s.asked[0].only().header.producer_id == 101);
    s.answer();
    CHECK(third.ok());
}

TEST_CASE("Dekaf PR 3341: when the epochs are used up, a new producer id is fetched")
{
    core_script s;
    s.warm_up();
    s.change().producer.epoch = last_producer_epoch;
    auto& told = s.send("t", "a");
    s.step();
    s.answer(out_of_order_sequence_number);
    s.step(5s);
    CHECK(s.ids_asked == 2);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().header.producer_id == 101);
    CHECK(epoch(s.asked[0]) == 0);
    CHECK(sequence(s.asked[0]) == 0);
    s.answer();
    CHECK(told.ok());
}

TEST_CASE("a new producer id: other partitions change to it when all of theirs is resolved")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.change(0).producer.epoch = last_producer_epoch;
    s.send("t", "other", 1);
    s.step();
    const auto other = s.take();
    s.send("t", "a", 0);
    s.step();
    s.answer(out_of_order_sequence_number);
    s.step(5s);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().header.producer_id == 101);
    s.answer();
    s.send("t", "later", 1);
    s.step(5s);
    CHECK(s.asked.empty()); // the old id's batch is still out there
    s.answer(other, {{}});
    s.step(1s);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().header.producer_id == 101);
    CHECK(sequence(s.asked[0]) == 0);
}

TEST_CASE(
    "InitProducerId: refused for a moment, it is asked again with backoff; refused for good, records fail")
{
    core_script s;
    s.init_producer_id_error = coordinator_load_in_progress;
    auto& told = s.send("t", "a");
    s.step(3s);
    CHECK(s.ids_asked > 2);
    CHECK(s.ids_asked < 20);
    CHECK_FALSE(told.done());

    SUBCASE("then granted")
    {
        s.init_producer_id_error = none;
        s.step(2s);
        s.answer();
        CHECK(told.ok());
    }
    SUBCASE("then forbidden")
    {
        s.init_producer_id_error = cluster_authorization_failed;
        s.step(2s);
        CHECK(told.error == cluster_authorization_failed);
        CHECK(told.written == persisted::no);
    }
    SUBCASE("then the connection is lost with the question")
    {
        s.answer_init_producer_id = false;
        while (s.held.empty()) s.step(50ms);
        s.answer_init_producer_id = true;
        s.init_producer_id_error = none;
        s.drop(s.held[0].first);
        s.step(5s);
        s.answer();
        CHECK(told.ok());
    }
}

TEST_CASE("a broker without InitProducerId can't serve an idempotent producer: records say so")
{
    core_script s;
    s.api[22] = {0, -1};
    auto& told = s.send("t", "a");
    s.step(1s);
    CHECK(told.error == errc::unsupported_version);
    CHECK(told.written == persisted::no);
}

TEST_CASE(
    "without idempotence: one batch in flight per partition, and a retry keeps the order (librdkafka #1092)")
{
    auto config = plain_config();
    config.enable_idempotence = false;
    core_script s{config};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    CHECK(s.ids_asked == 0);
    s.send("t", "a", 0);
    s.step();
    s.send("t", "b", 0);
    s.send("t", "other", 1);
    s.step();
    REQUIRE(s.asked.size() == 2);
    CHECK(s.asked[1].only().partition == 1);
    CHECK(s.asked[0].only().header.producer_id == -1);
    CHECK(s.asked[0].only().header.base_sequence == -1);
    s.answer(not_enough_replicas);
    s.step(1s);
    const auto other = s.take();
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().values == std::vector<std::string>{"a"});
    s.answer();
    s.step(1s);
    CHECK(s.asked.at(0).only().values == std::vector<std::string>{"b"});
}

TEST_CASE("without idempotence OUT_OF_ORDER is final")
{
    auto config = plain_config();
    config.enable_idempotence = false;
    core_script s{config};
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.answer(out_of_order_sequence_number);
    CHECK(told.error == out_of_order_sequence_number);
}

} // namespace kurier::core::script
