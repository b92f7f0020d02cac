// A transactional producer's machine as a dialogue: what it sends is checked and answered line by line.
#pragma once

#include <kurier/core/transaction/transactional.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace kurier::tests {

using namespace core;
using namespace std::chrono_literals;

class transaction_script
{
public:
    explicit transaction_script(txn_protocol protocol = txn_protocol::v1)
        : transaction_script{txn_settings{"payments-7"}}
    {
        if (protocol == txn_protocol::v2) finalize(1, 2);
    }
    explicit transaction_script(txn_settings settings) : producer{std::move(settings), random_}
    {
        topic.name = topic_name{"payments"};
        for (std::int32_t index = 0; index < 3; ++index) {
            auto& made = topic.partitions.emplace_back();
            made.topic = &topic;
            made.index = index;
        }
    }

    void finalize(std::int64_t epoch, std::int16_t level)
    {
        protocol::api_versions_response told;
        told.finalized_features_epoch = epoch;
        told.finalized_features = {{"transaction.version", level, level}};
        producer.learn(told);
    }

    void wait(nanoseconds time)
    {
        now.steady += time;
        producer.on_time(now);
    }
    nanoseconds in(nanoseconds time) const { return now.steady + time; }

    // The next request is this one, to that node (-1: any broker); it is sent.
    std::uint32_t sends(txn_request what, std::int16_t version, std::int32_t node)
    {
        const auto step = producer.next(now, drained);
        REQUIRE(step);
        REQUIRE(static_cast<int>(step->what) == static_cast<int>(what));
        CHECK((step->to ? step->to->node : -1) == node);
        needs = step->needs;
        return producer.sent(what, version);
    }
    bool silent() { return !producer.next(now, drained); }

    void finds_coordinator(std::int32_t node)
    {
        const auto request = sends(txn_request::find_coordinator, 3, -1);
        protocol::find_coordinator_response told;
        told.node_id = node;
        told.host = "broker";
        told.port = 9092;
        CHECK(producer.responded(request, told, now));
    }

    void initializes(std::int64_t id, std::int16_t epoch, std::int16_t version = 4, std::int32_t node = 1)
    {
        const auto request = sends(txn_request::init_producer_id, version, node);
        CHECK(producer.responded(request, protocol::init_producer_id_response{0, 0, id, epoch}, now));
    }
    void init_fails(broker_errc error, std::int16_t version = 4)
    {
        const auto request = sends(txn_request::init_producer_id, version, 1);
        CHECK(producer.responded(request, protocol::init_producer_id_response{0, code(error), -1, -1}, now));
    }

    void adds_partitions(broker_errc error = broker_errc::none)
    {
        const auto asked = producer.add_partitions();
        const auto request = sends(txn_request::add_partitions, 3, 1);
        protocol::add_partitions_to_txn_response told;
        for (const auto& one : asked.topics) {
            auto& results = told.results_by_topic.emplace_back();
            results.name = one.name;
            for (const auto index : one.partitions)
                results.results_by_partition.push_back({index, code(error)});
        }
        CHECK(producer.responded(request, told, now));
    }

    void ends(bool commit, broker_errc error = broker_errc::none, std::int64_t id = -1,
              std::int16_t epoch = -1)
    {
        CHECK(producer.end_txn().committed == commit);
        const auto request = sends(txn_request::end_txn, id < 0 ? 4 : 5, 1);
        CHECK(producer.responded(request, protocol::end_txn_response{0, code(error), id, epoch}, now));
    }

    // Into a transaction of producer 7, epoch 0.
    void begins(std::int16_t init_version = 4)
    {
        REQUIRE(producer.begin(in(60s)) == txn_misuse::none);
        finds_coordinator(1);
        initializes(7, 0, init_version);
        completes(txn_call::begin);
    }
    // And a partition in it.
    partition_state& writes(std::size_t index = 0)
    {
        auto& partition = topic.partitions[index];
        producer.want(partition);
        if (producer.protocol() == txn_protocol::v1) adds_partitions();
        REQUIRE(producer.admits(partition));
        producer.produced();
        return partition;
    }

    void completes(txn_call call, txn_outcome outcome = txn_outcome::done, error_code why = {})
    {
        const auto completion = producer.next_completion();
        REQUIRE(completion);
        CHECK(static_cast<int>(completion->call) == static_cast<int>(call));
        CHECK(static_cast<int>(completion->outcome) == static_cast<int>(outcome));
        CHECK(completion->error == why);
        last = *completion;
    }
    bool nothing_completed() { return !producer.next_completion(); }

    static std::int16_t code(broker_errc error) { return static_cast<std::int16_t>(error); }

    instant now{.steady = 100s};
    bool drained = true;
    topic_state topic;
    txn_needs needs; // of the last request
    txn_completion last;

private:
    random_source random_{7};

public:
    transactional producer;
};

} // namespace kurier::tests
