// TxnOffsetCommit (KIP-98, KIP-447, KIP-890, KIP-1319): a group's offsets, committed with the transaction.
// TxnOffsetCommitRequest.json, TxnOffsetCommitResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct txn_offset_commit_request_partition
{
    std::int32_t partition_index = 0;
    std::int64_t committed_offset = 0;
    std::int32_t committed_leader_epoch = -1;
    std::optional<std::string> committed_metadata;

    using self = txn_offset_commit_request_partition;
    using schema =
        fields<field<&self::partition_index>, field<&self::committed_offset>,
               field<&self::committed_leader_epoch, since(2)>, nullable<&self::committed_metadata>>;
    bool operator==(const self&) const = default;
};

struct txn_offset_commit_request_topic
{
    std::string name;
    uuid topic_id; // instead of the name since version 6 (KIP-1319)
    std::vector<txn_offset_commit_request_partition> partitions;

    using self = txn_offset_commit_request_topic;
    using schema =
        fields<field<&self::name, until(5)>, field<&self::topic_id, since(6)>, field<&self::partitions>>;
    bool operator==(const self&) const = default;
};

struct txn_offset_commit_request
{
    std::string transactional_id, group_id;
    std::int64_t producer_id = 0;
    std::int16_t producer_epoch = 0;
    std::int32_t generation_id_or_member_epoch =
        -1; // who is a member of the group, since version 3 (KIP-447)
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::vector<txn_offset_commit_request_topic> topics;

    using self = txn_offset_commit_request;
    using schema = fields<field<&self::transactional_id>, field<&self::group_id>, field<&self::producer_id>,
                          field<&self::producer_epoch>, field<&self::generation_id_or_member_epoch, since(3)>,
                          field<&self::member_id, since(3)>, nullable<&self::group_instance_id, since(3)>,
                          field<&self::topics>>;
    static constexpr std::int16_t api_key = 28;
    static constexpr versions valid{0, 6}, flexible{3};
    static constexpr std::int16_t throttled_by_client = 1; // KIP-219: from here on the pause is ours to make
    bool operator==(const self&) const = default;
};

struct txn_offset_commit_response_partition
{
    std::int32_t partition_index = 0;
    std::int16_t error_code = 0;

    using self = txn_offset_commit_response_partition;
    using schema = fields<field<&self::partition_index>, field<&self::error_code>>;
    bool operator==(const self&) const = default;
};

struct txn_offset_commit_response_topic
{
    std::string name;
    uuid topic_id;
    std::vector<txn_offset_commit_response_partition> partitions;

    using self = txn_offset_commit_response_topic;
    using schema =
        fields<field<&self::name, until(5)>, field<&self::topic_id, since(6)>, field<&self::partitions>>;
    bool operator==(const self&) const = default;
};

struct txn_offset_commit_response
{
    std::int32_t throttle_time_ms = 0;
    std::vector<txn_offset_commit_response_topic> topics;

    using self = txn_offset_commit_response;
    using schema = fields<field<&self::throttle_time_ms>, field<&self::topics>>;
    static constexpr std::int16_t api_key = 28;
    static constexpr versions valid{0, 6}, flexible{3};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
