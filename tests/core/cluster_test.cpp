// What the core knows of the cluster: metadata, leaders, topics, and how it finds a broker to ask.
#include "../support/core_script.hpp"
#include "../support/deaf_listener.hpp"

namespace kurier::core::script {
namespace {

using enum broker_errc;

} // namespace

// --- metadata --------------------------------------------------------------------------------------------------------

TEST_CASE("metadata: brokers first, a new topic at once and by name, all in use after metadata.max.age.ms")
{
    core_script s;
    s.topics["u"] = {id_of(2), {{}}, none};
    s.step();
    REQUIRE(s.metadata_asked.size() == 1);
    CHECK(names(s.metadata_asked[0]).empty());
    s.step(1s);
    s.send("t", "a");
    s.step();
    REQUIRE(s.metadata_asked.size() == 2);
    CHECK(names(s.metadata_asked[1]) == std::vector<std::string>{"t"});
    CHECK(s.metadata_asked[1].allow_auto_topic_creation);
    s.answer();
    s.step(1s);
    s.send("u", "a");
    s.step();
    CHECK(names(s.metadata_asked.at(2)) == std::vector<std::string>{"u"}); // only what is new (KIP-526)
    s.answer();
    s.step(297s);
    CHECK(s.metadata_asked.size() == 3);
    s.step(4s);
    REQUIRE(s.metadata_asked.size() == 4);
    CHECK(names(s.metadata_asked[3]).size() == 2);
}

TEST_CASE("metadata: one request at a time")
{
    core_script s;
    s.answer_metadata = false;
    s.step();
    s.send("t", "a");
    s.step(5s);
    CHECK(s.metadata_asked.size() == 1);
}

TEST_CASE(
    "metadata: topics that nobody sent to for metadata.max.idle.ms are not asked about any more (KIP-526)")
{
    core_script s;
    s.warm_up();
    s.step(310s);
    s.metadata_asked.clear();
    s.step(310s);
    REQUIRE_FALSE(s.metadata_asked.empty());
    CHECK(names(s.metadata_asked.back()).empty());
    auto& told = s.send("t", "back");
    s.step();
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("metadata: a topic with records on their way is not idle")
{
    auto config = plain_config();
    config.delivery_timeout = 30min;
    config.request_timeout = 20min;
    core_script s{config};
    s.brokers[2] = 9002;
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.step(11min); // past metadata.max.idle.ms, still in flight
    s.topics["t"].partitions[0] = {2, 1, 0};
    const auto old_leader = s.link_to(9001);
    s.answer(not_leader_or_follower);
    for (int i = 0; i < 3; ++i) {
        s.step(1s);
        if (s.asked.at(0).link == old_leader) s.answer(not_leader_or_follower);
    }
    CHECK(s.asked.at(0).link == s.link_to(9002));
    s.answer();
    CHECK(told.ok());
}

TEST_CASE("metadata: trouble that comes while metadata is asked for is asked about again")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.send("t", "a", 0);
    s.step();
    s.answer_metadata = false;
    s.answer(kafka_storage_error);
    s.step(200ms);
    REQUIRE(s.held.size() == 1); // from before the leader moved
    const auto before = s.metadata_asked.size();
    s.drop(s.held[0].first); // and its answer is lost
    s.answer_metadata = true;
    s.topics["t"].partitions[0] = {2, 1, 0};
    s.step(2s);
    CHECK(s.metadata_asked.size() > before);
    s.answer_all(); // metadata may be asked for behind the retry
    s.step(2s);
    CHECK(s.partition().leader->id == 2);
    CHECK(s.outcomes[0].ok());
}

TEST_CASE("metadata: errors that tell of another leader ask for it; others don't")
{
    for (const auto& [error, refreshes] :
         {std::pair{not_leader_or_follower, true}, std::pair{unknown_topic_or_partition, true},
          std::pair{kafka_storage_error, true}, std::pair{fenced_leader_epoch, true},
          std::pair{leader_not_available, true}, std::pair{not_enough_replicas, false},
          std::pair{request_timed_out, false}}) {
        CAPTURE(error_name(error));
        core_script s;
        s.warm_up();
        s.send("t", "a");
        s.step();
        const auto before = s.metadata_asked.size();
        s.answer(error);
        s.step(50ms);
        CHECK((s.metadata_asked.size() > before) == refreshes);
    }
}

TEST_CASE("metadata: a lost connection may mean another leader")
{
    core_script s;
    s.warm_up();
    const auto before = s.metadata_asked.size();
    s.drop(s.link_to(9001));
    s.step(200ms);
    CHECK(s.metadata_asked.size() == before + 1);
}

TEST_CASE("metadata: leaders that change back and forth don't make a storm of requests")
{
    core_script s;
    s.brokers[2] = 9002;
    s.warm_up();
    s.send("t", "a");
    s.step();
    const auto before = s.metadata_asked.size();
    for (int i = 0; i < 200; ++i) {
        if (!s.asked.empty()) s.answer(not_leader_or_follower);
        s.step(50ms);
    }
    CHECK(s.metadata_asked.size() - before < 110); // 10 s: at most one in 100 ms
}

TEST_CASE("KAFKA-12257: metadata with an older leader epoch is not believed")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions[0] = {2, 7, 0};
    s.warm_up();
    s.topics["t"].partitions[0] = {1, 6, 0}; // from a broker that lags behind
    s.send("t", "a");
    s.step();
    s.answer(kafka_storage_error);
    s.step(2s);
    CHECK(s.partition().leader->id == 2);
    CHECK(s.partition().leader_epoch == 7);
}

TEST_CASE("KAFKA-13488, librdkafka #4898: a topic made again starts its leader epochs anew")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions[0] = {2, 7, 0};
    s.warm_up();
    s.topics["t"] = {id_of(5), {{1, 0, 0}}, none};
    s.send("t", "a");
    s.step();
    s.answer(unknown_topic_id);
    s.step(2s);
    CHECK(s.partition().leader->id == 1);
    CHECK(s.partition().leader_epoch == 0);
    s.answer();
    CHECK(s.outcomes[0].ok());
}

namespace {

// Broker 2 led the partition in epoch 7 and is still there; the topic was made again, led by broker 1 in epoch 0.
struct recreated : core_script
{
    explicit recreated(int metadata_version)
    {
        api[3] = {0, metadata_version};
        know_topic_ids = metadata_version >= 10;
        brokers[2] = 9002;
        topics["t"].partitions[0] = {2, 7, 0};
        warm_up();
        topics["t"] = {id_of(1), {{1, 0, 0}}, none};
    }

    std::uint16_t sent_to() const
    {
        REQUIRE_FALSE(asked.empty());
        return peers.at(asked.front().link).port;
    }
};

} // namespace

TEST_CASE("epochs of Metadata before v9 are not reliable: what it says is taken as it is")
{
    for (const int version : {6, 7, 8}) {
        CAPTURE(version);
        recreated s{version};
        CHECK(s.partition().leader_epoch == -1);
        s.send("t", "a");
        s.step();
        s.answer(kafka_storage_error); // asks for metadata, and says nothing about the leader
        s.step(2s);
        CHECK(s.sent_to() == 9001);
        s.answer();
        CHECK(s.outcomes[0].ok());
    }
}

TEST_CASE("without topic ids a topic made again is believed once the leader that was known has refused")
{
    for (const auto refusal : {not_leader_or_follower, unknown_topic_or_partition}) {
        recreated s{9};
        CHECK(s.partition().leader_epoch == 7);
        s.send("t", "a");
        s.step();
        s.answer(kafka_storage_error);
        s.step(2s);
        CHECK(s.sent_to() == 9002); // it could be a broker that lags behind
        s.answer(refusal);
        s.step(2s);
        CHECK(s.sent_to() == 9001);
        CHECK(s.partition().leader_epoch == 0);
        s.answer();
        CHECK(s.outcomes[0].ok());
        s.topics["t"].partitions[0] = {2, 1, 0}; // and from here on epochs count again
        s.send("t", "b");
        s.step();
        s.answer(not_leader_or_follower);
        s.step(2s);
        CHECK(s.sent_to() == 9002);
        s.topics["t"].partitions[0] = {1, 0, 0};
        s.answer(kafka_storage_error);
        s.step(2s);
        CHECK(s.sent_to() == 9002);
        s.answer_all();
        CHECK(s.outcomes[1].ok());
    }
}

TEST_CASE("without topic ids: a refusal says nothing about metadata that was asked for before it")
{
    const auto config = plain_config();
    cluster_view view{config};
    auto& topic = view.topic("t");
    const auto apply = [&](std::int32_t leader, std::int32_t epoch, nanoseconds asked_at) {
        protocol::metadata_response response;
        response.brokers = {{1, "broker", 9001, {}}, {2, "broker", 9002, {}}};
        auto& told = response.topics.emplace_back();
        told.name = "t";
        told.partitions.emplace_back();
        told.partitions[0].leader_id = leader;
        told.partitions[0].leader_epoch = epoch;
        deaf_listener nobody;
        view.apply(response, 9, asked_at, nobody);
        return topic.partitions[0].leader->id;
    };
    CHECK(apply(2, 7, 1s) == 2);
    topic.partitions[0].disowned_at = 3s;
    CHECK(apply(1, 0, 2s) == 2);
    CHECK(apply(1, 0, 3s) == 1);
    CHECK(topic.partitions[0].disowned_at == never);
}

TEST_CASE("without topic ids: older epochs are believed after metadata said that the topic is gone")
{
    recreated s{9};
    const auto again = std::exchange(s.topics["t"].error, unknown_topic_or_partition);
    s.send("t", "a");
    s.step();
    s.answer(kafka_storage_error);
    s.step(2s);
    REQUIRE(s.sent_to() == 9002);
    s.topics["t"].error = again;
    s.answer(kafka_storage_error);
    s.step(2s);
    CHECK(s.sent_to() == 9001);
    s.answer();
    CHECK(s.outcomes[0].ok());
}

TEST_CASE("without topic ids: older epochs are believed when the leader that was known is gone")
{
    SUBCASE("from the cluster")
    {
        recreated s{9};
        s.brokers.erase(2);
        s.drop(s.link_to(9002));
        s.send("t", "a");
        s.step(2s);
        CHECK(s.sent_to() == 9001);
        s.answer();
        CHECK(s.outcomes[0].ok());
    }
    SUBCASE("and can't be connected to")
    {
        recreated s{9};
        s.accept_connections = false;
        s.drop(s.link_to(9002));
        s.send("t", "a");
        s.step(200ms);
        CHECK(s.asked.empty());
        CHECK(s.partition().leader_epoch == 7);
        s.accept_connections = true; // of the others
        s.drop(s.link_to(9002), errc::connect_failed);
        s.step(2s);
        CHECK(s.sent_to() == 9001);
        s.answer();
        CHECK(s.outcomes[0].ok());
    }
}

TEST_CASE(
    "with topic ids an older epoch of the same topic is from a broker that lags behind, until the leader "
    "has refused and everybody says so")
{
    const auto config = plain_config();
    cluster_view view{config};
    auto& topic = view.topic("t");
    const auto apply = [&](std::int32_t leader, std::int32_t epoch, nanoseconds asked_at) {
        protocol::metadata_response response;
        response.brokers = {{1, "broker", 9001, {}}, {2, "broker", 9002, {}}};
        auto& told = response.topics.emplace_back();
        told.name = "t";
        told.topic_id = id_of(1);
        told.partitions.emplace_back();
        told.partitions[0].leader_id = leader;
        told.partitions[0].leader_epoch = epoch;
        deaf_listener nobody;
        view.apply(response, 12, asked_at, nobody);
        return topic.partitions[0].leader->id;
    };
    auto& partition = topic.partitions.emplace_back();
    partition.topic = &topic;
    CHECK(apply(2, 2147483647, 1s) == 2); // an epoch that nothing can be newer than
    for (int i = 0; i < 10; ++i) CHECK(apply(1, 3, 2s) == 2);
    partition.disowned_at = 3s;
    CHECK(apply(1, 3, 2s) == 2); // from before the refusal
    CHECK(apply(1, 3, 4s) == 2);
    CHECK(apply(1, 3, 4s) == 2);
    SUBCASE("everybody says so")
    {
        CHECK(apply(1, 3, 4s) == 1);
        CHECK(partition.leader_epoch == 3);
        CHECK(partition.disowned_at == never);
    }
    SUBCASE("the leader takes a batch meanwhile")
    {
        partition.disowned_at = never;
        CHECK(apply(1, 3, 4s) == 2);
        partition.disowned_at = 5s;
        for (int i = 0; i < 2; ++i) CHECK(apply(1, 3, 5s) == 2);
        CHECK(apply(1, 3, 5s) == 1);
    }
    SUBCASE("the leader is gone")
    {
        partition.disowned_at = never;
        view.node(2)->failures = 1;
        for (int i = 0; i < 3; ++i) apply(1, 3, 5s);
        CHECK(partition.leader->id == 1);
    }
}

TEST_CASE(
    "a topic made again is told of without its partitions first: their leader epochs start anew all the same")
{
    core_script s;
    s.topics["t"].partitions = {{1, 7, 0}, {1, 7, 0}};
    s.warm_up();
    const auto left_out = [&](topic_model again) { // of this answer
        s.topics["t"] = std::move(again);
        s.send("t", "a", 1);
        s.step();
        s.answer(unknown_topic_id);
        s.step(2s);
    };
    SUBCASE("all of them")
    {
        left_out({id_of(5), {}, none});
        CHECK(s.asked.size() == 1); // to the old one, by its id
        CHECK(s.asked.front().only().id != id_of(5));
        s.topics["t"].partitions = {{1, 0, 0}, {1, 0, 0}};
        s.answer(unknown_topic_id);
    }
    SUBCASE("one of them")
    {
        left_out({id_of(5), {{1, 0, 0}}, none});
        s.topics["t"].partitions = {{1, 0, 0}, {1, 0, 0}};
    }
    for (int i = 0; i < 3; ++i) {
        s.step(2s);
        s.answer_all();
    }
    s.send("t", "b", 1);
    s.step(2s);
    s.answer_all();
    CHECK(s.outcomes.back().ok());
    CHECK(s.partition(1).leader_epoch == 0);
}

TEST_CASE("metadata that names no broker is from one that is still starting: nothing changes")
{
    core_script s;
    s.warm_up();
    const auto brokers = s.brokers;
    s.brokers.clear();
    s.send("t", "a");
    s.step();
    s.answer(not_leader_or_follower);
    s.step(3s);
    CHECK(s.core.view().node(1)->current);
    CHECK(s.partition().leader->id == 1);
}

TEST_CASE("metadata: a broker that moved to another address is connected to anew")
{
    core_script s;
    s.warm_up();
    s.brokers[1] = 9500;
    s.send("t", "a");
    s.step();
    s.answer(not_leader_or_follower);
    s.step(2s);
    CHECK(s.asked.at(0).link == s.link_to(9500));
    s.answer();
    CHECK(s.outcomes[0].ok());
}

TEST_CASE("metadata: a broker that left the cluster gets nothing; its partitions wait for their new leaders")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.brokers.erase(2);
    s.drop(s.link_to(9002));
    s.step(1s);
    auto& told = s.send("t", "a", 1);
    s.step(2s);
    CHECK(s.asked.empty());
    s.topics["t"].partitions[1] = {1, 1, 0};
    s.step(3s);
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("metadata with nonsense in it: negative indexes, unknown leaders, silly ports")
{
    core_script s;
    s.warm_up();
    s.answer_metadata = false;
    s.send("t", "a");
    s.step();
    s.answer(not_leader_or_follower);
    s.step(400ms);
    REQUIRE(s.held.size() == 1);
    wire::reader in{s.held[0].second};
    protocol::request_header header;
    header.version = static_cast<std::int16_t>((in.take(2), in.take_int<std::int16_t>()));
    header.correlation_id = in.take_int<std::int32_t>();
    auto answer = s.metadata_answer(s.metadata_asked.back());
    answer.brokers.push_back({-5, "x", 1, {}});
    answer.brokers.push_back({7, "", 1, {}});
    answer.brokers.push_back({8, "x", 70000, {}});
    answer.topics.push_back({}); // null name
    auto& parts = answer.topics.at(0).partitions;
    parts.push_back({0, -3, 1, 0, {}, {}, {}});
    parts.push_back({0, 2147483647, 1, 0, {}, {}, {}});
    parts.push_back({0, 1, 99, 0, {}, {}, {}}); // led by nobody we know
    s.answer_metadata = true;
    s.respond(s.held[0].first, header.correlation_id, header.version, answer);
    CHECK(s.core.view().nodes().size() == 1);
    CHECK(s.core.view().find("t")->partitions.size() <= 4);
    s.step(2s);
    s.answer_all();
    CHECK(s.outcomes[0].ok());
}

// --- finding a broker ------------------------------------------------------------------------------------------------

TEST_CASE("bootstrap: the next address is tried when one can't be reached")
{
    producer_config config{"a:1,b:2,c:3"};
    core_script s{config};
    s.accept_connections = false;
    s.step();
    REQUIRE(s.connects.size() == 1);
    CHECK(s.connects[0].host == "a");
    s.drop(s.connects[0].link, errc::connect_failed);
    REQUIRE(s.connects.size() == 2);
    CHECK(s.connects[1].host == "b");
    s.drop(s.connects[1].link, errc::resolve_failed);
    REQUIRE(s.connects.size() == 3);
    s.accept_connections = true;
    s.accept(s.connects[2].link);
    s.step();
    CHECK(s.core.view().known());
}

TEST_CASE("reconnect backoff: 50, 100, 200, ... 1000 ms, each +-20 %, for a broker that is down")
{
    core_script s;
    s.accept_connections = false;
    s.step();
    for (const auto expected : {50ms, 100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        const auto count = s.connects.size();
        const auto dropped = s.now.steady;
        s.drop(s.connects.back().link, errc::connect_failed);
        while (s.connects.size() == count) s.step(1ms);
        const auto pause = s.now.steady - dropped;
        CHECK(pause >= expected * 8 / 10);
        CHECK(pause <= expected * 12 / 10 + 1ms);
    }
}

TEST_CASE("a peer that accepts and says nothing, or does not accept at all: given up in time")
{
    auto config = plain_config();
    config.request_timeout = 7s;
    core_script s{config};
    SUBCASE("not accepted: socket.connection.setup.timeout.ms, doubled each time up to its maximum")
    {
        s.accept_connections = false;
        s.step();
        std::vector<nanoseconds> lasted;
        for (int i = 0; i < 5; ++i) {
            const auto since = s.connects.back().opened;
            while (s.closes.size() == static_cast<std::size_t>(i)) s.step(100ms);
            lasted.push_back(s.now.steady - since);
            CHECK(s.closes.back().second == errc::connect_timed_out);
            s.step(2s);
        }
        CHECK(lasted[0] <= 10100ms);
        CHECK(lasted[1] > 19s);
        CHECK(lasted[2] > 29s);
        CHECK(lasted[4] <= 31s);
    }
    SUBCASE("accepted, then silence")
    {
        s.answer_versions = false;
        s.step(6900ms);
        CHECK(s.closes.empty());
        s.step(200ms);
        REQUIRE(s.closes.size() == 1);
        CHECK(s.closes[0].second == errc::request_timed_out);
    }
}

TEST_CASE("librdkafka #5142: an idle connection is closed in silence, and made again when it is needed")
{
    auto config = plain_config();
    config.connections_max_idle = 60s;
    core_script s{config};
    s.warm_up();
    s.log.clear();
    s.step(100s);
    CHECK(s.core.connections().all().empty());
    for (const auto& line : s.log) CHECK(line.find("unreachable") == std::string::npos);
    auto& told = s.send("t", "a");
    s.step(1s);
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("a connection with something on its way is not idle")
{
    auto config = plain_config();
    config.connections_max_idle = 10s;
    config.request_timeout = 60s;
    core_script s{config};
    s.warm_up();
    s.send("t", "a");
    s.step();
    const auto link = s.link_to(9001);
    s.step(30s);
    for (const auto& [closed, why] : s.closes) CHECK(closed != link);
    s.answer();
    CHECK(s.outcomes[0].ok());
}

TEST_CASE("KIP-899: when all known brokers are gone, the bootstrap addresses lead to the new ones")
{
    core_script s;
    s.warm_up();
    s.accept_connections = false;
    while (!s.peers.empty()) s.drop(s.peers.begin()->first);
    s.brokers = {{11, 9011}};
    s.topics["t"].partitions[0] = {11, 1, 0};
    auto& told = s.send("t", "a");
    bool found = false;
    for (int i = 0; i < 2000 && !found; ++i) {
        s.step(10ms);
        std::vector<connection_id> open;
        for (const auto& [id, one] : s.peers)
            if (!one.connected) open.push_back(id);
        for (const auto id : open) {
            const auto port = s.peers.at(id).port;
            if (port == 9000 || port == 9011)
                s.accept(id);
            else
                s.drop(id, errc::connect_failed);
        }
        s.step();
        s.answer_all();
        found = told.done();
    }
    CHECK(told.ok());
}

TEST_CASE("metadata.recovery.strategy=none: only brokers that were named are tried")
{
    auto config = plain_config();
    config.metadata_recovery_strategy = metadata_recovery_strategy::none;
    core_script s{config};
    s.warm_up();
    s.accept_connections = false;
    while (!s.peers.empty()) s.drop(s.peers.begin()->first);
    s.connects.clear();
    for (int i = 0; i < 200; ++i) {
        s.step(50ms);
        while (!s.peers.empty()) s.drop(s.peers.begin()->first, errc::connect_failed);
    }
    CHECK(s.connects.size() > 3);
    for (const auto& one : s.connects) CHECK(one.port == 9001);
}

TEST_CASE("a bootstrap connection that leads to a broker's own address goes on as that broker's")
{
    producer_config config{"broker:9001"};
    config.linger = 0ms;
    core_script s{config};
    s.send("t", "a");
    s.step();
    CHECK(s.connects.size() == 1);
    s.answer();
    CHECK(s.outcomes[0].ok());
}

// --- throttle --------------------------------------------------------------------------------------------------------

TEST_CASE("KIP-219: a throttled broker is left alone for that time, others are not")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.send("t", "a", 0);
    s.step();
    s.answer(s.take(), {reply{}}, 5000);
    s.send("t", "b", 0);
    s.send("t", "c", 1);
    s.step(4900ms);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().partition == 1);
    s.step(200ms);
    CHECK(s.asked.size() == 2);
}

TEST_CASE("KIP-219: before Produce 6 the broker waited itself, and the client needn't")
{
    core_script s;
    s.api[0] = {3, 5};
    s.warm_up();
    s.send("t", "a");
    s.step();
    s.answer(s.take(), {reply{}}, 5000);
    s.send("t", "b");
    s.step(100ms);
    CHECK(s.asked.size() == 1);
}

TEST_CASE("a throttle without bounds is bounded")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    s.step();
    s.answer(s.take(), {reply{}}, 0x7fffffff);
    s.send("t", "b");
    s.step(61s);
    CHECK(s.asked.size() == 1);
}

// --- versions of Produce ---------------------------------------------------------------------------------------------

TEST_CASE("records arrive over every version of Produce, Metadata and InitProducerId")
{
    for (int produce = 3; produce <= 13; ++produce)
        for (int metadata : {4, 6, 7, 8, 9, 10, 11, 12, 13}) {
            CAPTURE(produce);
            CAPTURE(metadata);
            core_script s;
            s.api[0] = {0, produce};
            s.api[3] = {0, metadata};
            s.api[22] = {0, produce % 6};
            auto& told = s.send("t", "a");
            s.step();
            REQUIRE(s.asked.size() == 1);
            CHECK(s.asked[0].version == (produce == 13 && metadata < 10 ? 12 : produce));
            s.answer(reply{.base_offset = 5});
            CHECK(told.ok());
            CHECK(told.offset == 5);
        }
}

TEST_CASE("franz-go #1312: a cluster that speaks Produce 13 and gives no topic ids is written to "
          "by name")
{
    core_script s;
    s.know_topic_ids = false;
    auto& told = s.send("t", "a");
    s.step();
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].version == 12);
    s.answer();
    CHECK(told.ok());
}

TEST_CASE("a broker that left is forgotten once it leads nothing and has no connection, and known again when "
          "it is back")
{
    auto config = plain_config();
    config.metadata_max_age = std::chrono::minutes{1};
    core_script s{config};
    s.brokers = {{1, 9001}, {2, 9002}, {3, 9003}};
    s.topics["t"].partitions = {{1, 5, 0}, {2, 5, 0}};
    s.warm_up();
    s.send("t", "a", 1);
    s.step();
    s.answer_all();
    REQUIRE(s.core.view().node(3));
    s.brokers = {{1, 9001}};
    s.step(61s);
    CHECK_FALSE(s.core.view().node(3));
    CHECK(s.core.view().node(2)); // it leads a partition
    s.topics["t"].partitions[1] = {1, 6, 0};
    s.step(61s);
    CHECK(s.core.view().node(2)); // there is a connection to it
    s.drop(s.link_to(9002));
    s.step(61s);
    CHECK_FALSE(s.core.view().node(2));
    s.brokers = {{1, 9001}, {2, 9002}};
    s.topics["t"].partitions[1] = {2, 7, 0};
    s.step(61s);
    REQUIRE(s.core.view().node(2));
    auto& told = s.send("t", "b", 1);
    s.step();
    s.answer_all();
    CHECK(told.ok());
}

} // namespace kurier::core::script
