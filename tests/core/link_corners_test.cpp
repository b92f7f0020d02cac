// Connections and metadata at their edges: what a driver reports late, twice or too much; brokers that move, leave or
// forget; topics that nobody sends to while their records are still on their way.
#include "../support/core_script.hpp"

#include <set>

namespace kurier::core::script {
namespace {

using enum broker_errc;

// Records may be on their way for long.
producer_config patient()
{
    auto config = plain_config();
    config.delivery_timeout = 60min;
    config.request_timeout = 30min;
    config.max_block = 60min;
    return config;
}

const std::vector<std::string> only_t{"t"};

} // namespace

// --- what a driver reports -------------------------------------------------------------------------------------------

TEST_CASE("a connection that is reported open twice asks for versions once")
{
    core_script s;
    s.step();
    REQUIRE(s.versions_asked.size() == 1);
    s.core.connected(s.link_to(9000), s.now);
    s.step();
    CHECK(s.versions_asked.size() == 1);
    auto& told = s.send("t", "a");
    s.step();
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("more bytes reported written than there were: the rest counts for nothing")
{
    core_script s;
    s.warm_up();
    s.core.written(s.link_to(9001), 1000, s.now);
    auto& told = s.send("t", "a");
    s.take_writes = false;
    s.step();
    const auto link = s.link_to(9001);
    CHECK(s.core.connections().find(link)->has_unsent());
    s.write(link);
    s.core.written(link, 1000, s.now);
    s.step();
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("a connection that breaks before its write was polled: the action is about nobody any more")
{
    core_script s;
    s.warm_up();
    auto& told = s.send("t", "a");
    s.core.turn(s.now); // wants to write, and nobody has asked yet
    s.drop(s.link_to(9001));
    CHECK(s.asked.empty());
    s.step(1s);
    REQUIRE(s.asked.size() == 1);
    s.answer();
    CHECK(told.ok());
}

TEST_CASE("a connection that breaks before its close was polled: only the others are closed")
{
    auto config = plain_config();
    config.connections_max_idle = 10s;
    core_script s{config};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    const auto first = s.link_to(9001), second = s.link_to(9002);
    s.pass(11s);
    s.core.turn(s.now);
    CHECK(s.core.connections().find(first)->phase == connection_phase::closing);
    CHECK(s.core.connections().find(second)->phase == connection_phase::closing);
    s.closes.clear();
    s.drop(first);
    std::set<connection_id> closed;
    for (const auto& [link, why] : s.closes) CHECK(closed.insert(link).second);
    CHECK_FALSE(closed.contains(first));
    CHECK(closed.contains(second));
}

TEST_CASE("a connection that ends for no reason: what was asked on it is lost as by a disconnection")
{
    auto config = plain_config();
    config.retries = 0;
    core_script s{config};
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.drop(s.link_to(9001), {});
    CHECK(told.error == errc::retries_exhausted);
    CHECK(told.last_error == errc::disconnected);
    CHECK(told.written == persisted::possibly);
}

TEST_CASE("answers that overtake the report of the write: each goes to its own request")
{
    core_script s;
    s.warm_up();
    s.answer_metadata = false;
    s.take_writes = false;
    auto& told = s.send("t", "a");
    s.step();
    const auto link = s.link_to(9001);
    auto& connection = *s.core.connections().find(link);
    s.send("new", "b"); // metadata is asked for behind it
    s.step();
    REQUIRE(connection.requests.size() == 2);
    const auto produce = connection.requests[0]->correlation_id;
    const auto version = connection.requests[0]->version;
    const auto metadata = connection.requests[1]->correlation_id;
    const auto metadata_version = connection.requests[1]->version;

    protocol::produce_response written;
    auto& topic = written.responses.emplace_back();
    topic.name = "t";
    topic.topic_id = s.topics["t"].id;
    topic.partition_responses.emplace_back().base_offset = 7;
    std::vector<std::byte> frame;
    REQUIRE(protocol::write_response_frame(frame, written, version, produce));
    s.receive(link, frame);
    CHECK(told.ok());
    CHECK(told.offset == 7);
    REQUIRE(connection.requests.size() == 2); // its bytes may still be read by the socket

    s.topics["new"] = {id_of(2), {{}}, none};
    protocol::metadata_request question;
    question.topics.emplace().emplace_back().name = "new";
    frame.clear();
    REQUIRE(protocol::write_response_frame(frame, s.metadata_answer(question), metadata_version, metadata));
    s.receive(link, frame);
    CHECK(s.closes.empty());
    CHECK(s.core.view().find("new")->phase == topic_phase::known);
    s.take_writes = true;
    s.write(link);
    s.step();
    s.asked.clear(); // "t" is answered already
    CHECK(s.partition(0, "new").leader);
}

TEST_CASE("bytes that are too few to tell a stranger by")
{
    const std::string_view handshake{"\x16\x03\x01", 3};
    for (std::size_t size = 0; size < handshake.size(); ++size)
        CHECK_FALSE(recognise_stranger(as_bytes(handshake.substr(0, size))));
    CHECK(recognise_stranger(as_bytes(handshake)) == errc::tls_peer);
}

// --- finding a broker ------------------------------------------------------------------------------------------------

TEST_CASE("of several addresses that may be tried, the one that failed least")
{
    core_script s{producer_config{"a:1,b:2"}};
    s.accept_connections = s.answer_metadata = false;
    s.step();
    s.drop(s.connects.at(0).link, errc::connect_failed);
    REQUIRE(s.connects.size() == 2);
    s.accept(s.connects[1].link); // b is a broker
    s.step();
    s.core.closed(s.connects[1].link, errc::disconnected, s.now);
    s.pass(10s); // past the pauses of both
    s.step();
    REQUIRE(s.connects.size() == 3);
    CHECK(s.connects[2].host == "b");
}

TEST_CASE("a broker that left the cluster is not asked for anything")
{
    auto config = plain_config();
    config.metadata_recovery_strategy = metadata_recovery_strategy::none;
    core_script s{config};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.brokers.erase(1);
    s.topics["t"].partitions[0] = {2, 1, 0};
    s.send("t", "a", 0);
    s.step();
    s.answer(not_leader_or_follower);
    s.step(2s);
    CHECK_FALSE(s.core.view().node(1)->current);
    s.answer_all();
    s.accept_connections = false;
    s.connects.clear();
    const auto all = s.peers;
    for (const auto& [link, one] : all) s.drop(link);
    s.step(5s);
    REQUIRE_FALSE(s.connects.empty());
    for (const auto& one : s.connects) CHECK(one.port == 9002);
}

TEST_CASE("a bootstrap connection goes on as a broker's only where host and port are the broker's")
{
    for (const auto& [address, connects] : {std::pair{"broker:9001", 1U}, std::pair{"broker:9500", 2U}}) {
        CAPTURE(address);
        auto config = plain_config();
        config.bootstrap_servers = {address};
        core_script s{config};
        s.step();
        auto& told = s.send("t", "a");
        s.step();
        s.answer_all();
        CHECK(told.ok());
        CHECK(s.connects.size() == connects);
        CHECK(s.connects.back().port == 9001);
    }
}

TEST_CASE("ApiVersions: version 5 can't be asked where the cluster has told no id")
{
    core_script s;
    s.answer_metadata = false;
    s.send("t", "a");
    s.step();
    REQUIRE_FALSE(s.held.empty());
    wire::reader in{s.held[0].second};
    in.take(2);
    const auto version = in.take_int<std::int16_t>();
    const auto id = in.take_int<std::int32_t>();
    auto answer = s.metadata_answer(s.metadata_asked.back());
    answer.cluster_id.reset();
    s.answer_metadata = true;
    const auto link = s.held[0].first;
    s.held.clear();
    s.respond(link, id, version, answer);
    s.drop(s.link_to(9000));
    REQUIRE(s.core.view().known());
    // The answers from now on name the cluster, but the connection to the broker was opened before.
    REQUIRE(s.versions_asked.size() >= 2);
    CHECK(s.versions_asked[1] == 4);
}

// --- leaders ---------------------------------------------------------------------------------------------------------

TEST_CASE("KIP-951: a hint to a broker that nobody knows is not followed")
{
    core_script s;
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.answer(reply{.error = not_leader_or_follower, .leader = 9, .leader_epoch = 5});
    CHECK(s.partition().leader->id == 1);
    CHECK(s.partition().leader_epoch == 0);
    s.step(1s);
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("a broker that moves while nobody is connected to it is connected to at its new address")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.send("t", "a", 0);
    s.step();
    s.answer_all();
    CHECK_FALSE(s.core.view().node(2)->link);
    s.brokers[2] = 9502;
    const auto closed = s.closes.size();
    s.step(301s); // the regular refresh
    CHECK(s.core.view().node(2)->port == 9502);
    CHECK(s.closes.size() == closed);
    auto& told = s.send("t", "b", 1);
    s.step();
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("a topic id, once told, is kept when a broker tells none")
{
    core_script s;
    s.warm_up();
    s.know_topic_ids = false;
    s.send("t", "a");
    s.step();
    s.answer(not_leader_or_follower);
    s.step(2s);
    CHECK(s.core.view().find("t")->id == id_of(1));
    CHECK(s.partition().producer.proven); // nor is it another topic
    CHECK(s.asked.at(0).version == 13);
    s.answer_all();
    CHECK(s.outcomes[0].ok());
}

TEST_CASE("a topic made again with the same leader, where brokers tell no epochs: nothing is proven any more")
{
    core_script s;
    s.topics["t"].partitions[0].epoch = -1;
    s.warm_up();
    CHECK(s.partition().producer.proven);
    s.topics["t"].id = id_of(7);
    s.send("t", "a");
    s.step();
    s.answer(unknown_topic_id);
    s.step(2s);
    CHECK_FALSE(s.partition().producer.proven);
    s.send("t", "b");
    s.step();
    CHECK(s.asked.size() == 1); // one at a time (KAFKA-14312)
    s.answer_all();
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

TEST_CASE("a topic that is denied after it was known keeps what is known of it, and is asked about again")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.send("t", "a", 0);
    s.send("t", "b", 1);
    s.step();
    REQUIRE(s.asked.size() == 2);
    s.answer_metadata = false;
    s.answer(kafka_storage_error);
    s.step(50ms);
    REQUIRE(s.held.size() == 1);
    const auto [link, frame] = s.held[0];
    s.answer(kafka_storage_error); // trouble that the metadata on its way may not know of
    wire::reader in{frame};
    in.take(2);
    const auto version = in.take_int<std::int16_t>();
    const auto id = in.take_int<std::int32_t>();
    s.topics["t"].error = topic_authorization_failed;
    s.answer_metadata = true;
    const auto before = s.metadata_asked.size();
    s.respond(link, id, version, s.metadata_answer(s.metadata_asked.back()));
    const auto& topic = *s.core.view().find("t");
    CHECK(topic.error == topic_authorization_failed);
    CHECK(topic.phase == topic_phase::known);
    CHECK(topic.wanted);
    s.step(2s);
    CHECK(s.metadata_asked.size() > before);
    s.answer_all(); // the broker takes the records
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

// --- topics that are not idle (KIP-526) ------------------------------------------------------------------------------

TEST_CASE("metadata: a topic is asked about as long as a record of it is not done")
{
    auto config = patient();
    SUBCASE("it waits for its topic")
    {
        core_script s{config};
        s.topics.clear();
        auto& told = s.send("t", "a");
        s.step(20min);
        CHECK(names(s.metadata_asked.back()) == only_t);
        s.topics["t"] = {id_of(1), {{}}, none};
        s.step(6min);
        s.answer_all();
        CHECK(told.ok());
    }
    SUBCASE("it waits for room, with its leader")
    {
        config.buffer_memory = 6144;
        core_script s{config};
        s.topics["u"] = {id_of(2), {{}}, none};
        s.send("u", "known", 0);
        s.warm_up();
        s.lose_for_good(9001);
        for (int i = 0; i < 5; ++i) s.send("t", std::string(1400, 'x'));
        auto& told = s.send("u", std::string(1400, 'y'), 0);
        REQUIRE(s.core.waiting().size() >= 1);
        REQUIRE(s.last_waiting);
        s.step(20min);
        CHECK(s.core.view().find("u")->wanted);
        s.accept_connections = true;
        for (const auto& [link, one] : std::map{s.peers})
            if (!one.connected) s.accept(link);
        for (int i = 0; i < 10; ++i) {
            s.step(2s);
            s.answer_all();
        }
        CHECK(told.ok());
    }
    SUBCASE("it is queued")
    {
        config.connections_max_idle = -1ms;
        core_script s{config};
        s.brokers[2] = 9002;
        s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
        s.warm_up();
        auto& told = s.send("t", "a", 1);
        s.step();
        s.lose_for_good(9002); // the other broker can still be asked
        REQUIRE_FALSE(s.partition(1).queue.empty());
        s.step(20min);
        CHECK(s.core.view().find("t")->wanted);
        CHECK(names(s.metadata_asked.back()) == only_t);
        s.topics["t"].partitions[1] = {1, 1, 0};
        s.step(6min);
        s.answer_all();
        CHECK(told.ok());
    }
    SUBCASE("it lingers")
    {
        config.linger = 20min;
        core_script s{config};
        s.warm_up();
        s.send("t", "a");
        s.step(18min);
        CHECK(s.core.view().find("t")->wanted);
        CHECK(names(s.metadata_asked.back()) == only_t);
        s.step(2min);
        s.answer_all();
        CHECK(s.outcomes.back().ok());
    }
    SUBCASE("it is in flight, and another broker is asked meanwhile")
    {
        core_script s{config};
        s.brokers[2] = 9002;
        s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
        s.topics["u"] = {id_of(2), {{2, 0, 0}}, none};
        s.warm_up();
        auto& told = s.send("t", "a", 0);
        s.step();
        s.metadata_asked.clear();
        for (int i = 0; i < 12; ++i) { // the other connection doesn't become idle
            s.send("u", "b", 0);
            s.step(1s);
            const auto mine = s.take();
            if (!s.asked.empty()) s.answer();
            s.asked.push_front(mine);
            s.step(1min);
        }
        CHECK(s.core.view().find("t")->wanted);
        CHECK(std::ranges::any_of(s.metadata_asked,
                                  [](const auto& asked) { return names(asked).size() == 2; }));
        s.answer_all();
        CHECK(told.ok());
    }
}

} // namespace kurier::core::script
