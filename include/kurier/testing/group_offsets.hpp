// What consumer groups have committed within transactions, and who is a member of them, as far as TxnOffsetCommit asks
// (KIP-98, KIP-447).
#pragma once

#include <kurier/broker_errc.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::testing {

struct committed_offset
{
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
    std::optional<std::string> metadata;
    friend bool operator==(const committed_offset&, const committed_offset&) = default;
};

class group_offsets
{
public:
    using partition = std::pair<std::string, std::int32_t>;

    // A test says who is in a group; one that nobody joined takes offsets of anybody without metadata.
    void join(const std::string& group, std::string member, std::int32_t generation,
              std::optional<std::string> instance = {})
    {
        members& joined = members_[group];
        joined.generation = generation;
        joined.instances[std::move(member)] = std::move(instance);
    }
    void leave(const std::string& group, const std::string& member)
    {
        members_[group].instances.erase(member);
    }

    broker_errc check(const std::string& group, const std::string& member, std::int32_t generation,
                      const std::optional<std::string>& instance, std::int16_t version) const
    {
        if (generation < 0 && member.empty() && !instance) return broker_errc::none;
        const auto found = members_.find(group);
        if (found == members_.end())
            return is_pending(group) || committed_.contains(group) ? broker_errc::unknown_member_id
                   : version >= 6                                  ? broker_errc::group_id_not_found
                                                                   : broker_errc::illegal_generation;
        for (const auto& [other, its_instance] : found->second.instances)
            if (instance && its_instance == instance && other != member)
                return broker_errc::fenced_instance_id;
        if (!found->second.instances.contains(member)) return broker_errc::unknown_member_id;
        return found->second.generation == generation ? broker_errc::none : broker_errc::illegal_generation;
    }

    void add_pending(const std::string& group, std::int64_t producer_id, partition of,
                     committed_offset offset)
    {
        pending_[{group, producer_id}][std::move(of)] = std::move(offset);
    }

    // The transaction's marker for the group.
    void end(const std::string& group, std::int64_t producer_id, bool commit)
    {
        const auto found = pending_.find({group, producer_id});
        if (found == pending_.end()) return;
        if (commit)
            for (auto& [of, offset] : found->second) committed_[group][of] = std::move(offset);
        pending_.erase(found);
    }

    std::optional<committed_offset> committed(const std::string& group, const std::string& topic,
                                              std::int32_t index) const
    {
        const auto found = committed_.find(group);
        if (found == committed_.end()) return {};
        const auto offset = found->second.find(partition{topic, index});
        return offset == found->second.end() ? std::nullopt : std::optional{offset->second};
    }
    bool is_pending(const std::string& group) const noexcept
    {
        for (const auto& one : pending_)
            if (one.first.first == group) return true;
        return false;
    }

private:
    struct members
    {
        std::int32_t generation = -1;
        std::map<std::string, std::optional<std::string>> instances; // by member
    };
    using offsets = std::map<partition, committed_offset>;
    std::map<std::string, members> members_;
    std::map<std::pair<std::string, std::int64_t>, offsets> pending_; // of a group, by a producer
    std::map<std::string, offsets> committed_;
};

} // namespace kurier::inline KURIER_ABI::testing
