// Produce: record batches to the leaders of their partitions. ProduceRequest.json, ProduceResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct produce_request_partition
{
    std::int32_t index = 0;
    nullable_bytes records; // a view: neither encoding nor decoding copies it

    using self = produce_request_partition;
    using schema = fields<field<&self::index>, field<&self::records>>;
    bool operator==(const self&) const = default;
};

struct produce_request_topic
{
    std::string name;
    uuid topic_id; // instead of the name since version 13 (KIP-516)
    std::vector<produce_request_partition> partition_data;

    using self = produce_request_topic;
    using schema = fields<field<&self::name, until(12)>, field<&self::topic_id, since(13)>,
                          field<&self::partition_data>>;
    bool operator==(const self&) const = default;
};

struct produce_request
{
    std::optional<std::string> transactional_id;
    std::int16_t acks = 0;
    std::int32_t timeout_ms = 0;
    std::vector<produce_request_topic> topic_data;

    using self = produce_request;
    using schema = fields<nullable<&self::transactional_id, since(3)>, field<&self::acks>,
                          field<&self::timeout_ms>, field<&self::topic_data>>;
    static constexpr std::int16_t api_key = 0;
    static constexpr versions valid{3, 13}, flexible{9};
    static constexpr std::int16_t throttled_by_client = 6; // KIP-219: from here on the pause is ours to make
    bool operator==(const self&) const = default;
};

struct batch_index_and_error // KIP-467
{
    std::int32_t batch_index = 0;
    std::optional<std::string> batch_index_error_message;

    using self = batch_index_and_error;
    using schema = fields<field<&self::batch_index>, nullable<&self::batch_index_error_message>>;
    bool operator==(const self&) const = default;
};

struct leader_id_and_epoch // KIP-951
{
    std::int32_t leader_id = -1, leader_epoch = -1;

    using self = leader_id_and_epoch;
    using schema = fields<field<&self::leader_id>, field<&self::leader_epoch>>;
    bool operator==(const self&) const = default;
};

struct produce_response_partition
{
    std::int32_t index = 0;
    std::int16_t error_code = 0;
    std::int64_t base_offset = 0;
    std::int64_t log_append_time_ms = -1;
    std::int64_t log_start_offset = -1;
    std::vector<batch_index_and_error> record_errors;
    std::optional<std::string> error_message;
    leader_id_and_epoch current_leader;

    using self = produce_response_partition;
    using schema =
        fields<field<&self::index>, field<&self::error_code>, field<&self::base_offset>,
               field<&self::log_append_time_ms, since(2)>, field<&self::log_start_offset, since(5)>,
               field<&self::record_errors, since(8)>, nullable<&self::error_message, since(8)>,
               tagged<&self::current_leader, 0, since(10)>>;
    bool operator==(const self&) const = default;
};

struct produce_response_topic
{
    std::string name;
    uuid topic_id;
    std::vector<produce_response_partition> partition_responses;

    using self = produce_response_topic;
    using schema = fields<field<&self::name, until(12)>, field<&self::topic_id, since(13)>,
                          field<&self::partition_responses>>;
    bool operator==(const self&) const = default;
};

struct node_endpoint // KIP-951
{
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::optional<std::string> rack;

    using self = node_endpoint;
    using schema =
        fields<field<&self::node_id>, field<&self::host>, field<&self::port>, nullable<&self::rack>>;
    bool operator==(const self&) const = default;
};

struct produce_response
{
    std::vector<produce_response_topic> responses;
    std::int32_t throttle_time_ms = 0;
    std::vector<node_endpoint> node_endpoints;

    using self = produce_response;
    using schema = fields<field<&self::responses>, field<&self::throttle_time_ms, since(1)>,
                          tagged<&self::node_endpoints, 0, since(10)>>;
    static constexpr std::int16_t api_key = 0;
    static constexpr versions valid{3, 13}, flexible{9};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
