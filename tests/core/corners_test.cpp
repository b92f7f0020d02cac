// What no other script comes by: answers that make no sense, settings at their edge, the order of rare events.
#include "../support/core_script.hpp"
#include "../support/toy_codecs.hpp"

namespace kurier::core::script {
namespace {

using enum broker_errc;

struct question // that the script does not answer
{
    connection_id link;
    std::int16_t version;
    std::int32_t id;
};

question held_question(core_script& s)
{
    REQUIRE_FALSE(s.held.empty());
    const auto [link, frame] = s.held.back();
    s.held.pop_back();
    wire::reader in{frame};
    in.take_int<std::int16_t>();
    const auto version = in.take_int<std::int16_t>();
    return {link, version, in.take_int<std::int32_t>()};
}

std::string answer_of(std::int32_t id, std::string_view rest)
{
    std::string frame;
    const auto put = [&](std::uint32_t number) {
        for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>(number >> shift);
    };
    put(static_cast<std::uint32_t>(rest.size() + 4));
    put(static_cast<std::uint32_t>(id));
    return frame + std::string{rest};
}

void give(core_script& s, const question& to, std::string_view body)
{
    s.peers.at(to.link).answers.clear();
    s.receive(to.link, answer_of(to.id, body));
}

void deliver(core_script& s, const outcome& told)
{
    for (int i = 0; i < 10 && !told.done(); ++i) {
        s.step(2s);
        s.answer_all();
    }
    CHECK(told.ok());
}

} // namespace

TEST_CASE("InitProducerId: an answer that can't be read, or that names no id")
{
    core_script s;
    s.answer_init_producer_id = false;
    auto& told = s.send("t", "a");
    s.step();
    const auto asked = held_question(s);
    SUBCASE("unreadable")
    {
        give(s, asked, std::string_view{"\0\1", 2});
    }
    SUBCASE("no id, no epoch")
    {
        protocol::init_producer_id_response answer;
        SUBCASE("no id")
        {
            answer.producer_id = -1;
        }
        SUBCASE("no epoch")
        {
            answer.producer_id = 7;
            answer.producer_epoch = -1;
        }
        s.respond(asked.link, asked.id, asked.version, answer);
    }
    REQUIRE_FALSE(s.closes.empty());
    CHECK(s.closes.back().second == errc::protocol_error);
    s.answer_init_producer_id = true;
    deliver(s, told);
}

TEST_CASE("ApiVersions: answers in a form that nobody asked for")
{
    core_script s;
    s.answer_versions = false;
    s.step();
    const auto asked = held_question(s);
    SUBCASE("of version 0, and no refusal")
    {
        give(s, asked, std::string_view{"\0\0\0\0\0\0", 6});
        CHECK(s.versions_asked.back() == 0);
    }
    SUBCASE("a refusal that names a version no lower than the asked one")
    {
        protocol::api_versions_response refusal;
        refusal.error_code = static_cast<std::int16_t>(unsupported_version);
        refusal.api_keys.push_back({18, 0, 9});
        s.respond(asked.link, asked.id, 0, refusal);
        CHECK(s.versions_asked.back() == 0);
        SUBCASE("and version 0 can't be read either")
        {
            give(s, held_question(s), std::string_view{"\0", 1});
            CHECK(s.closes.back().second == errc::protocol_error);
        }
    }
    s.answer_versions = true;
    if (!s.held.empty()) {
        const auto last = held_question(s);
        s.answer_api_versions(last.link, last.id, 0);
    }
    deliver(s, s.send("t", "a"));
}

TEST_CASE("strangers: TLS handshakes, HTML; what only looks like TLS is too large")
{
    core_script s;
    s.answer_versions = false;
    s.step();
    const auto asked = held_question(s);
    const auto close_after = [&](std::string_view bytes) {
        s.receive(asked.link, bytes);
        return s.closes.back().second;
    };
    SUBCASE("TLS handshake")
    {
        CHECK(close_after({"\x16\x03\x01\x00\x05", 5}) == errc::tls_peer);
    }
    SUBCASE("HTML")
    {
        CHECK(close_after("<!DOCTYPE html>") == errc::http_peer);
    }
    SUBCASE("no TLS: major version")
    {
        CHECK(close_after({"\x15\x02\x03\x00\x05", 5}) == errc::response_too_large);
    }
    SUBCASE("no TLS: minor version")
    {
        CHECK(close_after({"\x15\x03\x09\x00\x05", 5}) == errc::response_too_large);
    }
}

TEST_CASE("metadata: brokers with impossible addresses are left out; there may be no cluster id")
{
    core_script s;
    s.answer_metadata = false;
    auto& told = s.send("t", "a");
    s.step();
    const auto asked = held_question(s);
    protocol::metadata_response answer;
    for (const auto& [id, port] : std::vector<std::pair<int, int>>{{1, 70000}, {2, 0}, {-3, 9003}})
        answer.brokers.push_back({id, "broker", port, {}});
    answer.brokers.push_back({4, "", 9004, {}});
    SUBCASE("a topic without partitions")
    {
        answer.topics.emplace_back().name = "t";
    }
    SUBCASE("a topic that nobody asked about")
    {
        answer.topics.emplace_back().name = "stranger";
    }
    s.answer_metadata = true;
    s.respond(asked.link, asked.id, asked.version, answer);
    CHECK(s.core.view().node(1) == nullptr);
    CHECK(s.core.view().cluster_id().empty());
    deliver(s, told);
}

TEST_CASE("connections.max.idle.ms below 0: never")
{
    auto config = plain_config();
    config.connections_max_idle = -1ms;
    core_script s{config};
    s.warm_up();
    s.step(2h);
    CHECK(s.closes.empty());
}

TEST_CASE("every way to be told that somebody else has our id")
{
    for (const auto error : {invalid_producer_epoch, producer_fenced, invalid_producer_id_mapping}) {
        core_script s;
        s.warm_up();
        auto& told = s.send("t", "a");
        s.step();
        s.answer(error);
        s.step(5s);
        CHECK(s.ids_asked == 2);
        s.answer();
        CHECK(told.ok());
    }
}

TEST_CASE("a record is taken back once, and not out of a batch that was split")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    const auto first = s.last_place;
    s.send("t", "b");
    CHECK(s.core.withdraw(*first.where, first.index));
    CHECK_FALSE(s.core.withdraw(*first.where, first.index));
    s.step();
    s.answer();

    auto config = plain_config();
    config.linger = 5ms;
    core_script split{config};
    split.warm_up();
    for (const auto* value : {"a", "b", "c"}) split.send("t", value);
    const auto last = split.last_place;
    split.core.hold(*last.where);
    split.step(5ms);
    split.answer(message_too_large);
    const auto [piece, index] = last.where->carrier_of(last.index);
    CHECK(piece != last.where);
    CHECK_FALSE(split.core.withdraw(*piece, index));
    CHECK_FALSE(split.core.withdraw(*last.where, last.index));
    split.core.drop(*last.where);
    for (int i = 0; i < 4; ++i) {
        split.step(1s);
        split.answer_all();
    }
    for (const auto& told : split.outcomes) CHECK(told.ok());
}

TEST_CASE("a waiting record that was refused in this turn can't be taken back any more")
{
    core_script s;
    s.accept_connections = false;
    auto& told = s.send("t", "a");
    auto* waiting = s.last_waiting;
    REQUIRE(waiting);
    s.pass(s.core.config().max_block);
    s.core.turn(s.now);
    s.core.withdraw(*waiting);
    SUBCASE("and is told")
    {
        s.step();
    }
    SUBCASE("or goes with the core")
    {
        waiting->waiter.notify = nullptr;
        return;
    }
    CHECK(told.error == errc::max_block_exceeded);
    CHECK(told.text == "no broker answered");
}

TEST_CASE("the sticky partition is chosen by append, and told; room is told too")
{
    core_script s;
    s.topics["t"].partitions.resize(3);
    s.warm_up();
    CHECK(s.core.has_room());
    auto& topic = s.core.use_topic("t", s.now);
    const auto place = s.core.send({topic, {}, {{}, "value", {}, s.now.wall_ms}, {}}, s.now).appended;
    REQUIRE(place.where);
    CHECK(place.where->partition->index == topic.sticky);
    s.step();
    s.answer_all();
}

TEST_CASE("who waits for a leader's share holds back the leader's other partitions")
{
    auto config = plain_config();
    config.buffer_memory = 6144;
    config.batch_size = 1200;
    core_script s{config};
    s.topics["t"].partitions.resize(2);
    s.warm_up();
    for (int i = 0; i < 5; ++i) s.send("t", std::string(1000, 'a'));
    REQUIRE(s.core.waiting().size() == 1);
    auto& topic = s.core.use_topic("t", s.now);
    CHECK(s.core.send({topic, 1, {{}, "small", {}, s.now.wall_ms}, {}, false}, s.now).refused ==
          errc::buffer_full);
    CHECK_FALSE(s.core.has_room());
    for (int i = 0; i < 10; ++i) {
        s.step(1s);
        s.answer_all();
    }
    CHECK(s.core.idle());
}

TEST_CASE("a broker that does not know the codec (zstd before Kafka 2.1): its records fail, and say why")
{
    auto config = plain_config();
    config.compression_type = compression::zstd;
    testing::toy_codecs list;
    core_script s{config};
    s.core.set_codecs(list, &testing::toy_clock);
    s.decompress = codecs_ref{list};
    s.api[0] = {3, 6};
    s.topics["t"].partitions.resize(2);
    auto& told = s.send("t", std::string(3000, 'x'));
    auto& short_one = s.send("t", "a", 1); // not worth compressing
    s.step();
    CHECK(told.error == errc::compression_unavailable);
    CHECK(told.written == persisted::no);
    CHECK(told.failure->text == "broker:9001 (id 1) speaks Produce up to version 6, zstd needs version 7");
    CHECK(told.failure->broker_message.empty()); // it was not asked
    s.answer_all();
    CHECK(short_one.ok());
}

TEST_CASE("a broker that does not know the codec, and nothing else to send: no request at all")
{
    auto config = plain_config();
    config.compression_type = compression::zstd;
    testing::toy_codecs list;
    core_script s{config};
    s.core.set_codecs(list, &testing::toy_clock);
    s.api[0] = {3, 6};
    auto& told = s.send("t", std::string(3000, 'x'));
    s.step();
    CHECK(told.error == errc::compression_unavailable);
    CHECK(s.asked.empty());
    CHECK(s.core.idle());
    for (const auto& [link, one] : s.core.connections().all()) CHECK(one->requests.empty());
}

// --- appending -------------------------------------------------------------------------------------------------------

TEST_CASE("a record with headers into a batch that is open; one from another time into the next")
{
    auto config = plain_config();
    config.linger = 5ms;
    core_script s{config};
    s.warm_up();
    const std::vector<header_view> headers{{"name", nullable_bytes{std::string_view{"value"}}}};
    s.send_record("t", {{}, "plain", {}, 1000}, 0);
    s.send_record("t", {{}, "with headers", headers, 1001}, 0);
    CHECK(s.partition().open->record_count == 2);
    SUBCASE("too late for it")
    {
        s.send_record("t", {{}, "next", {}, 1000 + time_delta_max + 1}, 0);
    }
    SUBCASE("too early for it")
    {
        s.send_record("t", {{}, "next", {}, 1000 - time_delta_max - 1}, 0);
    }
    CHECK(s.partition().open->record_count == 1);
    s.step(5ms);
    REQUIRE(s.asked.size() == 2);
    batch_reader reader{as_bytes(s.asked[0].only().bytes), batch_origin::producer};
    record_view record;
    REQUIRE(reader.next_batch());
    REQUIRE(reader.next_record(record));
    CHECK(record.headers.empty());
    REQUIRE(reader.next_record(record));
    REQUIRE(record.headers.size() == 1);
    CHECK(record.headers[0].name == "name");
    CHECK(as_text(record.headers[0].value.view()) == "value");
    CHECK_FALSE(reader.next_record(record));
    s.answer_all();
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

TEST_CASE("room: nobody waits, and the buffer is less than a quarter full")
{
    auto config = plain_config();
    config.buffer_memory = 8192;
    config.linger = 1s;
    core_script s{config};
    s.warm_up();
    CHECK(s.core.has_room());
    s.send("t", std::string(1400, 'a'));
    CHECK(s.core.pool().in_use() < 2048);
    CHECK(s.core.has_room());
    s.send("t", std::string(600, 'a'));
    CHECK(s.core.pool().in_use() >= 2048);
    CHECK(s.core.waiting().empty());
    CHECK_FALSE(s.core.has_room());
    s.step(1s);
    s.answer_all();
    CHECK(s.core.has_room());
}

// --- deliveries ------------------------------------------------------------------------------------------------------

TEST_CASE("a delivery that goes before its record is done leaves the record alone")
{
    auto config = plain_config();
    config.linger = 5ms;
    core_script s{config};
    s.warm_up();
    auto& told = s.send("t", "a");
    auto& where = *s.last_place.where;
    s.core.hold(where);
    s.core.drop(where);
    CHECK(s.partition().open == &where);
    s.step(5ms);
    s.answer();
    CHECK(told.ok());
    CHECK(where.partition == nullptr); // used again only now
}

TEST_CASE("the delivery of a waiting record goes: while it waits, or when it was refused and is not told yet")
{
    core_script s;
    s.accept_connections = false;
    auto& told = s.send("t", "a");
    auto* waiting = s.last_waiting;
    REQUIRE(waiting);
    waiting->held = true;
    SUBCASE("while it waits: it is sent all the same")
    {
        s.core.drop(*waiting);
        CHECK(s.core.waiting().oldest() == waiting);
        s.accept_connections = true;
        s.step();
        s.accept(s.connects.at(0).link);
        deliver(s, told);
    }
    SUBCASE("refused: it is told once, and then forgotten")
    {
        s.pass(s.core.config().max_block);
        s.core.turn(s.now);
        CHECK(s.core.next_failed() == waiting);
        s.core.drop(*waiting);
        CHECK(s.core.next_failed() == waiting);
        CHECK_FALSE(told.done());
        s.step();
        CHECK(told.times_told == 1);
        CHECK(told.error == errc::max_block_exceeded);
    }
}

TEST_CASE(
    "a record that was taken back has no place in the pieces of its batch; in a whole batch each has its own")
{
    auto config = plain_config();
    config.linger = 5ms;
    core_script s{config};
    s.warm_up();
    std::vector<place> places;
    for (const auto* value : {"a", "b", "c", "d"}) {
        s.send("t", value);
        places.push_back(s.last_place);
    }
    auto& where = *places[0].where;
    s.core.hold(where);
    CHECK(where.carrier_of(2) == std::pair{&where, std::uint32_t{2}});
    CHECK(s.core.withdraw(where, 1));
    s.step(5ms);
    s.answer(message_too_large);
    CHECK(where.carrier_of(1) == std::pair{&where, std::uint32_t{1}});
    for (const std::uint32_t index : {0u, 2u, 3u}) {
        const auto [piece, at] = where.carrier_of(index);
        CHECK(piece != &where);
        CHECK(piece->root_slots.at(at) == index);
    }
    for (int i = 0; i < 4; ++i) {
        s.step(1s);
        s.answer_all();
    }
    s.core.drop(where);
    CHECK(s.core.idle());
}

// --- answers ---------------------------------------------------------------------------------------------------------

TEST_CASE("a refusal that comes at the deadline is not tried again")
{
    core_script s;
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    SUBCASE("the broker has not written it")
    {
        s.pass(s.core.config().delivery_timeout);
        s.answer(not_enough_replicas);
        CHECK(told.error == errc::delivery_timeout);
        CHECK(told.last_error == not_enough_replicas);
        CHECK(told.written == persisted::no);
    }
    SUBCASE("it may be written")
    {
        s.pass(s.core.config().delivery_timeout);
        s.answer(not_enough_replicas_after_append);
        CHECK(told.error == errc::delivery_timeout);
        CHECK(told.written == persisted::possibly);
    }
    CHECK(told.attempts == 1);
    CHECK(s.asked.empty());
    auto& next = s.send("t", "b");
    s.step(2s);
    CHECK(s.asked.at(0).only().header.producer_epoch == 1); // behind a gap: a new epoch
    s.answer_all();
    CHECK(next.ok());
}

TEST_CASE("a producer id that can't be had fails what was not sent; what is in flight goes on")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.change(0).producer.epoch = last_producer_epoch;
    s.change(0).producer.fault = epoch_fault::broken; // partition 0 needs a new id
    s.init_producer_id_error = cluster_authorization_failed;
    auto& flying = s.send("t", "flies", 1);
    s.step();
    REQUIRE(s.asked.size() == 1);
    auto& unsent = s.send("t", "waits", 0);
    s.step();
    CHECK(unsent.error == cluster_authorization_failed);
    CHECK(unsent.written == persisted::no);
    CHECK_FALSE(flying.done());
    s.answer();
    CHECK(flying.ok());
}

} // namespace kurier::core::script
