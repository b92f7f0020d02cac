// The producer's picture of the cluster: brokers, topics, partitions, leaders. Fed by Metadata responses and by the leader
// hints in Produce responses (KIP-951).
#pragma once

#include <kurier/config/server_address.hpp>
#include <kurier/core/cluster/topology_listener.hpp>
#include <kurier/core/net/connection.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/protocol/messages/metadata.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

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

    // A broker has accepted the credential that others rejected: by now they may accept it too.
    void retry_refused(nanoseconds now) noexcept
    {
        const auto retry = [&](broker_node& node) {
            if (!node.link && login_refused(node.trouble.code)) node.retry_at = std::min(node.retry_at, now);
        };
        for (auto& [id, node] : nodes_) retry(*node);
        for (auto& node : bootstrap_) retry(*node);
    }

    // Whoever names it as a leader again is not believed at once: another broker is asked too.
    void disowned_by(const broker_node& leader, nanoseconds now) noexcept
    {
        for (const auto& topic : topics_)
            for (auto& partition : topic->partitions.all())
                if (partition.leader == &leader) partition.disowned_at = now;
    }

    // An address from metadata or a leader hint. True: the address of a known broker changed, its connection is stale.
    bool put_node(std::int32_t id, std::string_view host, std::int32_t port)
    {
        if (id < 0 || host.empty() || port <= 0 || port > 65535) return false;
        auto found = nodes_.find(id);
        if (found == nodes_.end()) { // made first, so that without memory no empty entry is left
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

    // Forgets the brokers that metadata doesn't list any more, as far as nothing refers to them. Not for one that is still
    // starting: its metadata lists none.
    void forget_those_that_left()
    {
        std::erase_if(nodes_, [](const auto& entry) {
            const auto& node = *entry.second;
            return !node.current && node.leads == 0 && node.connections == 0 && !node.active_hook.linked &&
                   node.waiting.empty() && !node.waiting.room_hook.linked;
        });
    }

    // Tells the listener what has changed; true: some leader, or the partitions of some topic. `version` is the response's;
    // `asked_at` is when the request was sent.
    bool apply(const protocol::metadata_response& response, std::int16_t version, nanoseconds asked_at,
               topology_listener& listener)
    {
        if (response.brokers.empty()) return false; // from a broker that is still starting: keep what we have
        if (response.cluster_id) cluster_id_ = *response.cluster_id;
        for (auto& [id, node] : nodes_) node->current = false;
        for (const auto& broker : response.brokers) {
            if (put_node(broker.node_id, broker.host, broker.port))
                listener.on_address_changed(*nodes_[broker.node_id]);
            if (auto* listed = node(broker.node_id))
                listed->nearby = config_.partitioner_rack_aware && broker.rack == config_.client_rack;
        }
        update change{listener, asked_at, version >= 9, response.brokers.size()};
        for (const auto& reported : response.topics)
            if (reported.name)
                if (auto* topic = find(*reported.name)) apply(*topic, reported, change);
        return change.changed;
    }

    // A newer leader for one partition, from a produce response. False: it is not newer than what is known.
    bool apply_hint(partition_state& partition, std::int32_t leader, std::int32_t epoch,
                    topology_listener& listener)
    {
        auto* found = node(leader);
        if (!found || epoch <= partition.leader_epoch) return false;
        set_leader(partition, found, epoch, listener);
        if (config_.partitioner_rack_aware) refresh_nearby(partition);
        return true;
    }

    static void refresh_available(topic_state& topic)
    {
        topic.available.clear();
        topic.nearby.clear();
        for (const auto& partition : topic.partitions) {
            if (!partition.leader) continue;
            topic.available.push_back(partition.index);
            if (partition.leader->nearby) topic.nearby.push_back(partition.index);
        }
    }

private:
    static void refresh_nearby(const partition_state& moved)
    {
        auto& nearby = moved.topic->nearby;
        const auto at = std::ranges::lower_bound(nearby, moved.index);
        const bool listed = at != nearby.end() && *at == moved.index;
        if (moved.leader->nearby && !listed) nearby.insert(at, moved.index);
        if (!moved.leader->nearby && listed) nearby.erase(at);
    }

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
                --candidate->connections;
                ++node.connections;
                break;
            }
    }

    static void set_leader(partition_state& partition, broker_node* leader, std::int32_t epoch,
                           topology_listener& listener)
    {
        broker_node* old = partition.leader;
        move_to_leader(partition, leader);
        partition.leader_epoch = epoch;
        listener.on_leader_changed(partition, old);
    }

    // A metadata response that is being applied.
    struct update
    {
        topology_listener& listener;
        nanoseconds asked_at;
        bool epochs_reliable; // see below
        std::size_t brokers;
        bool changed = false;
        bool same_topic = false;  // it is certainly the topic that we know, by its id
        bool other_topic = false; // it certainly isn't
    };

    void apply(topic_state& topic, const protocol::metadata_response_topic& reported, update& change)
    {
        topic.asked = false;
        const auto error = static_cast<broker_errc>(reported.error_code);
        topic.error = make_error_code(error);
        if (error == broker_errc::unknown_topic_or_partition)
            for (auto& partition : topic.partitions.all()) partition.disowned_at = change.asked_at;
        if (error != broker_errc::none)
            return; // what we know stays: a topic that is denied for a moment keeps its sequences
        const auto count = count_of(topic, reported); // 0: nothing is known of it yet, whichever topic it is
        change.same_topic = !topic.id.is_nil() && topic.id == reported.topic_id;
        change.other_topic =
            count > 0 && !topic.id.is_nil() && !reported.topic_id.is_nil() && topic.id != reported.topic_id;
        if (count > 0 && !reported.topic_id.is_nil()) topic.id = reported.topic_id;
        if (change.other_topic) begin_anew(topic);
        if (count > 0) list(topic, count, change);
        for (const auto& described : reported.partitions) {
            const auto index = static_cast<std::size_t>(described.partition_index); // huge if negative
            if (index < topic.partitions.size()) apply(topic.partitions[index], described, change);
        }
        topic.phase = topic.partitions.empty() ? topic_phase::unknown : topic_phase::known;
        topic.unlisted = topic.partitions.empty();
        refresh_available(topic);
    }

    // A new log: its leader epochs start anew (KAFKA-12257), those of partitions that are described later too. It knows
    // nothing of our sequences, but takes any first one (KIP-360); and batches may be in it already, sent to the topic's name
    // before we heard that it is new. A new epoch would write them again.
    static void begin_anew(topic_state& topic) noexcept
    {
        for (auto& partition : topic.partitions.all()) partition.leader_epoch = -1;
    }

    // A broker lists all partitions, 0 .. n - 1. Numbers that no list of that length, nor the topic before, can have don't
    // count: memory must not follow from a number that came over the wire.
    static std::size_t count_of(const topic_state& topic, const protocol::metadata_response_topic& reported)
    {
        const auto limit = std::max(topic.partitions.ever(), reported.partitions.size());
        std::size_t count = 0;
        for (const auto& described : reported.partitions) {
            const auto index = static_cast<std::size_t>(described.partition_index);
            if (index < limit) count = std::max(count, index + 1);
        }
        return count;
    }

    // As in Java, the newest metadata says how many partitions there are, also when there were more: a topic that was made
    // again would otherwise have partitions for ever that nobody leads.
    void list(topic_state& topic, std::size_t count, update& change)
    {
        auto& partitions = topic.partitions;
        const bool counted = partitions.size() != count;
        change.changed |= counted;
        if (topic.sticky >= static_cast<std::int64_t>(count)) topic.sticky = -1;
        partitions.shrink(std::min(partitions.size(), count));
        while (partitions.size() < count) {
            auto& added = partitions.emplace_back();
            added.topic = &topic;
            added.index = static_cast<std::int32_t>(partitions.size()) - 1;
            added.presence = partition_presence::present;
        }
        for (auto& partition : partitions.unlisted()) unlist(partition, change);
        if (counted) change.listener.on_partitions_listed(topic);
        if (change.other_topic) change.listener.on_topic_made_again(topic);
    }

    // What is queued for it still goes to the leader that it had, in case this came from a broker that lags behind; but
    // not when the topic is certainly another one.
    static void unlist(partition_state& partition, const update& change)
    {
        if (change.same_topic || partition.presence == partition_presence::gone) return;
        partition.presence = partition_presence::doubtful;
        partition.leader_epoch = -1; // should it come back, it may be with a new log
        if (!change.other_topic) return;
        partition.presence = partition_presence::gone;
        set_leader(partition, nullptr, -1, change.listener);
    }

    void apply(partition_state& partition, const protocol::metadata_response_partition& described,
               update& change)
    {
        // Before Kafka 2.4 (Metadata v9) brokers don't report the epoch accurately while a reassignment is in progress.
        const auto epoch = change.epochs_reliable ? described.leader_epoch : -1;
        auto* leader = described.leader_id < 0 ? nullptr : node(described.leader_id);
        const bool older = epoch >= 0 && epoch < partition.leader_epoch;
        const bool refused = partition.disowned_at <= change.asked_at;
        const bool doubted = refused || is_out_of_reach(partition.leader);
        const bool lags = older && !(change.same_topic ? all_agree(partition, doubted, change) : doubted);
        if (lags || (leader == partition.leader && epoch <= partition.leader_epoch)) {
            // Who waits for another leader than the one that refused is not helped: ask again soon, and another broker.
            if (refused && has_work(partition)) partition.topic->stale = true;
        } else {
            partition.disowned_at = never;
            partition.older_told = 0;
        }
        if (lags) return;
        if (leader != partition.leader || epoch != partition.leader_epoch || change.other_topic) {
            set_leader(partition, leader, epoch, change.listener);
            change.changed = true;
        }
        if (!leader) partition.topic->stale = true; // an election goes on: ask again soon
    }

    // Even of the same topic an older epoch must be believed once the leader that we know refuses or is gone and as many
    // responses as there are brokers say so. An epoch that never was, or a controller that lost its newest state, would
    // leave the partition without a leader for as long as we live.
    static bool all_agree(partition_state& partition, bool doubted, const update& change) noexcept
    {
        partition.older_told = doubted ? partition.older_told + 1 : 0;
        return partition.older_told > change.brokers;
    }

    static bool has_work(const partition_state& partition) noexcept
    {
        return partition.open || !partition.queue.empty() || !partition.flights.empty();
    }

    // Without topic ids, a topic made again looks like a broker that lags behind: its leader epochs are lower. The leader
    // that we know tells one from the other: it refuses, or it isn't there any more.
    static bool is_out_of_reach(const broker_node* leader) noexcept
    {
        return !leader || !leader->current || leader->failures > 0;
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
};

} // namespace kurier::inline KURIER_ABI::core
