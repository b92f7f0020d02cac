// Who coordinates: the transactional id for most requests, the consumer group for TxnOffsetCommit. Looked up when first
// needed, and again when the one that is known says that it isn't, or is silent.
#pragma once

#include <kurier/core/transaction/transaction_verdict.hpp>
#include <kurier/protocol/messages/find_coordinator.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

struct coordinator_address
{
    std::int32_t node = -1;
    std::string host;
    std::int32_t port = 0;
    bool known() const noexcept { return node >= 0; }
};

class txn_coordinators
{
public:
    explicit txn_coordinators(std::string transactional_id) : transactional_id_{std::move(transactional_id)}
    {}

    const std::string& transactional_id() const noexcept { return transactional_id_; }

    // For this request; if it isn't known, FindCoordinator asks for it next. `group` is for TxnOffsetCommit.
    const coordinator_address& of(txn_request what, const std::string& group)
    {
        of_group_ = what == txn_request::commit_offsets;
        if (!of_group_) return transaction_;
        if (std::exchange(group_, group) != group) coordinator_of_group_ = coordinator_address{};
        return coordinator_of_group_;
    }

    void forget(txn_request what) noexcept
    {
        auto& coordinator = what == txn_request::commit_offsets ? coordinator_of_group_ : transaction_;
        coordinator = coordinator_address{};
    }

    protocol::find_coordinator_request question(std::int16_t version) const
    {
        const auto type =
            of_group_ ? protocol::coordinator_type::group : protocol::coordinator_type::transaction;
        const auto& key = of_group_ ? group_ : transactional_id_;
        if (version < 4) return {key, static_cast<std::int8_t>(type), {}};
        return {{}, static_cast<std::int8_t>(type), {key}};
    }

    // Null: no broker sends such a response.
    std::optional<broker_errc> answered(const protocol::find_coordinator_response& response,
                                        std::int16_t version)
    {
        auto& coordinator = of_group_ ? coordinator_of_group_ : transaction_;
        if (version < 4)
            return learn(coordinator, response.error_code, {response.node_id, response.host, response.port});
        if (response.coordinators.size() != 1) return {};
        const auto& only = response.coordinators.front();
        return learn(coordinator, only.error_code, {only.node_id, only.host, only.port});
    }

private:
    static std::optional<broker_errc> learn(coordinator_address& coordinator, std::int16_t error,
                                            coordinator_address found)
    {
        if (error != 0) return static_cast<broker_errc>(error);
        if (found.node < 0 || found.host.empty() || found.port <= 0 || found.port > 65535) return {};
        coordinator = std::move(found);
        return broker_errc::none;
    }

    const std::string transactional_id_;
    std::string group_; // of coordinator_of_group_
    coordinator_address transaction_, coordinator_of_group_;
    bool of_group_ = false; // what is sought
};

} // namespace kurier::inline KURIER_ABI::core
