// TxnOffsetCommit v0-6: the group's coordinator keeps the offsets until the transaction's marker comes. Since v5 the request
// adds the group to the transaction (KIP-890); before, brokers since Kafka 3.6 ask whether it is in there. By topic id since v6
// (KIP-1319).
#pragma once

#include <kurier/testing/apis/api.hpp>

#include <string_view>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::txn_offset_commit_request>
{
public:
    using request = protocol::txn_offset_commit_request;
    using response = protocol::txn_offset_commit_response;
    static constexpr released_versions released{{0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 3}};

    explicit api(const broker_parts& parts)
        : cluster_{parts.cluster}, transactions_{parts.transactions}, groups_{parts.groups}
    {}

    void answer(call& call, const request& asked, response& told)
    {
        const auto error = refuses(call, asked);
        fail(call, error, asked, told);
        if (error != broker_errc::none) return;
        for (std::size_t i = 0; i != asked.topics.size(); ++i) {
            const auto& topic = asked.topics[i];
            const cluster_metadata& known = cluster_.metadata_of(call.broker);
            const topic_metadata* found = call.version >= 6 ? known.find_topic(topic.topic_id)
                                                            : known.find_topic(std::string_view{topic.name});
            for (std::size_t k = 0; k != topic.partitions.size(); ++k) {
                const auto& partition = topic.partitions[k];
                if (found && found->find(partition.partition_index))
                    groups_.add_pending(asked.group_id, asked.producer_id,
                                        {found->name, partition.partition_index},
                                        {partition.committed_offset, partition.committed_leader_epoch,
                                         partition.committed_metadata});
                else
                    told.topics[i].partitions[k].error_code =
                        code_of(!found && call.version >= 6 ? broker_errc::unknown_topic_id
                                                            : broker_errc::unknown_topic_or_partition);
            }
        }
    }

    void fail(call&, broker_errc error, const request& asked, response& told) const
    {
        told = {};
        for (const auto& topic : asked.topics) {
            auto& results = told.topics.emplace_back();
            results.name = topic.name;
            results.topic_id = topic.topic_id;
            for (const auto& partition : topic.partitions)
                results.partitions.push_back({partition.partition_index, code_of(error)});
        }
    }

private:
    broker_errc refuses(const call& call, const request& asked)
    {
        if (transactions_.coordinator_of(asked.group_id) != call.broker) return broker_errc::not_coordinator;
        const auto member =
            groups_.check(asked.group_id, asked.member_id, asked.generation_id_or_member_epoch,
                          asked.group_instance_id, call.version);
        if (member != broker_errc::none) return member;
        const bool adds = call.version >= 5;
        const transactional_client client{asked.transactional_id, asked.producer_id, asked.producer_epoch,
                                          adds};
        if (!adds && !cluster_.options().verifies_transactions) return broker_errc::none;
        const auto error = adds ? transactions_.add(client, {}, {asked.group_id}, call.now.wall_ms)
                                : transactions_.verify(client, asked.group_id);
        if (error == broker_errc::producer_fenced) return broker_errc::invalid_producer_epoch;
        const bool unknown = error == broker_errc::transaction_abortable && call.version < 4;
        return unknown ? broker_errc::invalid_txn_state : error;
    }

    const cluster_state& cluster_;
    transaction_coordinator& transactions_;
    group_offsets& groups_;
};

} // namespace kurier::inline KURIER_ABI::testing
