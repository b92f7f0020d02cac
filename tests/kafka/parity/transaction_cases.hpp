// Transactions, by both protocols: what the coordinator and the leaders of partitions answer (KIP-98, KIP-360, KIP-890).
#pragma once

#include "cases.hpp"

#include <cstdint>
#include <string>

namespace kurier::parity {
namespace transaction_rules {

inline std::string name_of(std::int16_t error)
{
    return error == 0 ? "ok" : std::string{error_name(static_cast<broker_errc>(error))};
}

struct identity
{
    std::int64_t id = -1;
    std::int16_t epoch = -1;
};

// A producer that says each thing once more as long as the last transaction's markers are being written.
class transacting
{
public:
    explicit transacting(run& to) : run_{to}, topic_{to.new_topic()}, client_{to.broker().connect()}
    {
        to.broker().topic_id(topic_);
        id_ = topic_ + "x";
        find(id_, protocol::coordinator_type::transaction);
    }

    // Until there is one: the first request makes its topic.
    void find(const std::string& key, protocol::coordinator_type type)
    {
        wait_until("there is a coordinator", [&] {
            const auto told = client_.ask<protocol::find_coordinator_response>(
                protocol::find_coordinator_request{key, static_cast<std::int8_t>(type), {}}, 3);
            return told && told->error_code == 0;
        });
    }

    identity init(const std::string& what, identity known = {}, std::int32_t timeout_ms = 60'000,
                  std::int16_t version = 5)
    {
        const protocol::init_producer_id_request request{id_,         timeout_ms, known.id,
                                                         known.epoch, false,      false};
        const auto told = patiently<protocol::init_producer_id_response>(
            request, version, [](const auto& response) { return response.error_code; });
        run_.line(what + ": " + name_of(told.error_code) +
                  relation(told.producer_id, told.producer_epoch, known));
        return {told.producer_id, told.producer_epoch};
    }

    void add(const std::string& what, identity as, std::int32_t partition = 0, std::int16_t version = 3)
    {
        const protocol::add_partitions_to_txn_request request{id_, as.id, as.epoch, {{topic_, {partition}}}};
        const auto told =
            patiently<protocol::add_partitions_to_txn_response>(request, version, [](const auto& response) {
                return response.results_by_topic.at(0).results_by_partition.at(0).partition_error_code;
            });
        run_.line(what + ": " +
                  name_of(told.results_by_topic.at(0).results_by_partition.at(0).partition_error_code));
    }

    void add_group(const std::string& what, identity as)
    {
        const protocol::add_offsets_to_txn_request request{id_, as.id, as.epoch, "group"};
        const auto told = patiently<protocol::add_offsets_to_txn_response>(
            request, 3, [](const auto& response) { return response.error_code; });
        run_.line(what + ": " + name_of(told.error_code));
    }

    void write(const std::string& what, identity as, std::int32_t sequence, std::int16_t version,
               std::uint16_t attributes = batch_transactional)
    {
        const auto batch = records(1).producer(as.id, as.epoch, sequence).attributes(attributes).build();
        protocol::produce_request request;
        request.transactional_id = id_;
        request.acks = -1;
        request.timeout_ms = 5000;
        auto& topic = request.topic_data.emplace_back();
        topic.name = topic_;
        topic.partition_data.push_back({0, nullable_bytes{bytes_view{batch}}});
        const auto told = patiently<protocol::produce_response>(request, version, [](const auto& response) {
            return response.responses.at(0).partition_responses.at(0).error_code;
        });
        const auto& partition = told.responses.at(0).partition_responses.at(0);
        run_.line(what + ": " + name_of(partition.error_code) + ", offset " +
                  std::to_string(partition.base_offset));
    }

    identity end(const std::string& what, identity as, bool commit, std::int16_t version)
    {
        const protocol::end_txn_request request{id_, as.id, as.epoch, commit};
        const auto told = patiently<protocol::end_txn_response>(
            request, version, [](const auto& response) { return response.error_code; });
        run_.line(what + ": " + name_of(told.error_code) +
                  relation(told.producer_id, told.producer_epoch, as));
        return {told.producer_id, told.producer_epoch};
    }

    void commit_offset(const std::string& what, identity as, std::int16_t version,
                       std::int32_t generation = -1, const std::string& member = "")
    {
        protocol::txn_offset_commit_request request{id_,        "group", as.id, as.epoch,
                                                    generation, member,  {},    {}};
        request.topics.push_back({topic_, {}, {{0, 5, 0, "note"}}});
        const auto told =
            patiently<protocol::txn_offset_commit_response>(request, version, [](const auto& response) {
                return response.topics.at(0).partitions.at(0).error_code;
            });
        run_.line(what + ": " + name_of(told.topics.at(0).partitions.at(0).error_code));
    }

private:
    static std::string relation(std::int64_t id, std::int16_t epoch, identity before)
    {
        return (id == -1          ? ", no id"
                : id == before.id ? ", same id"
                                  : ", other id") +
               (", epoch " + std::to_string(epoch));
    }

    template <class Response, class Request, class Error>
    Response patiently(const Request& request, std::int16_t version, Error error_of)
    {
        Response told;
        wait_until("something else than CONCURRENT_TRANSACTIONS", [&] {
            auto response = client_.ask<Response>(request, version);
            if (!response) throw std::runtime_error("the connection is closed");
            told = std::move(*response);
            const auto error = static_cast<broker_errc>(error_of(told));
            return error != broker_errc::concurrent_transactions &&
                   error != broker_errc::coordinator_load_in_progress &&
                   error != broker_errc::coordinator_not_available && error != broker_errc::not_coordinator;
        });
        return told;
    }

    run& run_;
    std::string topic_, id_;
    raw_client client_;
};

inline void first_protocol(run& to)
{
    transacting s{to};
    const auto me = s.init("init");
    s.end("commit of nothing", me, true, 4);
    s.end("abort of nothing", me, false, 4);
    s.add("add", me);
    s.add("add again", me);
    s.write("write", me, 0, 11);
    s.write("the same", me, 0, 11);
    s.end("commit", me, true, 4);
    s.end("commit again", me, true, 4);
    s.end("abort after commit", me, false, 4);
    s.add("add", me);
    s.write("write", me, 1, 9);
    s.end("abort", me, false, 3);
    s.end("abort again", me, false, 3);
    s.end("commit after abort", me, true, 3);
    s.add("a partition that isn't there", me, 9);
    // Kafka remembers the lowest sequence that it refused so, and takes none above it later. The embedded broker doesn't.
    s.write("after the end", me, 9, 11);
    s.write("after the end, of version 10", me, 9, 10);
    s.write("not transactional", me, 2, 11, 0);
    s.add("add", me);
    s.write("write", me, 3, 11);
    s.write("not transactional, while it is open", me, 4, 11, 0);
    s.end("abort", me, false, 4);
}

inline void second_protocol(run& to)
{
    transacting s{to};
    const auto me = s.init("init");
    s.end("commit of nothing", me, true, 5);
    auto next = s.end("abort of nothing", me, false, 5);
    s.write("with the old epoch", me, 0, 12);
    s.write("write", next, 0, 12);
    s.write("the same", next, 0, 12);
    const auto third = s.end("commit", next, true, 5);
    s.end("commit again", next, true, 5);
    s.end("abort after commit", next, false, 5);
    s.write("with the old epoch", next, 1, 12);
    s.write("in the middle", third, 1, 12);
    s.write("write", third, 0, 12);
    const auto fourth = s.end("abort", third, false, 5);
    s.end("abort again", third, false, 5);
    s.end("commit after abort", third, true, 5);
    s.end("commit of nothing", fourth, true, 5);
    s.write("write", fourth, 0, 12);
    s.end("commit", fourth, true, 5);
}

inline void fencing(run& to)
{
    transacting s{to};
    const auto elder = s.init("init");
    s.add("add", elder);
    s.write("write", elder, 0, 11);
    const auto newer = s.init("a second one, the first has a transaction open");
    s.add("add", elder);
    s.add("add, of version 1", elder, 0, 1);
    s.add_group("add a group", elder);
    s.end("commit", elder, true, 4);
    s.end("commit, of version 1", elder, true, 1);
    s.end("commit, by the second protocol", elder, true, 5);
    s.write("write", elder, 1, 11);
    s.write("write, by the second protocol", elder, 1, 12);
    s.init("init with its epoch", elder);
    s.init("init with its epoch, of version 3", elder, 60'000, 3);
    s.add("another id", {newer.id + 1000, 0});
    s.end("another id", {newer.id + 1000, 0}, true, 4);
    s.write("another id", {newer.id + 1000, 0}, 0, 12);
    s.add("the newer one", newer);
    s.write("the newer one", newer, 0, 11);
    s.end("the newer one", newer, true, 4);
}

inline void epochs(run& to)
{
    transacting s{to};
    const auto me = s.init("init");
    const auto next = s.init("with its epoch", me);
    s.init("again", me);
    s.init("with the new one", next);
    s.init("with the first one", me);
    s.init("with another id", {me.id + 1000, 0});
    s.init("too long", {}, 2'000'000'000);
    s.init("no time", {}, 0);
}

inline void offsets(run& to)
{
    transacting s{to};
    s.find("group", protocol::coordinator_type::group);
    auto me = s.init("init");
    s.commit_offset("without the group", me, 4);
    s.commit_offset("without the group, of version 3", me, 3);
    s.add_group("add the group", me);
    s.commit_offset("commit", me, 4);
    s.commit_offset("of a member, in a group that nobody joined", me, 4, 3, "member");
    s.end("commit", me, true, 4);
    s.commit_offset("by the second protocol", me, 5);
    me = s.end("abort", me, false, 5);
    s.commit_offset("again", me, 5);
    me = s.end("commit", me, true, 5);
}

} // namespace transaction_rules

inline std::vector<named_case> transaction_cases()
{
    using namespace transaction_rules;
    return {{"transactions, first protocol", first_protocol},
            {"transactions, second protocol", second_protocol},
            {"transactions, fencing", fencing},
            {"transactions, epochs", epochs},
            {"transactions, offsets", offsets}};
}

} // namespace kurier::parity
