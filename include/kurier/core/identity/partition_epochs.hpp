// The idempotent producer's epochs: each partition raises its own, locally, without asking a broker. Brokers check
// epochs per partition and accept the first batch of a higher one at sequence 0 (KIP-360), so trouble in one partition
// leaves the others alone, where a producer-wide epoch has to be carried to each of them (KAFKA-12152). After the last
// epoch a new producer id is fetched, and each partition moves to it once it has nothing in flight.
#pragma once

#include <kurier/core/produce/epochs.hpp>
#include <kurier/core/produce/producer_rules.hpp>
#include <kurier/producer_config.hpp>

#include <algorithm>
#include <cstddef>

namespace kurier::inline KURIER_ABI::core {

class partition_epochs final : public epoch_authority
{
public:
    explicit partition_epochs(const producer_config& config)
        : config_{config}, idempotent_{config.idempotent()}
    {}

    bool idempotent() const noexcept override { return idempotent_; }

    bool has_identity() const noexcept override
    {
        return !idempotent_ || (identity_.valid() && !wants_identity_);
    }

    bool may_send(const partition_state& partition, const batch& head) const noexcept override
    {
        if (partition.flights.empty()) return true;
        if (!idempotent_) // without sequences, only one at a time keeps its order across a retry, or to another leader
            return config_.acks == acks::none && same_leadership(partition, *partition.flights.back());
        return may_follow_flights(partition, head, flights_max(), identity_);
    }

    bool needs_epoch(const partition_state& partition, const batch& head) const noexcept override
    {
        const auto& state = partition.producer;
        if (in_doubt(head)) return false; // resent as it is: the response tells what became of it
        return state.fault != epoch_fault::none || state.id < 0 ||
               (!head.has_sequence() && (state.gap || state.id != identity_.id));
    }

    bool start_epoch(partition_state& partition) noexcept override
    {
        const auto& state = partition.producer;
        if (state.id != identity_.id) {
            begin_epoch(partition, identity_);
        } else if (state.fault != epoch_fault::fenced && state.epoch != last_producer_epoch) {
            begin_epoch(partition, {state.id, static_cast<std::int16_t>(state.epoch + 1)});
        } else {
            wants_identity_ = true;
            return false;
        }
        return true;
    }

    bool may_restart_after(epoch_fault) const noexcept override { return idempotent_; }

    void identity_arrived(const producer_identity& identity) noexcept
    {
        identity_ = identity;
        wants_identity_ = false;
    }

private:
    friend struct invariant_access;

    // A broker remembers the last five batches of a producer; with more in flight it could not tell a duplicate (KIP-98).
    std::size_t flights_max() const noexcept
    {
        return static_cast<std::size_t>(std::clamp(config_.max_in_flight_requests_per_connection, 1, 5));
    }

    const producer_config& config_;
    const bool idempotent_;
    producer_identity identity_;  // invalid until the cluster assigned one
    bool wants_identity_ = false; // the epochs of this one are used up, or another producer took it over
};

} // namespace kurier::inline KURIER_ABI::core
