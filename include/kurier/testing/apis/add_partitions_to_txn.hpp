// AddPartitionsToTxn v0-3. A partition that doesn't exist keeps the others from being attempted.
#pragma once

#include <kurier/testing/apis/api.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::add_partitions_to_txn_request>
{
public:
    using request = protocol::add_partitions_to_txn_request;
    using response = protocol::add_partitions_to_txn_response;
    static constexpr released_versions released{{0, 1}, {0, 3}, {0, 3}, {0, 3}, {0, 1}};

    explicit api(const broker_parts& parts) : cluster_{parts.cluster}, transactions_{parts.transactions} {}

    void answer(call& call, const request& asked, response& told)
    {
        std::vector<partition_of_topic> partitions;
        fail(call, broker_errc::operation_not_attempted, asked, told);
        bool missing = false;
        for (auto& topic : told.results_by_topic) {
            const auto* known = cluster_.metadata_of(call.broker).find_topic(std::string_view{topic.name});
            for (auto& result : topic.results_by_partition) {
                if (known && known->find(result.partition_index)) {
                    partitions.push_back({known->id, result.partition_index});
                    continue;
                }
                missing = true;
                result.partition_error_code = code_of(broker_errc::unknown_topic_or_partition);
            }
        }
        if (missing) return;
        auto error = broker_errc::not_coordinator;
        if (transactions_.coordinator_of(asked.transactional_id) == call.broker)
            error = transactions_.add({asked.transactional_id, asked.producer_id, asked.producer_epoch},
                                      partitions, {}, call.now.wall_ms);
        fail(call, error_in(call, error), asked, told);
    }

    // With the same for each partition; none is no error.
    void fail(call&, broker_errc error, const request& asked, response& told) const
    {
        told = {};
        for (const auto& topic : asked.topics) {
            auto& results = told.results_by_topic.emplace_back();
            results.name = topic.name;
            for (const std::int32_t index : topic.partitions)
                results.results_by_partition.push_back({index, code_of(error)});
        }
    }

private:
    // PRODUCER_FENCED came with version 2.
    static broker_errc error_in(const call& call, broker_errc error) noexcept
    {
        const bool unknown = error == broker_errc::producer_fenced && call.version < 2;
        return unknown ? broker_errc::invalid_producer_epoch : error;
    }

    const cluster_state& cluster_;
    transaction_coordinator& transactions_;
};

} // namespace kurier::inline KURIER_ABI::testing
