// Asks for metadata and applies what comes back to the view of the cluster. When to ask is metadata_plan's; what follows
// for batches and waiting records is the topology listener's.
#pragma once

#include <kurier/core/cluster/metadata_plan.hpp>
#include <kurier/core/cluster/rpc.hpp>
#include <kurier/core/cluster/topology_listener.hpp>
#include <kurier/core/support/debug_events.hpp>
#include <kurier/protocol/messages/metadata.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class metadata_exchange final : public rpc<protocol::metadata_request, protocol::metadata_response>
{
public:
    metadata_exchange(const rpc_context& context, cluster_view& view, topology_listener& listener)
        : rpc{context}, view_{view}, listener_{listener}, plan_{context.config, context.random}
    {}

    // Somebody needs a topic that is not known yet.
    void want(topic_state& topic)
    {
        if (topic.asked || std::exchange(topic.stale, true)) return;
        if (topic.phase == topic_phase::unknown && !topic.error)
            plan_.ask_for_new();
        else
            plan_.ask_soon();
    }

    std::uint64_t answers() const noexcept { return answers_; } // that named brokers

    // Topics were marked stale by whoever noticed.
    void ask_soon() noexcept { plan_.ask_soon(); }

    // A broker went away: leaders may have moved.
    void doubt_all()
    {
        for (const auto& topic : view_.topics()) topic->stale |= topic->wanted;
        plan_.ask_soon();
    }

    nanoseconds deadline() const noexcept { return std::max(plan_.deadline(), blocked_until_); }

    void ask_if_due(instant now)
    {
        blocked_until_ = nanoseconds{0};
        if (!plan_.due(now.steady)) return;
        rebootstrap_if_due(now);
        auto* conn = connection_for({route::kind::any, -1, &unhelpful_}, now);
        if (!conn) {
            blocked_until_ = retry_at();
            return;
        }
        const bool all = plan_.all_due(now.steady);
        const auto question = ask_about(all, now);
        plan_.asked(all);
        debug::metadata_asked(context_.logs, *conn->node, question.topics->size());
        send(*conn, question, now);
    }

private:
    bool succeeded(connection& from, const request& sent, const protocol::metadata_response& response,
                   instant now) override
    {
        if (static_cast<broker_errc>(response.error_code) == broker_errc::rebootstrap_required) {
            failed(broker_errc::rebootstrap_required, now);
            if (recovers()) rebootstrap(now);
            return true;
        }
        context_.health.cluster_answered();
        debug::metadata_answered(context_.logs, *from.node, response.brokers.size(), response.topics.size(),
                                 response.cluster_id ? std::string_view{*response.cluster_id} : "");
        if (view_.apply(response, sent.version, sent.sent_at, listener_)) listener_.on_topics_refreshed(now);
        bool useful = !response.brokers.empty(), leaderless = useful;
        if (useful) {
            trying_since_ = never;
            ++answers_;
            view_.forget_those_that_left();
        }
        for (const auto& topic : view_.topics()) {
            topic->stale |= std::exchange(topic->asked, false); // missing from the response
            if (!topic->wanted || look_at(*topic)) continue;
            useful = false;
            leaderless &= topic->phase == topic_phase::known && !topic->error && topic->early.empty();
        }
        if (useful)
            unhelpful_.clear();
        else
            unhelpful_.add(from.node->id);
        if (!useful && leaderless)
            plan_.answered_without_leader(now.steady - sent.sent_at, now.steady);
        else
            plan_.answered(useful, now.steady);
        return true;
    }

    void failed(error_code why, instant now) override
    {
        debug::metadata_failed(context_.logs, why);
        for (const auto& topic : view_.topics()) topic->stale |= std::exchange(topic->asked, false);
        plan_.lost(now.steady);
    }

    bool recovers() const noexcept
    {
        return context_.config.metadata_recovery_strategy == metadata_recovery_strategy::rebootstrap;
    }

    // Brokers that are known have given no metadata for metadata.recovery.rebootstrap.trigger.ms (KIP-1102).
    void rebootstrap_if_due(instant now)
    {
        trying_since_ = std::min(trying_since_, now.steady);
        const auto trigger = context_.config.metadata_recovery_rebootstrap_trigger;
        if (recovers() && view_.known() && later(trying_since_, trigger) <= now.steady) rebootstrap(now);
    }

    void rebootstrap(instant now)
    {
        trying_since_ = now.steady;
        context_.health.rebootstraps();
        context_.brokers.rebootstrap();
        for (const auto& topic : view_.topics()) listener_.on_topic_refreshed(*topic);
    }

    protocol::metadata_request ask_about(bool all, instant now)
    {
        protocol::metadata_request question;
        question.topics.emplace(); // no topics: brokers only
        question.allow_auto_topic_creation = true;
        for (const auto& topic : view_.topics()) {
            if (all && topic->wanted &&
                later(topic->last_used, context_.config.metadata_max_idle) <= now.steady && quiet(*topic)) {
                topic->wanted = topic->stale = false; // KIP-526
                debug::topic_idle(context_.logs, *topic);
            }
            if (topic->wanted && (all || topic->stale || topic->phase == topic_phase::unknown)) {
                auto& asked = question.topics->emplace_back();
                asked.name = std::string{std::string_view{topic->name}};
                topic->stale = false;
                topic->asked = true;
            }
        }
        return question;
    }

    // Has it no record that is parked, queued or in flight? Those need to learn of new leaders.
    static bool quiet(const topic_state& topic) noexcept
    {
        if (!topic.backlog.empty() || topic.held_back > 0) return false;
        for (const auto& partition : topic.partitions.all())
            if (partition.open || !partition.flights.empty()) return false;
        return true;
    }

    // Do we know now what we wanted to know about the topic?
    bool look_at(topic_state& topic)
    {
        listener_.on_topic_refreshed(topic);
        topic.stale |= !topic.early.empty();
        if (!topic.stale && topic.phase == topic_phase::known) return true;
        fail_hopeless(topic);
        if (topic.wanted) plan_.ask_soon();
        return false;
    }

    void fail_hopeless(topic_state& topic)
    {
        const auto& why = topic.error;
        if (!why || retriable(why)) return;
        listener_.on_topic_failed(topic, why);
        if (topic.phase == topic_phase::unknown)
            topic.wanted = topic.stale = false; // until somebody sends to it again
    }

    cluster_view& view_;
    topology_listener& listener_;
    metadata_plan plan_;
    std::uint64_t answers_ = 0;
    nanoseconds blocked_until_{0};    // no connection can be had before
    nanoseconds trying_since_{never}; // no response has named brokers since
    unhelpful_brokers unhelpful_;     // whose responses did not help
};

} // namespace kurier::inline KURIER_ABI::core
