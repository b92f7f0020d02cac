// A leader that moved away while it has batches and doesn't answer: they go to the new leader, and what the old one says
// later settles nothing.
#include "../support/core_script.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace kurier::core::script {
namespace {

using enum broker_errc;

// Broker 1 leads partition 0 and freezes when the test likes; 2 and 3 lead the others.
struct frozen_leader : core_script
{
    explicit frozen_leader(producer_config config = plain_config()) : core_script{std::move(config)}
    {
        brokers = {{1, 9001}, {2, 9002}, {3, 9003}};
        topics["t"].partitions = {{1, 5, 0}, {2, 5, 0}, {3, 5, 0}};
        warm_up();
        forget();
    }

    // So many batches are in flight to broker 1.
    std::vector<outcome*> fly(int count)
    {
        std::vector<outcome*> told;
        for (int i = 0; i < count; ++i) {
            told.push_back(&send("t", std::string(1, static_cast<char>('a' + i)), 0));
            step();
        }
        REQUIRE(std::ssize(asked) == count);
        return told;
    }

    void move_to(std::int32_t leader, std::int32_t epoch) { topics["t"].partitions[0] = {leader, epoch, 10}; }

    std::vector<produce_question> asked_of(std::uint16_t port) const
    {
        std::vector<produce_question> found;
        for (const auto& one : asked)
            if (peers.at(one.link).port == port) found.push_back(one);
        return found;
    }

    produce_question take_from(std::uint16_t port)
    {
        const auto found =
            std::ranges::find_if(asked, [&](const auto& one) { return peers.at(one.link).port == port; });
        REQUIRE(found != asked.end());
        auto taken = *found;
        asked.erase(found);
        return taken;
    }

    void answer_from(std::uint16_t port, reply with = {}) { answer(take_from(port), {std::move(with)}); }

    std::string value_at(std::uint16_t port) const { return asked_of(port).at(0).only().values.at(0); }
};

} // namespace

TEST_CASE("a frozen leader: its batches go to the new one as soon as another broker names it, byte for byte")
{
    frozen_leader s;
    auto& told = *s.fly(1)[0];
    const auto first = s.asked.front().only();
    s.step(2s);
    CHECK(s.asked.size() == 1); // nobody else leads the partition
    s.move_to(2, 6);
    const auto moved = s.now.steady;
    while (s.asked_of(9002).empty()) s.step(10ms);
    CHECK(s.now.steady - moved <= 1010ms);
    const auto again = s.asked_of(9002).at(0).only();
    CHECK(again.bytes == first.bytes);
    s.answer_from(9002, {.base_offset = 42});
    CHECK(told.ok());
    CHECK(told.offset == 42);
    CHECK(told.attempts == 2);
    CHECK(s.closes.empty());
}

TEST_CASE("a frozen leader: what was in flight follows in order, the first alone, until the new one knows "
          "the producer")
{
    frozen_leader s;
    const auto told = s.fly(5);
    s.move_to(2, 6);
    s.step(2s);
    for (int i = 0; i < 5; ++i) {
        REQUIRE(s.asked_of(9002).size() == 1);
        CHECK(s.value_at(9002) == std::string(1, static_cast<char>('a' + i)));
        CHECK_FALSE(told[static_cast<std::size_t>(i)]->done());
        s.answer_from(9002,
                      {.error = i == 1 ? duplicate_sequence_number : none}); // the log moved with this one
        CHECK(told[static_cast<std::size_t>(i)]->ok());
    }
    s.send("t", "new", 0);
    s.step();
    CHECK(s.asked_of(9002).size() == 1);
    CHECK(s.asked_of(9001).size() == 5);
}

TEST_CASE("a silent leader is not left while nobody names another one in a newer epoch")
{
    std::int32_t leader = 1, epoch = 5;
    SUBCASE("it still leads") {}
    SUBCASE("it leads in a newer epoch: it will answer what is sent to it")
    {
        epoch = 6;
    }
    SUBCASE("another one leads in the same epoch: one of the two pictures is old")
    {
        leader = 2;
    }
    SUBCASE("another one leads in an older epoch")
    {
        leader = 2;
        epoch = 4;
    }
    SUBCASE("nobody leads yet")
    {
        leader = -1;
        epoch = 6;
    }
    frozen_leader s;
    const auto told = s.fly(2);
    s.move_to(leader, epoch);
    s.step(29s);
    CHECK(s.asked.size() == 2);
    for (const auto* one : told) CHECK(one->attempts == 0);
    s.answer_all();
    for (const auto* one : told) CHECK(one->ok());
}

TEST_CASE("a silent leader is not left where Metadata has no epochs to compare")
{
    core_script s;
    s.api[3] = {0, 8};
    s.brokers = {{1, 9001}, {2, 9002}};
    s.topics["t"].partitions = {{1, 5, 0}, {2, 5, 0}};
    s.warm_up();
    s.send("t", "a", 0);
    s.step();
    s.topics["t"].partitions[0] = {2, 6, 0};
    s.step(29s);
    CHECK(s.asked.size() == 1);
}

TEST_CASE("what the old leader answers after all settles nothing")
{
    const reply late[] = {{.base_offset = 7},
                          {.error = not_leader_or_follower},
                          {.error = out_of_order_sequence_number},
                          {.error = invalid_producer_epoch},
                          {.error = message_too_large},
                          {.error = duplicate_sequence_number}};
    for (const auto& said : late) {
        CAPTURE(static_cast<int>(said.error));
        frozen_leader s;
        const auto told = s.fly(3);
        s.move_to(2, 6);
        s.step(2s);
        REQUIRE(s.asked_of(9002).size() == 1);
        s.answer_from(9001, said); // while its batch flies to the new leader
        CHECK_FALSE(told[0]->done());
        CHECK(s.asked_of(9002).size() == 1);
        s.answer_from(9001, said); // while its batch is queued
        s.answer_from(9002, {.base_offset = 42});
        CHECK(told[0]->offset == 42);
        CHECK_FALSE(told[1]->done());
        s.answer_from(9001, said);
        s.answer_from(9002, {.base_offset = 43});
        s.answer_from(9002, {.base_offset = 44});
        for (int i = 0; i < 3; ++i) {
            CHECK(told[static_cast<std::size_t>(i)]->times_told == 1);
            CHECK(told[static_cast<std::size_t>(i)]->offset == 42 + i);
        }
        CHECK(s.partition().producer.fault == epoch_fault::none);
        CHECK(s.asked.empty());
    }
}

TEST_CASE("the old leader's connection ends with what it was asked: that settles nothing either")
{
    frozen_leader s;
    const auto told = s.fly(2);
    s.move_to(2, 6);
    s.step(2s);
    s.drop(s.link_to(9001));
    CHECK(s.asked_of(9002).size() == 1);
    s.answer_from(9002);
    s.answer_from(9002);
    for (const auto* one : told) CHECK(one->ok());
    s.step(40s);
    CHECK(s.asked.empty());
}

TEST_CASE("leadership that returns: the batches go back, behind their first attempt")
{
    frozen_leader s;
    const auto told = s.fly(2);
    s.move_to(2, 6);
    s.step(2s);
    REQUIRE(s.asked_of(9002).size() == 1); // which freezes as well
    s.move_to(1, 7);
    s.step(3s);
    REQUIRE(s.asked_of(9001).size() == 3);
    s.answer_from(9001, {.base_offset = 1}); // the first attempts have been handled by now
    s.answer_from(9001, {.base_offset = 2});
    CHECK_FALSE(told[0]->done());
    s.answer_from(9001, {.base_offset = 1}); // as a duplicate
    CHECK(told[0]->offset == 1);
    s.answer_from(9001, {.base_offset = 2});
    CHECK(told[1]->offset == 2);
    s.answer_from(9002, {.error = not_leader_or_follower});
    CHECK(s.asked.empty());
    for (const auto* one : told) CHECK(one->times_told == 1);
}

TEST_CASE("a batch that the new leader refuses is possibly written: the old one may have it")
{
    frozen_leader s;
    auto& told = *s.fly(1)[0];
    s.move_to(2, 6);
    s.step(2s);
    s.answer_from(9002, {.error = invalid_record});
    CHECK(told.error == invalid_record);
    CHECK(told.written == persisted::possibly);
}

TEST_CASE("a batch that expired with the old leader leaves a gap, which those behind it decide about")
{
    auto config = plain_config();
    config.delivery_timeout = 10s;
    config.request_timeout = 9s;
    frozen_leader s{config};
    auto& first = *s.fly(1)[0];
    s.step(5s);
    auto& second = s.send("t", "b", 0);
    s.step(3s);
    s.answer_metadata = false; // for a while nobody knows
    s.step(900ms);
    CHECK_FALSE(first.done());
    s.pass(1200ms);
    s.move_to(2, 6);
    s.answer_metadata = true;
    s.step(1500ms);
    CHECK(first.done());
    CHECK(first.written == persisted::possibly);
    while (s.asked_of(9002).empty() && !second.done()) s.step(50ms);
    REQUIRE_FALSE(s.asked_of(9002).empty());
    CHECK(s.asked_of(9002).at(0).only().values.at(0) == "b");
    s.answer_from(9002);
    CHECK(second.ok());
    CHECK_FALSE(s.partition().producer.gap); // so the first one was written
}

TEST_CASE("without idempotence nothing is sent to a new leader before request.timeout.ms: it might be "
          "written twice")
{
    auto config = plain_config();
    config.enable_idempotence = false;
    SUBCASE("acks=all") {}
    SUBCASE("acks=1")
    {
        config.acks = acks::leader;
    }
    frozen_leader s{config};
    auto& told = *s.fly(1)[0];
    s.move_to(2, 6);
    s.step(29s);
    CHECK(s.asked_of(9002).empty());
    s.step(2s);
    REQUIRE(s.asked_of(9002).size() == 1);
    s.answer_from(9002);
    CHECK(told.ok());
}

TEST_CASE("a topic that was made again has other epochs: nothing is left because of them")
{
    frozen_leader s;
    s.fly(1);
    s.move_to(2, 6);
    s.topics["t"].id = id_of(9);
    s.step(20s);
    CHECK(s.asked_of(9002).empty());
    CHECK(s.asked_of(9001).size() == 1);
}

} // namespace kurier::core::script
