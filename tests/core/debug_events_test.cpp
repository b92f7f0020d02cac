// The debug events tell the story: of a record that waits for a topic, of a leader that moves, of what a batch goes
// through, of trouble with epochs, and of the end.
#include "support/core_script.hpp"

#include <algorithm>
#include <initializer_list>

using namespace kurier;
using namespace kurier::core;
using namespace kurier::core::script;
using enum kurier::broker_errc;

namespace {

// The lines that begin with "debug NAME:", in their order.
std::vector<std::string> told(const core_script& s, std::string_view name)
{
    std::vector<std::string> lines;
    std::ranges::copy_if(s.log, std::back_inserter(lines), [&](const std::string& line) {
        return line.starts_with("debug " + std::string{name} + " ") ||
               line.starts_with("debug " + std::string{name} + ":");
    });
    return lines;
}

void check_told(const core_script& s, std::string_view name, std::string_view fields)
{
    const auto lines = told(s, name);
    REQUIRE_MESSAGE(!lines.empty(), name);
    CHECK_MESSAGE(lines.back().ends_with(fields), lines.back());
}

} // namespace

TEST_CASE("debug events: a first record, from its topic to its epoch")
{
    core_script s;
    s.send("t", "a");
    s.step();
    check_told(s, "topic.wanted", " topic=t");
    CHECK(told(s, "connection.opening").front().ends_with(" host=boot port=9000 attempt=1"));
    check_told(s, "connection.ready", " produce_version=13 metadata_version=13");
    check_told(s, "metadata.asked", " host=boot port=9000 topics=1");
    check_told(s, "metadata.answered", " brokers=1 topics=1 cluster=cluster");
    check_told(s, "topic.known", " topic=t partitions=1");
    CHECK(told(s, "producer_id.asked").size() == 1);
    check_told(s, "producer_id.assigned", " producer_id=100 epoch=0");
    check_told(s, "epoch.started", " topic=t partition=0 producer_id=100 epoch=0");
    CHECK(told(s, "partition.leader").empty()); // it had none before
    s.answer();
    s.log.clear();
    s.send("t", "b");
    s.step();
    s.answer();
    CHECK(s.log.empty()); // once all goes well there is nothing to tell
}

TEST_CASE("debug events: a leader moves, and the batch follows")
{
    core_script s;
    s.brokers[2] = 9002;
    s.warm_up();
    s.topics["t"].partitions[0] = {2, 7, 10};
    s.send("t", "a");
    s.step();
    s.answer(not_leader_or_follower);
    check_told(s, "produce.refused", " error=NOT_LEADER_OR_FOLLOWER");
    CHECK(told(s, "batch.retried")
              .front()
              .find(" topic=t partition=0 records=1 sequence=1 attempts=1 "
                    "error=NOT_LEADER_OR_FOLLOWER backoff_ms=") != std::string::npos);
    s.step(1s);
    check_told(s, "partition.leader", " topic=t partition=0 leader=2 old_leader=1 leader_epoch=7");
    s.answer(duplicate_sequence_number);
    check_told(s, "batch.duplicate", " topic=t partition=0 records=1 sequence=1 attempts=2");
}

TEST_CASE("debug events: a connection breaks, then the broker has another address")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    s.step();
    s.brokers[1] = 9005;
    s.drop(s.link_to(9001));
    check_told(s, "produce.lost", " broker=1 host=broker port=9001 batches=1 error=DISCONNECTED");
    CHECK(told(s, "connection.ended").back().find(" port=9001 error=DISCONNECTED backoff_ms=") !=
          std::string::npos);
    check_told(s, "broker.moved", " broker=1 host=broker port=9005");
}

TEST_CASE("debug events: metadata doesn't come, or says that there is no such topic; a topic is left alone")
{
    auto config = plain_config();
    config.metadata_max_idle = 10s;
    config.metadata_max_age = 20s;
    core_script s{config};
    s.warm_up();
    s.topics["bad"].error = topic_authorization_failed;
    s.send("bad", "a");
    s.step(1s);
    check_told(s, "topic.failed", " topic=bad error=TOPIC_AUTHORIZATION_FAILED");
    s.step(60s);
    check_told(s, "topic.idle", " topic=t");
    s.answer_metadata = false;
    s.send("new", "a");
    s.step();
    REQUIRE_FALSE(s.held.empty());
    s.drop(s.held.back().first);
    check_told(s, "metadata.failed", " error=DISCONNECTED");
}

TEST_CASE("debug events: a topic is deleted and made again")
{
    core_script s;
    s.warm_up();
    s.topics["t"] = {id_of(77), {{1, 0, 0}, {1, 0, 0}}, none};
    s.send("t", "a");
    s.step();
    s.answer(unknown_topic_id);
    s.step(1s);
    check_told(s, "topic.made_again", " topic=t");
    check_told(s, "topic.known", " topic=t partitions=2");
}

TEST_CASE("debug events: what is too large is halved, and fails alone")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    s.send("t", "b");
    s.step();
    s.answer(message_too_large);
    CHECK(told(s, "batch.split").back().find(" records=2 sequence=1 attempts=1 bytes=") != std::string::npos);
    s.step();
    s.answer(message_too_large);
    check_told(s, "batch.failed", " records=1 sequence=1 attempts=1 error=MESSAGE_TOO_LARGE persisted=no");
}

TEST_CASE("debug events: an epoch that is broken")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    s.step();
    s.answer(out_of_order_sequence_number);
    check_told(s, "epoch.broken", " topic=t partition=0 epoch=0 error=OUT_OF_ORDER_SEQUENCE_NUMBER");
    s.step(1s);
    check_told(s, "epoch.started", " topic=t partition=0 producer_id=100 epoch=1");
}

TEST_CASE("debug events: room runs out, a codec that an old broker can't read, close")
{
    auto config = plain_config();
    config.buffer_memory = 4096;
    core_script s{config};
    s.api[0] = {3, 6}; // Produce, before zstd
    s.warm_up();
    CHECK(told(s, "compression.excluded").back().ends_with(" codec=zstd"));
    for (int i = 0; i < 20; ++i) s.send("t", std::string(1000, 'x'));
    CHECK(told(s, "buffer.full").empty()); // it is a turn that hands events out
    s.step();
    REQUIRE(told(s, "buffer.full").size() == 1); // not one for each record
    CHECK(told(s, "buffer.full").back().ends_with(" waiting=1"));
    s.core.close(s.now.steady + 1s);
    s.step();
    CHECK(told(s, "producer.closing").size() == 1);
    s.step(2s);
    REQUIRE(told(s, "producer.closed").size() == 1);
    CHECK(told(s, "producer.closed").back().ends_with(" error=ABORTED"));
}

TEST_CASE("debug events never push out what is more important")
{
    log_queue logs;
    logs.add(log_level::error, "brokers.down", "", {});
    for (int i = 0; i < 1000; ++i) logs.debug("batch.retried", "", [](log_values&) {});
    log_entry entry;
    REQUIRE(logs.poll(entry));
    CHECK(entry.event == "brokers.down");
    int others = 0;
    while (logs.poll(entry)) ++others;
    CHECK(others == 47);
}
