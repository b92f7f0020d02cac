// Which protocol a transaction follows, and which versions of its requests. Only the finalized feature transaction.version
// decides: that brokers know the newer requests doesn't mean that the cluster is ready for them (KAFKA-18957).
#pragma once

#include <kurier/core/net/api_versions.hpp>
#include <kurier/core/transaction/transaction_verdict.hpp>
#include <kurier/protocol/messages/api_versions.hpp>

#include <algorithm>
#include <cstdint>

namespace kurier::inline KURIER_ABI::core {

enum class txn_protocol : std::uint8_t {
    v1, // partitions are added before they are written to (KIP-98)
    v2, // writing adds them, and each transaction has an epoch of its own (KIP-890)
};

// The cluster's finalized features, as brokers tell them with ApiVersions (KIP-584). The highest epoch is the newest.
class txn_feature
{
public:
    void learn(const protocol::api_versions_response& response) noexcept
    {
        if (response.finalized_features_epoch <= epoch_) return;
        epoch_ = response.finalized_features_epoch;
        const auto& features = response.finalized_features;
        const auto found =
            std::ranges::find(features, "transaction.version", &protocol::finalized_feature_key::name);
        level_ = found == features.end() ? std::int16_t{0} : found->max_version_level;
    }

    txn_protocol protocol() const noexcept { return level_ >= 2 ? txn_protocol::v2 : txn_protocol::v1; }

private:
    std::int64_t epoch_ = -1;
    std::int16_t level_ = 0;
};

// What a request needs of its version.
struct txn_needs
{
    txn_protocol protocol = txn_protocol::v1;
    bool two_phase = false;      // InitProducerId
    bool group_metadata = false; // TxnOffsetCommit: says which member of the group commits (KIP-447)
    bool topic_ids = false;      // and each topic's id is known (KIP-1319)
};

// Of the versions that the broker and we have in common those that do. None: the broker is too old for this.
constexpr version_range usable_versions(txn_request request, version_range both, txn_needs needs) noexcept
{
    const bool v2 = needs.protocol == txn_protocol::v2;
    const auto newest = std::int16_t{32767};
    const auto between = [&](int lowest, int highest) {
        return common(both, {static_cast<std::int16_t>(lowest), static_cast<std::int16_t>(highest)});
    };
    switch (request) {
    case txn_request::init_producer_id: // 6 isn't stable
        return needs.two_phase ? between(6, newest) : between(0, 5);
    case txn_request::commit_offsets:
        return between(v2 ? 5 : needs.group_metadata ? 3 : 0, !v2 ? 4 : needs.topic_ids ? newest : 5);
    case txn_request::end_txn:
        return v2 ? between(5, newest) : between(0, 4);
    case txn_request::produce:
        return v2 ? between(12, newest) : between(0, 11);
    case txn_request::find_coordinator:
    case txn_request::add_partitions:
    case txn_request::add_offsets:
        break;
    }
    return both;
}

} // namespace kurier::inline KURIER_ABI::core
