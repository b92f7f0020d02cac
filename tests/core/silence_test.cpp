// A leader that lives and says nothing: the other brokers are asked who leads now, long before request.timeout.ms.
#include "../support/core_script.hpp"

#include <set>
#include <utility>

namespace kurier::core::script {
namespace {

// Three brokers, each leading one partition of "t"; the bootstrap address is the first one's.
struct three_brokers : core_script
{
    explicit three_brokers(std::uint64_t seed = 1) : core_script{plain_config(), seed}
    {
        brokers = {{1, 9001}, {2, 9002}, {3, 9003}};
        topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
        warm_up();
        forget();
    }

    std::uint16_t asked_port() const { return peers.at(held.back().first).port; }

    void answer_held_metadata(std::size_t which)
    {
        const auto [link, frame] = held.at(which);
        wire::reader in{frame};
        in.take(2);
        const auto version = in.take_int<std::int16_t>();
        respond(link, in.take_int<std::int32_t>(), version, metadata_answer(metadata_asked.back()));
    }
};

// The leader of partition 0 takes requests, each for so long.
void answer_after(core_script& s, nanoseconds time)
{
    s.send("t", "slow", 0);
    s.step(time);
    s.answer_all();
}

} // namespace

TEST_CASE("pace: four times as long as nearly all answers take is silence, whatever they take")
{
    for (const auto usual : {200ms, 700ms, 2000ms}) {
        answer_pace pace;
        int longer = 0;
        random_source random{7};
        for (int i = 0; i < 20'000; ++i) {
            const nanoseconds took =
                usual * static_cast<std::int64_t>(50 + random.below(100)) / 100; // a half to one and a half
            longer += i >= 1000 && took * 4 > pace.patience() ? 1 : 0;
            pace.answered(took);
        }
        CHECK(longer < 19'000 / 10);
        CHECK(pace.patience() > 4 * usual);
        CHECK(pace.patience() < 6 * usual);
    }
}

TEST_CASE("pace: quick answers leave half a second of patience, and one outlier changes little")
{
    answer_pace pace;
    for (int i = 0; i < 100; ++i) pace.answered(3ms);
    CHECK(pace.patience() == 500ms);
    pace.answered(30s);
    CHECK(pace.patience() == 750ms);
    for (int i = 0; i < 200; ++i) pace.answered(3ms);
    CHECK(pace.patience() == 500ms);
}

TEST_CASE(
    "a silent leader: another broker is asked about what flies there after half a second, then each second")
{
    std::set<std::uint16_t> asked;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        three_brokers s{seed};
        auto& told = s.send("t", "a", 0);
        const auto begin = s.now.steady;
        s.step(10s);
        CHECK_FALSE(told.done());
        CHECK(s.metadata_asked.size() == 10);
        CHECK(s.metadata_times.front() - begin >= 500ms);
        CHECK(s.metadata_times.front() - begin <= 600ms);
        for (std::size_t i = 1; i < s.metadata_times.size(); ++i)
            CHECK(s.metadata_times[i] - s.metadata_times[i - 1] == 1s);
        CHECK(names(s.metadata_asked.back()) == std::vector<std::string>{"t"});
        CHECK(s.connects.empty());
        CHECK(s.closes.empty());
        s.answer_all();
        CHECK(told.ok());
        s.metadata_asked.clear();
        s.step(10s); // it is over
        CHECK(s.metadata_asked.empty());
    }
}

TEST_CASE("a silent leader is not asked for metadata itself, also when it has the least to do")
{
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        three_brokers s{seed};
        s.send("t", "a", 0);
        s.step(450ms);
        for (int i = 1; i < 3; ++i) // the others have more requests in flight, and answer
            for (int n = 0; n < 2; ++n) {
                s.send("t", "b", i);
                s.step();
            }
        s.answer_metadata = false;
        s.step(200ms);
        REQUIRE(s.held.size() == 1);
        CHECK(s.asked_port() != 9001);
    }
}

TEST_CASE("several silent leaders are one question a second, about all of their topics")
{
    three_brokers s;
    s.topics["u"] = {id_of(2), {{2, 0, 0}}, broker_errc::none};
    s.warm_up("u");
    s.forget();
    s.send("t", "a", 0);
    s.step(300ms);
    s.send("u", "b", 0);
    s.step(60s - 300ms);
    CHECK(s.metadata_asked.size() <= 61);
    CHECK(s.metadata_asked.size() >= 28); // until request.timeout.ms ends the connections
    CHECK(names(s.metadata_asked.at(5)) == std::vector<std::string>{"t", "u"});
}

TEST_CASE("a leader that always takes two seconds is not silent, nor one that is slower than usual for once")
{
    three_brokers s;
    for (int i = 0; i < 20; ++i) answer_after(s, 2s);
    s.forget();
    for (int i = 0; i < 20; ++i) answer_after(s, 2s);
    answer_after(s, 6s);
    CHECK(s.metadata_asked.empty());
    auto& told = s.send("t", "a", 0);
    s.step(20s);
    CHECK_FALSE(s.metadata_asked.empty()); // four times as long is silence
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("acks=0: a connection that took long to write isn't silent any more when nothing is due on it")
{
    auto config = plain_config();
    config.acks = acks::none;
    core_script s{config};
    s.warm_up();
    s.take_writes = false;
    auto& told = s.send("t", "a");
    s.step(2s);
    const auto link = s.link_to(9001);
    CHECK(is_silent(*s.partition().leader));
    s.write(link);
    s.step();
    CHECK(told.ok());
    CHECK_FALSE(
        is_silent(*s.partition().leader)); // or records without a key would keep away from it for ever
}

TEST_CASE("what waits behind other requests of the connection is not a sign of silence")
{
    three_brokers s;
    for (int i = 0; i < 5; ++i) {
        s.send("t", "a", 0);
        s.step();
    }
    REQUIRE(s.asked.size() > 1);
    while (!s.asked.empty()) {
        s.step(400ms); // each answer comes in its time, the last long after it was sent
        s.answer();
    }
    CHECK(s.metadata_asked.empty());
}

TEST_CASE("a broker that throttles is not silent while it does (KIP-219)")
{
    three_brokers s;
    for (int i = 0; i < 2; ++i) {
        s.send("t", "a", 0);
        s.step();
    }
    REQUIRE(s.asked.size() == 2);
    const auto first = s.take();
    s.answer(first, {reply{}}, 3000); // the channel is muted for so long, with the second request in it
    s.step(3400ms);
    CHECK(s.metadata_asked.empty());
    s.step(1s);
    CHECK(s.metadata_asked.size() == 1);
}

TEST_CASE(
    "metadata that a silent broker was asked for comes from another one, and what it says later is ignored")
{
    three_brokers s;
    s.answer_metadata = false;
    s.topics["new"] = {id_of(2), {{3, 0, 0}}, broker_errc::none};
    auto& told = s.send("new", "a");
    s.step(400ms);
    REQUIRE(s.held.size() == 1);
    const auto first = s.asked_port();
    s.step(400ms);
    REQUIRE(s.held.size() == 2);
    CHECK(s.asked_port() != first);
    s.answer_held_metadata(1);
    const auto asked = s.metadata_asked.size();
    s.topics["new"].partitions = {{-1, 0, 0}}; // what the late answer says
    s.answer_held_metadata(0);
    s.step(400ms);
    CHECK(s.metadata_asked.size() == asked); // or it would have to be asked who leads
    CHECK(s.core.view().find("new")->available.size() == 1);
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("a bootstrap server that swallows packets doesn't hold up the others")
{
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        core_script s{producer_config{"a:9001,b:9002,c:9003"}, seed};
        s.accept_connections = false;
        auto& told = s.send("t", "a");
        s.step();
        REQUIRE(s.connects.size() == 1);
        s.accept_connections = true;
        s.step(700ms);
        s.answer_all();
        CHECK(told.ok());
    }
}

TEST_CASE("a producer id that a silent broker was asked for comes from another one")
{
    core_script s;
    s.brokers = {{1, 9001}, {2, 9002}};
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.answer_init_producer_id = false;
    auto& told = s.send("t", "a");
    s.step(300ms);
    REQUIRE(s.held.size() == 1);
    s.answer_init_producer_id = true;
    s.step(2s);
    s.answer_all();
    CHECK(told.ok());
    CHECK(s.ids_asked >= 1);
}

TEST_CASE("the only broker, when it is silent, is not connected to once more")
{
    core_script s{producer_config{"broker:9001"}};
    s.warm_up();
    s.forget();
    auto& told = s.send("t", "a");
    s.step(20s);
    CHECK(s.connects.empty());
    CHECK(s.metadata_asked.empty()); // by whom?
    s.answer_all();
    CHECK(told.ok());
    s.step(2s);
    CHECK(s.metadata_asked.size() == 1); // what was wanted meanwhile
}

} // namespace kurier::core::script
