#include <kurier/testing/cluster_model.hpp>

#include "model_client.hpp"

#include <doctest/doctest.h>

using namespace kurier;
using namespace kurier::testing;

namespace {

struct fixture
{
    static cluster_options three_brokers()
    {
        cluster_options options;
        options.brokers = 3;
        return options;
    }

    model_clock clock;
    cluster_model cluster{three_brokers()};

    fixture()
    {
        topic_options options;
        options.partitions = 3;
        options.replication_factor = 3;
        cluster.create_topic("t", options);
    }
    model_client client(broker_id broker = 1) { return {cluster, clock, broker}; }
    broker_id leader(std::int32_t partition) { return cluster.state().partition_of("t", partition).leader; }
};

} // namespace

TEST_CASE_FIXTURE(fixture, "records are kept and can be read")
{
    auto c = client();
    const bytes batch =
        batch_builder{model_clock::begin_ms}.record("k", "v").record(nullptr, nullptr).producer(4, 2, 7);
    const auto told = c.produce("t", 0, batch);
    REQUIRE(told);
    CHECK(told->error_code == 0);
    CHECK(told->base_offset == 0);
    CHECK(told->log_append_time_ms == -1);
    const auto log = cluster.log("t", 0);
    REQUIRE(log.size() == 2);
    CHECK(log[0].key == "k");
    CHECK(log[0].value == "v");
    CHECK(log[0].timestamp == model_clock::begin_ms);
    CHECK(log[0].producer_id == 4);
    CHECK(log[0].producer_epoch == 2);
    CHECK(log[0].sequence == 7);
    CHECK(log[1].offset == 1);
    CHECK_FALSE(log[1].key);
    CHECK_FALSE(log[1].value);
    CHECK(log[1].sequence == 8);
    CHECK(cluster.batches_appended() == 1);
    CHECK(cluster.violations().surely_wrong() == 0);
}

TEST_CASE_FIXTURE(fixture, "every version of Produce, with names or with ids")
{
    auto c = client();
    for (std::int16_t version = 3; version <= 13; ++version) {
        const auto told = c.produce("t", 0, records(2), version);
        REQUIRE(told);
        CHECK(told->error_code == 0);
        CHECK(told->base_offset == 2 * (version - 3));
    }
    const bytes batch = records(1);
    protocol::produce_request unknown = c.produce_request("t", 0, batch, 13);
    unknown.topic_data[0].topic_id.bytes[0] ^= std::byte{1};
    const auto told = c.ask<protocol::produce_response>(unknown, 13);
    CHECK(told->responses[0].partition_responses[0].error_code == code_of(broker_errc::unknown_topic_id));
    CHECK(c.try_produce("t", 3, records(1), 13) == broker_errc::unknown_topic_or_partition);
    CHECK(c.try_produce("other", 0, records(1), 9) == broker_errc::unknown_topic_or_partition);
}

TEST_CASE_FIXTURE(fixture, "only the leader appends, and says who leads")
{
    auto c = client(1);
    CHECK(leader(1) == 2);
    const auto told = c.produce("t", 1, records(1), 10);
    CHECK(told->error_code == code_of(broker_errc::not_leader_or_follower));
    CHECK(told->current_leader == protocol::leader_id_and_epoch{2, 0});
    REQUIRE(c.endpoints.size() == 1);
    CHECK(c.endpoints[0].node_id == 2);

    CHECK(c.produce("t", 1, records(1), 9)->current_leader.leader_id == -1);
    cluster.state().options().leader_hints = false;
    CHECK(c.produce("t", 1, records(1), 10)->current_leader.leader_id == -1);

    cluster.state().move_leader("t", 1, 1);
    CHECK(c.try_produce("t", 1, records(1)) == broker_errc::none);
    CHECK(c.metadata("t").topics[0].partitions[1].leader_epoch == 1);
}

TEST_CASE_FIXTURE(fixture, "a broker that lags tells the old leader")
{
    cluster.state().stop_metadata_updates(3);
    cluster.state().move_leader("t", 0, 2);
    CHECK(client(3).metadata("t").topics[0].partitions[0].leader_id == 1);
    CHECK(client(2).metadata("t").topics[0].partitions[0].leader_id == 2);
    auto old = client(3);
    CHECK(old.produce("t", 0, records(1), 10)->current_leader == protocol::leader_id_and_epoch{1, 0});
    cluster.state().resume_metadata_updates(3);
    CHECK(client(3).metadata("t").topics[0].partitions[0].leader_epoch == 1);
}

TEST_CASE_FIXTURE(fixture, "a broker that stops breaks its connections and hands on its partitions")
{
    auto c = client(1);
    cluster.stop_broker(1);
    CHECK(c.read().empty());
    CHECK(c.closed());
    CHECK_FALSE(cluster.accept(1));
    CHECK(leader(0) == 2);
    const auto told = client(2).metadata("t");
    CHECK(told.brokers.size() == 2);
    CHECK(told.controller_id == 2);
    CHECK(told.topics[0].partitions[0].leader_epoch == 1);
    CHECK(told.topics[0].partitions[0].offline_replicas == std::vector<std::int32_t>{1});
    cluster.start_broker(1);
    CHECK(cluster.accept(1));
    CHECK(cluster.state().partition_of("t", 0).in_sync(1));
}

// What a partition remembers of its producers when its only broker restarts.
static void check_restart(producer_memory memory, std::size_t records_after, broker_errc older_batch)
{
    model_clock clock;
    cluster_options options;
    options.brokers = 2;
    cluster_model cluster{options};
    cluster.create_topic("t");
    model_client c{cluster, clock, 1};
    for (int i = 0; i != 3; ++i)
        REQUIRE(c.try_produce("t", 0, records(1).producer(5, 0, i)) == broker_errc::none);
    cluster.stop_broker(1);
    const auto told = model_client{cluster, clock, 2}.metadata("t").topics[0].partitions[0];
    CHECK(told.error_code == code_of(broker_errc::leader_not_available));
    CHECK(told.leader_id == -1);
    cluster.start_broker(1, memory);
    model_client again{cluster, clock, 1};
    CHECK(cluster.log("t").size() == 3);
    CHECK(again.try_produce("t", 0, records(1).producer(5, 0, 2)) == broker_errc::none);
    CHECK(cluster.log("t").size() == records_after);
    CHECK(again.try_produce("t", 0, records(1).producer(5, 0, 1)) == older_batch);
}

TEST_CASE("a partition without its only broker has no leader, and comes back with its log")
{
    check_restart(producer_memory::rebuilt, 3, broker_errc::none);
    check_restart(producer_memory::newest_only, 3, broker_errc::out_of_order_sequence_number);
    check_restart(producer_memory::lost, 4, broker_errc::out_of_order_sequence_number);
}

TEST_CASE_FIXTURE(fixture, "too few replicas in sync, before and after the append")
{
    auto c = client();
    topic_options options;
    options.min_insync_replicas = 2;
    cluster.state().set_topic_options("t", options);
    cluster.state().set_in_sync_replicas("t", 0, {1});
    const auto told = c.produce("t", 0, records(1));
    CHECK(told->error_code == code_of(broker_errc::not_enough_replicas));
    CHECK(cluster.log("t", 0).empty());
    const bytes batch = records(1);
    const auto with_one = c.ask<protocol::produce_response>(c.produce_request("t", 0, batch, 13, 1), 13);
    CHECK(with_one->responses[0].partition_responses[0].error_code == 0);
    cluster.fail_next_after_append("t", 1, broker_errc::not_enough_replicas_after_append);
    auto other = client(leader(1));
    CHECK(other.try_produce("t", 1, records(1)) == broker_errc::not_enough_replicas_after_append);
    CHECK(cluster.log("t", 1).size() == 1);
}

TEST_CASE_FIXTURE(fixture, "acks=all waits for followers, until the request's timeout")
{
    cluster.stop_followers("t", 0);
    auto c = client();
    CHECK_FALSE(c.produce("t", 0, records(1)));
    CHECK(cluster.next_due() == 1000ms);
    const bytes batch = records(1);
    c.send(c.produce_request("t", 0, batch, 13), 13); // not looked at yet
    CHECK(cluster.log("t", 0).size() == 1);
    clock.passed = 1000ms;
    CHECK(cluster.take_ready(clock.now()) == c.id());
    auto told = c.receive<protocol::produce_response>(13);
    REQUIRE(told);
    CHECK(told->responses[0].partition_responses[0].error_code == code_of(broker_errc::request_timed_out));
    CHECK(cluster.log("t", 0).size() == 2);
    clock.passed = 1500ms;
    cluster.resume_followers("t", 0, clock.now());
    told = c.receive<protocol::produce_response>(13);
    REQUIRE(told);
    CHECK(told->responses[0].partition_responses[0].error_code == 0);
    CHECK(told->responses[0].partition_responses[0].base_offset == 1);
    CHECK(cluster.next_due() == core::never);
}

TEST_CASE_FIXTURE(fixture, "acks=0 is not answered, and hung up on for an error")
{
    auto c = client();
    const bytes batch = records(1);
    c.send(c.produce_request("t", 0, batch, 13, 0), 13);
    CHECK(c.read().empty());
    CHECK_FALSE(c.closed());
    CHECK(cluster.log("t", 0).size() == 1);
    c.send(c.produce_request("t", 1, batch, 13, 0), 13);
    CHECK(c.read().empty());
    CHECK(c.closed());
}

TEST_CASE_FIXTURE(fixture, "a topic that is made anew has another id and an empty log")
{
    auto c = client();
    const uuid old = c.metadata("t").topics[0].topic_id;
    const bytes batch = records(1);
    const auto stale = c.produce_request("t", 0, batch, 13);
    REQUIRE(c.try_produce("t", 0, records(1)) == broker_errc::none);
    cluster.state().recreate_topic("t");
    CHECK(c.metadata("t").topics[0].topic_id != old);
    CHECK(cluster.log("t", 0).empty());
    const auto told = c.ask<protocol::produce_response>(stale, 13);
    CHECK(told->responses[0].partition_responses[0].error_code == code_of(broker_errc::unknown_topic_id));
    CHECK(cluster.state().find_state(old)->partitions[0].log.end_offset() == 1);
    cluster.state().delete_topic("t");
    CHECK(c.metadata("t").topics[0].error_code == code_of(broker_errc::unknown_topic_or_partition));
}

TEST_CASE_FIXTURE(fixture,
                  "a topic that is made anew may be smaller and have other leaders, whose epochs start over")
{
    auto c = client();
    cluster.state().move_leader("t", 0, 2);
    cluster.state().recreate_topic("t", {.partitions = 1}, 3);
    const auto partitions = c.metadata("t").topics[0].partitions;
    REQUIRE(partitions.size() == 1);
    CHECK(partitions[0].leader_id == 3);
    CHECK(partitions[0].leader_epoch == 0);
}

TEST_CASE_FIXTURE(fixture, "a leader may move within its epoch")
{
    auto c = client();
    const auto before = c.metadata("t").topics[0].partitions[0];
    const broker_id next = before.leader_id == 1 ? 2 : 1;
    cluster.state().move_leader("t", 0, next, cluster_state::epoch::same);
    const auto after = c.metadata("t").topics[0].partitions[0];
    CHECK(after.leader_id == next);
    CHECK(after.leader_epoch == before.leader_epoch);
}

TEST_CASE_FIXTURE(fixture, "leader epochs may lag in Metadata below version 9")
{
    auto c = client();
    for (int i = 0; i < 5; ++i) cluster.state().bump_leader_epoch("t", 0);
    cluster.state().partition_of("t", 0).epoch_lag = 2;
    const auto epoch_in = [&](std::int16_t version) {
        return c.metadata("t", version).topics[0].partitions[0].leader_epoch;
    };
    CHECK(epoch_in(9) == 5);
    CHECK(epoch_in(8) == 3);
    CHECK(epoch_in(7) == 3);
    CHECK(epoch_in(6) == -1);
}

TEST_CASE_FIXTURE(fixture, "a broker may refuse epochs that it didn't give out")
{
    cluster.state().options().refuses_raised_epochs = true;
    auto c = client();
    CHECK(c.try_produce("t", 0, records(1).producer(7, 0, 0)) == broker_errc::none);
    CHECK(c.try_produce("t", 0, records(1).producer(7, 1, 0)) == broker_errc::invalid_producer_epoch);
    CHECK(c.try_produce("t", 0, records(1).producer(7, 0, 1)) == broker_errc::none);
}

TEST_CASE_FIXTURE(fixture, "partitions can be added")
{
    cluster.state().add_partitions("t", 5);
    auto c = client();
    const auto partitions = c.metadata("t").topics[0].partitions;
    REQUIRE(partitions.size() == 5);
    auto l = client(partitions[4].leader_id);
    CHECK(l.try_produce("t", 4, records(1)) == broker_errc::none);
}

TEST_CASE_FIXTURE(fixture, "topics are created when they are asked for, if that is allowed")
{
    auto c = client();
    CHECK(c.metadata("new").topics[0].error_code == code_of(broker_errc::unknown_topic_or_partition));
    CHECK(c.metadata("new").topics[0].error_code == code_of(broker_errc::unknown_topic_or_partition));
    CHECK(c.metadata("new", 12, true).topics[0].error_code ==
          code_of(broker_errc::unknown_topic_or_partition));
    CHECK(c.metadata("new").topics[0].error_code == 0);
    CHECK(c.metadata("no good", 12, true).topics[0].error_code ==
          code_of(broker_errc::invalid_topic_exception));
    cluster.state().options().auto_create_topics_enable = false;
    CHECK(c.metadata("newer", 12, true).topics[0].error_code ==
          code_of(broker_errc::unknown_topic_or_partition));
    CHECK_FALSE(cluster.state().metadata().find_topic(std::string_view{"newer"}));
}

TEST_CASE_FIXTURE(fixture, "each producer id is given once")
{
    auto c = client();
    for (std::int16_t version = 0; version <= 5; ++version) {
        const auto told =
            c.ask<protocol::init_producer_id_response>(protocol::init_producer_id_request{}, version);
        CHECK(told->error_code == 0);
        CHECK(told->producer_id == version);
        CHECK(told->producer_epoch == 0);
    }
}

TEST_CASE_FIXTURE(fixture, "versions can be narrowed, for connections made later")
{
    auto before = client();
    cluster.set_versions(1, version_table::kafka_2_1());
    auto after = client();
    const protocol::api_versions_request request{
        .client_software_name = "test", .client_software_version = "1", .cluster_id = {}};
    CHECK(before.ask<protocol::api_versions_response>(request, 3)->error_code == 0);
    const auto told = after.ask<protocol::api_versions_response>(request, 2);
    const auto produce = std::ranges::find(told->api_keys, 0, &protocol::api_version::api_key);
    CHECK(produce->max_version == 7);

    after.send(request, 3);
    const auto refusal = after.receive<protocol::api_versions_response>(0);
    REQUIRE(refusal);
    CHECK(refusal->error_code == code_of(broker_errc::unsupported_version));
    CHECK_FALSE(after.closed());

    CHECK(after.try_produce("t", 0, records(1), 7) == broker_errc::none);
    CHECK_FALSE(after.produce("t", 0, records(1), 8));
    CHECK(after.closed());
    CHECK(cluster.violations().count(violation::unsupported_version) == 1);
    CHECK(before.try_produce("t", 0, records(1), 8) == broker_errc::none);
}

TEST_CASE_FIXTURE(fixture, "a client that believes to talk to another cluster is told so (KIP-1242)")
{
    auto c = client(2);
    protocol::api_versions_request request{
        .client_software_name = "test", .client_software_version = "1", .cluster_id = {}};
    request.cluster_id = cluster.state().options().cluster_id;
    request.node_id = 2;
    CHECK(c.ask<protocol::api_versions_response>(request, 5)->error_code == 0);
    request.node_id = 1;
    CHECK(c.ask<protocol::api_versions_response>(request, 5)->error_code ==
          code_of(broker_errc::rebootstrap_required));
    cluster.state().set_cluster_id("another");
    request.node_id = 2;
    CHECK(c.ask<protocol::api_versions_response>(request, 5)->error_code ==
          code_of(broker_errc::rebootstrap_required));
    CHECK(c.metadata("t").cluster_id == "another");
}

TEST_CASE_FIXTURE(fixture, "requests arrive in any pieces")
{
    bytes stream;
    const bytes batch = records(3);
    auto whole = client();
    REQUIRE(protocol::write_request_frame(stream, whole.produce_request("t", 0, batch, 13), 13, 7, "test"));
    REQUIRE(protocol::write_request_frame(stream, protocol::metadata_request{}, 12, 8, "test"));
    whole.send(stream);
    REQUIRE(whole.next_frame());
    const auto expected = whole.next_frame();
    REQUIRE(expected);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        auto c = client();
        const auto middle = stream.begin() + static_cast<std::ptrdiff_t>(cut);
        c.send({stream.begin(), middle});
        c.send({middle, stream.end()});
        CHECK(c.next_frame());
        CHECK(c.next_frame() == expected);
        CHECK_FALSE(c.next_frame());
    }
    auto c = client();
    for (const std::byte b : stream) c.send({b});
    CHECK(c.next_frame());
    CHECK(c.next_frame() == expected);
    CHECK(cluster.violations().surely_wrong() == 0);
}

TEST_CASE_FIXTURE(fixture, "bytes that are no requests end the connection")
{
    const auto closes = [&](const bytes& sent) {
        auto c = client();
        c.send(sent);
        CHECK(c.read().empty());
        return c.closed();
    };
    const auto size = [](std::int32_t value) {
        bytes four(4);
        for (std::size_t i = 0; i != 4; ++i)
            four[i] = static_cast<std::byte>(static_cast<std::uint32_t>(value) >> (8 * (3 - i)));
        return four;
    };
    CHECK(closes(size(-1)));
    CHECK(closes(size(7)));
    CHECK(closes(size(cluster.state().options().socket_request_max_bytes + 1)));
    CHECK_FALSE(closes(size(cluster.state().options().socket_request_max_bytes)));
    bytes zeroes = size(100);
    zeroes.resize(104);
    CHECK(closes(zeroes)); // Produce v0
    bytes short_produce = size(14);
    for (const int b : {0, 0, 0, 9, 0, 0, 0, 1, 255, 255, 0, 1, 0, 1})
        short_produce.push_back(static_cast<std::byte>(b));
    CHECK(closes(short_produce));
    CHECK(cluster.connections() == 1);
}
