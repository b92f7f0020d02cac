// A leader that goes: how long its records wait, and who is asked how often meanwhile.
#include "../support/core_script.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kurier::core::script {
namespace {

// Three brokers, each leading one partition of "t". Broker 1 can be killed: connections to it are refused.
struct failing_cluster : core_script
{
    explicit failing_cluster(std::uint64_t seed = 1, producer_config config = plain_config())
        : core_script{std::move(config), seed}
    {
        brokers = {{1, 9001}, {2, 9002}, {3, 9003}};
        topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}};
        warm_up();
        forget();
    }

    void kill() { lose_for_good(9001); }

    // The others answer at once.
    void run(nanoseconds time)
    {
        for (const auto end = now.steady + time; now.steady < end;) {
            step(5ms);
            for (const auto& [link, peer] : std::map{peers}) {
                if (peer.connected) continue;
                if (peer.port == 9001 && !alive)
                    drop(link, errc::connect_failed);
                else
                    accept(link);
            }
            for (std::size_t i = 0; i < asked.size();)
                if (peers.at(asked[i].link).port != 9001) {
                    const auto question = asked[i];
                    asked.erase(asked.begin() + static_cast<std::ptrdiff_t>(i));
                    answer(question, std::vector<reply>(question.batches.size()));
                } else {
                    ++i;
                }
        }
    }

    nanoseconds longest_pause(nanoseconds from, nanoseconds to) const
    {
        auto longest = nanoseconds{0}, before = from;
        for (const auto at : metadata_times)
            if (at > from && at <= to) longest = std::max(longest, at - std::exchange(before, at));
        return std::max(longest, to - before);
    }

    outcome& send_unkeyed(std::size_t size = 10)
    {
        return send_record("t", {{}, std::string(size, 'x'), {}, 1}, std::nullopt);
    }

    bool alive = false;
};

} // namespace

TEST_CASE("a killed leader: whoever leads now is known within a third of a second, and tried at once")
{
    for (const auto leader_meanwhile : {1, -1}) // until the controller has fenced it, and during an election
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            CAPTURE(leader_meanwhile);
            failing_cluster s{seed};
            auto& told = s.send("t", "a", 0);
            s.step();
            s.topics["t"].partitions[0].leader = leader_meanwhile;
            s.kill();
            const auto killed = s.now.steady;
            s.run(3s);
            CHECK(s.longest_pause(killed, s.now.steady) <= 320ms);
            CHECK(s.metadata_asked.size() <= 20);
            CHECK_FALSE(told.done());
            s.topics["t"].partitions[0] = {2, 1, 0};
            const auto elected = s.now.steady;
            while (!told.done()) s.run(5ms);
            CHECK(told.ok());
            CHECK(s.now.steady - elected <= 330ms);
        }
}

TEST_CASE("a killed leader: the questions of a fleet don't come together")
{
    std::vector<nanoseconds> third;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        failing_cluster s{seed};
        s.send("t", "a", 0);
        s.step();
        s.kill();
        s.run(2s);
        third.push_back(s.metadata_times.at(4));
    }
    const auto [first, last] = std::ranges::minmax(third);
    CHECK(last - first > 50ms);
}

TEST_CASE("a leader that stays away is asked about less often after half a minute")
{
    failing_cluster s;
    s.send("t", "a", 0);
    s.step();
    s.kill();
    s.run(40s);
    const auto before = s.metadata_asked.size();
    s.run(20s);
    CHECK(s.metadata_asked.size() - before <=
          55); // a question, and a connection that can't be made: each one a second
    CHECK(s.metadata_asked.size() - before >= 15);
}

TEST_CASE("an election: brokers that take their time to answer are not asked every quarter of a second")
{
    failing_cluster s;
    s.send("t", "a", 0);
    s.step();
    s.topics["t"].partitions[0].leader = -1;
    s.kill();
    s.run(1s);
    s.answer_metadata = false;
    for (int i = 0; i < 4; ++i) {
        while (s.held.empty()) s.run(5ms);
        s.run(90ms);
        const auto [link, frame] = s.held.front();
        s.held.clear();
        wire::reader in{frame};
        in.take(2);
        const auto version = in.take_int<std::int16_t>();
        s.respond(link, in.take_int<std::int32_t>(), version, s.metadata_answer(s.metadata_asked.back()));
        const auto answered = s.now.steady;
        while (s.held.empty()) s.run(5ms);
        CHECK(s.now.steady - answered >= 900ms);
    }
}

TEST_CASE("records without a key go elsewhere while their leader is silent, and come back")
{
    failing_cluster s;
    s.send("t", "a", 0); // which broker 1 doesn't answer
    s.run(600ms);
    std::vector<outcome*> told;
    for (int i = 0; i < 200; ++i) {
        told.push_back(&s.send_unkeyed());
        s.run(5ms);
    }
    CHECK(std::ranges::all_of(told, [](const auto* one) { return one->ok(); }));
    CHECK(s.asked.size() == 1); // the one with a key
    s.answer_all();
    const auto before = s.partition(0).records;
    for (int i = 0; i < 200; ++i) {
        s.send_unkeyed(4000); // the sticky partition changes often
        s.step(5ms);
        s.answer_all();
    }
    CHECK(s.partition(0).records > before);
}

TEST_CASE("records without a key go elsewhere while their leader can't be reached, and come back")
{
    failing_cluster s;
    auto& keyed = s.send("t", "a", 0);
    s.step();
    s.kill();
    s.run(1s);
    std::vector<outcome*> told;
    for (int i = 0; i < 200; ++i) {
        told.push_back(&s.send_unkeyed());
        s.run(5ms);
    }
    CHECK(std::ranges::all_of(told, [](const auto* one) { return one->ok(); }));
    s.alive = true;
    for (int i = 0; i < 500 && s.asked.empty(); ++i) s.run(5ms);
    s.answer_all();
    CHECK(keyed.ok());
    const auto before = s.partition(0).records;
    for (int i = 0; i < 200; ++i) {
        s.send_unkeyed(4000); // the sticky partition changes often
        s.step(5ms);
        s.answer_all();
    }
    CHECK(s.partition(0).records > before);
}

TEST_CASE(
    "the record that finds its leader silent takes the ones after it elsewhere: the sticky partition changes")
{
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        failing_cluster s{seed};
        s.send_unkeyed();
        s.step();
        REQUIRE(s.asked.size() == 1);
        const auto stuck = s.asked.front().only().partition;
        s.step(600ms); // nobody answers
        s.send_unkeyed();
        CHECK(s.partition(stuck).records == 2); // with the one of the warm-up
    }
}

TEST_CASE("records without a key are spread as ever when nobody can be reached")
{
    failing_cluster s;
    for (int i = 0; i < 3; ++i) s.send("t", "a", i);
    s.step(1s);
    for (int i = 0; i < 100; ++i) {
        s.send_unkeyed();
        s.step(5ms);
    }
    std::uint64_t sum = 0;
    for (int i = 0; i < 3; ++i) sum += s.partition(i).records;
    CHECK(sum == 106);
}

} // namespace kurier::core::script
