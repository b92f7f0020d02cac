// The embedded broker's transaction coordinator, spoken to request by request.
#include "model_client.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace kurier;
using namespace kurier::testing;

namespace {

using enum broker_errc;

constexpr std::int16_t first_protocol = 11, second_protocol = 12; // of Produce

// One broker, a topic "t" with two partitions, and a client that knows the protocol by heart.
class scene
{
public:
    explicit scene(cluster_options options = {}) : cluster{std::move(options)}
    {
        cluster.create_topic("t", 2);
        client.emplace(cluster, clock, 1);
    }

    identity_answer init(std::int64_t producer_id = -1, std::int16_t epoch = -1, const std::string& id = "x")
    {
        const auto told = client->ask<protocol::init_producer_id_response>(
            protocol::init_producer_id_request{id, 60'000, producer_id, epoch, false, false}, 5);
        return {broker_errc{told->error_code}, told->producer_id, told->producer_epoch};
    }

    broker_errc add_partition(const identity_answer& as, std::int32_t partition = 0,
                              const std::string& topic = "t")
    {
        const auto told = client->ask<protocol::add_partitions_to_txn_response>(
            protocol::add_partitions_to_txn_request{"x", as.producer_id, as.epoch, {{topic, {partition}}}},
            3);
        return broker_errc{told->results_by_topic.at(0).results_by_partition.at(0).partition_error_code};
    }

    broker_errc add_group(const identity_answer& as)
    {
        const auto told = client->ask<protocol::add_offsets_to_txn_response>(
            protocol::add_offsets_to_txn_request{"x", as.producer_id, as.epoch, "group"}, 3);
        return broker_errc{told->error_code};
    }

    broker_errc write(const identity_answer& as, std::int32_t sequence, std::int16_t version,
                      std::int32_t partition = 0, std::uint16_t attributes = batch_transactional)
    {
        const auto batch = batch_builder{model_clock::begin_ms}
                               .records(1)
                               .producer(as.producer_id, as.epoch, sequence)
                               .attributes(attributes)
                               .build();
        auto request = client->produce_request("t", partition, batch, version);
        request.transactional_id = "x";
        const auto told = client->ask<protocol::produce_response>(request, version);
        return broker_errc{told->responses.at(0).partition_responses.at(0).error_code};
    }

    identity_answer end(const identity_answer& as, bool commit, std::int16_t version)
    {
        const auto told = client->ask<protocol::end_txn_response>(
            protocol::end_txn_request{"x", as.producer_id, as.epoch, commit}, version);
        return {broker_errc{told->error_code}, told->producer_id, told->producer_epoch};
    }

    broker_errc commit_offset(const identity_answer& as, std::int64_t offset, std::int16_t version,
                              const std::string& member = "", std::int32_t generation = -1,
                              std::optional<std::string> instance = {})
    {
        protocol::txn_offset_commit_request request{"x",        "group", as.producer_id, as.epoch,
                                                    generation, member,  instance,       {}};
        auto& topic = request.topics.emplace_back();
        if (version >= 6)
            topic.topic_id = cluster.state().topic("t").id;
        else
            topic.name = "t";
        topic.partitions.push_back({1, offset, 3, "note"});
        const auto told = client->ask<protocol::txn_offset_commit_response>(request, version);
        return broker_errc{told->topics.at(0).partitions.at(0).error_code};
    }

    std::size_t committed(std::int32_t partition = 0)
    {
        return cluster.log("t", partition, isolation::read_committed).size();
    }
    std::size_t written(std::int32_t partition = 0) { return cluster.log("t", partition).size(); }
    std::int64_t unstable(std::int32_t partition = 0) // how much of the log isn't stable
    {
        const auto& log = cluster.state().log("t", partition);
        return log.end_offset() - log.last_stable_offset();
    }
    void advance() { cluster.transactions().advance(clock.now().wall_ms); }
    transaction_phase phase() { return cluster.transactions().find("x")->phase; }

    model_clock clock;
    cluster_model cluster;
    std::optional<model_client> client;
};

cluster_options with_brokers(std::int32_t count)
{
    cluster_options options;
    options.brokers = count;
    return options;
}

} // namespace

TEST_CASE("coordinator: the first protocol, committed and aborted (KIP-98)")
{
    scene s;
    const auto me = s.init();
    CHECK(me.error == none);
    CHECK(me.epoch == 0);
    CHECK(s.add_partition(me) == none);
    CHECK(s.write(me, 0, first_protocol) == none);
    CHECK(s.written() == 1);
    CHECK(s.committed() == 0);
    CHECK(s.unstable() == 1);
    CHECK(s.end(me, true, 4).error == none);
    CHECK(s.committed() == 1);
    CHECK(s.unstable() == 0);
    CHECK(s.end(me, true, 4).error == none); // the same again
    CHECK(s.end(me, false, 4).error == invalid_txn_state);

    CHECK(s.add_partition(me) == none);
    CHECK(s.write(me, 1, first_protocol) == none); // sequences go on
    CHECK(s.end(me, false, 4).error == none);
    CHECK(s.end(me, true, 4).error == invalid_txn_state);
    CHECK(s.written() == 2);
    CHECK(s.committed() == 1);
    CHECK(s.unstable() == 0);
    CHECK(s.cluster.state().log("t", 0).end_offset() == 4); // two markers
    CHECK(s.cluster.violations().surely_wrong() == 0);
}

TEST_CASE("coordinator: the second protocol adds by writing, and each end has the next epoch (KIP-890)")
{
    scene s;
    auto me = s.init();
    CHECK(s.write(me, 0, second_protocol) == none);
    const auto next = s.end(me, true, 5);
    CHECK(next.error == none);
    CHECK(next.producer_id == me.producer_id);
    CHECK(next.epoch == 1);
    CHECK(s.end(me, true, 5).epoch == 1); // the same again
    CHECK(s.end(me, false, 5).error == invalid_txn_state);
    CHECK(s.write(me, 1, second_protocol) == invalid_producer_epoch); // of the epoch that is over
    CHECK(s.write(next, 1, second_protocol) == out_of_order_sequence_number);
    CHECK(s.write(next, 0, second_protocol) == none);
    const auto third = s.end(next, false, 5);
    CHECK(third.epoch == 2);
    CHECK(s.end(third, true, 5).error == invalid_txn_state); // empty
    CHECK(s.end(third, false, 5).epoch == 3);                // which may be aborted
    CHECK(s.committed() == 1);
    CHECK(s.unstable() == 0);
}

TEST_CASE("coordinator: a batch that overtakes a lost one is taken only where nothing of the producer is "
          "known (KAFKA-14312)")
{
    scene s;
    auto me = s.init();
    CHECK(s.write(me, 1, second_protocol) == none);
    CHECK(s.write(me, 0, second_protocol) == out_of_order_sequence_number); // so the transaction is aborted
    me = s.end(me, false, 5);
    CHECK(s.write(me, 1, second_protocol) == out_of_order_sequence_number); // the marker told the epoch
    CHECK(s.write(me, 0, second_protocol) == none);
    CHECK(s.write(me, 1, second_protocol) == none);
    me = s.end(me, true, 5);
    CHECK(s.committed() == 2);
}

TEST_CASE("coordinator: after the last epoch comes another producer id, in both protocols (KIP-360, KIP-890)")
{
    scene s;
    auto me = s.init();
    constexpr std::int16_t last_epoch = 32766;
    while (me.epoch < last_epoch) me = s.init(me.producer_id, me.epoch);
    CHECK(s.write(me, 0, second_protocol) == none);
    const auto next = s.end(me, true, 5);
    CHECK(next.error == none);
    CHECK(next.producer_id != me.producer_id);
    CHECK(next.epoch == 0);
    CHECK(s.end(me, true, 5).producer_id == next.producer_id); // the same again
    CHECK(s.write(next, 0, second_protocol) == none);
    CHECK(s.end(next, true, 5).epoch == 1);
    CHECK(s.committed() == 2);

    me = s.init();
    while (me.epoch < last_epoch) me = s.init(me.producer_id, me.epoch);
    const auto other = s.init(me.producer_id, me.epoch);
    CHECK(other.producer_id != me.producer_id);
    CHECK(s.init(me.producer_id, me.epoch).producer_id == other.producer_id); // the same again
    CHECK(s.init(me.producer_id, me.epoch).epoch == 0);
}

TEST_CASE("coordinator: a second producer with the same id fences the first, and ends what it had open")
{
    scene s;
    const auto elder = s.init();
    CHECK(s.add_partition(elder) == none);
    CHECK(s.write(elder, 0, first_protocol) == none);
    CHECK(s.init().error == concurrent_transactions);
    const auto newer = s.init();
    CHECK(newer.producer_id == elder.producer_id);
    CHECK(newer.epoch == 2); // one in between is nobody's
    CHECK(s.add_partition(elder) == producer_fenced);
    CHECK(s.add_group(elder) == producer_fenced);
    CHECK(s.end(elder, true, 4).error == producer_fenced);
    CHECK(s.init(elder.producer_id, elder.epoch).error == producer_fenced);
    CHECK(s.write(elder, 1, first_protocol) == invalid_producer_epoch);
    CHECK(s.write(elder, 1, second_protocol) == invalid_producer_epoch);
    CHECK(s.committed() == 0);
    CHECK(s.unstable() == 0);
    CHECK(s.client
              ->ask<protocol::end_txn_response>(
                  protocol::end_txn_request{"x", elder.producer_id, elder.epoch, true}, 1)
              ->error_code == code_of(invalid_producer_epoch)); // PRODUCER_FENCED came with version 2
}

TEST_CASE("coordinator: an epoch is raised for who names the last one, once (KIP-360)")
{
    scene s;
    const auto me = s.init();
    const auto next = s.init(me.producer_id, me.epoch);
    CHECK(next.epoch == 1);
    CHECK(s.init(me.producer_id, me.epoch).epoch == 1); // the answer got lost
    CHECK(s.init(next.producer_id, next.epoch).epoch == 2);
    CHECK(s.init(me.producer_id, me.epoch).error == producer_fenced);
    CHECK(s.init(me.producer_id + 7, 0).error == producer_fenced);
}

TEST_CASE("coordinator: a transaction that takes too long is aborted, and its producer fenced (KIP-588)")
{
    scene s;
    const auto me = s.init();
    CHECK(s.add_partition(me) == none);
    CHECK(s.write(me, 0, first_protocol) == none);
    s.clock.passed += 60s;
    s.advance();
    CHECK(s.unstable() == 1);
    s.clock.passed += 1s;
    s.advance();
    CHECK(s.unstable() == 0);
    CHECK(s.committed() == 0);
    CHECK(s.phase() == transaction_phase::complete_abort);
    CHECK(s.write(me, 1, first_protocol) == invalid_producer_epoch);
    CHECK(s.end(me, true, 4).error == producer_fenced);
}

TEST_CASE("coordinator: while markers are written everything is CONCURRENT_TRANSACTIONS")
{
    scene s;
    const auto me = s.init();
    CHECK(s.add_partition(me) == none);
    CHECK(s.write(me, 0, first_protocol) == none);
    s.cluster.transactions().hold_markers();
    CHECK(s.end(me, true, 4).error == none); // it is decided
    CHECK(s.phase() == transaction_phase::prepare_commit);
    CHECK(s.committed() == 0);
    CHECK(s.end(me, true, 4).error == concurrent_transactions);
    CHECK(s.end(me, false, 4).error == invalid_txn_state);
    CHECK(s.add_partition(me) == concurrent_transactions);
    CHECK(s.init().error == concurrent_transactions);
    s.cluster.transactions().release_markers(s.clock.now().wall_ms);
    CHECK(s.committed() == 1);
    CHECK(s.add_partition(me) == none);
}

TEST_CASE("coordinator: a partition without a leader gets its marker when it has one")
{
    scene s{with_brokers(2)};
    const std::string id = "x";
    s.cluster.transactions().move_coordinator(id, 1);
    const auto me = s.init();
    CHECK(s.add_partition(me, 0) == none);
    CHECK(s.add_partition(me, 1) == none);
    CHECK(s.write(me, 0, first_protocol, 0) == none);
    s.cluster.stop_broker(2); // it leads partition 1
    CHECK(s.end(me, true, 4).error == none);
    CHECK(s.committed(0) == 1);
    CHECK(s.phase() == transaction_phase::prepare_commit);
    s.cluster.start_broker(2);
    s.advance();
    CHECK(s.phase() == transaction_phase::complete_commit);
}

TEST_CASE("coordinator: brokers don't take what is not in the transaction (KIP-890 part 1)")
{
    cluster_options options;
    SUBCASE("since Kafka 3.6")
    {
        scene s{options};
        const auto me = s.init();
        CHECK(s.write(me, 0, 11) == transaction_abortable);
        CHECK(s.write(me, 0, 10) == invalid_txn_state);
        CHECK(s.written() == 0);
        CHECK(s.write({none, me.producer_id + 1, 0}, 0, 11) == invalid_producer_id_mapping);
        CHECK(s.add_partition(me, 1) == none);
        CHECK(s.write(me, 0, 11, 0) == transaction_abortable);
        CHECK(s.write(me, 0, 11, 1) == none);
    }
    SUBCASE("before, it hangs")
    {
        options.verifies_transactions = false;
        scene s{options};
        const auto me = s.init();
        CHECK(s.write(me, 0, 9) == none);
        CHECK(s.end(me, false, 3).error == invalid_txn_state);
        CHECK(s.unstable() == 1);
    }
}

TEST_CASE("coordinator: a partition with an epoch of the client's own making refuses the marker, and stands "
          "still (KIP-1228)")
{
    scene s;
    const auto me = s.init();
    CHECK(s.add_partition(me) == none);
    CHECK(s.write(me, 0, first_protocol) == none);
    identity_answer raised = me;
    ++raised.epoch;
    CHECK(s.write(raised, 0, first_protocol) == none); // the partition is open: nobody asks
    CHECK(s.end(me, true, 4).error == none);
    CHECK(s.unstable() == 2);
    CHECK(s.committed() == 0);
    CHECK(s.cluster.violations().count(violation::marker_refused) == 1);
}

TEST_CASE("coordinator: within a transaction a partition takes nothing else from that producer")
{
    scene s;
    const auto me = s.init();
    CHECK(s.write(me, 0, second_protocol) == none);
    CHECK(s.write(me, 1, second_protocol, 0, 0) == invalid_txn_state);
    CHECK(s.write(me, 1, second_protocol) == none);
}

TEST_CASE("coordinator: a partition that doesn't exist keeps the others out; nor does anybody else have a "
          "transaction")
{
    scene s;
    const auto me = s.init();
    const protocol::add_partitions_to_txn_request request{"x", me.producer_id, me.epoch, {{"t", {0, 7}}}};
    const auto told = s.client->ask<protocol::add_partitions_to_txn_response>(request, 3);
    const auto& results = told->results_by_topic.at(0).results_by_partition;
    CHECK(results.at(0).partition_error_code == code_of(operation_not_attempted));
    CHECK(results.at(1).partition_error_code == code_of(unknown_topic_or_partition));
    CHECK(s.phase() == transaction_phase::empty);
    CHECK(s.add_partition(me, 0, "nowhere") == unknown_topic_or_partition);
    CHECK(s.add_partition({none, me.producer_id + 1, 0}) == invalid_producer_id_mapping);
    CHECK(s.end({none, me.producer_id + 1, 0}, true, 4).error == invalid_producer_id_mapping);
    CHECK(s.end(me, true, 4).error == invalid_txn_state);
    CHECK(s.end(me, false, 4).error == invalid_txn_state); // empty: of the first protocol
}

TEST_CASE("coordinator: what InitProducerId refuses")
{
    scene s;
    CHECK(s.init(-1, -1, "").error == invalid_request);
    const auto too_long = s.client->ask<protocol::init_producer_id_response>(
        protocol::init_producer_id_request{"x", 900'001, -1, -1, false, false}, 5);
    CHECK(too_long->error_code == code_of(invalid_transaction_timeout));
    CHECK(s.init(7, -1).error == invalid_request);
}

TEST_CASE("coordinator: each key has one, which moves when its broker stops or a test wants it")
{
    scene s{with_brokers(3)};
    auto& transactions = s.cluster.transactions();
    for (const std::string key : {"x", "y", "group"}) {
        const broker_id first = transactions.coordinator_of(key);
        model_client anybody{s.cluster, s.clock, first == 1 ? 2 : 1};
        auto found = anybody.ask<protocol::find_coordinator_response>(
            protocol::find_coordinator_request{key, 1, {}}, 3);
        CHECK(found->node_id == first);
        CHECK(found->host == "broker-" + std::to_string(first));
        found = anybody.ask<protocol::find_coordinator_response>(
            protocol::find_coordinator_request{"", 0, {key, ""}}, 4);
        CHECK(found->coordinators.at(0).node_id == first);
        CHECK(found->coordinators.at(1).error_code == code_of(invalid_request));
        s.cluster.stop_broker(first);
        CHECK(transactions.coordinator_of(key) != first);
        s.cluster.start_broker(first);
        transactions.move_coordinator(key, 3);
        CHECK(transactions.coordinator_of(key) == 3);
        transactions.move_coordinator(key, 2);
    }
    s.client.emplace(s.cluster, s.clock, 1); // who says so
    CHECK(s.init().error == not_coordinator);
    CHECK(s.end({}, true, 4).error == not_coordinator);
    CHECK(s.add_partition({}) == not_coordinator);
    CHECK(s.add_group({}) == not_coordinator);
    CHECK(s.commit_offset({}, 5, 3) == not_coordinator);
    for (const broker_id id : {1, 2, 3}) s.cluster.state().stop_broker(id);
    CHECK(transactions.coordinator_of("x") == -1);
}

TEST_CASE("coordinator: a group's offsets come with the commit, and not with an abort")
{
    scene s;
    auto me = s.init();
    auto& groups = s.cluster.groups();
    CHECK(s.commit_offset(me, 5, 4) == transaction_abortable); // the group is not in the transaction
    CHECK(s.commit_offset(me, 5, 3) == invalid_txn_state);
    CHECK(s.add_group(me) == none);
    CHECK(s.commit_offset(me, 5, 3) == none);
    CHECK(groups.is_pending("group"));
    CHECK_FALSE(groups.committed("group", "t", 1));
    CHECK(s.end(me, true, 4).error == none);
    CHECK_FALSE(groups.is_pending("group"));
    CHECK(groups.committed("group", "t", 1) == committed_offset{5, 3, "note"});

    for (const auto version : {std::int16_t{5}, std::int16_t{6}}) {
        CHECK(s.commit_offset(me, 6, version) == none); // KIP-890
        me = s.end(me, false, 5);
        CHECK(groups.committed("group", "t", 1)->offset == 5);
    }
    CHECK(s.commit_offset(me, 7, 6) == none);
    me = s.end(me, true, 5);
    CHECK(groups.committed("group", "t", 1)->offset == 7);
    CHECK_FALSE(groups.committed("group", "t", 0));
    CHECK_FALSE(groups.committed("others", "t", 1));
}

TEST_CASE("coordinator: offsets are for members of the group as it is now (KIP-447)")
{
    scene s;
    const auto me = s.init();
    CHECK(s.commit_offset(me, 5, 5, "member", 3) == illegal_generation); // nobody joined
    CHECK(s.commit_offset(me, 5, 6, "member", 3) == group_id_not_found);
    CHECK(s.commit_offset(me, 5, 5) == none);
    CHECK(s.commit_offset(me, 5, 6, "member", 3) == unknown_member_id); // offsets make a group
    s.cluster.groups().join("group", "member", 3, "instance");
    CHECK(s.commit_offset(me, 5, 5, "member", 3) == none);
    CHECK(s.commit_offset(me, 5, 5, "member", 3, "instance") == none);
    CHECK(s.commit_offset(me, 5, 5, "member", 2) == illegal_generation);
    CHECK(s.commit_offset(me, 5, 5, "somebody", 3) == unknown_member_id);
    CHECK(s.commit_offset(me, 5, 5, "somebody", 3, "instance") == fenced_instance_id);
    s.cluster.groups().leave("group", "member");
    CHECK(s.commit_offset(me, 5, 5, "member", 3) == unknown_member_id);
}

TEST_CASE(
    "coordinator: an unclean election takes an open transaction, and brings back one whose marker is lost")
{
    scene s;
    auto me = s.init();
    CHECK(s.write(me, 0, second_protocol) == none);
    s.cluster.state().elect_unclean_leader("t", 0, 1, 0);
    CHECK(s.unstable() == 0);
    CHECK(s.write(me, 0, second_protocol) == none);
    me = s.end(me, false, 5);
    CHECK(s.write(me, 0, second_protocol) == none);
    me = s.end(me, true, 5);
    CHECK(s.committed() == 1);
    s.cluster.state().elect_unclean_leader("t", 0, 1, 3); // without the second marker
    CHECK(s.unstable() == 1);
    CHECK(s.committed() == 0);
    s.cluster.state().elect_unclean_leader("t", 0, 1, 2); // the aborted one is still known
    CHECK(s.written() == 1);
    CHECK(s.committed() == 0);
    CHECK(s.unstable() == 0);
}

TEST_CASE(
    "coordinator: ApiVersions tells the finalized transaction.version, of brokers that have it (KIP-584)")
{
    scene s;
    const protocol::api_versions_request request{"test", "1", {}, -1};
    const auto level = [&](std::int16_t version) {
        const auto told = s.client->ask<protocol::api_versions_response>(request, version);
        const auto& features = told->finalized_features;
        return features.empty() ? 0 : int{features.front().max_version_level};
    };
    CHECK(level(4) == 2);
    CHECK(level(2) == 0);
    s.cluster.finalize_transaction_version(1);
    CHECK(level(4) == 1);
    CHECK(s.client->ask<protocol::api_versions_response>(request, 4)->finalized_features_epoch == 2);
    s.cluster.finalize_transaction_version(0);
    CHECK(level(4) == 0);
    s.cluster.finalize_transaction_version(2);
    s.cluster.set_versions(1, version_table::kafka_3_9());
    model_client older{s.cluster, s.clock};
    const auto told = older.ask<protocol::api_versions_response>(request, 3);
    CHECK(told->finalized_features.empty());
    CHECK(told->finalized_features_epoch == -1);
}
