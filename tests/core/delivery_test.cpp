// What becomes of a batch: retries and their pauses, errors, deadlines, splitting, and when its memory is free again.
#include "../support/core_script.hpp"

namespace kurier::core::script {
namespace {

using enum broker_errc;

producer_config lingering(milliseconds linger = 5ms)
{
    auto config = plain_config();
    config.linger = linger;
    return config;
}

std::vector<std::string> values(const produce_question& question)
{
    return question.only().values;
}

} // namespace

// --- retries ---------------------------------------------------------------------------------------------------------

TEST_CASE("every retriable error is tried again, and its record arrives")
{
    for (const auto error :
         {corrupt_message, unknown_topic_or_partition, leader_not_available, not_leader_or_follower,
          request_timed_out, replica_not_available, network_exception, not_enough_replicas,
          not_enough_replicas_after_append, kafka_storage_error, fenced_leader_epoch, unknown_leader_epoch,
          unknown_topic_id, throttling_quota_exceeded}) {
        CAPTURE(error_name(error));
        core_script s;
        s.warm_up();
        auto& told = s.send("t", "a");
        s.step();
        const auto first = s.take();
        s.answer(first, {reply{.error = error}});
        CHECK_FALSE(told.done());
        s.step(2s);
        REQUIRE(s.asked.size() == 1);
        CHECK(s.asked[0].only().bytes == first.only().bytes);
        s.answer();
        CHECK(told.ok());
        CHECK(told.attempts == 2);
        CHECK(told.written == persisted::yes);
    }
}

TEST_CASE("every final error is told, once, with what was written")
{
    struct row
    {
        broker_errc error;
        persisted written;
    };
    for (const auto& [error, written] :
         {row{message_too_large, persisted::no}, row{invalid_topic_exception, persisted::no},
          row{record_list_too_large, persisted::no}, row{invalid_required_acks, persisted::no},
          row{topic_authorization_failed, persisted::no}, row{cluster_authorization_failed, persisted::no},
          row{invalid_timestamp, persisted::no}, row{unsupported_version, persisted::no},
          row{unsupported_compression_type, persisted::no}, row{policy_violation, persisted::no},
          row{invalid_record, persisted::no}, row{unknown_server_error, persisted::possibly},
          row{static_cast<broker_errc>(999), persisted::possibly}}) {
        CAPTURE(error_name(error));
        core_script s;
        s.warm_up();
        auto& told = s.send("t", "a");
        s.step();
        s.answer(error);
        CHECK(told.times_told == 1);
        CHECK(told.error == error);
        CHECK(told.written == written);
        CHECK(told.offset == -1);
        CHECK(s.core.idle());
        auto& next = s.send("t", "b"); // and the partition goes on
        s.step(2s);
        s.answer_all();
        CHECK(next.ok());
    }
}

TEST_CASE("KIP-1030: a timestamp too far ahead is the record's own error, not retried")
{
    core_script s;
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.answer(reply{.error = invalid_timestamp, .records = {{0, "3 h ahead"}}, .message = "out of range"});
    CHECK(told.error == invalid_timestamp);
    CHECK(told.text == "3 h ahead");
    CHECK(told.attempts == 1);
}

TEST_CASE("KIP-467: the broker names the record at fault; the others of its batch failed with it")
{
    core_script s{lingering()};
    s.warm_up();
    s.send("t", "good");
    s.send("t", "bad");
    s.send("t", "fine");
    s.step(5ms);
    s.answer(reply{.error = invalid_record, .records = {{1, "no key"}}, .message = "one record was refused"});
    CHECK_FALSE(s.outcomes[0].blamed);
    CHECK(s.outcomes[1].blamed);
    CHECK(s.outcomes[1].text == "no key");
    CHECK(s.outcomes[0].text == "one record was refused");
    CHECK_FALSE(s.outcomes[2].blamed);
}

TEST_CASE("KIP-467: the broker counts what is on the wire, where a withdrawn record has no place")
{
    core_script s{lingering()};
    s.warm_up();
    s.send("t", "withdrawn");
    REQUIRE(s.core.withdraw(*s.last_place.where, s.last_place.index));
    s.send("t", "good");
    s.send("t", "bad");
    s.step(5ms);
    s.answer(reply{.error = invalid_record, .records = {{1, "no key"}}, .message = "one record was refused"});
    CHECK_FALSE(s.outcomes[1].blamed);
    CHECK(s.outcomes[2].blamed);
    CHECK(s.outcomes[2].text == "no key");
    CHECK(s.outcomes[2].failure->record_index == 1);
}

TEST_CASE(
    "The last broker of a failed record is the address at which it was tried, wherever the broker is now")
{
    auto config = plain_config();
    config.metadata_max_age = 1s;
    config.retries = 0;
    core_script s{config};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{.leader = 1}, {.leader = 2}};
    s.warm_up();
    auto& told = s.send("t", "a", 0);
    s.step();
    s.brokers[1] = 9003;
    s.step(2s); // broker 2 says so, and the connection to the old address ends
    CHECK(s.core.view().node(1)->port == 9003);
    REQUIRE(told.done());
    CHECK(told.failure->last_broker == "broker:9001 (id 1)");
}

TEST_CASE("A batch that the topic has no room for says whether it is one record's fault")
{
    core_script s;
    s.warm_up();
    auto& alone = s.send("t", "a");
    s.step();
    s.answer(message_too_large);
    CHECK(alone.failure->text.find("the batch of this record alone has ") == 0);

    batch several; // compressed by a codec that is gone, say
    several.record_count = 3;
    several.size = 1000;
    CHECK(size_of_refused(several).find("a batch of 3 records that cannot be split has 1000 bytes") == 0);
}

TEST_CASE("the pauses between retries: 100, 200, 400, 800, 1000 ms, each +-20 %")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    s.step();
    for (const auto expected : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        const auto refused = s.now.steady;
        s.answer(not_enough_replicas);
        while (s.asked.empty()) s.step(1ms);
        const auto pause = s.now.steady - refused;
        CHECK(pause >= expected * 8 / 10);
        CHECK(pause <= expected * 12 / 10 + 1ms);
    }
}

TEST_CASE("retries are counted")
{
    auto config = plain_config();
    config.retries = 2;
    core_script s{config};
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    for (int attempt = 0; attempt < 3; ++attempt) {
        s.answer(request_timed_out);
        s.step(2s);
    }
    CHECK(told.error == errc::retries_exhausted);
    CHECK(told.last_error == request_timed_out);
    CHECK(told.attempts == 3);
    CHECK(told.written == persisted::possibly);
    CHECK(s.asked.empty());
}

TEST_CASE("a failure after several attempts tells the worst that may have happened")
{
    auto config = plain_config();
    config.retries = 1;
    core_script s{config};
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.drop(s.link_to(9001)); // sent, perhaps written
    s.step(2s);
    s.answer(not_enough_replicas); // not written this time
    CHECK(told.error == errc::retries_exhausted);
    CHECK(told.last_error == not_enough_replicas);
    CHECK(told.written == persisted::possibly);
}

TEST_CASE("a connection lost before all of the request was written: certainly not written")
{
    auto config = plain_config();
    config.retries = 0;
    config.enable_idempotence = false;
    core_script s{config};
    s.warm_up();
    s.take_writes = false;
    auto& told = s.send("t", "a");
    s.step();
    const auto link = s.link_to(9001);
    SUBCASE("nothing of it") {}
    SUBCASE("a part of it")
    {
        s.write(link, 20);
    }
    s.drop(link);
    CHECK(told.error == errc::retries_exhausted);
    CHECK(told.last_error == errc::disconnected);
    CHECK(told.written == persisted::no);
}

TEST_CASE("a new leader is tried without a pause (KIP-951)")
{
    core_script s;
    s.brokers[2] = 9002;
    s.warm_up();
    s.send("t", "a");
    s.step();
    const auto asked_before = s.metadata_asked.size();
    s.answer(reply{.error = not_leader_or_follower, .leader = 2, .leader_epoch = 3});
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].link == s.link_to(9002));
    CHECK(s.partition().leader_epoch == 3);
    s.step(2s);
    CHECK(s.metadata_asked.size() > asked_before); // and the rest of the topic is looked up
}

TEST_CASE("KIP-951: the hint may name a broker that nobody has heard of")
{
    core_script s;
    s.warm_up();
    s.brokers[3] = 9003;
    s.topics["t"].partitions[0] = {3, 3, 0};
    s.send("t", "a");
    s.step();
    s.answer(reply{.error = fenced_leader_epoch, .leader = 3, .leader_epoch = 3});
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].link == s.link_to(9003));
}

TEST_CASE("KIP-951: an older hint is not believed")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions[0].epoch = 5;
    s.warm_up();
    s.send("t", "a");
    s.step();
    s.answer(reply{.error = not_leader_or_follower, .leader = 2, .leader_epoch = 4});
    CHECK(s.partition().leader->id == 1);
    CHECK(s.asked.empty());
}

TEST_CASE("an answer that leaves a partition out, or names it twice, or one that nobody asked about")
{
    core_script s;
    s.topics["t"].partitions.resize(2);
    s.warm_up();
    auto& first = s.send("t", "a", 0);
    auto& second = s.send("t", "b", 1);
    s.step();
    auto question = s.take();
    REQUIRE(question.batches.size() == 2);

    SUBCASE("left out: nothing is known, so it is sent again as it was")
    {
        s.answer(question, {reply{.times = 0}, reply{}});
        CHECK_FALSE(first.done());
        CHECK(second.ok());
        s.step(2s);
        CHECK(s.asked.at(0).only().bytes == question.batches[0].bytes);
        s.answer(duplicate_sequence_number);
        CHECK(first.ok());
    }
    SUBCASE("twice: the first counts")
    {
        s.answer(question, {reply{.base_offset = 5, .times = 2}, reply{}});
        CHECK(first.times_told == 1);
        CHECK(first.offset == 5);
        CHECK(second.ok());
    }
    SUBCASE("one more that was not asked about")
    {
        auto more = question;
        more.batches.push_back(question.batches[0]);
        more.batches[2].partition = 77;
        s.answer(more, {reply{}, reply{}, reply{}});
        CHECK(first.ok());
        CHECK(second.ok());
    }
    SUBCASE("nothing at all")
    {
        s.answer(question, {reply{.times = 0}, reply{.times = 0}});
        CHECK_FALSE(first.done());
        s.step(2s);
        s.answer_all();
        s.step(2s);
        s.answer_all();
        CHECK(first.ok());
        CHECK(second.ok());
    }
}

TEST_CASE("partitions of one request end independently")
{
    core_script s;
    s.topics["t"].partitions.resize(3);
    s.warm_up();
    for (int i = 0; i < 3; ++i) s.send("t", "v", i);
    s.step();
    s.answer(s.take(), {reply{}, reply{.error = message_too_large}, reply{.error = not_enough_replicas}});
    CHECK(s.outcomes[0].ok());
    CHECK(s.outcomes[1].error == message_too_large);
    CHECK_FALSE(s.outcomes[2].done());
    s.step(2s);
    s.answer();
    CHECK(s.outcomes[2].ok());
}

TEST_CASE("the time of a record: its own, or the broker's when the topic says LogAppendTime")
{
    core_script s{lingering()};
    s.warm_up();
    s.send_record("t", {{}, "a", {}, 5000}, 0);
    s.send_record("t", {{}, "b", {}, 4000}, 0);
    s.step(5ms);
    CHECK(s.asked.at(0).only().header.base_timestamp == 5000);
    CHECK(s.asked.at(0).only().header.max_timestamp == 5000);
    SUBCASE("its own")
    {
        s.answer(reply{.base_offset = 7});
        CHECK(s.outcomes[0].timestamp == 5000);
        CHECK(s.outcomes[1].timestamp == 4000);
        CHECK(s.outcomes[1].offset == 8);
    }
    SUBCASE("the broker's")
    {
        s.answer(reply{.log_append_time = 9999});
        CHECK(s.outcomes[0].timestamp == 9999);
        CHECK(s.outcomes[1].timestamp == 9999);
    }
}

TEST_CASE("records whose times are months apart share a batch, and each keeps its own")
{
    core_script s{lingering()};
    s.warm_up();
    const std::int64_t today = 1'700'000'000'000;
    for (int i = 0; i < 50; ++i) s.send_record("t", {{}, "a", {}, i % 2 == 0 ? today : 0}, 0);
    s.step(5ms);
    CHECK(s.asked.at(0).only().header.record_count == 50);
    CHECK(s.asked.at(0).only().header.max_timestamp == today);
    s.answer();
    for (std::size_t i = 0; i < 50; ++i) CHECK(s.outcomes[i].timestamp == (i % 2 == 0 ? today : 0));
}

// --- acks ------------------------------------------------------------------------------------------------------------

TEST_CASE("acks=0: done when written, offset unknown, several in flight")
{
    auto config = plain_config();
    config.acks = acks::none;
    core_script s{config};
    auto& first = s.send("t", "a");
    s.step();
    CHECK(first.ok());
    CHECK(first.written == persisted::possibly); // nobody will say
    CHECK(first.offset == -1);
    CHECK(s.unacknowledged.size() == 1);
    CHECK(s.unacknowledged[0].acks == 0);
    CHECK(s.unacknowledged[0].only().header.producer_id == -1);

    s.take_writes = false;
    auto& second = s.send("t", "b");
    s.step();
    CHECK_FALSE(second.done());
    const auto link = s.link_to(9001);
    const auto all = s.write(link, 30);
    CHECK(all == 30);
    s.step();
    CHECK_FALSE(second.done());
    s.write(link);
    s.step();
    CHECK(second.ok());
}

TEST_CASE("acks=0: an answer to another request may come before the driver says that this one was written")
{
    auto config = plain_config();
    config.acks = acks::none;
    core_script s{config};
    s.send("t", "a");
    s.step();
    s.take_writes = false;
    auto& told = s.send("t", "b");
    s.step();
    s.core.use_topic("u", s.now); // unknown: metadata is asked on the same connection, behind the record
    s.step(1s);
    const auto link = s.link_to(9001);
    // The broker has everything, and answers, before written() is called.
    bytes_view views[8];
    std::vector<std::byte> bytes;
    const auto count = s.core.gather(link, views);
    for (std::size_t i = 0; i < count; ++i) bytes.insert(bytes.end(), views[i].begin(), views[i].end());
    const auto before = s.metadata_asked.size();
    s.peers.at(link).received = bytes;
    s.write(link, 0);
    CHECK(s.metadata_asked.size() == before + 1);
    s.step();
    CHECK(s.closes.empty());
    s.core.written(link, bytes.size(), s.now);
    s.step();
    CHECK(told.ok());
}

TEST_CASE("acks=0: a connection that does not take the bytes is given up after request.timeout.ms")
{
    auto config = plain_config();
    config.acks = acks::none;
    config.request_timeout = 3s;
    core_script s{config};
    s.send("t", "a");
    s.step();
    s.take_writes = false;
    s.send("t", "b");
    s.step(2900ms);
    CHECK(s.closes.empty());
    s.step(200ms);
    REQUIRE(s.closes.size() == 1);
    CHECK(s.closes[0].second == errc::request_timed_out);
}

TEST_CASE("acks=0: nothing goes to a new leader before the old one's socket has taken what it was to get: "
          "order is kept")
{
    auto config = plain_config();
    config.acks = acks::none;
    config.metadata_max_age = 1s;
    core_script s{config};
    s.brokers = {{1, 9001}, {2, 9002}};
    s.topics["t"].partitions = {{1, 0, 0}};
    s.warm_up();
    s.take_writes = false;
    auto& first = s.send("t", "a", 0);
    s.step(20ms);
    const auto old = s.link_to(9001);
    REQUIRE_FALSE(first.done());
    s.topics["t"].partitions = {{2, 1, 0}};
    auto& second = s.send("t", "b", 0);
    const auto others_take_writes = [&] {
        std::vector<connection_id> links;
        for (const auto& [link, peer] : s.peers)
            if (link != old) links.push_back(link);
        for (const auto link : links) s.write(link);
        s.step(10ms);
    };
    const auto& partition = s.core.view().find("t")->partitions[0];
    for (int i = 0; i < 1000 && !(partition.leader && partition.leader->id == 2); ++i) others_take_writes();
    for (int i = 0; i < 20; ++i) others_take_writes();
    CHECK(partition.leader->id == 2);
    CHECK_FALSE(second.done());
    s.write(old);
    for (int i = 0; i < 20; ++i) others_take_writes();
    CHECK(first.ok());
    CHECK(second.ok());
}

TEST_CASE("acks=1 is asked for as such")
{
    auto config = plain_config();
    config.acks = acks::leader;
    core_script s{config};
    auto& told = s.send("t", "a");
    s.step();
    CHECK(s.asked.at(0).acks == 1);
    CHECK(s.asked.at(0).only().header.producer_id == -1);
    s.answer();
    CHECK(told.ok());
}

// --- deadlines -------------------------------------------------------------------------------------------------------

TEST_CASE("request.timeout.ms: the connection is closed, and its batches are sent again on the next")
{
    auto config = plain_config();
    config.request_timeout = 3s;
    core_script s{config};
    s.warm_up();
    s.send("t", "a");
    s.step();
    s.send("t", "b");
    s.step();
    const auto first = s.take(), second = s.take();
    s.step(2999ms);
    CHECK(s.closes.empty());
    s.step(1ms);
    REQUIRE(s.closes.size() == 1);
    CHECK(s.closes[0] == std::pair{first.link, make_error_code(errc::request_timed_out)});
    s.step(2s);
    CHECK(s.asked.at(0).only().bytes == first.only().bytes);
    s.answer();
    s.step(1s);
    CHECK(s.asked.at(0).only().bytes == second.only().bytes);
}

TEST_CASE("delivery.timeout.ms: queued, and never sent")
{
    auto config = plain_config();
    config.delivery_timeout = 5s;
    config.request_timeout = 5s;
    core_script s{config};
    s.warm_up();
    s.lose_for_good(9001);
    auto& told = s.send("t", "a");
    s.step(4999ms);
    CHECK_FALSE(told.done());
    s.step(1ms);
    CHECK(told.error == errc::batch_expired);
    CHECK(told.written == persisted::no);
    CHECK(s.core.pool().in_use() == 0);
}

TEST_CASE(
    "a batch that can't leave takes records for a sixteenth of delivery.timeout.ms: later ones live longer")
{
    auto config = plain_config();
    config.delivery_timeout = 8s;
    config.request_timeout = 5s;
    core_script s{config};
    s.warm_up();
    s.lose_for_good(9001);
    auto& first = s.send("t", "a");
    s.step(500ms);
    auto& same_batch = s.send("t", "b");
    s.step(1ms);
    auto& next_batch = s.send("t", "c");
    s.step(7499ms);
    CHECK(first.error == errc::batch_expired);
    CHECK(same_batch.error == errc::batch_expired);
    CHECK_FALSE(next_batch.done());
    s.step(501ms);
    CHECK(next_batch.error == errc::batch_expired);
}

TEST_CASE("delivery.timeout.ms: waiting for its retry")
{
    auto config = plain_config();
    config.delivery_timeout = 5s;
    config.request_timeout = 5s;
    core_script s{config};
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.step(4900ms);
    SUBCASE("refused before")
    {
        s.answer(not_enough_replicas);
        s.step(100ms);
        CHECK(told.written == persisted::no);
    }
    SUBCASE("perhaps written before")
    {
        s.answer(not_enough_replicas_after_append);
        s.step(100ms);
        CHECK(told.written == persisted::possibly);
    }
    CHECK(told.done());
    CHECK(told.attempts == 1);
}

TEST_CASE("KAFKA-19012: memory of an expired batch is free only when the socket is done with it too")
{
    auto config = plain_config();
    config.delivery_timeout = 5s;
    config.request_timeout = 20s;
    core_script s{config};
    s.warm_up();
    s.take_writes = false;
    auto& told = s.send("t", std::string(300, 'a'));
    s.step();
    const auto link = s.link_to(9001);
    s.write(link, 100); // the socket has a part, the rest is still read from the batch's memory
    s.step(5s);
    CHECK(told.error == errc::delivery_timeout);
    CHECK(told.written == persisted::possibly);
    CHECK(s.core.pool().in_use() > 0);
    for (int i = 0; i < 10; ++i) s.send("t", std::string(300, 'b')); // may not take its memory
    bytes_view views[8];
    const auto count = s.core.gather(link, views);
    std::string rest;
    for (std::size_t i = 0; i < count; ++i) rest += as_text(views[i]);
    CHECK(rest.find(std::string(250, 'a')) != std::string::npos);
    CHECK(rest.find('b') == std::string::npos);

    SUBCASE("the answer comes late")
    {
        s.write(link);
        s.answer();
        CHECK(told.times_told == 1);
        CHECK(told.error == errc::delivery_timeout);
    }
    SUBCASE("the connection ends")
    {
        s.drop(link);
    }
    s.take_writes = true;
    s.step(2s);
    for (int i = 0; i < 12; ++i) {
        s.answer_all();
        s.step(2s);
    }
    CHECK(s.core.pool().in_use() == 0);
}

TEST_CASE("KAFKA-19012: an answer may come before the driver says that the request is written")
{
    core_script s;
    s.warm_up();
    s.take_writes = false;
    auto& told = s.send("t", "a");
    s.step();
    const auto link = s.link_to(9001);
    bytes_view views[8];
    std::vector<std::byte> bytes;
    const auto count = s.core.gather(link, views);
    for (std::size_t i = 0; i < count; ++i) bytes.insert(bytes.end(), views[i].begin(), views[i].end());
    s.peers.at(link).received = bytes;
    s.write(link, 0);
    s.answer();
    CHECK(told.ok());
    CHECK(s.core.pool().in_use() > 0); // the socket may still read it
    s.core.written(link, bytes.size(), s.now);
    s.step();
    CHECK(s.core.pool().in_use() == 0);
}

TEST_CASE("a late answer to a batch that expired in flight")
{
    auto config = plain_config();
    config.delivery_timeout = 5s;
    config.request_timeout = 20s;
    core_script s{config};
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.step(5s);
    CHECK(told.error == errc::delivery_timeout);
    CHECK(told.written == persisted::possibly);
    CHECK(told.times_told == 1);
    auto& next = s.send("t", "b");
    s.step();
    const auto late = s.take();

    SUBCASE("success: the next batch's sequence fits")
    {
        s.answer(late, {{}});
        s.answer_all();
        CHECK(next.ok());
        s.send("t", "c");
        s.step();
        CHECK(s.asked.at(0).only().header.producer_epoch == 0);
        CHECK(s.asked.at(0).only().header.base_sequence == 3);
    }
    SUBCASE("failure: the next batch finds a gap, and a new epoch starts")
    {
        s.answer(late, {reply{.error = not_enough_replicas}});
        REQUIRE(s.asked.size() == 1);
        s.answer(out_of_order_sequence_number);
        s.step(2s);
        REQUIRE(s.asked.size() == 1);
        CHECK(s.asked[0].only().header.producer_epoch == 1);
        CHECK(s.asked[0].only().header.base_sequence == 0);
        s.answer();
        CHECK(next.ok());
    }
    CHECK(told.times_told == 1);
}

// --- too large -------------------------------------------------------------------------------------------------------

TEST_CASE("KAFKA-8350: MESSAGE_TOO_LARGE halves a batch until it fits, in order and with its sequences")
{
    core_script s{lingering()};
    s.warm_up();
    const int count = 8;
    for (int i = 0; i < count; ++i) s.send("t", std::to_string(i) + std::string(100, 'x'));
    auto first_epoch = s.core.flush();
    s.step(1s);
    CHECK(s.asked.at(0).only().header.record_count == count);
    std::vector<std::string> written;
    int sizes[9]{}, questions = 0;
    for (; !s.asked.empty(); ++questions) {
        REQUIRE(questions < 40);
        REQUIRE(s.asked.size() == 1); // one after the other
        const auto question = s.take();
        const auto& batch = question.only();
        CHECK(batch.header.producer_epoch == 0);
        ++sizes[batch.header.record_count];
        if (batch.header.record_count > 2) {
            CHECK_FALSE(s.core.flushed(first_epoch)); // KAFKA-9312
            s.answer(question, {reply{.error = message_too_large}});
        } else {
            CHECK(batch.header.base_sequence == 1 + static_cast<std::int32_t>(written.size()));
            for (const auto& value : batch.values) written.push_back(value.substr(0, 1));
            CHECK_FALSE(s.core.flushed(first_epoch));
            s.answer(question, {{}});
        }
        s.step(2s);
    }
    CHECK(sizes[8] == 1);
    CHECK(sizes[4] == 2);
    CHECK(sizes[2] == 4);
    CHECK(written == std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7"});
    for (int i = 0; i < count; ++i) {
        CHECK(s.outcomes[static_cast<std::size_t>(i)].ok());
        CHECK(s.outcomes[static_cast<std::size_t>(i)].offset == 1 + i);
        CHECK(s.outcomes[static_cast<std::size_t>(i)].times_told == 1);
    }
    CHECK(s.core.flushed(first_epoch));
    CHECK(s.core.pool().in_use() == 0); // KAFKA-8325
    s.send("t", "next");
    s.step(1s);
    CHECK(s.asked.at(0).only().header.base_sequence == 9);
}

TEST_CASE("KAFKA-8350: a record that is too large alone fails alone")
{
    core_script s{lingering()};
    s.warm_up();
    s.send("t", "small");
    s.send("t", std::string(1000, 'x'));
    s.send("t", "little");
    s.step(5ms);
    for (int i = 0; i < 10 && !s.asked.empty(); ++i) {
        const auto question = s.take();
        s.answer(question, {reply{.error = question.only().bytes.size() > 500 ? message_too_large : none}});
        s.step(2s);
    }
    CHECK(s.outcomes[0].ok());
    CHECK(s.outcomes[1].error == message_too_large);
    CHECK(s.outcomes[1].written == persisted::no);
    CHECK(s.outcomes[2].ok());
    CHECK(s.core.idle());
    CHECK(s.core.pool().in_use() == 0);
}

TEST_CASE("KAFKA-8325: a batch that is split while others follow it, and while it is still being "
          "written")
{
    core_script s{lingering()};
    s.warm_up();
    for (int i = 0; i < 4; ++i) s.send("t", "a" + std::to_string(i));
    s.step(5ms);
    s.send("t", "b");
    s.step(5ms);
    const auto large = s.take(), behind = s.take();
    s.answer(large, {reply{.error = message_too_large}});
    s.answer(behind, {reply{.error = out_of_order_sequence_number}});
    std::vector<std::string> order;
    for (int i = 0; i < 10; ++i) {
        s.step(2s);
        if (s.asked.empty()) break;
        CHECK(s.asked[0].only().header.producer_epoch == 0); // librdkafka #4953
        for (const auto& value : s.asked[0].only().values) order.push_back(value);
        s.answer();
    }
    CHECK(order == std::vector<std::string>{"a0", "a1", "a2", "a3", "b"});
    for (const auto& told : s.outcomes) CHECK(told.times_told == 1);
}

TEST_CASE("pieces share the deadline of the batch they come from (2.7)")
{
    auto config = lingering();
    config.delivery_timeout = 5s;
    config.request_timeout = 4s;
    core_script s{config};
    s.warm_up();
    for (int i = 0; i < 2; ++i) s.send("t", "a");
    s.step(5ms);
    s.step(3s);
    s.answer(message_too_large);
    s.step(1900ms);
    CHECK_FALSE(s.outcomes[0].done());
    s.step(200ms);
    CHECK(s.outcomes[0].error == errc::delivery_timeout);
    CHECK(s.outcomes[1].done());
    CHECK(s.outcomes[1].written == persisted::no); // the second half was never sent again
}

TEST_CASE("a split is not an attempt")
{
    auto config = lingering();
    config.retries = 0;
    core_script s{config};
    s.warm_up();
    for (int i = 0; i < 4; ++i) s.send("t", "a");
    s.step(5ms);
    for (int i = 0; i < 10 && !s.asked.empty(); ++i) {
        const auto question = s.take();
        s.answer(question,
                 {reply{.error = question.only().header.record_count > 1 ? message_too_large : none}});
        s.step(2s);
    }
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

TEST_CASE("without idempotence a split batch keeps its order too")
{
    auto config = lingering();
    config.enable_idempotence = false;
    core_script s{config};
    s.warm_up();
    for (int i = 0; i < 4; ++i) s.send("t", std::to_string(i));
    s.step(5ms);
    s.send("t", "4");
    s.step(5ms);
    std::vector<std::string> order;
    for (int i = 0; i < 20 && !s.asked.empty(); ++i) {
        const auto question = s.take();
        const bool large = question.only().header.record_count > 1;
        CHECK(question.only().header.base_sequence == -1);
        if (!large) order.push_back(question.only().values[0]);
        s.answer(question, {reply{.error = large ? message_too_large : none}});
        s.step(2s);
    }
    CHECK(order == std::vector<std::string>{"0", "1", "2", "3", "4"});
}

TEST_CASE("the core says when a linger ends: nobody else would wake it")
{
    core_script s{lingering()};
    s.warm_up();
    const auto sent = s.now.steady;
    s.send("t", "a");
    s.step();
    CHECK(s.core.deadline() == sent + 5ms);
}

// --- idle brokers ----------------------------------------------------------------------------------------------------

namespace {

// Four partitions and a linger that doesn't end; warm_up() made the first request, so that the others may follow.
struct lingering_partitions
{
    explicit lingering_partitions(producer_config config = sizes(), std::size_t partitions = 4)
        : s{std::move(config)}
    {
        s.topics["t"].partitions.resize(partitions);
        s.warm_up();
    }

    static producer_config sizes()
    {
        auto config = lingering(10s);
        config.batch_size = 65536;
        return config;
    }

    void send(std::int32_t partition, std::size_t bytes)
    {
        for (; bytes > 1000; bytes -= 1000) s.send("t", std::string(1000, 'x'), partition);
        s.send("t", std::string(bytes, 'x'), partition);
    }

    std::vector<std::int32_t> asked_for() const // the partitions of the only request
    {
        std::vector<std::int32_t> result;
        if (s.asked.size() == 1)
            for (const auto& batch : s.asked.front().batches) result.push_back(batch.partition);
        return result;
    }

    core_script s;
};

} // namespace

TEST_CASE("an idle broker gets what is open once that is batch.size in all, but nothing small")
{
    lingering_partitions f;
    for (std::int32_t i = 0; i < 3; ++i) f.send(i, 20'000);
    f.send(3, 100);
    f.s.step();
    CHECK(f.s.asked.empty());
    f.send(1, 6'000);
    f.s.step();
    CHECK(f.asked_for() == std::vector{0, 1, 2});
    f.s.answer();
    CHECK(f.s.asked.empty());
    f.send(0, 60'000); // counted anew
    f.s.step();
    CHECK(f.s.asked.empty());
    f.s.step(11s);
    CHECK(f.asked_for() == std::vector{0, 3});
}

TEST_CASE("a broker that has something to do gets full batches, the others grow until it has answered")
{
    lingering_partitions f;
    for (std::int32_t i = 0; i < 4; ++i) f.send(i, 20'000);
    f.s.step();
    const auto first = f.s.take();
    for (std::int32_t i = 0; i < 4; ++i) f.send(i, 20'000);
    f.s.step();
    CHECK(f.s.asked.empty());
    f.send(2, 46'000);
    f.s.step();
    CHECK(f.asked_for() == std::vector{2}); // what is full
    const auto second = f.s.take();
    f.send(0, 10'000);
    f.s.answer(first, {reply{}, reply{}, reply{}, reply{}});
    CHECK(f.s.asked.empty());
    f.s.answer(second, {reply{}});
    CHECK(f.asked_for() == std::vector{0, 1, 3});
}

TEST_CASE("what has left with full batches doesn't count for the open ones")
{
    lingering_partitions f;
    f.send(0, 70'000);
    f.s.step();
    CHECK(f.asked_for() == std::vector{0});
    f.send(1, 20'000);
    f.s.answer();
    CHECK(f.s.asked.empty());
}

TEST_CASE(
    "many open batches are not all looked at for each batch.size bytes, but when there is something for each")
{
    lingering_partitions f{lingering_partitions::sizes(), 300};
    for (std::int32_t i = 0; i < 300; ++i) f.send(i, 10);
    for (std::int32_t i = 0; i < 4; ++i) f.send(i, 20'000); // more than batch.size
    f.s.step();
    CHECK(f.s.asked.empty());
    for (std::int32_t i = 0; i < 4; ++i) f.send(i, 20'000); // more than 300 * 512 bytes
    f.s.step();
    CHECK(f.asked_for() == std::vector{0, 1, 2, 3});
}

TEST_CASE("batches that will be compressed are not sent before they are full, however idle the broker is")
{
    auto config = lingering_partitions::sizes();
    config.compression_type = compression::lz4;
    lingering_partitions f{std::move(config)};
    for (std::int32_t i = 0; i < 4; ++i) f.send(i, 20'000);
    f.s.step();
    CHECK(f.s.asked.empty());
}

// --- taking records back ---------------------------------------------------------------------------------------------

TEST_CASE("withdraw: a record that was not drained is never sent, the others are, with their offsets")
{
    core_script s{lingering(1s)};
    s.warm_up();
    s.send("t", "a");
    s.send("t", "b");
    const auto place = s.last_place;
    s.send("t", "c");
    CHECK(s.core.withdraw(*place.where, place.index));
    CHECK_FALSE(s.core.withdraw(*place.where, place.index)); // once
    s.step(2s);
    CHECK(values(s.asked.at(0)) == std::vector<std::string>{"a", "c"});
    s.answer(reply{.base_offset = 10});
    CHECK(s.outcomes[0].offset == 10);
    CHECK(s.outcomes[1].times_told == 0);
    CHECK(s.outcomes[2].offset == 11);
    s.send("t", "d");
    s.step(2s);
    CHECK(s.asked.at(0).only().header.base_sequence == 3); // two records were sent
}

TEST_CASE("withdraw: again from a batch that found no place in a request after its first withdrawal")
{
    auto config = lingering(10ms);
    config.max_request_size = 3000;
    config.max_in_flight_requests_per_connection = 1;
    core_script s{config};
    s.topics["t"].partitions = {{}, {}};
    s.warm_up();
    s.send("t", std::string(2000, 'x'), 0);
    std::vector<place> places;
    std::deque<outcome*> told;
    for (char c = 'a'; c <= 'e'; ++c) {
        told.push_back(&s.send("t", std::string(500, c), 1));
        places.push_back(s.last_place);
    }
    CHECK(s.core.withdraw(*places[1].where, places[1].index));
    s.step(10ms);
    REQUIRE(s.asked.size() == 1);
    REQUIRE(s.asked[0].only().partition == 0); // no room for the other one
    CHECK(s.core.withdraw(*places[3].where, places[3].index));
    s.answer();
    s.step();
    const auto expected = {std::string(500, 'a'), std::string(500, 'c'), std::string(500, 'e')};
    REQUIRE(s.asked.size() == 1);
    CHECK(values(s.asked[0]) == std::vector<std::string>{expected});
    s.answer(reply{.base_offset = 10});
    CHECK(told[0]->offset == 10);
    CHECK(told[2]->offset == 11);
    CHECK(told[4]->offset == 12);
    CHECK(told[1]->times_told + told[3]->times_told == 0);
}

TEST_CASE("withdraw: all records of a batch, or the ones at its edges")
{
    core_script s{lingering(1s)};
    s.warm_up();
    std::vector<place> places;
    for (int i = 0; i < 3; ++i) {
        s.send_record("t", {"key", std::to_string(i), {}, 1000 + i}, 0);
        places.push_back(s.last_place);
    }
    SUBCASE("all")
    {
        for (const auto& place : places) CHECK(s.core.withdraw(*place.where, place.index));
        s.step(2s);
        CHECK(s.asked.empty());
        CHECK(s.core.idle());
        CHECK(s.core.pool().in_use() == 0);
    }
    SUBCASE("first and last")
    {
        CHECK(s.core.withdraw(*places[0].where, places[0].index));
        CHECK(s.core.withdraw(*places[2].where, places[2].index));
        s.step(2s);
        CHECK(values(s.asked.at(0)) == std::vector<std::string>{"1"});
        CHECK(s.asked.at(0).only().header.max_timestamp == 1001);
        s.answer(reply{.base_offset = 4});
        CHECK(s.outcomes[1].offset == 4);
        CHECK(s.outcomes[1].timestamp == 1001);
    }
}

TEST_CASE("withdraw: what was sent can't be taken back")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    const auto place = s.last_place;
    s.step();
    CHECK_FALSE(s.core.withdraw(*place.where, place.index));
    s.answer(not_enough_replicas);
    CHECK_FALSE(s.core.withdraw(*place.where, place.index)); // nor while it waits for its retry
}

TEST_CASE("withdraw: a batch that lost records is split like any other")
{
    core_script s{lingering(1s)};
    s.warm_up();
    std::vector<place> places;
    for (int i = 0; i < 5; ++i) {
        s.send("t", std::to_string(i));
        places.push_back(s.last_place);
    }
    s.core.withdraw(*places[1].where, places[1].index);
    s.core.withdraw(*places[4].where, places[4].index);
    s.step(2s);
    std::vector<std::string> order;
    for (int i = 0; i < 10 && !s.asked.empty(); ++i) {
        const auto question = s.take();
        const bool large = question.only().header.record_count > 1;
        if (!large) order.push_back(question.only().values[0]);
        s.answer(question, {reply{.error = large ? message_too_large : none}});
        s.step(2s);
    }
    CHECK(order == std::vector<std::string>{"0", "2", "3"});
    CHECK(s.outcomes[0].offset == 1);
    CHECK(s.outcomes[1].times_told == 0);
    CHECK(s.outcomes[2].offset == 2);
    CHECK(s.outcomes[3].offset == 3);
    CHECK(s.outcomes[4].times_told == 0);
}

TEST_CASE("a delivery that is held keeps its batch's outcome, not its memory")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    auto& where = *s.last_place.where;
    s.core.hold(where);
    s.step();
    s.answer(reply{.base_offset = 3});
    CHECK(s.core.pool().in_use() == 0);
    CHECK(where.done());
    CHECK(where.offset_of(0) == 3);
    s.core.drop(where);
    CHECK(where.partition == nullptr); // and then it is used again
}

TEST_CASE("a held delivery of a batch that was split finds its piece")
{
    core_script s{lingering()};
    s.warm_up();
    for (int i = 0; i < 4; ++i) s.send("t", "v" + std::to_string(i));
    auto& where = *s.last_place.where;
    s.core.hold(where);
    s.step(5ms);
    for (int i = 0; i < 10 && !s.asked.empty(); ++i) {
        const auto question = s.take();
        s.answer(question,
                 {reply{.error = question.only().header.record_count > 1 ? message_too_large : none}});
        s.step(2s);
    }
    const auto [piece, index] = where.carrier_of(3);
    CHECK(piece->done());
    CHECK(piece->offset_of(index) == 4);
    CHECK(s.core.pool().in_use() == 0);
    s.core.drop(where);
    CHECK(where.partition == nullptr);
}

} // namespace kurier::core::script
