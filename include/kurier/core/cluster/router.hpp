// Chooses the connection for a request: any broker for what all of them can handle (metadata, a producer id), or a given
// one.
#pragma once

#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/net/connections.hpp>
#include <kurier/core/support/random.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

// Brokers whose responses have not helped since the last one that did. Otherwise a broker with an outdated picture of the
// cluster might be asked forever (librdkafka 887, sarama 560).
class unhelpful_brokers
{
public:
    void add(std::int32_t id) { answered_[id] = ++count_; }
    void clear() noexcept { answered_.clear(); }

    // 0: it is not one of them. Else the greater, the later its response.
    std::uint64_t order(std::int32_t id) const
    {
        const auto found = answered_.find(id);
        return found == answered_.end() ? 0 : found->second;
    }

private:
    boost::unordered_flat_map<std::int32_t, std::uint64_t> answered_;
    std::uint64_t count_ = 0;
};

// Whom a request is for.
struct route
{
    enum class kind : std::uint8_t { any, node };
    kind to = kind::any;
    std::int32_t node = -1;
    const unhelpful_brokers* but_not = nullptr; // for `any`: asked only when there is no other

    std::uint64_t reluctance(const broker_node& broker) const
    {
        return but_not ? but_not->order(broker.id) : 0;
    }
};

class router
{
public:
    router(const producer_config& config, random_source& random, const cluster_view& view,
           connections& connections)
        : config_{config}, random_{random}, view_{view}, connections_{connections}
    {}

    // A connection to send on; nullptr: there is none yet, one is being made if possible.
    connection* usable(const route& to, instant now)
    {
        retry_at_ = never; // a connection that is being made ends the wait by itself
        return to.to == route::kind::any ? any(to, now) : one(to.node, now);
    }

    // After usable() found none: when to look again, if no connection comes before.
    nanoseconds retry_at() const noexcept { return retry_at_; }

    // The known brokers are no use any more: start over from bootstrap.servers (KIP-899, KIP-1102).
    void rebootstrap()
    {
        for (const auto& [id, node] : view_.nodes()) {
            node->current = false;
            if (node->link) connections_.close(*node->link, {});
        }
    }

private:
    static constexpr std::uint64_t never_asked = 0;

    connection* one(std::int32_t id, instant now)
    {
        auto* node = view_.node(id);
        if (!node) return nullptr;
        if (!node->link) {
            if (node->retry_at > now.steady)
                retry_at_ = node->retry_at;
            else if (!connections_.must_wait_to_open())
                connections_.open(*node, now);
            return nullptr;
        }
        return node->link->accepts_requests() ? node->link : nullptr;
    }

    // The least busy one, and a random one among equals: otherwise a whole fleet would ask the first in its list.
    connection* any(const route& to, instant now)
    {
        candidates found{random_, to};
        for (const auto& [id, node] : view_.nodes())
            if (node->current) found.consider(*node, now);
        if (!found.best)
            for (const auto& node : view_.bootstrap()) found.consider(*node, now);
        if (found.best) return found.best;
        if (!found.coming)
            connect_somewhere(to, now, found.last_resort ? found.least_reluctant : never_asked);
        retry_at_ = std::min(retry_at_, found.throttled_until);
        return found.last_resort;
    }

    struct candidates
    {
        random_source& random;
        const route& to;
        connection* best = nullptr;
        connection* last_resort = nullptr; // of those that did not help the one that was asked longest ago
        std::uint64_t ties = 0, least_reluctant = 0;
        bool coming = false;
        nanoseconds throttled_until = never;

        void consider(const broker_node& node, instant now)
        {
            if (!node.link || is_silent(node)) return; // it would not respond to this either
            if (!node.link->accepts_requests()) {
                coming = true;
            } else if (node.throttled_until > now.steady) {
                throttled_until = std::min(throttled_until, node.throttled_until);
                coming = true;
            } else if (const auto reluctance = to.reluctance(node); reluctance > 0) {
                if (last_resort && reluctance > least_reluctant) return;
                last_resort = node.link;
                least_reluctant = reluctance;
            } else if (!best || node.link->unanswered < best->unanswered) {
                best = node.link;
                ties = 1;
            } else if (node.link->unanswered == best->unanswered && random.below(++ties) == 0) {
                best = node.link;
            }
        }
    };

    // None of them has a connection, or none that may help: then whoever was asked later than the connected ones won't
    // either. The broker that failed least; bootstrap addresses too when there is no connection at all, so that a cluster
    // that moved is found again (KIP-899).
    void connect_somewhere(const route& to, instant now, std::uint64_t asked_before)
    {
        const bool connected = asked_before != never_asked;
        broker_node* chosen = nullptr;
        std::uint64_t ties = 0;
        auto soonest = never;
        const auto consider = [&](broker_node& node) {
            if (node.link || says_nothing(node.host, node.port)) return;
            if (connected && to.reluctance(node) > asked_before) return;
            soonest = std::min(soonest, node.retry_at);
            if (node.retry_at > now.steady) return;
            if (!chosen || node.failures < chosen->failures) {
                chosen = &node;
                ties = 1;
            } else if (node.failures == chosen->failures && random_.below(++ties) == 0) {
                chosen = &node;
            }
        };
        for (const auto& [id, node] : view_.nodes())
            if (node->current) consider(*node);
        const bool begins_again =
            !view_.known() || config_.metadata_recovery_strategy == metadata_recovery_strategy::rebootstrap;
        if (!connected && begins_again)
            for (const auto& node : view_.bootstrap()) consider(*node);
        if (!chosen)
            retry_at_ = soonest;
        else if (!connections_.must_wait_to_open())
            connections_.open(*chosen, now);
    }

    // A bootstrap server may be a silent broker under the same address.
    bool says_nothing(std::string_view host, std::uint16_t port) const noexcept
    {
        const auto is_it = [&](const broker_node& node) {
            return is_silent(node) && node.host == host && node.port == port;
        };
        return std::ranges::any_of(view_.nodes(), [&](const auto& known) { return is_it(*known.second); }) ||
               std::ranges::any_of(view_.bootstrap(), [&](const auto& server) { return is_it(*server); });
    }

    const producer_config& config_;
    random_source& random_;
    const cluster_view& view_;
    connections& connections_;
    nanoseconds retry_at_ = never;
};

} // namespace kurier::inline KURIER_ABI::core
