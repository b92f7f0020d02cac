// Produce v3-13 as the leader of a partition answers it. A request names its topics by name, since v13 by id
// only. Errors come in Kafka's order: unknown topic, shape of the batch, acks, leadership,
// min.insync.replicas, then what the log says. NOT_LEADER_OR_FOLLOWER carries who leads since v10 (KIP-951),
// as far as this broker knows.
#pragma once

#include <kurier/testing/apis/api.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::produce_request>
{
public:
    using request = protocol::produce_request;
    using response = protocol::produce_response;
    static constexpr released_versions released{{3, 7}, {3, 9}, {3, 11}, {3, 13}, {3, 7}};

    explicit api(const broker_parts& parts)
        : cluster_{parts.cluster}, faults_{parts.faults}, violations_{parts.violations},
          observer_{parts.observer}, transactions_{parts.transactions}
    {}

    void answer(call& call, const request& asked, response& told)
    {
        call_ = &call;
        acks_ = asked.acks;
        transactional_id_ = asked.transactional_id ? &*asked.transactional_id : nullptr;
        any_error_ = false;
        waiting_.clear();
        told.throttle_time_ms = 0;
        told.node_endpoints.clear();
        told.responses.resize(asked.topic_data.size());
        for (topic_ = 0; topic_ != asked.topic_data.size(); ++topic_)
            answer_topic(asked.topic_data[topic_], told.responses[topic_]);
        if (call.version >= 10 && any_error_) add_endpoints(told);
        call.timeout_ms = asked.timeout_ms;
        end(call);
    }

    void fail(call& call, broker_errc error, const request& asked, response& told)
    {
        told = {};
        for (const protocol::produce_request_topic& topic : asked.topic_data) {
            protocol::produce_response_topic& failed = told.responses.emplace_back();
            failed.name = topic.name;
            failed.topic_id = topic.topic_id;
            for (const protocol::produce_request_partition& data : topic.partition_data) {
                answered& partition = failed.partition_responses.emplace_back();
                partition.index = data.index;
                partition.error_code = code_of(error);
                partition.base_offset = -1;
            }
        }
        acks_ = asked.acks;
        any_error_ = true;
        end(call);
    }

    // What the client is told when acks=all wasn't reached in time. The records are in the log all the same.
    void time_out(response& told) const
    {
        for (const auto& [topic, partition] : waiting_)
            told.responses[topic].partition_responses[partition].error_code =
                code_of(broker_errc::request_timed_out);
    }

    std::uint64_t batches_appended() const noexcept { return appended_; }
    std::uint64_t batches_duplicate() const noexcept { return duplicates_; }

private:
    using answered = protocol::produce_response_partition;

    // Without a response, hanging up is Kafka's only way to tell an error.
    void end(call& call) const noexcept
    {
        call.unanswered = acks_ == 0;
        call.hang_up = acks_ == 0 && any_error_;
    }

    void answer_topic(const protocol::produce_request_topic& asked, protocol::produce_response_topic& told)
    {
        told.name = call_->version <= 12 ? asked.name : std::string{};
        told.topic_id = call_->version >= 13 ? asked.topic_id : uuid{};
        told.partition_responses.clear();
        const cluster_metadata& known = cluster_.metadata_of(call_->broker);
        const topic_metadata* topic = call_->version >= 13 ? known.find_topic(asked.topic_id)
                                                           : known.find_topic(std::string_view{asked.name});
        for (const protocol::produce_request_partition& data : asked.partition_data) {
            answered& partition = told.partition_responses.emplace_back();
            partition.index = data.index;
            partition.base_offset = -1;
            answer_partition(topic, data, told);
        }
        if (asked.partition_data.size() > 1) check_repeated(asked);
    }

    void answer_partition(const topic_metadata* topic, const protocol::produce_request_partition& data,
                          protocol::produce_response_topic& topic_told)
    {
        answered& told = topic_told.partition_responses.back();
        position_ = topic_told.partition_responses.size() - 1;
        static const std::string nameless = "?";
        produced_batch batch{
            .broker = call_->broker, .topic = topic ? topic->name : nameless, .partition = data.index};
        const std::optional<partition_fault> ordered =
            topic ? faults_.take(topic->name, data.index) : std::nullopt;
        if (ordered && !ordered->after_append && ordered->error != broker_errc::none)
            fail(told, ordered->error);
        else
            produce(topic, data, told, batch);
        if (ordered && ordered->after_append && told.error_code == 0) fail(told, ordered->error);
        if (told.error_code == code_of(broker_errc::not_leader_or_follower)) hint(topic, told);
        batch.error = static_cast<broker_errc>(told.error_code);
        batch.base_offset = told.base_offset;
        any_error_ |= told.error_code != 0;
        if (observer_) observer_(batch);
        if (ordered && ordered->repeat) topic_told.partition_responses.push_back(answered{told});
        if (ordered && ordered->omit) {
            topic_told.partition_responses.pop_back();
            std::erase(waiting_, std::pair{topic_, position_});
        }
    }

    void produce(const topic_metadata* topic, const protocol::produce_request_partition& data, answered& told,
                 produced_batch& batch)
    {
        if (!topic || !topic->find(data.index)) return fail(told, unknown_topic(topic));
        validation checked = batch_validator::check_shape(data.records.view(), call_->version);
        batch.header = checked.header;
        call_->idempotent |= checked.header.producer_id != -1;
        if (checked.failed()) return fail(told, checked.error);
        if (checked.header.transactional() && !transactional_id_)
            return fail(told, broker_errc::transactional_id_authorization_failed);
        if (acks_ < -1 || acks_ > 1) return fail(told, broker_errc::invalid_required_acks);

        // The truth, which this broker's metadata may lag behind.
        const topic_metadata* now = cluster_.metadata().find_topic(topic->id);
        const partition_metadata* partition = now ? now->find(data.index) : nullptr;
        if (!partition) return fail(told, unknown_topic(nullptr));
        if (partition->leader != call_->broker) return fail(told, broker_errc::not_leader_or_follower);
        topic_state& state = *cluster_.find_state(topic->id);
        partition_state& stored = state.partitions[static_cast<std::size_t>(data.index)];
        if (acks_ == -1 && !enough_in_sync(*partition, state.options)) {
            told.log_start_offset = stored.log.start_offset();
            return fail(told, broker_errc::not_enough_replicas);
        }
        if (checked.header.transactional())
            if (const auto error = join(topic->id, data.index, stored, checked.header);
                error != broker_errc::none)
                return fail(told, error);
        append(state, stored, partition->leader_epoch, std::move(checked), told, batch);
    }

    // Is the partition in the transaction? Since version 12 it gets in this way (KIP-890); before, brokers since Kafka 3.6
    // ask the coordinator, unless it is open here already.
    broker_errc join(const uuid& topic, std::int32_t index, const partition_state& stored,
                     const batch_header& header)
    {
        const bool adds = call_->version >= 12;
        const transactional_client client{*transactional_id_, header.producer_id, header.producer_epoch,
                                          adds};
        if (!adds && (!cluster_.options().verifies_transactions ||
                      stored.log.transactions().is_open(header.producer_id)))
            return broker_errc::none;
        const auto error = adds ? transactions_.add(client, {{topic, index}}, {}, call_->now.wall_ms)
                                : transactions_.verify(client, {topic, index});
        switch (error) {
        case broker_errc::
            producer_fenced: // old clients would end for it, though only the coordinator may fence them
            return broker_errc::invalid_producer_epoch;
        case broker_errc::transaction_abortable:
            return call_->version >= 11 ? error : broker_errc::invalid_txn_state;
        case broker_errc::concurrent_transactions:
            return adds ? error : broker_errc::not_enough_replicas;
        default:
            return error;
        }
    }

    void append(topic_state& state, partition_state& stored, std::int32_t leader_epoch, validation checked,
                answered& told, produced_batch& batch)
    {
        append_result result = stored.log.append(std::move(checked), state.options, cluster_.options(),
                                                 leader_epoch, call_->now.wall_ms);
        report(result, state.name, told.index, batch.header);
        told.error_code = code_of(result.error);
        told.base_offset = result.base_offset;
        told.log_append_time_ms = result.log_append_time;
        told.log_start_offset = result.log_start_offset;
        for (record_error& record : result.record_errors)
            told.record_errors.push_back({record.batch_index, std::move(record.message)});
        if (!result.message.empty()) told.error_message = std::move(result.message);
        batch.duplicate = result.duplicate;
        batch.appended = result.error == broker_errc::none && !result.duplicate;
        appended_ += batch.appended ? 1 : 0;
        duplicates_ += result.duplicate ? 1 : 0;
        if (acks_ == -1 && stored.followers_stopped && result.error == broker_errc::none) {
            waiting_.emplace_back(topic_, position_);
            call_->awaited.push_back(&stored);
        }
    }

    void report(const append_result& result, const std::string& topic, std::int32_t partition,
                const batch_header& header)
    {
        const bool gap = result.error == broker_errc::out_of_order_sequence_number;
        if (!gap && !result.duplicate_of_other_content && !result.wrong_offset_deltas &&
            !result.wrong_max_timestamp)
            return;
        const std::string where =
            topic + '-' + std::to_string(partition) + ", producer " + std::to_string(header.producer_id) +
            " epoch " + std::to_string(header.producer_epoch) + ", sequence " +
            std::to_string(header.base_sequence) + ", " + std::to_string(header.record_count) + " records";
        if (gap) violations_.add(violation::sequence_gap, where);
        if (result.duplicate_of_other_content) violations_.add(violation::sequence_reused, where);
        if (result.wrong_offset_deltas) violations_.add(violation::wrong_offset_deltas, where);
        if (result.wrong_max_timestamp) violations_.add(violation::wrong_max_timestamp, where);
    }

    static bool enough_in_sync(const partition_metadata& partition, const topic_options& options) noexcept
    {
        const auto replicas = static_cast<std::int32_t>(partition.replicas.size());
        return static_cast<std::int32_t>(partition.isr.size()) >=
               std::min(options.min_insync_replicas, replicas);
    }

    broker_errc unknown_topic(const topic_metadata* topic) const noexcept
    {
        return call_->version >= 13 && !topic ? broker_errc::unknown_topic_id
                                              : broker_errc::unknown_topic_or_partition;
    }

    static void fail(answered& told, broker_errc error) noexcept { told.error_code = code_of(error); }

    void hint(const topic_metadata* topic, answered& told) const noexcept
    {
        const partition_metadata* partition =
            topic && call_->version >= 10 ? topic->find(told.index) : nullptr;
        if (partition && cluster_.options().leader_hints)
            told.current_leader = {partition->leader, partition->leader_epoch};
    }

    void add_endpoints(response& told) const
    {
        for (const protocol::produce_response_topic& topic : told.responses) {
            for (const answered& partition : topic.partition_responses) {
                const broker_id leader = partition.current_leader.leader_id;
                const auto same = [&](const protocol::node_endpoint& known) {
                    return known.node_id == leader;
                };
                if (leader == -1 || std::ranges::any_of(told.node_endpoints, same)) continue;
                const broker_endpoint* broker = cluster_.metadata_of(call_->broker).find_broker(leader);
                if (broker && broker->alive)
                    told.node_endpoints.push_back({broker->id, broker->host, broker->port, {}});
            }
        }
    }

    void check_repeated(const protocol::produce_request_topic& asked)
    {
        partitions_.clear();
        for (const auto& data : asked.partition_data) partitions_.push_back(data.index);
        std::ranges::sort(partitions_);
        if (std::ranges::adjacent_find(partitions_) != partitions_.end())
            violations_.add(violation::partition_twice, asked.name);
    }

    cluster_state& cluster_;
    fault_script& faults_;
    violation_log& violations_;
    const produce_observer& observer_;
    transaction_coordinator& transactions_;

    // Of the request in hand
    call* call_ = nullptr;
    std::int16_t acks_ = 0;
    const std::string* transactional_id_ = nullptr;
    bool any_error_ = false;
    std::size_t topic_ = 0, position_ = 0; // in the answer
    std::vector<std::pair<std::size_t, std::size_t>> waiting_;
    std::vector<std::int32_t> partitions_;

    std::uint64_t appended_ = 0, duplicates_ = 0;
};

} // namespace kurier::inline KURIER_ABI::testing
