// engine::dump: why each partition waits, in the words of the page.
#include <kurier/core/dump.hpp>

#include "../support/core_script.hpp"

namespace kurier::core::script {
namespace {

bool says(const core_script& s, std::string_view text)
{
    const auto page = dump(s.core, s.now);
    const bool found = page.find(text) != std::string::npos;
    if (!found) MESSAGE(page);
    return found;
}

} // namespace

TEST_CASE("dump: a producer that has just begun")
{
    core_script s;
    s.accept_connections = false;
    s.send("t", "a");
    s.step();
    CHECK(says(s, "producer: open; 0 records in 0 batches, 1 more wait to be appended;"));
    CHECK(says(s, "waits for a producer id\n"));
    CHECK(says(s, "connecting"));
    CHECK(says(s, "topic t: unknown; 1 records wait\n"));
}

TEST_CASE("dump: why a partition waits")
{
    auto config = plain_config();
    config.linger = 10ms;
    core_script s{config};
    s.brokers[1] = 9001;
    s.warm_up();
    s.send("t", "a");
    s.step();
    CHECK(says(s, "t-0: leader 1 epoch 0; 0 queued, 0 in flight, open with 1 records of "));
    CHECK(says(s, "; lingers\n"));
    s.step(10ms);
    CHECK(says(s, "0 queued, 1 in flight"));
    CHECK(says(s, "; waits for a response\n"));
    CHECK(says(s, "  request "));
    CHECK(says(s, ": 1 batches, "));
    SUBCASE("for its next attempt")
    {
        s.answer(broker_errc::not_enough_replicas);
        CHECK(says(s, "; retries in "));
        CHECK(says(s, "NOT_ENOUGH_REPLICAS"));
    }
    SUBCASE("for a leader")
    {
        s.topics["t"].partitions[0] = {-1, 1, 0};
        s.answer(broker_errc::not_leader_or_follower);
        s.step(2s);
        CHECK(says(s, "t-0: leader -1"));
        CHECK(says(s, "; has no leader\n"));
    }
    SUBCASE("for the end of a throttle")
    {
        const auto question = s.take();
        s.answer(question, {reply{}}, 5000);
        s.send("t", "b");
        s.step(10ms);
        CHECK(says(s, ", throttles for "));
        CHECK(says(s, "; its leader throttles\n"));
    }
    SUBCASE("for a connection")
    {
        s.accept_connections = false;
        s.drop(s.link_to(9001));
        s.step(2s);
        CHECK(says(s, "; its leader is not connected\n"));
        CHECK(says(s, "trouble: "));
    }
    SUBCASE("for what is being written")
    {
        s.answer();
        s.take_writes = false;
        for (int i = 0; i < 2; ++i) {
            s.send("t", "b");
            s.step(10ms);
        }
        CHECK(says(s, "; the request before it is still being written\n"));
    }
    SUBCASE("for the response to five others")
    {
        s.answer();
        for (int i = 0; i < 6; ++i) {
            s.send("t", "b");
            s.step(10ms);
        }
        CHECK(says(s, "; as many batches in flight as there may be\n"));
    }
    SUBCASE("for close")
    {
        s.core.close(s.now.steady + 5s);
        s.step(1s);
        CHECK(says(s, "producer: draining, until 4000.0 ms; 1 records"));
        s.step(5s);
        CHECK(says(s, "producer: ended; 0 records"));
    }
}

TEST_CASE("dump: of a new epoch the first batch goes alone")
{
    core_script s;
    s.send("t", "a");
    s.step(s.core.config().linger);
    REQUIRE(s.asked.size() == 1);
    s.send("t", "b");
    s.step(s.core.config().linger);
    CHECK(says(s, "; the first batch of its epoch, which goes alone\n"));
    CHECK(says(s, "producer id 100 epoch 0\n"));
}

TEST_CASE("dump: a page has an end")
{
    core_script s;
    s.topics["t"].partitions.assign(500, {1, 0, 0});
    s.walk_state = false;
    for (int i = 0; i < 500; ++i) s.send("t", "a", i);
    s.step();
    CHECK(says(s, "... and 400 more partitions with something pending\n"));
    CHECK(dump(s.core, s.now).size() < 40'000);
}

} // namespace kurier::core::script
