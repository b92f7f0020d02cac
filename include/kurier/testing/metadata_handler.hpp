// Metadata, ApiVersions and InitProducerId as a broker answers them.
//
// Metadata v4-13: topics that don't exist are created when broker, request and name allow it, and the answer
// that creates them says that they don't exist yet. A partition without leader is LEADER_NOT_AVAILABLE. By id
// since v12. ApiVersions v0-5: an unsupported version is answered in version 0 (the caller does that);
// KIP-511, KIP-1242. InitProducerId v0-5: transactions are not modelled, so a transactional id gets
// NOT_COORDINATOR.
#pragma once

#include <kurier/protocol/messages.hpp>
#include <kurier/testing/cluster_state.hpp>
#include <kurier/testing/version_table.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace kurier::testing {

constexpr std::int16_t code_of(broker_errc error) noexcept
{
    return static_cast<std::int16_t>(error);
}

class metadata_handler
{
public:
    metadata_handler(cluster_state& cluster, broker_id broker) : cluster_{cluster}, broker_{broker} {}

    protocol::metadata_response answer(const protocol::metadata_request& request, std::int16_t version)
    {
        protocol::metadata_response response;
        const cluster_metadata& known = cluster_.metadata_of(broker_);
        for (const broker_endpoint& broker : known.brokers) {
            if (broker.alive) response.brokers.push_back({broker.id, broker.host, broker.port, {}});
        }
        response.cluster_id = known.cluster_id;
        response.controller_id = known.controller;
        if (!request.topics) {
            for (const auto& [name, topic] : known.topics)
                response.topics.push_back(describe(topic, version));
            return response;
        }
        for (const protocol::metadata_request_topic& asked : *request.topics)
            response.topics.push_back(find(asked, request.allow_auto_topic_creation, version));
        return response;
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
            told.leader_epoch = partition.leader_epoch;
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
    broker_id broker_;
};

// KIP-511: letters and digits, with '-' and '.' between them.
inline bool is_software_name(std::string_view text) noexcept
{
    const auto alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    if (text.empty() || !alphanumeric(text.front()) || !alphanumeric(text.back())) return false;
    return std::ranges::all_of(text, [&](char c) { return alphanumeric(c) || c == '-' || c == '.'; });
}

// What a client hears that asks in a version which this broker doesn't know; it is always told in version 0.
inline protocol::api_versions_response refuse_api_versions(const version_table& offered)
{
    protocol::api_versions_response response;
    response.error_code = code_of(broker_errc::unsupported_version);
    for (const protocol::api_version& range : offered.ranges()) {
        if (range.api_key == protocol::api_versions_request::api_key) response.api_keys.push_back(range);
    }
    return response;
}

template <class Request> // a template only for the fields of version 5
protocol::api_versions_response answer_api_versions(const Request& request, std::int16_t version,
                                                    const version_table& offered,
                                                    const cluster_metadata& cluster, broker_id broker)
{
    protocol::api_versions_response response;
    bool invalid = version >= 3 && !(is_software_name(request.client_software_name) &&
                                     is_software_name(request.client_software_version));
    if constexpr (requires { request.cluster_id; }) {
        if (version >= 5) {
            if (request.cluster_id.has_value() != (request.node_id != -1)) {
                invalid = true;
            } else if (request.cluster_id &&
                       (*request.cluster_id != cluster.cluster_id || request.node_id != broker)) {
                response.error_code = code_of(broker_errc::rebootstrap_required);
                return response;
            }
        }
    }
    if (invalid) {
        response.error_code = code_of(broker_errc::invalid_request);
        return response;
    }
    response.api_keys = offered.ranges();
    return response;
}

inline protocol::init_producer_id_response
answer_init_producer_id(const protocol::init_producer_id_request& request, std::int16_t version,
                        cluster_state& cluster)
{
    protocol::init_producer_id_response response;
    const bool half = version >= 3 && (request.producer_id == -1) != (request.producer_epoch == -1);
    if (half || (request.transactional_id && request.transactional_id->empty())) {
        response.error_code = code_of(broker_errc::invalid_request);
        response.producer_epoch = -1;
    } else if (request.transactional_id) {
        response.error_code = code_of(broker_errc::not_coordinator);
        response.producer_epoch = -1;
    } else {
        response.producer_id =
            cluster.new_producer_id(); // also for a client that has one: its epoch is its own matter
        response.producer_epoch = 0;
    }
    return response;
}

} // namespace kurier::testing
