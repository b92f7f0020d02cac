// Metadata: brokers, topics, partitions and their leaders. MetadataRequest.json, MetadataResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct metadata_request_topic
{
    uuid topic_id;
    std::optional<std::string> name; // null since version 10: ask by topic_id, which works since 12 (KIP-516)

    using self = metadata_request_topic;
    using schema = fields<field<&self::topic_id, since(10)>, nullable<&self::name, always, since(10)>>;
    bool operator==(const self&) const = default;
};

struct metadata_request
{
    std::optional<std::vector<metadata_request_topic>> topics; // null: all of them; empty: brokers only
    bool allow_auto_topic_creation = true;
    bool include_cluster_authorized_operations = false;
    bool include_topic_authorized_operations = false;

    using self = metadata_request;
    using schema = fields<nullable<&self::topics>, field<&self::allow_auto_topic_creation, since(4)>,
                          field<&self::include_cluster_authorized_operations, versions{8, 10}>,
                          field<&self::include_topic_authorized_operations, since(8)>>;
    static constexpr std::int16_t api_key = 3;
    static constexpr versions valid{1, 13}, flexible{9};
    static constexpr std::int16_t throttled_by_client = 6; // KIP-219: from here on the pause is ours to make
    // Only a broker decodes this one, and a topic with a name of one letter is 56 bytes here for 3 on the wire.
    static constexpr std::size_t memory_per_byte = 32;
    bool operator==(const self&) const = default;
};

struct metadata_response_broker
{
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;

    using self = metadata_response_broker;
    using schema = fields<field<&self::node_id>, field<&self::host>, field<&self::port>,
                          nullable<&self::rack, since(1)>>;
    bool operator==(const self&) const = default;
};

struct metadata_response_partition
{
    std::int16_t error_code = 0;
    std::int32_t partition_index = 0, leader_id = 0, leader_epoch = -1;
    std::vector<std::int32_t> replica_nodes, isr_nodes, offline_replicas;

    using self = metadata_response_partition;
    using schema = fields<field<&self::error_code>, field<&self::partition_index>, field<&self::leader_id>,
                          field<&self::leader_epoch, since(7)>, field<&self::replica_nodes>,
                          field<&self::isr_nodes>, field<&self::offline_replicas, since(5)>>;
    bool operator==(const self&) const = default;
};

struct metadata_response_topic
{
    std::int16_t error_code = 0;
    std::optional<std::string> name; // null since version 12: asked by an id that nobody has
    uuid topic_id;
    bool is_internal = false;
    std::vector<metadata_response_partition> partitions;
    std::int32_t topic_authorized_operations = -2147483647 - 1;

    using self = metadata_response_topic;
    using schema = fields<field<&self::error_code>, nullable<&self::name, always, since(12)>,
                          field<&self::topic_id, since(10)>, field<&self::is_internal, since(1)>,
                          field<&self::partitions>, field<&self::topic_authorized_operations, since(8)>>;
    bool operator==(const self&) const = default;
};

struct metadata_response
{
    std::int32_t throttle_time_ms = 0;
    std::vector<metadata_response_broker> brokers;
    std::optional<std::string> cluster_id;
    std::int32_t controller_id = -1;
    std::vector<metadata_response_topic> topics;
    std::int32_t cluster_authorized_operations = -2147483647 - 1;
    std::int16_t error_code = 0; // REBOOTSTRAP_REQUIRED (KIP-1102)

    using self = metadata_response;
    using schema = fields<field<&self::throttle_time_ms, since(3)>, field<&self::brokers>,
                          nullable<&self::cluster_id, since(2)>, field<&self::controller_id, since(1)>,
                          field<&self::topics>, field<&self::cluster_authorized_operations, versions{8, 10}>,
                          field<&self::error_code, since(13)>>;
    static constexpr std::int16_t api_key = 3;
    static constexpr versions valid{1, 13}, flexible{9};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
