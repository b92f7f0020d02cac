// Chooses the connection for what every broker can answer: metadata, a producer id.
#pragma once

#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/net/connections.hpp>

#include <algorithm>

namespace kurier::core {

class any_broker
{
public:
    any_broker(const producer_config& config, const cluster_view& view, links& links)
        : config_{config}, view_{view}, links_{links}
    {}

    // A connection to ask on, the one with the least to do; nullptr: there is none yet, one is being made if possible.
    connection* usable(instant now)
    {
        connection* best = nullptr;
        bool coming = false;
        retry_at_ = never; // a connection that is being made ends the wait by itself
        const auto consider = [&](const broker_node& node) {
            if (!node.link) return;
            if (node.link->phase != link_phase::ready)
                coming = true;
            else if (!best || node.link->unanswered < best->unanswered)
                best = node.link;
        };
        for (const auto& [id, node] : view_.nodes())
            if (node->current) consider(*node);
        for (const auto& node : view_.bootstrap())
            if (!best) consider(*node);
        if (!best && !coming) connect_somewhere(now);
        return best;
    }

    // After usable() found none: when to look again, if no connection comes before.
    nanoseconds retry_at() const noexcept { return retry_at_; }

private:
    // None of them has a connection. The broker that failed least; bootstrap addresses too, so that a cluster that moved
    // is found again (KIP-899).
    void connect_somewhere(instant now)
    {
        broker_node* chosen = nullptr;
        auto soonest = never;
        const auto consider = [&](broker_node& node) {
            soonest = std::min(soonest, node.retry_at);
            if (node.retry_at <= now.steady && (!chosen || node.failures < chosen->failures)) chosen = &node;
        };
        for (const auto& [id, node] : view_.nodes())
            if (node->current) consider(*node);
        if (!view_.known() || config_.metadata_recovery_strategy == metadata_recovery_strategy::rebootstrap)
            for (const auto& node : view_.bootstrap()) consider(*node);
        if (chosen)
            links_.open(*chosen, now);
        else
            retry_at_ = soonest;
    }

    const producer_config& config_;
    const cluster_view& view_;
    links& links_;
    nanoseconds retry_at_ = never;
};

} // namespace kurier::core
