// Metadata v1-13: topics that don't exist are created when broker, request and name allow it, and the response that creates
// them says that they don't exist yet. A partition without leader is LEADER_NOT_AVAILABLE. By id since v12.
#pragma once

#include <kurier/testing/apis/api.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::metadata_request>
{
public:
    using request = protocol::metadata_request;
    using response = protocol::metadata_response;
    static constexpr released_versions released{{1, 7}, {1, 11}, {1, 12}, {1, 13}, {1, 2}};

    explicit api(const broker_parts& parts) : cluster_{parts.cluster} {}

    void answer(call& call, const request& asked, response& told)
    {
        told = {};
        broker_ = call.broker;
        const cluster_metadata& known = cluster_.metadata_of(broker_);
        for (const broker_endpoint& broker : known.brokers) {
            if (broker.alive) told.brokers.push_back({broker.id, broker.host, broker.port, {}});
        }
        told.cluster_id = known.cluster_id;
        told.controller_id = known.controller;
        if (!asked.topics) {
            for (const auto& [name, topic] : known.topics)
                told.topics.push_back(describe(topic, call.version));
            return;
        }
        for (const protocol::metadata_request_topic& topic : *asked.topics)
            told.topics.push_back(find(topic, asked.allow_auto_topic_creation, call.version));
    }

    // Of each topic, and of the response itself from v13 on.
    void fail(call& call, broker_errc error, const request& asked, response& told)
    {
        answer(call, asked, told);
        told.error_code = code_of(error);
        for (protocol::metadata_response_topic& topic : told.topics) {
            topic.error_code = code_of(error);
            topic.partitions.clear();
        }
    }

private:
    protocol::metadata_response_topic find(const protocol::metadata_request_topic& asked, bool may_create,
                                           std::int16_t version)
    {
        const cluster_metadata& known = cluster_.metadata_of(broker_);
        protocol::metadata_response_topic missing;
        if (version >= 12 && !asked.topic_id.is_nil()) {
            if (const topic_metadata* topic = known.find_topic(asked.topic_id))
                return describe(*topic, version);
            missing.topic_id = asked.topic_id;
            missing.error_code = code_of(broker_errc::unknown_topic_id);
            return missing;
        }
        const std::string name = asked.name.value_or("");
        if (const topic_metadata* topic = known.find_topic(std::string_view{name}))
            return describe(*topic, version);
        missing.name = name;
        if (why_not_a_topic(name)) {
            missing.error_code = code_of(broker_errc::invalid_topic_exception);
        } else if (may_create && cluster_.options().auto_create_topics_enable) {
            if (!cluster_.metadata().find_topic(std::string_view{name}))
                cluster_.create_topic(name, cluster_.options().topic_defaults);
            missing.error_code = code_of(cluster_.options().auto_create_answer);
        } else {
            missing.error_code = code_of(broker_errc::unknown_topic_or_partition);
        }
        return missing;
    }

    protocol::metadata_response_topic describe(const topic_metadata& topic, std::int16_t version) const
    {
        protocol::metadata_response_topic described;
        described.name = topic.name;
        if (version >= 10) described.topic_id = topic.id;
        std::int32_t index = 0;
        for (const partition_metadata& partition : topic.partitions) {
            protocol::metadata_response_partition told;
            told.partition_index = index++;
            told.leader_id = partition.leader;
            const std::int32_t lag = version < 9 ? partition.epoch_lag : 0;
            told.leader_epoch = std::max(partition.leader_epoch - lag, 0);
            told.replica_nodes = partition.replicas;
            told.isr_nodes = partition.isr;
            for (const broker_id replica : partition.replicas) {
                if (!cluster_.metadata_of(broker_).is_alive(replica))
                    told.offline_replicas.push_back(replica);
            }
            if (partition.leader == -1) told.error_code = code_of(broker_errc::leader_not_available);
            described.partitions.push_back(std::move(told));
        }
        return described;
    }

    cluster_state& cluster_;
    broker_id broker_ = -1; // of the request in hand
};

} // namespace kurier::inline KURIER_ABI::testing
