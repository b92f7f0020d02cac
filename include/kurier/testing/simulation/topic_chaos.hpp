// What happens to topics during a simulation: deleted, made again like before or otherwise, extended, restricted.
#pragma once

#include <kurier/testing/cluster_model.hpp>
#include <kurier/testing/simulation/checker.hpp>
#include <kurier/testing/simulation/dice.hpp>
#include <kurier/testing/simulation/fault_kind.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class topic_chaos
{
public:
    topic_chaos(cluster_state& state, simulation_checker& checker, dice random,
                std::vector<std::string> topics)
        : state_{state}, checker_{checker}, random_{random}, topics_{std::move(topics)}
    {
        for (const auto& name : topics_) usual_.push_back(state_.state(name).options);
    }

    // False: it can't happen now.
    bool strike(fault_kind kind, const topic_metadata& known)
    {
        const auto count = static_cast<std::int32_t>(known.partitions.size());
        switch (kind) {
        case fault_kind::topic_deleted:
            checker_.topic_gone(known.id);
            state_.delete_topic(known.name);
            return true;
        case fault_kind::topic_recreated:
            checker_.topic_gone(known.id);
            state_.recreate_topic(known.name);
            return true;
        case fault_kind::topic_remade_smaller:
            return count > 1 && remake(known, random_.between(1, count - 1));
        case fault_kind::topic_remade_larger:
            return count < partitions_max && remake(known, random_.between(count + 1, partitions_max));
        case fault_kind::partitions_added:
            if (count < partitions_max) state_.add_partitions(known.name, count + 1);
            return count < partitions_max;
        case fault_kind::message_size_lowered:
            return lower_message_size(known.name);
        default:
            return false;
        }
    }

    // It exists again, with the settings that it had at first.
    void restore(std::size_t topic)
    {
        if (!state_.metadata().find_topic(std::string_view{topics_[topic]})) {
            state_.create_topic(topics_[topic], usual_[topic], any_broker());
        } else {
            auto options = state_.state(topics_[topic]).options;
            options.max_message_bytes = usual_[topic].max_message_bytes;
            state_.set_topic_options(topics_[topic], options);
        }
    }

private:
    static constexpr std::int32_t partitions_max = 12;

    broker_id any_broker()
    {
        return random_.between<broker_id>(1, static_cast<broker_id>(state_.metadata().brokers.size()));
    }

    // With as many partitions, whose leaders are others.
    bool remake(const topic_metadata& known, std::int32_t partitions)
    {
        auto options = state_.state(known.name).options;
        options.partitions = partitions;
        checker_.topic_gone(known.id);
        state_.recreate_topic(known.name, options, any_broker());
        return true;
    }

    bool lower_message_size(const std::string& name)
    {
        auto options = state_.state(name).options;
        options.max_message_bytes = random_.between(120, 2000);
        state_.set_topic_options(name, options);
        return true;
    }

    cluster_state& state_;
    simulation_checker& checker_;
    dice random_;
    std::vector<std::string> topics_;
    std::vector<topic_options> usual_;
};

} // namespace kurier::inline KURIER_ABI::testing
