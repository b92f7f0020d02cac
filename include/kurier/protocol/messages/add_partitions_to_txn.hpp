// AddPartitionsToTxn (KIP-98): partitions that a transaction is about to write to, before KIP-890. From version 4 on it is
// what brokers say to each other. AddPartitionsToTxnRequest.json, AddPartitionsToTxnResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct add_partitions_to_txn_topic
{
    std::string name;
    std::vector<std::int32_t> partitions;

    using self = add_partitions_to_txn_topic;
    using schema = fields<field<&self::name>, field<&self::partitions>>;
    bool operator==(const self&) const = default;
};

struct add_partitions_to_txn_request
{
    std::string transactional_id;
    std::int64_t producer_id = 0;
    std::int16_t producer_epoch = 0;
    std::vector<add_partitions_to_txn_topic> topics;

    using self = add_partitions_to_txn_request;
    using schema = fields<field<&self::transactional_id>, field<&self::producer_id>,
                          field<&self::producer_epoch>, field<&self::topics>>;
    static constexpr std::int16_t api_key = 24;
    static constexpr versions valid{0, 3}, flexible{3};
    static constexpr std::int16_t throttled_by_client = 1; // KIP-219: from here on the pause is ours to make
    bool operator==(const self&) const = default;
};

struct add_partitions_to_txn_partition_result
{
    std::int32_t partition_index = 0;
    std::int16_t partition_error_code = 0;

    using self = add_partitions_to_txn_partition_result;
    using schema = fields<field<&self::partition_index>, field<&self::partition_error_code>>;
    bool operator==(const self&) const = default;
};

struct add_partitions_to_txn_topic_result
{
    std::string name;
    std::vector<add_partitions_to_txn_partition_result> results_by_partition;

    using self = add_partitions_to_txn_topic_result;
    using schema = fields<field<&self::name>, field<&self::results_by_partition>>;
    bool operator==(const self&) const = default;
};

struct add_partitions_to_txn_response
{
    std::int32_t throttle_time_ms = 0;
    std::vector<add_partitions_to_txn_topic_result> results_by_topic;

    using self = add_partitions_to_txn_response;
    using schema = fields<field<&self::throttle_time_ms>, field<&self::results_by_topic>>;
    static constexpr std::int16_t api_key = 24;
    static constexpr versions valid{0, 3}, flexible{3};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
