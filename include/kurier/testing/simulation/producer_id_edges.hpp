// Takes a partition to where sequences wrap (2^31 - 1 is followed by 0) or epochs end (32767), which would take days
// of sending: client and broker are told the same story, as if it had been written.
#pragma once

#include <kurier/core/producer_core.hpp>
#include <kurier/testing/cluster_model.hpp>
#include <kurier/testing/simulation/dice.hpp>
#include <kurier/testing/simulation/fault_kind.hpp>

#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class producer_id_edges
{
public:
    producer_id_edges(cluster_model& cluster, dice random) : cluster_{cluster}, random_{random} {}

    // False: no partition is at rest.
    bool move(core::producer_core& core, fault_kind where)
    {
        candidates_.clear();
        for (const auto& topic : core.view().topics())
            for (auto& partition : topic->partitions)
                if (at_rest(partition)) candidates_.push_back(&partition);
        if (candidates_.empty()) return false;
        auto& moved = *candidates_[random_.below(candidates_.size())];
        auto& state = moved.producer;
        const auto* topic = cluster_.state().metadata().find_topic(std::string_view{moved.topic->name});
        if (!topic || !topic->find(moved.index)) return false;
        auto& producers = cluster_.state().log(topic->name, moved.index).producers();
        const auto* known = producers.find(state.id);
        if (!known || known->epoch() != state.epoch ||
            core::sequence_after(known->newest().last_sequence, 1) != state.next_sequence)
            return false;
        auto last = known->newest();
        if (state.epoch >= 32760) return false;
        if (where == fault_kind::sequence_near_wrap) {
            last.producer_epoch = ++state.epoch; // what is still on its way must not fit by chance
            last.last_sequence = 0x7fffffff - random_.between(0, 40);
            state.last_acked = last.last_sequence;
            state.next_sequence = core::sequence_after(last.last_sequence, 1);
        } else {
            last.producer_epoch = static_cast<std::int16_t>(32767 - random_.between(0, 3));
            state.epoch = last.producer_epoch;
        }
        last.first_sequence = last.last_sequence;
        producers.forget(
            state.id); // batches with the first sequences are long forgotten when they come again
        producers.add(last);
        return true;
    }

private:
    static bool at_rest(const core::partition_state& partition) noexcept
    {
        const auto& state = partition.producer;
        if (state.id < 0 || state.gap || state.fault != core::epoch_fault::none || state.last_acked < 0 ||
            !partition.flights.empty())
            return false;
        const auto* head = partition.queue.front();
        return !head || !head->has_sequence();
    }

    cluster_model& cluster_;
    dice random_;
    std::vector<core::partition_state*> candidates_;
};

} // namespace kurier::inline KURIER_ABI::testing
