// Whom the producer asks: a broker that helps, not always the same one, and bootstrap.servers again when none does.
#include "../support/core_script.hpp"

#include <set>

namespace kurier::core::script {
namespace {

using enum broker_errc;

producer_config two_servers()
{
    producer_config config{"a:9001,b:9002"};
    config.metadata_max_age = 1s;
    return config;
}

// Answers the held metadata request.
void answer_held(core_script& s, const protocol::metadata_response& response)
{
    REQUIRE(s.held.size() == 1);
    const auto [link, frame] = s.held.front();
    s.held.pop_front();
    wire::reader in{frame};
    const auto key = in.take_int<std::int16_t>();
    const auto version = in.take_int<std::int16_t>();
    REQUIRE(key == protocol::metadata_request::api_key);
    s.respond(link, in.take_int<std::int32_t>(), version, response);
}

std::string asked_host(const core_script& s)
{
    REQUIRE_FALSE(s.held.empty());
    return s.peers.at(s.held.front().first).host;
}

protocol::metadata_response moved_away()
{
    protocol::metadata_response response;
    response.error_code = static_cast<std::int16_t>(rebootstrap_required);
    return response;
}

bool is_bootstrap(const std::string& host)
{
    return host == "a" || host == "b";
}

} // namespace

TEST_CASE(
    "bootstrap: the first server to connect to is a random one, so that a fleet does not meet at the first")
{
    std::set<std::string> first;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        core_script s{two_servers(), seed};
        s.step();
        first.insert(s.connects.at(0).host);
    }
    CHECK(first == std::set<std::string>{"a", "b"});
}

TEST_CASE(
    "metadata: after a response that didn't tell what was wanted another broker is asked (librdkafka 887)")
{
    core_script s;
    s.brokers = {{1, 9001}, {2, 9002}};
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.answer_metadata = false;
    auto& told = s.send("t", "a", 0);
    s.step();
    s.answer(not_leader_or_follower);
    auto stale = s.metadata_answer(s.metadata_asked.back());
    std::uint16_t before = 0;
    for (int i = 0; i < 6; ++i) { // each says that an election goes on
        while (s.held.empty()) {
            s.step(100ms);
            while (!s.asked.empty()) s.answer(not_leader_or_follower);
        }
        CHECK(s.peers.at(s.held.front().first).port !=
              std::exchange(before, s.peers.at(s.held.front().first).port));
        stale.topics.at(0).partitions.at(0).leader_id = -1;
        answer_held(s, stale);
    }
    CHECK_FALSE(told.done());
}

TEST_CASE("metadata: a broker that names the leader which has just refused did not help (sarama 560)")
{
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        core_script s{plain_config(), seed};
        s.brokers = {{1, 9001}, {2, 9002}};
        s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
        s.warm_up();
        s.answer_metadata = false;
        s.send("t", "a", 0);
        s.step();
        s.answer(not_leader_or_follower);
        while (s.held.empty()) s.step(100ms);
        const auto stale = s.peers.at(s.held.front().first).port;
        answer_held(s, s.metadata_answer(s.metadata_asked.back())); // broker 1, in the same epoch
        while (s.held.empty()) s.step(100ms);                       // at once, and not after the next refusal
        CHECK(s.peers.at(s.held.front().first).port != stale);
        while (s.asked.empty()) s.step(100ms);
        s.answer_all(); // it leads again
        answer_held(s, s.metadata_answer(s.metadata_asked.back()));
        s.answer_metadata = true;
        s.step(10s);
        const auto asked = s.metadata_asked.size();
        s.send("t", "b", 0); // nothing is remembered of its refusal
        s.step();
        s.answer_all();
        s.step(10s);
        CHECK(s.metadata_asked.size() == asked);
        s.answer_all();
    }
}

TEST_CASE("metadata: a broker with an old picture, known by its bootstrap address too, is not asked in turn "
          "with itself")
{
    core_script s;
    s.brokers = {{1, 9001}, {2, 9002}, {3, 9003}};
    s.warm_up(); // connected to 1, which leads all, and to the bootstrap address
    s.answer_metadata = false;
    s.send("t", "a", 0);
    s.step();
    s.answer(not_leader_or_follower);
    std::set<std::uint16_t> asked;
    for (int i = 0; i < 8; ++i) {
        while (s.held.empty()) {
            s.step(100ms);
            while (!s.asked.empty()) s.answer(not_leader_or_follower);
        }
        asked.insert(s.peers.at(s.held.front().first).port);
        answer_held(s, s.metadata_answer(s.metadata_asked.back()));
    }
    CHECK(asked.contains(9002));
    CHECK(asked.contains(9003));
}

TEST_CASE("metadata: a broker that didn't help and hung up is asked again before one that was asked later")
{
    core_script s;
    s.brokers = {{1, 9001}, {2, 9002}};
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.answer_metadata = false;
    s.send("t", "a", 0);
    s.step();
    s.answer(not_leader_or_follower);
    const auto stale = s.metadata_answer(s.metadata_asked.back()); // broker 1 leads, in the same epoch
    const auto asked_next = [&] {
        while (s.held.empty()) {
            s.step(100ms);
            while (!s.asked.empty()) s.answer(not_leader_or_follower);
        }
        const auto port = s.peers.at(s.held.front().first).port;
        answer_held(s, stale);
        return port;
    };
    for (int i = 0; asked_next() != 9002; ++i) REQUIRE(i < 2);
    s.drop(s.link_to(9002));
    std::set<std::uint16_t> asked;
    for (int i = 0; i < 4; ++i) asked.insert(asked_next());
    CHECK(asked.count(9002) == 1);
}

TEST_CASE("KIP-1102: REBOOTSTRAP_REQUIRED leads back to bootstrap.servers")
{
    core_script s{two_servers()};
    s.brokers = {{1, 9101}};
    s.warm_up();
    s.answer_metadata = false;
    s.step(1300ms);
    answer_held(s, moved_away());
    s.step(400ms);
    CHECK(is_bootstrap(asked_host(s)));
    CHECK_FALSE(s.closes.back().second); // on purpose: the broker itself did nothing wrong
    s.answer_metadata = true;
    answer_held(s, s.metadata_answer(s.metadata_asked.back()));
    auto& told = s.send("t", "a");
    s.step(1s);
    s.answer_all();
    CHECK(told.ok()); // metadata from there names the broker again
}

TEST_CASE(
    "KIP-1102: with metadata.recovery.strategy=none REBOOTSTRAP_REQUIRED is a response that didn't help")
{
    auto config = two_servers();
    config.metadata_recovery_strategy = metadata_recovery_strategy::none;
    core_script s{config};
    s.brokers = {{1, 9101}};
    s.warm_up();
    s.answer_metadata = false;
    s.step(1300ms);
    const auto before = s.connects.size();
    answer_held(s, moved_away());
    s.step(400ms);
    CHECK(s.connects.size() == before);
}

TEST_CASE(
    "KIP-1102: no metadata for metadata.recovery.rebootstrap.trigger.ms leads back to bootstrap.servers")
{
    auto config = two_servers();
    config.metadata_recovery_rebootstrap_trigger = 5s;
    core_script s{config};
    s.brokers = {{1, 9101}};
    s.warm_up();
    s.answer_metadata = false; // the broker stays connected, and names nobody
    for (const auto& [link, peer] : std::map{s.peers})
        if (is_bootstrap(peer.host)) s.drop(link);
    const auto begin = s.now.steady;
    for (int i = 0; i < 1000; ++i) {
        s.step(100ms);
        if (s.held.empty()) continue;
        if (is_bootstrap(asked_host(s))) break;
        answer_held(s, {});
    }
    REQUIRE(is_bootstrap(asked_host(s)));
    CHECK(s.now.steady - begin >= 5s);
}

TEST_CASE("KIP-1102: the trigger counts from the first attempt, not from the last success")
{
    auto config = two_servers();
    config.metadata_max_age = 1min;
    config.metadata_recovery_rebootstrap_trigger = 5s;
    core_script s{config};
    s.brokers = {{1, 9101}};
    s.warm_up();
    const auto before = s.connects.size();
    s.step(10min);
    CHECK(s.connects.size() == before);
}

TEST_CASE("a leader hint that moves a broker to another address ends the connection to the old one (KIP-951)")
{
    core_script s;
    s.brokers = {{1, 9001}, {2, 9002}};
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    auto& told = s.send("t", "a", 0);
    s.step();
    const auto question = s.take();
    s.brokers[2] = 9003;
    s.topics["t"].partitions[0] = {2, 1, 0};
    s.answer(question, {reply{.error = not_leader_or_follower, .leader = 2, .leader_epoch = 1}});
    s.step(1s);
    REQUIRE_FALSE(s.asked.empty());
    CHECK(s.peers.at(s.asked.front().link).port == 9003);
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("acks=0: requests that are written go, however long one before them waits for its response")
{
    auto config = plain_config();
    config.acks = acks::none;
    core_script s{config};
    s.brokers = {{1, 9001}};
    s.warm_up();
    s.answer_metadata = false;
    s.core.use_topic("another", s.now); // is asked about, and nobody answers
    s.step();
    REQUIRE(s.held.size() == 1);
    const auto link = s.held.front().first;
    for (int i = 0; i < 100; ++i) {
        s.send("t", "a");
        s.step(config.linger);
    }
    CHECK(s.core.connections().find(link)->requests.size() <= 2);
    CHECK(s.core.pool().in_use() < 10'000);
}

TEST_CASE("acks=0: a leader that hangs up is all that is heard of a refusal; a broker that names it again "
          "did not help")
{
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        auto config = plain_config();
        config.acks = acks::none;
        core_script s{config, seed};
        s.brokers = {{1, 9001}, {2, 9002}};
        s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
        s.warm_up();
        s.answer_metadata = false;
        std::set<std::uint16_t> asked;
        for (int i = 0; i < 6; ++i) {
            s.send("t", "a", 0);
            const auto sent = s.unacknowledged.size();
            while (s.unacknowledged.size() == sent) s.step(100ms);
            s.drop(s.unacknowledged.back().link);
            while (s.held.empty()) s.step(100ms);
            asked.insert(s.peers.at(s.held.front().first).port);
            s.send("t", "b", 0);                                        // waits for a better leader
            answer_held(s, s.metadata_answer(s.metadata_asked.back())); // broker 1, in the same epoch
        }
        CHECK(asked.size() > 1);
        while (!s.held.empty()) answer_held(s, s.metadata_answer(s.metadata_asked.back()));
        s.step(2s);
        s.answer_metadata = true;
        s.send("t", "c", 0); // it takes records again
        s.step(5s);
        s.send("t", "d", 0);
        s.step(5s);
        const auto before = s.metadata_asked.size();
        s.step(20s);
        CHECK(s.metadata_asked.size() <= before + 5); // at its usual pace
    }
}

TEST_CASE(
    "acks=0: topics are named, since nobody would say that one was made again and has another id (KIP-516)")
{
    for (const auto acks : {acks::none, acks::all}) {
        auto config = plain_config();
        config.acks = acks;
        core_script s{config};
        s.topics["t"].id = id_of(3);
        s.send("t", "a");
        s.step();
        s.answer_all();
        REQUIRE(s.outcomes[0].ok());
        if (acks == acks::none) CHECK(s.unacknowledged.at(0).version == 12);
    }
}

TEST_CASE(
    "acks=0: close waits for responses that are due, lest one meets a closed socket and undoes what was sent")
{
    auto config = plain_config();
    config.acks = acks::none;
    core_script s{config};
    s.warm_up();
    s.answer_metadata = false;
    s.core.use_topic("another", s.now); // is asked about, and nobody answers yet
    s.step();
    REQUIRE(s.held.size() == 1);
    auto& told = s.send("t", "a");
    s.step();
    REQUIRE(told.ok());
    s.core.close(never);
    s.step();
    CHECK_FALSE(s.core.ended());
    SUBCASE("a response comes")
    {
        answer_held(s, s.metadata_answer(s.metadata_asked.back()));
    }
    SUBCASE("none comes")
    {
        s.step(2 * config.request_timeout);
    }
    CHECK(s.core.ended());
    CHECK_FALSE(s.core.close_outcome());
}

} // namespace kurier::core::script
