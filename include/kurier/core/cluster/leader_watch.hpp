// Leaders that say nothing while batches wait for them: the others are asked who leads now, with one question for all, and
// again each second while it lasts. The cluster finds out by itself that a broker is frozen or cut off, and moves its
// leaders; only the client would wait for request.timeout.ms.
#pragma once

#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/net/silence.hpp>
#include <kurier/core/support/random.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class leader_watch
{
public:
    leader_watch(const cluster_view& view, random_source& random) : view_{view}, random_{random} {}

    // A connection has fallen silent. For all clients of a broker that happens at the same moment, so each waits for
    // another while before it asks.
    void on_silent(instant now) noexcept
    {
        const nanoseconds spread{
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(spread_max.count())))};
        next_ = std::min(next_, std::max(now.steady + spread, not_before_));
    }

    nanoseconds deadline() const noexcept { return next_; }

    // True: topics are stale.
    bool on_time(instant now) noexcept
    {
        if (now.steady < next_) return false;
        bool silent = false, stale = false;
        for (const auto& [id, node] : view_.nodes())
            if (node->link && node->link->silent) {
                silent = true;
                stale |= doubt(*node);
            }
        not_before_ = now.steady + pause;
        next_ = silent ? not_before_ : never;
        return stale;
    }

private:
    static constexpr nanoseconds pause = std::chrono::seconds{1};
    static constexpr nanoseconds spread_max = std::chrono::milliseconds{100};

    // What flies there, and what waits to be sent there.
    static bool doubt(const broker_node& node) noexcept
    {
        bool stale = false;
        const auto doubted = [&](topic_state& topic) {
            if (!topic.asked) stale = topic.stale = true;
        };
        for (const auto& sent : node.link->requests)
            for (const auto& cut : sent->cuts)
                if (!sent->answered && cut.body->partition->leader == &node)
                    doubted(*cut.body->partition->topic);
        for (auto* partition = node.ready.front(); partition; partition = node.ready.next(*partition))
            doubted(*partition->topic);
        return stale;
    }

    const cluster_view& view_;
    random_source& random_;
    nanoseconds next_{never}, not_before_{0};
};

} // namespace kurier::inline KURIER_ABI::core
