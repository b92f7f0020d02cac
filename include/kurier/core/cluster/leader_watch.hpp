// Leaders that are silent or can't be reached while batches wait for them: other brokers are asked who leads now, in one
// request for all, repeated while it lasts. The cluster itself notices that a broker is dead, frozen or cut off, and elects
// new leaders; without this the client would sit out request.timeout.ms, or its backoff.
#pragma once

#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/net/silence.hpp>
#include <kurier/core/support/backoff.hpp>
#include <kurier/core/support/random.hpp>
#include <kurier/producer_config.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class leader_watch
{
public:
    leader_watch(const producer_config& config, const cluster_view& view, random_source& random)
        : config_{config}, view_{view}, random_{random}
    {}

    // A connection has fallen silent. All clients of a broker notice at the same moment, so each waits a random while before
    // it asks.
    void on_silent(const broker_node& node, instant now) noexcept
    {
        send_elsewhere(node);
        const nanoseconds spread{
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(spread_max.count())))};
        next_ = std::min(next_, std::max(now.steady + spread, not_before_));
    }

    // No connection to it can be made. Metadata is asked at once anyway; then at the pace of an election.
    void on_unreachable(const broker_node& node, instant now) noexcept
    {
        send_elsewhere(node);
        if (elections_ == 0) next_ = std::min(next_, now.steady + next_pause());
    }

    nanoseconds deadline() const noexcept { return next_; }

    // True: topics are stale.
    bool on_time(instant now) noexcept
    {
        if (now.steady < next_) return false;
        bool silent = false, gone = false, stale = false;
        for (const auto& [id, node] : view_.nodes()) {
            if (!out_of_reach(*node)) continue;
            (is_silent(*node) ? silent : gone) = true;
            stale |= doubt(*node);
        }
        not_before_ = now.steady + pause;
        if (!gone) elections_ = 0;
        next_ = gone ? now.steady + next_pause() : silent ? not_before_ : never;
        return stale;
    }

private:
    static constexpr nanoseconds pause = std::chrono::seconds{1};
    static constexpr nanoseconds spread_max = std::chrono::milliseconds{100};

    nanoseconds next_pause() noexcept
    {
        return election_backoff(config_.retry_backoff, config_.retry_backoff_max, elections_++, random_);
    }

    // Records without a key that would have gone there.
    void send_elsewhere(const broker_node& node) const noexcept
    {
        for (const auto& topic : view_.topics())
            if (topic->sticky >= 0 &&
                topic->partitions[static_cast<std::size_t>(topic->sticky)].leader == &node)
                topic->sticky = -1;
    }

    // What is in flight there, and what waits to be sent there.
    static bool doubt(const broker_node& node) noexcept
    {
        bool stale = false;
        const auto doubted = [&](topic_state& topic) {
            if (!topic.asked) stale = topic.stale = true;
        };
        if (node.link)
            for (const auto& sent : node.link->requests)
                for (const auto& cut : sent->cuts)
                    if (!sent->answered && cut.body->partition->leader == &node)
                        doubted(*cut.body->partition->topic);
        for (auto* partition = node.ready.front(); partition; partition = node.ready.next(*partition))
            doubted(*partition->topic);
        return stale;
    }

    const producer_config& config_;
    const cluster_view& view_;
    random_source& random_;
    nanoseconds next_{never}, not_before_{0};
    int elections_ = 0; // requests since the first leader became unreachable
};

} // namespace kurier::inline KURIER_ABI::core
