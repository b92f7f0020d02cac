// The number of a topic's partitions changes: partitions are added, or the topic is deleted and made again with fewer.
#include "support/core_script.hpp"
#include "support/deaf_listener.hpp"

#include <set>

namespace kurier::core::script {
namespace {

using enum broker_errc;

producer_config often_refreshed()
{
    auto config = plain_config();
    config.metadata_max_age = 1s;
    return config;
}

// A topic of six partitions, all of them in use, that is made again with three and another id (or none). Another broker
// tells of it while its leader is busy.
struct shrunk : core_script
{
    explicit shrunk(producer_config config = often_refreshed(), bool ids = true)
        : core_script{std::move(config)}
    {
        know_topic_ids = ids;
        brokers[2] = 9002;
        topics["u"] = {id_of(9), {{2, 0, 0}}, none};
        warm_up("u");
        topics["t"].partitions.resize(6);
        warm_up();
    }

    void make_again() { topics["t"] = {id_of(2), {{}, {}, {}}, none}; }

    const topic_state& topic() const { return *core.view().find("t"); }
};

std::vector<std::string> values_of(const produce_question& question)
{
    std::vector<std::string> found;
    for (const auto& batch : question.batches)
        found.insert(found.end(), batch.values.begin(), batch.values.end());
    return found;
}

} // namespace

TEST_CASE("a topic made again with fewer partitions: the newest metadata says how many there are")
{
    shrunk s;
    s.core.use_topic("t", s.now).sticky = 5;
    s.make_again();
    s.step(1s);
    CHECK(s.topic().partitions.size() == 3);
    CHECK(s.topic().available == std::vector<std::int32_t>{0, 1, 2});
    std::set<std::int32_t> used;
    for (int i = 0; i < 60; ++i) { // no key: each in a batch of its own partition
        s.send_record("t", {{}, std::string(20'000, 'x'), {}, s.now.wall_ms}, {});
        s.step();
        for (const auto& batch : s.asked.at(0).batches) used.insert(batch.partition);
        s.answer_all();
    }
    CHECK(used == std::set<std::int32_t>{0, 1, 2});
    for (const auto& told : s.outcomes) CHECK(told.ok());
    s.topics["t"].partitions.resize(4); // and one is added
    s.step(1s);
    CHECK(s.topic().partitions.size() == 4);
    auto& told = s.send("t", "back", 3);
    s.step();
    CHECK(s.asked.at(0).only().header.base_sequence >= 0);
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("a topic made again with fewer partitions: what is queued for the others fails at once")
{
    auto config = often_refreshed();
    config.linger = 10min; // so that it is still here
    config.delivery_timeout = 20min;
    shrunk s{config};
    auto& gone = s.send("t", "gone", 5);
    auto& fine = s.send("t", "fine", 1);
    s.make_again();
    s.step(1s);
    CHECK(gone.error == unknown_topic_or_partition);
    CHECK(gone.written == persisted::no);
    CHECK_FALSE(fine.done());
    s.core.flush();
    s.step();
    CHECK(values_of(s.asked.at(0)) == std::vector<std::string>{"fine"});
    s.answer_all();
    CHECK(fine.ok());
}

TEST_CASE("a topic made again with fewer partitions: what is in flight to the others fails with its response")
{
    for (const auto error : {unknown_topic_id, unknown_topic_or_partition, not_leader_or_follower}) {
        shrunk s;
        auto& told = s.send("t", "gone", 5);
        s.step();
        s.make_again();
        s.step(1s);
        CHECK_FALSE(told.done());
        s.answer(error);
        CHECK(told.error == (error == not_leader_or_follower ? unknown_topic_or_partition : error));
        CHECK(told.written == (error == not_leader_or_follower ? persisted::possibly : persisted::no));
    }
    shrunk s;
    auto& told = s.send("t", "gone", 5);
    s.step();
    s.make_again();
    s.step(1s);
    s.drop(s.link_to(9001));
    CHECK(told.error == unknown_topic_or_partition);
    CHECK(told.written == persisted::possibly);
}

TEST_CASE("without topic ids, a partition that neither metadata nor its leader knows is gone")
{
    shrunk s{often_refreshed(), false};
    s.make_again();
    auto& told = s.send("t", "gone", 5);
    s.step();
    s.answer(unknown_topic_or_partition); // metadata has said nothing yet
    CHECK_FALSE(told.done());
    s.step(1s);
    CHECK(s.topic().partitions.size() == 3);
    CHECK_FALSE(told.done());
    s.answer(unknown_topic_or_partition);
    CHECK(told.error == unknown_topic_or_partition);
    CHECK(told.written == persisted::no);
}

TEST_CASE("without topic ids, a partition that comes back has a new log, and leader epochs that start anew")
{
    shrunk s{often_refreshed(), false};
    s.topics["t"].partitions[5].epoch = 7;
    s.step(1s);
    CHECK(s.partition(5).leader_epoch == 7);
    s.make_again();
    s.step(1s);
    s.topics["t"].partitions.resize(6, {2, 0, 0});
    s.step(1s);
    CHECK(s.partition(5).leader_epoch == 0);
    CHECK(s.partition(5).leader->id == 2);
}

TEST_CASE("metadata from a broker that has not heard of new partitions: what is queued for them is delivered")
{
    for (const bool ids : {true, false}) {
        auto config = often_refreshed();
        config.linger = 2s;
        shrunk s{config, ids};
        auto& told = s.send("t", "a", 5);
        s.topics["t"].partitions.resize(3);
        s.step(1s);
        CHECK(s.topic().partitions.size() == 3);
        s.step(1s);
        CHECK(s.asked.at(0).only().partition == 5);
        if (ids) { // the same topic: its partition is somewhere
            s.answer(unknown_topic_or_partition);
            CHECK_FALSE(told.done());
            s.topics["t"].partitions.resize(6);
            s.step(1s);
        }
        s.answer();
        CHECK(told.ok());
    }
}

namespace {

// A buffer that four records for partition 0 fill, and one for the last partition that waits for room.
struct full : shrunk
{
    explicit full(bool ids) : shrunk{small_buffer(), ids}
    {
        const partition_chooser last{[](void*, const topic_state& topic, nullable_bytes, nullable_bytes,
                                        std::span<const header_view>) {
                                         return static_cast<std::int32_t>(topic.partitions.size()) - 1;
                                     },
                                     {}};
        for (int i = 0; i < 4; ++i) send("t", value, 0);
        waiting = core.send({core.use_topic("t", now), {}, {{}, value, {}, now.wall_ms}, last}, now).parked;
        REQUIRE(waiting);
        CHECK(waiting->partition == 5);
        listen(waiting->waiter, told);
    }

    static producer_config small_buffer()
    {
        auto config = often_refreshed();
        config.buffer_memory = 12288; // half of it for one leader
        config.batch_size = 1200;
        config.max_block = 10s;
        return config;
    }

    void go_on(int seconds)
    {
        for (int i = 0; i < seconds; ++i) {
            answer_all();
            step(1s);
        }
    }

    const std::string value = std::string(1000, 'x');
    waiting_record* waiting = nullptr;
    outcome told;
};

} // namespace

TEST_CASE("a record that waits for room keeps its partition when metadata doesn't list it for a while")
{
    full s{false};
    s.topics["t"].partitions.resize(3);
    s.step(1s);
    CHECK(s.waiting->partition == 5);
    CHECK(s.waiting->lane == &s.topic().early);
    auto& later = s.send("t", s.value, 2); // doesn't wait for it
    s.go_on(3);
    CHECK(later.ok());
    CHECK_FALSE(s.told.done());
    s.topics["t"].partitions.resize(6);
    s.go_on(3);
    CHECK(s.told.ok());
}

TEST_CASE("a record that waits for room, and whose partition doesn't come back, fails after max.block.ms")
{
    full s{false};
    s.make_again();
    s.go_on(9);
    CHECK_FALSE(s.told.done());
    s.go_on(1);
    CHECK(s.told.error == errc::invalid_partition);
    CHECK(s.told.written == persisted::no);
    CHECK(s.told.text == "it is for partition 5 and the topic has partitions 0 to 2");
}

TEST_CASE("a topic made again with fewer partitions: what waits for room for the others fails at once")
{
    full s{true};
    auto& other = s.send("t", s.value, 1); // waits too
    auto& named = s.send("t", s.value, 7);
    s.make_again();
    s.step(1s);
    CHECK(s.told.error == errc::invalid_partition);
    CHECK(named.error == errc::invalid_partition);
    s.go_on(5);
    CHECK(other.ok());
}

// --- a record names a partition that metadata doesn't list -----------------------------------------------------------

TEST_CASE("a record that names a partition which was just added: metadata is asked once more (KAFKA-4254)")
{
    core_script s;
    s.warm_up();
    s.topics["t"].partitions.resize(3);
    const auto asked = s.metadata_asked.size();
    for (const auto* value : {"a", "b", "c"}) s.send("t", value, 2);
    s.send("t", "other", 0);
    CHECK(s.partition(0).open); // the topic's other partitions don't wait
    s.step();
    CHECK(s.metadata_asked.size() == asked + 1);
    REQUIRE(s.asked.size() == 1);
    REQUIRE(s.asked[0].batches.size() == 2);
    CHECK(s.asked[0].batches[0].values == std::vector<std::string>{"other"});
    CHECK(s.asked[0].batches[1].partition == 2);
    CHECK(s.asked[0].batches[1].values == std::vector<std::string>{"a", "b", "c"});
    s.answer();
    for (const auto& told : s.outcomes) CHECK(told.ok());
    s.step(1s);
    CHECK(s.metadata_asked.size() == asked + 1);
    CHECK(s.core.deadline() > s.now.steady + 1s); // and nothing more is asked
}

TEST_CASE("a broker that has not heard of a new partition is asked again")
{
    core_script s;
    s.warm_up();
    auto& told = s.send("t", "a", 1);
    s.step(2s);
    CHECK_FALSE(told.done());
    s.topics["t"].partitions.resize(2);
    s.step(2s);
    s.answer_all();
    CHECK(told.ok());
}

TEST_CASE("a partition that doesn't exist: the record fails after max.block.ms and says which there are")
{
    for (const bool known : {true, false}) {
        auto config = plain_config();
        config.max_block = 10s;
        core_script s{config};
        s.topics["t"].partitions.resize(2);
        if (known) s.warm_up();
        auto& told = s.send("t", "a", 7);
        s.step(9999ms);
        CHECK_FALSE(told.done());
        s.step(1ms);
        CHECK(told.error == errc::invalid_partition);
        CHECK(told.written == persisted::no);
        CHECK(told.text == "it is for partition 7 and the topic has partitions 0 to 1");
        const auto asked = s.metadata_asked.size();
        CHECK(asked < 20); // with growing pauses
        s.step(20s);
        CHECK(s.metadata_asked.size() <= asked + 1);
    }
}

TEST_CASE("try_send doesn't wait for a partition, but it is asked for")
{
    core_script s;
    s.warm_up();
    s.topics["t"].partitions.resize(2);
    auto& topic = s.core.use_topic("t", s.now);
    const record_bytes record{{}, "a", {}, s.now.wall_ms};
    const auto refused = s.core.send({topic, 1, record, {}, false}, s.now);
    CHECK(refused.refused == errc::invalid_partition);
    CHECK(refused.partition == 1);
    s.step(1s);
    CHECK(s.core.send({topic, 1, record, {}, false}, s.now).appended.where);
    s.step();
    s.answer_all();
}

TEST_CASE("a partitioner that chooses a partition which doesn't exist: the record fails at once")
{
    const partition_chooser beyond{[](void*, const topic_state&, nullable_bytes, nullable_bytes,
                                      std::span<const header_view>) { return 1; },
                                   {}};
    core_script s;
    const record_bytes record{{}, "a", {}, s.now.wall_ms};
    auto* waiting = s.core.send({s.core.use_topic("t", s.now), {}, record, beyond}, s.now).parked;
    REQUIRE(waiting); // for the topic
    outcome told;
    core_script::listen(waiting->waiter, told);
    s.step();
    CHECK(told.error == errc::invalid_partition);
    CHECK(told.text == "it is for partition 1 and the topic has partitions 0 to 0");
    const auto refused = s.core.send({s.core.use_topic("t", s.now), {}, record, beyond}, s.now);
    CHECK(refused.refused == errc::invalid_partition);
}

TEST_CASE("a topic that may not be written to any more: records that wait for its partitions fail too")
{
    core_script s;
    s.warm_up();
    auto& told = s.send("t", "a", 1);
    s.topics["t"].error = topic_authorization_failed;
    s.step(1s);
    CHECK(told.error == topic_authorization_failed);
}

TEST_CASE("lists of partitions that no broker should send")
{
    const auto config = plain_config();
    cluster_view view{config};
    auto& topic = view.topic("t");
    deaf_listener nobody;
    const auto size_after = [&](std::vector<std::int32_t> indexes) {
        protocol::metadata_response response;
        response.brokers = {{1, "broker", 9001, {}}};
        auto& told = response.topics.emplace_back();
        told.name = "t";
        for (const auto index : indexes) {
            auto& described = told.partitions.emplace_back();
            described.partition_index = index;
            described.leader_id = 1;
        }
        view.apply(response, 12, 1s, nobody);
        return topic.partitions.size();
    };
    CHECK(size_after({}) == 0);
    CHECK(size_after({-1, 2147483647}) == 0);
    CHECK(topic.phase == topic_phase::unknown);
    CHECK(size_after({2, 0, 1}) == 3); // in another order
    CHECK(size_after({0, 0, 1}) == 2); // one twice
    CHECK(size_after({0, 2}) == 3);    // one is left out: it is as it was
    CHECK(topic.partitions[1].leader == view.node(1));
    CHECK(size_after({0, 1, 3}) == 2); // there was no fourth, and three can't be numbered so
    CHECK(size_after({0, 1, 2147483647, -5}) == 2);
    CHECK(size_after({}) == 2); // none: what we know stays
    CHECK(topic.phase == topic_phase::known);
}

} // namespace kurier::core::script
