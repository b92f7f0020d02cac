// The simulator itself: it repeats itself, it covers what it should, and its checker notices when brokers lie.
#include "every_place.hpp"
#include "exhaustive.hpp"
#include "odd_responses.hpp"

#include <doctest/doctest.h>

using namespace kurier::testing;

namespace {

simulation_options calm_options(std::uint64_t seed)
{
    auto options = random_options(seed);
    options.faults = {};
    options.producer.enable_idempotence.reset();
    options.producer.acks = kurier::acks::all;
    options.producer.delivery_timeout = std::chrono::seconds{60};
    options.invariants_every = 16;
    options.active = std::chrono::seconds{2};
    return options;
}

} // namespace

TEST_CASE("without faults everything that is taken is delivered, once and in order")
{
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        simulation run{calm_options(seed)};
        run.run();
        CAPTURE(seed);
        CHECK(run.broken() == std::vector<std::string>{});
        CHECK(run.checker().book().size() > 0);
        for (const auto& record : run.checker().book().records())
            if (record.told > 0 && record.sent < std::chrono::seconds{2} &&
                record.timeout == kurier::core::never)
                CHECK((record.state == record_state::delivered || record.written == kurier::persisted::no));
    }
}

TEST_CASE("a seed always does the same")
{
    for (std::uint64_t seed = 100; seed < 110; ++seed) {
        simulation first{random_options(seed)}, second{random_options(seed)};
        first.run();
        second.run();
        CHECK(first.hash() == second.hash());
        CHECK(first.steps() == second.steps());
    }
}

TEST_CASE("what is recorded does not change what happens")
{
    auto options = random_options(5);
    simulation quiet{options};
    options.events_kept = 1000;
    options.invariants_every = 1;
    simulation recorded{options};
    quiet.run();
    recorded.run();
    CHECK(quiet.hash() == recorded.hash());
    CHECK_FALSE(recorded.events().empty());
}

TEST_CASE("every placement of one fault in small scripts")
{
    simulation_tests::campaign runs{5};
    simulation_tests::run_exhaustive(runs, 1);
    CHECK(runs.violations() == 0);
}

TEST_CASE("small sessions, disturbed at every byte and every step")
{
    simulation_tests::campaign runs{5};
    simulation_tests::every_place places{runs, 1};
    const auto sessions = simulation_tests::small_sessions();
    CHECK(sessions.size() >= 40);
    for (std::size_t i = 2; i < sessions.size(); i += 40)
        places.disturb(sessions[i]); // tests/simulate does all
    CHECK(places.cases() > 10'000);
    CHECK(runs.violations() == 0);
}

TEST_CASE("odd values in the fields of responses break nothing, and are forgotten afterwards")
{
    simulation_tests::campaign runs{5};
    simulation_tests::odd_responses odd{runs};
    odd.run(9); // tests/simulate does all
    CHECK(odd.cases() > 400);
    CHECK(runs.violations() == 0);
}

TEST_CASE("the checker notices a broker that acknowledges what it does not write")
{
    auto options = calm_options(3);
    options.cluster.leader_hints = false;
    simulation run{options};
    run.cluster().fail_next("topic-0", 0, kurier::broker_errc::not_leader_or_follower, 1000);
    run.cluster().edit<kurier::protocol::produce_response>(
        [](broker_id, kurier::protocol::produce_response& answer) {
            for (auto& topic : answer.responses)
                for (auto& partition : topic.partition_responses) {
                    if (partition.error_code != 0) partition.base_offset = 0;
                    partition.error_code = 0;
                }
        });
    run.run();
    REQUIRE_FALSE(run.broken().empty());
    CHECK(run.broken().front().find("is delivered, and no log has it") != std::string::npos);
}

TEST_CASE("the checker notices a broker that gives wrong offsets")
{
    simulation run{calm_options(3)};
    run.cluster().edit<kurier::protocol::produce_response>(
        [](broker_id, kurier::protocol::produce_response& answer) {
            for (auto& topic : answer.responses)
                for (auto& partition : topic.partition_responses)
                    if (partition.error_code == 0) ++partition.base_offset;
        });
    run.run();
    REQUIRE_FALSE(run.broken().empty());
    CHECK(run.broken().front().find("is delivered with offset") != std::string::npos);
}

TEST_CASE("the checker notices a broker that forgets what it has acknowledged")
{
    simulation run{calm_options(3)};
    run.cluster().edit<kurier::protocol::produce_response>(
        [&](broker_id, kurier::protocol::produce_response&) {
            auto& log = run.cluster().state().log("topic-0", 0);
            if (log.end_offset() > 5) log.truncate_to(1, producer_memory::rebuilt);
        });
    run.run();
    CHECK_FALSE(run.broken().empty());
}

TEST_CASE("it is noticed when nothing is delivered after the faults")
{
    const auto broken_by = [](std::uint64_t seed, auto change) {
        auto options = calm_options(seed);
        options.cluster.brokers = 2;
        options.topics.resize(1);
        options.topics[0].options.partitions = 2;
        simulation run{change(options)};
        run.run();
        return run.broken().empty() ? std::string{} : run.broken().front();
    };
    CHECK(broken_by(3, [](auto options) { return options; }) == "");
    CHECK(
        broken_by(3,
                  [](auto options) {
                      options.topics[0].options.max_message_bytes = 61; // less than any batch has
                      return options;
                  }) ==
        "no recovery: topic-0-0 takes no record; topic-0-1 takes no record; broker 1 takes no record without "
        "key of topic-0; broker 2 takes no record without key of topic-0; some keys of topic-0 fail;");
}
