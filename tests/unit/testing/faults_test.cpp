// Trouble that a test orders in advance, and what the model says of bad clients.
#include <kurier/testing/cluster_model.hpp>

#include "model_client.hpp"

#include <doctest/doctest.h>

using namespace kurier;
using namespace kurier::testing;

namespace {

struct fault_fixture
{
    model_clock clock;
    cluster_model cluster;

    fault_fixture() { cluster.create_topic("t", 2); }
    model_client client() { return {cluster, clock}; }
    std::size_t stored(std::int32_t partition = 0) { return cluster.log("t", partition).size(); }
};

constexpr std::int16_t produce_key = protocol::produce_request::api_key;

} // namespace

TEST_CASE_FIXTURE(fault_fixture, "the next batches of a partition fail, before or after the append")
{
    auto c = client();
    cluster.fail_next("t", 0, broker_errc::not_leader_or_follower, 2);
    cluster.fail_next_after_append("t", 0, broker_errc::request_timed_out);
    CHECK(c.try_produce("t", 1, records(1)) == broker_errc::none);
    CHECK(c.try_produce("t", 0, records(1)) == broker_errc::not_leader_or_follower);
    CHECK(c.try_produce("t", 0, records(1)) == broker_errc::not_leader_or_follower);
    CHECK(stored() == 0);
    CHECK(c.try_produce("t", 0, records(1)) == broker_errc::request_timed_out);
    CHECK(stored() == 1);
    CHECK(c.try_produce("t", 0, records(1)) == broker_errc::none);
    CHECK(cluster.faults().empty());
}

TEST_CASE_FIXTURE(fault_fixture, "a partition is missing from the answer, or in it twice")
{
    auto c = client();
    cluster.faults().add("t", 0, {.error = broker_errc::none, .omit = true});
    cluster.faults().add("t", 0, {.error = broker_errc::none, .repeat = true});
    const bytes batch = records(1);
    auto told = c.ask<protocol::produce_response>(c.produce_request("t", 0, batch, 13), 13);
    CHECK(told->responses[0].partition_responses.empty());
    told = c.ask<protocol::produce_response>(c.produce_request("t", 0, batch, 13), 13);
    CHECK(told->responses[0].partition_responses.size() == 2);
    CHECK(stored() == 2);
}

TEST_CASE_FIXTURE(
    fault_fixture,
    "a response that waits for followers can be edited like any other, and so can its late form")
{
    auto c = client();
    cluster.stop_followers("t", 0);
    cluster.edit<protocol::produce_response>([](broker_id, protocol::produce_response& response) {
        auto& partitions = response.responses.at(0).partition_responses;
        partitions.emplace(partitions.begin())->index = 7;
    });
    const bytes batch = records(1);
    c.send(c.produce_request("t", 0, batch, 13), 13);
    CHECK(c.read().empty());
    clock.passed += 2s; // the request's own timeout
    const auto told = c.receive<protocol::produce_response>(13);
    REQUIRE(told);
    const auto& partitions = told->responses.at(0).partition_responses;
    REQUIRE(partitions.size() == 2);
    CHECK(partitions[0].index == 7);
    CHECK(partitions[0].error_code == 0);
    CHECK(partitions[1].index == 0);
    CHECK(partitions[1].error_code == code_of(broker_errc::request_timed_out));
}

TEST_CASE_FIXTURE(fault_fixture, "a partition that is missing from a response that waits for followers")
{
    auto c = client();
    cluster.stop_followers("t", 0);
    cluster.faults().add("t", 0, {.error = broker_errc::none, .omit = true});
    const bytes batch = records(1);
    c.send(c.produce_request("t", 0, batch, 13), 13);
    clock.passed += 2s;
    CHECK(c.receive<protocol::produce_response>(13)->responses.at(0).partition_responses.empty());
}

TEST_CASE_FIXTURE(fault_fixture, "an answer is late, and holds up those behind it")
{
    auto c = client();
    cluster.inject({.api_key = produce_key, .delay = 50ms});
    const bytes batch = records(1);
    c.send(c.produce_request("t", 0, batch, 13), 13);
    c.send(c.produce_request("t", 1, batch, 13), 13);
    CHECK(c.read().empty());
    CHECK(stored(0) == 1);
    CHECK(stored(1) == 0);
    CHECK(cluster.next_due() == 50ms);
    clock.passed = 49ms;
    CHECK_FALSE(cluster.take_ready(clock.now()));
    clock.passed = 50ms;
    CHECK(cluster.take_ready(clock.now()) == c.id());
    CHECK(c.receive<protocol::produce_response>(13));
    CHECK(c.receive<protocol::produce_response>(13));
    CHECK(stored(1) == 1);
    CHECK(cluster.next_due() == core::never);
}

TEST_CASE_FIXTURE(fault_fixture,
                  "a client that leaves before a late answer leaves its records; what waited is kept or lost")
{
    for (const auto rest : {cluster_model::unhandled::dropped, cluster_model::unhandled::handled}) {
        const std::size_t before = stored(1);
        auto c = client();
        cluster.inject({.delay = 1h});
        const bytes batch = records(1);
        c.send(c.produce_request("t", 0, batch, 13), 13);
        c.send(c.produce_request("t", 1, batch, 13), 13);
        cluster.disconnect(c.id(), rest, clock.now());
        CHECK(stored(1) - before == (rest == cluster_model::unhandled::handled ? 1 : 0));
        CHECK(cluster.connections() == 0);
        CHECK(cluster.next_due() == core::never);
    }
    CHECK(stored(0) == 2);
}

TEST_CASE_FIXTURE(fault_fixture, "the connection breaks at any byte of the answer; the request is handled")
{
    auto reference = client();
    const bytes batch = records(1);
    reference.send(reference.produce_request("t", 0, batch, 13), 13);
    const std::size_t size = reference.read().size();
    for (std::size_t cut = 0; cut <= size; ++cut) {
        auto c = client();
        cluster.inject({.api_key = produce_key, .close_after_answer_bytes = cut});
        c.send(c.produce_request("t", 0, batch, 13), 13);
        CHECK(c.read().size() == cut);
        CHECK(c.closed());
    }
    CHECK(stored() == size + 2);
}

TEST_CASE_FIXTURE(fault_fixture, "the connection breaks at any byte of the request; it is not handled")
{
    auto c = client();
    bytes frame;
    const bytes batch = records(1);
    REQUIRE(protocol::write_request_frame(frame, c.produce_request("t", 0, batch, 13), 13, 1, "test"));
    for (std::size_t cut = 0; cut <= frame.size(); ++cut) {
        auto d = client();
        cluster.inject({.api_key = produce_key, .close_after_request_bytes = cut});
        for (std::size_t i = 0; i != frame.size() && !d.closed(); ++i) {
            d.send({frame[i]});
            d.read();
            CHECK_MESSAGE(d.closed() == (i + 1 >= std::max(cut, frame_front::bytes)), cut << " " << i);
        }
        CHECK(d.closed());
        CHECK(cluster.faults().empty());
    }
    CHECK(stored() == 0);
}

TEST_CASE_FIXTURE(fault_fixture, "answers that make no sense")
{
    const bytes batch = records(1);
    auto c = client();
    cluster.inject({.answer = answer_fault::wrong_correlation_id});
    auto sent = c.send(c.produce_request("t", 0, batch, 13), 13);
    CHECK(c.receive<protocol::produce_response>(13));
    CHECK(c.answered_correlation_id() != sent);

    cluster.inject({.answer = answer_fault::twice});
    sent = c.send(c.produce_request("t", 0, batch, 13), 13);
    CHECK(c.receive<protocol::produce_response>(13));
    CHECK(c.answered_correlation_id() == sent);
    CHECK(c.receive<protocol::produce_response>(13));
    CHECK(c.answered_correlation_id() == sent);

    cluster.inject({.answer = answer_fault::swallowed});
    c.send(c.produce_request("t", 0, batch, 13), 13);
    sent = c.send(c.produce_request("t", 0, batch, 13), 13);
    CHECK(c.receive<protocol::produce_response>(13));
    CHECK(c.answered_correlation_id() == sent);

    cluster.inject({.answer = answer_fault::garbage});
    sent = c.send(c.produce_request("t", 0, batch, 13), 13);
    const auto garbage = c.next_frame();
    REQUIRE(garbage);
    CHECK(correlation_id_of(*garbage) == sent);
    protocol::produce_response response;
    CHECK_FALSE(protocol::decode_response(bytes_view{*garbage}.subspan(4), 13, response));

    cluster.inject({.answer = answer_fault::never});
    c.send(c.produce_request("t", 0, batch, 13), 13);
    c.send(c.produce_request("t", 0, batch, 13), 13);
    clock.passed = 24h;
    CHECK(c.read().empty());
    CHECK_FALSE(c.closed());
    CHECK(stored() == 6);
}

TEST_CASE_FIXTURE(fault_fixture, "throttling is told, and nothing is read for so long (KIP-219)")
{
    auto c = client();
    cluster.inject({.api_key = produce_key, .throttle_ms = 200});
    REQUIRE(c.try_produce("t", 0, records(1)) == broker_errc::none);
    CHECK(c.throttle_time_ms == 200);
    CHECK_FALSE(c.produce("t", 0, records(1)));
    CHECK(cluster.violations().count(violation::sent_while_throttled) == 1);
    CHECK(cluster.violations().surely_wrong() == 0);
    CHECK(stored() == 1);
    clock.passed = 200ms;
    CHECK(cluster.take_ready(clock.now()) == c.id());
    CHECK(c.receive<protocol::produce_response>(13));
    CHECK(stored() == 2);
}

TEST_CASE_FIXTURE(fault_fixture, "errors of whole requests, for one broker, after some others")
{
    auto c = client();
    cluster.inject({.api_key = protocol::init_producer_id_request::api_key,
                    .broker = 1,
                    .skip = 1,
                    .times = 2,
                    .error = broker_errc::coordinator_load_in_progress});
    const auto ask = [&] {
        return c.ask<protocol::init_producer_id_response>(protocol::init_producer_id_request{}, 4)
            ->error_code;
    };
    CHECK(ask() == 0);
    CHECK(ask() == code_of(broker_errc::coordinator_load_in_progress));
    CHECK(ask() == code_of(broker_errc::coordinator_load_in_progress));
    CHECK(ask() == 0);

    cluster.inject({.api_key = produce_key, .error = broker_errc::kafka_storage_error});
    CHECK(c.try_produce("t", 0, records(1)) == broker_errc::kafka_storage_error);
    cluster.inject(
        {.api_key = protocol::metadata_request::api_key, .error = broker_errc::leader_not_available});
    CHECK(c.metadata("t").topics[0].error_code == code_of(broker_errc::leader_not_available));
    CHECK(stored() == 0);
}

TEST_CASE_FIXTURE(fault_fixture, "requests can be intercepted, and answers edited")
{
    auto c = client();
    int seen = 0;
    cluster.intercept(protocol::metadata_request::api_key, [&](const request_view& request) {
        protocol::metadata_request asked;
        REQUIRE(request.decode(asked));
        if (++seen == 1) return interception::pass();
        protocol::metadata_response empty;
        return interception::answer(empty, request, 10ms);
    });
    CHECK(c.metadata("t").topics.size() == 1);
    c.send(protocol::metadata_request{}, 12);
    CHECK_FALSE(c.receive<protocol::metadata_response>(12));
    clock.passed += 10ms;
    CHECK(c.receive<protocol::metadata_response>(12)->brokers.empty());
    CHECK(c.metadata("t").topics.size() == 1);
    CHECK(seen == 2);

    cluster.edit<protocol::metadata_response>(
        [](broker_id, protocol::metadata_response& response) { response.controller_id = 77; });
    CHECK(c.metadata("t").controller_id == 77);

    cluster.intercept(produce_key, [](const request_view&) { return interception::close(); });
    CHECK_FALSE(c.produce("t", 0, records(1)));
    CHECK(c.closed());
    CHECK(stored() == 0);
}

TEST_CASE_FIXTURE(fault_fixture, "what clients do wrong is counted")
{
    auto c = client();
    const bytes batch = records(1);
    auto request = c.produce_request("t", 0, batch, 13);
    request.topic_data[0].partition_data.push_back(request.topic_data[0].partition_data[0]);
    c.send(request, 13);
    CHECK(cluster.violations().count(violation::partition_twice) == 1);

    REQUIRE(c.next_frame());
    CHECK(c.try_produce("t", 1, records(2).producer(3, 0, 0)) == broker_errc::none);
    auto d = client();
    CHECK(d.try_produce("t", 1, records(2).producer(3, 0, 5)) == broker_errc::out_of_order_sequence_number);
    CHECK(cluster.violations().count(violation::sequence_gap) == 1);
    const bytes other =
        batch_builder{model_clock::begin_ms}.record("a", "b").record("c", "d").producer(3, 0, 0);
    CHECK(d.try_produce("t", 1, other) == broker_errc::none);
    CHECK(cluster.violations().count(violation::sequence_reused) == 1);
    CHECK(d.try_produce("t", 1, records(2).max_timestamp(5)) == broker_errc::none);
    CHECK(cluster.violations().count(violation::wrong_max_timestamp) == 1);

    cluster.inject({.delay = 1s});
    for (int i = 0; i != 5; ++i) d.send(d.produce_request("t", 1, batch, 13), 13);
    CHECK(cluster.violations().count(violation::too_many_in_flight) == 0);
    d.send(d.produce_request("t", 1, batch, 13), 13);
    CHECK(cluster.violations().count(violation::too_many_in_flight) == 1);
    CHECK(cluster.violations().texts().size() >= 5);
}

TEST_CASE_FIXTURE(fault_fixture, "unknown tagged fields are counted, and skipped")
{
    auto c = client();
    bytes frame;
    const protocol::metadata_request request{.topics = std::nullopt};
    REQUIRE(protocol::write_request_frame(frame, request, 12, 5, "test"));
    frame.back() = std::byte{1}; // one tagged field: 99, of two bytes
    for (const int b : {99, 2, 0, 0}) frame.push_back(static_cast<std::byte>(b));
    protocol::overwrite_size(frame, 0, frame.size() - 4);
    c.send(frame);
    CHECK(c.receive<protocol::metadata_response>(12));
    CHECK(cluster.violations().count(violation::not_canonical) == 1);
}

TEST_CASE_FIXTURE(fault_fixture, "an observer sees every batch")
{
    std::vector<std::string> seen;
    cluster.observe([&](const produced_batch& batch) {
        seen.push_back(batch.topic + " " + std::to_string(batch.partition) + " at " +
                       std::to_string(batch.base_offset) + (batch.appended ? " appended" : "") +
                       (batch.duplicate ? " duplicate" : ""));
    });
    auto c = client();
    (void)c.produce("t", 0, records(1).producer(1, 0, 0));
    (void)c.produce("t", 0, records(1).producer(1, 0, 0));
    (void)c.produce("t", 0, records(1).producer(1, 0, 9));
    CHECK(seen == std::vector<std::string>{"t 0 at 0 appended", "t 0 at 0 duplicate", "t 0 at -1"});
}

TEST_CASE_FIXTURE(fault_fixture, "the same script gives the same bytes")
{
    const auto run = [] {
        fault_fixture f;
        bytes all;
        auto c = f.client();
        f.cluster.inject({.skip = 2, .answer = answer_fault::garbage});
        for (int i = 0; i != 5; ++i) {
            const bytes batch = records(i + 1).producer(1, 0, i * 3);
            c.send(c.produce_request("t", i % 2, batch, 13), 13);
            c.send(protocol::metadata_request{}, 12);
            const bytes& out = c.read();
            all.insert(all.end(), out.begin(), out.end());
        }
        return all;
    };
    CHECK(run() == run());
}
