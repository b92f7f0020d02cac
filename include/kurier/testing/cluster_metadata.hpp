// The cluster as Metadata answers tell it: brokers, topics, leaders. A value, so that a broker which lags
// behind the others simply answers from an old copy.
#pragma once

#include <kurier/testing/cluster_options.hpp>
#include <kurier/uuid.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

struct broker_endpoint
{
    broker_id id = -1;
    std::string host;
    std::int32_t port = 0;
    bool alive = true;
};

struct partition_metadata
{
    broker_id leader = -1;
    std::int32_t leader_epoch = 0;
    // While replicas are being reassigned, brokers before Kafka 2.4 (Metadata below v9) may tell older epochs.
    std::int32_t epoch_lag = 0;
    std::vector<broker_id> replicas;
    std::vector<broker_id> isr;

    bool is_replica(broker_id id) const noexcept { return std::ranges::find(replicas, id) != replicas.end(); }
    bool in_sync(broker_id id) const noexcept { return std::ranges::find(isr, id) != isr.end(); }
};

struct topic_metadata
{
    std::string name;
    uuid id;
    std::vector<partition_metadata> partitions;

    const partition_metadata* find(std::int32_t partition) const noexcept
    {
        const bool exists = partition >= 0 && static_cast<std::size_t>(partition) < partitions.size();
        return exists ? &partitions[static_cast<std::size_t>(partition)] : nullptr;
    }
};

struct cluster_metadata
{
    std::string cluster_id;
    broker_id controller = -1;
    std::vector<broker_endpoint> brokers; // by id, from 1
    std::map<std::string, topic_metadata, std::less<>> topics;
    std::map<uuid, std::string> topic_names;

    const broker_endpoint* find_broker(broker_id id) const noexcept
    {
        const bool exists = id >= 1 && static_cast<std::size_t>(id) <= brokers.size();
        return exists ? &brokers[static_cast<std::size_t>(id) - 1] : nullptr;
    }
    broker_endpoint* find_broker(broker_id id) noexcept
    {
        return const_cast<broker_endpoint*>(static_cast<const cluster_metadata*>(this)->find_broker(id));
    }
    bool is_alive(broker_id id) const noexcept
    {
        const broker_endpoint* broker = find_broker(id);
        return broker && broker->alive;
    }

    const topic_metadata* find_topic(std::string_view name) const noexcept
    {
        const auto found = topics.find(name);
        return found == topics.end() ? nullptr : &found->second;
    }
    const topic_metadata* find_topic(const uuid& id) const noexcept
    {
        const auto name = topic_names.find(id);
        return name == topic_names.end() ? nullptr : find_topic(name->second);
    }
};

} // namespace kurier::inline KURIER_ABI::testing
