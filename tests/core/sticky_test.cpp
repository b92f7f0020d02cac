// Which partition takes the records that have no key.
#include "../support/core_script.hpp"

#include <kurier/core/batching/sticky.hpp>

#include <cmath>
#include <map>
#include <set>

namespace kurier::core::script {

using enum broker_errc;

TEST_CASE("KIP-794: records without a key stay with a partition for a batch, and are spread evenly")
{
    auto config = plain_config();
    config.linger = 5ms;
    config.batch_size = 2000;
    core_script s{config};
    s.topics["t"].partitions.resize(4);
    s.warm_up();
    auto& topic = s.core.use_topic("t", s.now);
    std::map<std::int32_t, int> hits;
    int changes = 0;
    std::int32_t last = -1;
    const std::string value(100, 'x');
    for (int i = 0; i < 20000; ++i) {
        s.send_record("t", {{}, value, {}, 1}, std::nullopt);
        const auto chosen = s.last_place.where->partition->index;
        changes += chosen != last;
        last = chosen;
        ++hits[chosen];
        if (i % 50 == 49) {
            s.step(6ms);
            s.answer_all();
            s.outcomes.clear();
        }
    }
    CHECK(topic.partitions.size() == 4);
    for (const auto& [partition, count] : hits) CHECK(std::abs(count - 5000) < 500);
    CHECK(hits.size() == 4);
    CHECK(changes < 20000 / 10); // not round robin
}

TEST_CASE("KAFKA-10888: a partition with a long queue is drawn less often")
{
    auto config = plain_config();
    config.batch_size = 100;
    core_script s{config};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.lose_for_good(9001);
    for (int i = 0; i < 9; ++i) s.send("t", std::string(200, 'x'), 0);
    const auto& topic = *s.core.view().find("t");
    random_source random{7};
    SUBCASE("only a partition of three has a queue: the others are drawn as often as each other")
    {
        std::map<std::int32_t, int> hits;
        for (int i = 0; i < 9000; ++i) ++hits[draw_partition(topic, s.core.config(), s.now.steady, random)];
        CHECK(hits[0] < 900); // weight 1 of 1 + 9 + 9 or so
        CHECK(std::abs(hits[1] - hits[2]) < 500);
    }
    SUBCASE("without adaptation all are equal")
    {
        auto plain = s.core.config();
        plain.partitioner_adaptive_partitioning_enable = false;
        std::map<std::int32_t, int> hits;
        for (int i = 0; i < 9000; ++i) ++hits[draw_partition(topic, plain, s.now.steady, random)];
        CHECK(std::abs(hits[0] - 3000) < 300);
    }
}

namespace {

std::set<std::int32_t> drawn_from(const core_script& s)
{
    random_source random{7};
    std::set<std::int32_t> drawn;
    for (int i = 0; i < 100; ++i)
        drawn.insert(draw_partition(*s.core.view().find("t"), s.core.config(), s.now.steady, random));
    return drawn;
}

} // namespace

TEST_CASE("KIP-1123: records without a key go to leaders in client.rack, as long as there are any")
{
    auto config = plain_config();
    config.partitioner_rack_aware = true;
    config.client_rack = "b";
    config.partitioner_availability_timeout = 5s;
    config.metadata_max_age = 1s;
    core_script s{config};
    s.brokers[2] = 9002;
    s.brokers[3] = 9003;
    s.racks = {{1, "a"}, {2, "b"}};
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}, {3, 0, 0}, {2, 0, 0}};
    s.warm_up();
    CHECK(drawn_from(s) == std::set<std::int32_t>{1, 3});
    SUBCASE("a leader that takes nothing is none of them")
    {
        s.lose_for_good(9002);
        s.send("t", "v", 1);
        s.send("t", "v", 3);
        s.step(6s);
        CHECK(drawn_from(s) == std::set<std::int32_t>{0, 2});
    }
    SUBCASE("leaders move, by metadata")
    {
        s.topics["t"].partitions[2] = {2, 1, 0};
        s.topics["t"].partitions[3] = {1, 1, 0};
        s.step(2s);
        s.answer_all();
        CHECK(drawn_from(s) == std::set<std::int32_t>{1, 2});
    }
    SUBCASE("nobody leads there any more")
    {
        for (auto& partition : s.topics["t"].partitions) partition = {3, 1, 0};
        s.step(2s);
        s.answer_all();
        CHECK(drawn_from(s) == std::set<std::int32_t>{0, 1, 2, 3});
    }
    SUBCASE("or there is nobody else: a rack is a preference, and keys don't care for it")
    {
        s.racks = {};
        s.step(2s);
        s.answer_all();
        CHECK(drawn_from(s) == std::set<std::int32_t>{0, 1, 2, 3});
    }
}

TEST_CASE("KIP-1123: a leader that a Produce response names (KIP-951) is near or not")
{
    auto config = plain_config();
    config.partitioner_rack_aware = true;
    config.client_rack = "b";
    core_script s{config};
    s.brokers[2] = 9002;
    s.racks = {{1, "a"}, {2, "b"}};
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    auto& topic = s.core.use_topic("t", s.now);
    CHECK(topic.nearby == std::vector<std::int32_t>{1});
    s.answer_metadata = false;
    s.send("t", "v", 0);
    s.send("t", "v", 1);
    s.step();
    for (const std::int32_t index : {0, 1}) {
        reply moved{broker_errc::not_leader_or_follower};
        moved.leader = index == 0 ? 2 : 1;
        moved.leader_epoch = 1;
        s.answer(moved);
        CHECK(topic.nearby == (index == 0 ? std::vector<std::int32_t>{0, 1} : std::vector<std::int32_t>{0}));
    }
}

TEST_CASE("partitioner.availability.timeout.ms: partitions of a broker that takes nothing are left out")
{
    auto config = plain_config();
    config.partitioner_availability_timeout = 5s;
    config.delivery_timeout = 20s;
    config.request_timeout = 10s;
    bool adaptive = true;
    SUBCASE("with adaptive partitioning") {}
    SUBCASE("which is off: then not, as in Java")
    {
        adaptive = false;
    }
    config.partitioner_adaptive_partitioning_enable = adaptive;
    core_script s{config};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.lose_for_good(9001);
    s.send("t", "stuck", 0);
    s.step(300ms);
    CHECK(drawn_from(s).size() == 2);
    s.step(6s);
    CHECK(drawn_from(s) == (adaptive ? std::set{1} : std::set{0, 1}));
    s.step(20s); // the record has expired: nothing would tell any more that the broker is back
    CHECK(s.outcomes.back().error == errc::batch_expired);
    CHECK(drawn_from(s).size() == 2);
}

TEST_CASE("partitions without a leader are not drawn while others have one")
{
    core_script s;
    s.topics["t"].partitions = {{-1, 0, 0}, {1, 0, 0}, {-1, 0, 0}};
    s.send("t", "x", 1);
    s.step();
    const auto& topic = *s.core.view().find("t");
    random_source random{7};
    for (int i = 0; i < 100; ++i) CHECK(draw_partition(topic, s.core.config(), s.now.steady, random) == 1);
}

} // namespace kurier::core::script
