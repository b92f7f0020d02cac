// The producer's picture of the cluster: brokers, topics, partitions, leaders. Fed by metadata answers and by the
// leader hints in produce answers (KIP-951).
#pragma once

#include <kurier/config/server_address.hpp>
#include <kurier/core/net/connection.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/protocol/messages/metadata.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::core {

class cluster_view
{
public:
    using node_map = std::map<std::int32_t, std::unique_ptr<broker_node>>; // ordered: runs must be repeatable

    explicit cluster_view(const producer_config& config) : config_{config}
    {
        std::int32_t id = -1;
        for (const auto& server : config.bootstrap_servers) {
            auto node = std::make_unique<broker_node>();
            node->id = id--;
            server_address address;
            (void)parse_server_address(server, address);
            node->move_to(address.host, address.port);
            bootstrap_.emplace_back(std::move(node));
        }
    }

    topic_state& topic(std::string_view name)
    {
        if (const auto found = by_name_.find(name); found != by_name_.end()) return *found->second;
        auto created = std::make_unique<topic_state>();
        created->name = topic_name{std::string{name}};
        created->codec = config_.compression_for(name);
        created->chooses_codec = created->codec.id == compression::automatic;
        if (created->chooses_codec) created->codec = {};
        created->ordinal = static_cast<std::uint32_t>(topics_.size());
        topics_.push_back(std::move(created));
        auto& added = *topics_.back();
        try {
            by_name_.emplace(std::string_view{added.name}, &added);
        } catch (...) {
            topics_.pop_back();
            throw;
        }
        return added;
    }

    topic_state* find(std::string_view name) const noexcept
    {
        const auto found = by_name_.find(name);
        return found == by_name_.end() ? nullptr : found->second;
    }

    const std::vector<std::unique_ptr<topic_state>>& topics() const noexcept { return topics_; }
    const node_map& nodes() const noexcept { return nodes_; }
    const std::vector<std::unique_ptr<broker_node>>& bootstrap() const noexcept { return bootstrap_; }
    const std::string& cluster_id() const noexcept { return cluster_id_; }
    bool known() const noexcept { return !nodes_.empty(); }

    broker_node* node(std::int32_t id) const noexcept
    {
        const auto found = nodes_.find(id);
        return found == nodes_.end() ? nullptr : found->second.get();
    }

    // An address from metadata or a leader hint. True: the address of a known broker changed, its connection is stale.
    bool put_node(std::int32_t id, std::string_view host, std::int32_t port)
    {
        if (id < 0 || host.empty() || port <= 0 || port > 65535) return false;
        auto found = nodes_.find(id);
        if (found == nodes_.end()) { // made first: without memory no empty place is left
            found = nodes_.emplace(id, std::make_unique<broker_node>()).first;
            found->second->id = id;
            adopt_bootstrap(*found->second, host, static_cast<std::uint16_t>(port));
        }
        auto& node = found->second;
        node->current = true;
        if (node->host == host && node->port == port) return false;
        const bool moved = !node->host.empty();
        node->move_to(host, static_cast<std::uint16_t>(port));
        node->failures = 0;
        node->retry_at = nanoseconds{0};
        return moved;
    }

    // Calls changed(partition, old leader) for every partition whose leader, epoch or topic id changed, known(topic) for
    // every topic that has become known or has other partitions, moved(node) for brokers with a new address. `version` is
    // the response's; `asked_at` is when the request was sent.
    template <class Changed, class Known, class Moved> void apply(const protocol::metadata_response& answer,
                                                                  std::int16_t version, nanoseconds asked_at,
                                                                  Changed changed, Known known, Moved moved)
    {
        epochs_reliable_ = version >= 9;
        asked_at_ = asked_at;
        if (answer.brokers.empty()) return; // a broker that is still starting knows nobody; keep what we have
        if (answer.cluster_id) cluster_id_ = *answer.cluster_id;
        for (auto& [id, node] : nodes_) node->current = false;
        for (const auto& broker : answer.brokers)
            if (put_node(broker.node_id, broker.host, broker.port)) moved(*nodes_[broker.node_id]);
        for (const auto& reported : answer.topics)
            if (reported.name)
                if (auto* topic = find(*reported.name)) apply(*topic, reported, changed, known);
    }

    // A newer leader for one partition, from a produce answer. False: it is not newer than what is known.
    template <class Changed>
    bool apply_hint(partition_state& partition, std::int32_t leader, std::int32_t epoch, Changed changed)
    {
        auto* found = node(leader);
        if (!found || epoch <= partition.leader_epoch) return false;
        set_leader(partition, found, epoch, changed);
        return true;
    }

    static void refresh_available(topic_state& topic)
    {
        topic.available.clear();
        for (const auto& partition : topic.partitions)
            if (partition.leader) topic.available.push_back(partition.index);
    }

private:
    // A bootstrap connection that leads to this very address goes on as the broker's connection.
    void adopt_bootstrap(broker_node& node, std::string_view host, std::uint16_t port)
    {
        for (auto& candidate : bootstrap_)
            if (candidate->link && candidate->host == host && candidate->port == port) {
                node.move_to(host, port);
                node.link = std::exchange(candidate->link, nullptr);
                node.api_versions_try = candidate->api_versions_try;
                node.throttled_until = candidate->throttled_until;
                node.link->node = &node;
                break;
            }
    }

    template <class Changed>
    void set_leader(partition_state& partition, broker_node* leader, std::int32_t epoch, Changed& changed)
    {
        broker_node* old = partition.leader;
        move_to_leader(partition, leader);
        partition.leader_epoch = epoch;
        changed(partition, old);
    }

    template <class Changed, class Known> void apply(topic_state& topic,
                                                     const protocol::metadata_response_topic& reported,
                                                     Changed& changed, Known& known)
    {
        topic.asked = false;
        const auto error = static_cast<broker_errc>(reported.error_code);
        topic.error = make_error_code(error);
        if (error == broker_errc::unknown_topic_or_partition)
            for (auto& partition : topic.partitions) partition.disowned_at = asked_at_;
        if (error != broker_errc::none)
            return; // what we know stays: a topic that is denied for a moment keeps its sequences
        const bool same = !topic.id.is_nil() && topic.id == reported.topic_id;
        const bool recreated = topic.phase == topic_phase::known && !topic.id.is_nil() &&
                               !reported.topic_id.is_nil() && topic.id != reported.topic_id;
        if (!reported.topic_id.is_nil()) topic.id = reported.topic_id;
        const auto before = topic.partitions.size();
        const auto count = std::max(before, reported.partitions.size());
        for (const auto& described : reported.partitions)
            if (described.partition_index >= 0 && static_cast<std::size_t>(described.partition_index) < count)
                apply(topic, described, same, recreated,
                      changed); // brokers list all partitions: 0 .. count - 1
        topic.phase = topic.partitions.empty() ? topic_phase::unknown : topic_phase::known;
        topic.unlisted = topic.partitions.empty();
        refresh_available(topic);
        if (topic.partitions.size() != before) known(topic);
    }

    // `same`: it is certainly the topic that we know, by its id. `recreated`: it certainly isn't.
    template <class Changed> void apply(topic_state& topic,
                                        const protocol::metadata_response_partition& described, bool same,
                                        bool recreated, Changed& changed)
    {
        const auto index = described.partition_index;
        while (std::ssize(topic.partitions) <= index) {
            auto& added = topic.partitions.emplace_back();
            added.topic = &topic;
            added.index = static_cast<std::int32_t>(topic.partitions.size()) - 1;
        }
        auto& partition = topic.partitions[static_cast<std::size_t>(index)];
        // Before Kafka 2.4 (Metadata v9) brokers don't report the epoch accurately while a reassignment is in progress.
        const auto epoch = epochs_reliable_ ? described.leader_epoch : -1;
        // A new log: its leader epochs start anew (KAFKA-12257). It knows nothing of our sequences, but takes any first
        // one (KIP-360); and batches may be in it already, sent to the topic's name before we heard that it is new. A new
        // epoch would write them again.
        if (recreated) partition.leader_epoch = -1;
        const bool older = epoch >= 0 && epoch < partition.leader_epoch;
        if (older && (same || !was_disowned(partition))) return; // from a broker that lags behind
        partition.disowned_at = never;
        auto* leader = described.leader_id < 0 ? nullptr : node(described.leader_id);
        if (leader != partition.leader || epoch != partition.leader_epoch || recreated)
            set_leader(partition, leader, epoch, changed);
        if (!leader) topic.stale = true; // an election goes on: ask again soon
    }

    // Without topic ids, a topic made again looks like a broker that lags behind: its leader epochs are lower. The leader
    // that we know tells one from the other: it refuses, or it isn't there any more.
    bool was_disowned(const partition_state& partition) const noexcept
    {
        const auto* leader = partition.leader;
        return partition.disowned_at <= asked_at_ || !leader || !leader->current || leader->failures > 0;
    }

    struct name_hash
    {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept
        {
            return std::hash<std::string_view>{}(name);
        }
    };

    const producer_config& config_;
    std::vector<std::unique_ptr<broker_node>> bootstrap_;
    node_map nodes_;
    std::vector<std::unique_ptr<topic_state>> topics_;
    boost::unordered_flat_map<std::string_view, topic_state*, name_hash, std::equal_to<>> by_name_;
    std::string cluster_id_;
    bool epochs_reliable_ = true; // of the response that is being applied
    nanoseconds asked_at_{0};     // the same
};

} // namespace kurier::core
