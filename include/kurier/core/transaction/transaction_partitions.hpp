// The partitions of a transaction. Under the first protocol the coordinator has to know of one before anything is written to
// it; those that are wanted meanwhile are asked about together.
#pragma once

#include <kurier/core/state/topic.hpp>
#include <kurier/protocol/messages/add_partitions_to_txn.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class txn_partitions
{
public:
    bool has(const partition_state& partition) const noexcept
    {
        const auto found = places_.find(&partition);
        return found != places_.end() && members_[found->second].is == phase::added;
    }

    void want(const partition_state& partition)
    {
        if (place(partition, phase::wanted)) ++wanted_;
    }

    // Also without a question: under the second protocol the Produce request does it.
    void add(const partition_state& partition) { place(partition, phase::added); }

    bool any_wanted() const noexcept { return wanted_ != 0; }

    std::vector<protocol::add_partitions_to_txn_topic> wanted_topics() const
    {
        std::vector<protocol::add_partitions_to_txn_topic> topics;
        boost::unordered_flat_map<const topic_state*, std::size_t> places;
        for (const auto& member : members_) {
            if (member.is != phase::wanted) continue;
            const auto* topic = member.partition->topic;
            const auto [at, first] = places.try_emplace(topic, topics.size());
            if (first) topics.push_back({topic->name.str(), {}});
            topics[at->second].partitions.push_back(member.partition->index);
        }
        return topics;
    }

    void asked() // for all that are wanted
    {
        for (auto& member : members_)
            if (member.is == phase::wanted) member.is = phase::asked;
        wanted_ = 0;
    }

    // Those asked about are in; or else wanted again.
    void answered(bool added)
    {
        for (auto& member : members_) {
            if (member.is != phase::asked) continue;
            member.is = added ? phase::added : phase::wanted;
            wanted_ += added ? 0 : 1;
        }
    }

    // What the response should have told about each of those asked about.
    bool answers_all(const protocol::add_partitions_to_txn_response& response) const
    {
        std::size_t answers = 0, questions = 0;
        for (const auto& topic : response.results_by_topic) answers += topic.results_by_partition.size();
        for (const auto& member : members_) questions += member.is == phase::asked ? 1 : 0;
        return answers == questions;
    }

    void clear() noexcept
    {
        members_.clear();
        places_.clear();
        wanted_ = 0;
    }

private:
    enum class phase : std::uint8_t { wanted, asked, added };
    struct entry
    {
        const partition_state* partition;
        phase is;
    };

    bool place(const partition_state& partition, phase is) // false: it was there
    {
        if (!places_.try_emplace(&partition, members_.size()).second) return false;
        members_.push_back({&partition, is});
        return true;
    }

    std::vector<entry> members_; // in the order in which they came: runs can be repeated
    boost::unordered_flat_map<const partition_state*, std::size_t> places_;
    std::size_t wanted_ = 0;
};

} // namespace kurier::inline KURIER_ABI::core
