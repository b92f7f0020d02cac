// Offsets of consumer groups that are committed with a transaction. Plain values, so that the consumer may be anybody's.
#pragma once

#include <kurier/instant.hpp>
#include <kurier/protocol/messages/txn_offset_commit.hpp>
#include <kurier/uuid.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

struct txn_group // KIP-447: the coordinator refuses a member that the group went on without
{
    std::string id, member_id;
    std::int32_t generation = -1;
    std::optional<std::string> instance_id;
    bool has_metadata() const noexcept { return generation >= 0 || !member_id.empty() || instance_id; }
};

struct txn_offset
{
    std::string topic;
    uuid topic_id; // all zero: not known
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int32_t leader_epoch = -1;
    std::string metadata;
};

// One call's offsets, until the group's coordinator has them all.
struct offset_commit
{
    txn_group group;
    std::vector<txn_offset> left;
    std::uint64_t ticket = 0;
    nanoseconds deadline{never};
    bool group_added = false; // AddOffsetsToTxn was answered

    bool ids_known() const noexcept
    {
        return std::ranges::none_of(left, [](const txn_offset& one) { return one.topic_id == uuid{}; });
    }

    std::vector<protocol::txn_offset_commit_request_topic> topics() const
    {
        std::vector<protocol::txn_offset_commit_request_topic> made;
        for (const auto& one : left) {
            auto topic = std::ranges::find(made, one.topic, &protocol::txn_offset_commit_request_topic::name);
            if (topic == made.end()) topic = made.insert(made.end(), {one.topic, one.topic_id, {}});
            topic->partitions.push_back({one.partition, one.offset, one.leader_epoch, one.metadata});
        }
        return made;
    }

    // The coordinator has it. By name, or since version 6 by id.
    void remove(const protocol::txn_offset_commit_response_topic& topic, std::int32_t partition, bool by_id)
    {
        std::erase_if(left, [&](const txn_offset& one) {
            return one.partition == partition &&
                   (by_id ? one.topic_id == topic.topic_id : one.topic == topic.name);
        });
    }
};

} // namespace kurier::inline KURIER_ABI::core
