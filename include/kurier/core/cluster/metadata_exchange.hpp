// Asks for metadata and applies what comes back: to the view of the cluster, the batches that are queued, and the
// records that wait for their topic. When to ask is metadata_plan's.
#pragma once

#include <kurier/core/cluster/metadata_plan.hpp>
#include <kurier/core/cluster/router.hpp>
#include <kurier/core/intake/intake.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace kurier::core {

class metadata_exchange
{
public:
    metadata_exchange(const producer_config& config, random_source& random, cluster_view& view, links& links,
                      any_broker& brokers, ready_partitions& ready, intake& intake)
        : config_{config}, view_{view}, links_{links}, brokers_{brokers}, ready_{ready}, intake_{intake},
          plan_{config, random}
    {}

    // Somebody needs a topic that is not known.
    void want(topic_state& topic)
    {
        if (topic.asked || std::exchange(topic.stale, true)) return;
        if (topic.phase == topic_phase::unknown && !topic.error)
            plan_.ask_for_new();
        else
            plan_.ask_soon();
    }

    // Topics were marked stale by whoever noticed.
    void ask_soon() noexcept { plan_.ask_soon(); }

    // A broker went away: the cluster may look different now.
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
        connection* link = brokers_.usable(now);
        if (!link) {
            blocked_until_ = brokers_.retry_at();
            return;
        }
        const bool all = plan_.all_due(now.steady);
        const auto question = ask_about(all, now);
        plan_.asked(all);
        const auto version = link->range(request_kind::metadata).highest;
        links_.send_message(*link, request_kind::metadata, version, question, now);
    }

    // False: it can't be decoded.
    bool take(const request& sent, bytes_view body, instant now)
    {
        protocol::metadata_response answer;
        if (!protocol::decode_response(body, sent.version, answer)) {
            lost(now);
            return false;
        }
        bool changed = false;
        view_.apply(
            answer,
            [&](partition_state& partition, broker_node* old) {
                ready_.leader_changed(partition, old);
                changed = true;
            },
            [&](topic_state&) { changed = true; },
            [&](broker_node& moved) {
                if (moved.link) links_.close(*moved.link, errc::disconnected);
            });
        bool useful = !answer.brokers.empty();
        for (const auto& topic : view_.topics()) {
            topic->stale |= std::exchange(topic->asked, false); // the answer has left it out
            if (topic->wanted) useful &= look_at(*topic);
        }
        plan_.answered(useful, now.steady);
        if (changed) intake_.topics_changed(now);
        return true;
    }

    void lost(instant now)
    {
        for (const auto& topic : view_.topics()) topic->stale |= std::exchange(topic->asked, false);
        plan_.lost(now.steady);
    }

private:
    protocol::metadata_request ask_about(bool all, instant now)
    {
        protocol::metadata_request question;
        question.topics.emplace(); // no topics: brokers only
        question.allow_auto_topic_creation = true;
        for (const auto& topic : view_.topics()) {
            if (all && topic->wanted && later(topic->last_used, config_.metadata_max_idle) <= now.steady &&
                quiet(*topic))
                topic->wanted = topic->stale = false; // KIP-526
            if (topic->wanted && (all || topic->stale || topic->phase == topic_phase::unknown)) {
                auto& asked = question.topics->emplace_back();
                asked.name = std::string{std::string_view{topic->name}};
                topic->stale = false;
                topic->asked = true;
            }
        }
        return question;
    }

    // Is none of its records waiting, queued or on its way? Those need to hear of new leaders.
    static bool quiet(const topic_state& topic) noexcept
    {
        if (!topic.backlog.empty() || topic.held_back > 0) return false;
        for (const auto& partition : topic.partitions)
            if (partition.open || !partition.flights.empty()) return false;
        return true;
    }

    // Is now known about the topic what we wanted to know?
    bool look_at(topic_state& topic)
    {
        for (auto& partition : topic.partitions)
            if (partition.open || !partition.queue.empty()) ready_.update(partition);
        if (!topic.stale && topic.phase == topic_phase::known) return true;
        fail_hopeless(topic);
        if (topic.wanted) plan_.ask_soon();
        return false;
    }

    // A topic that will not come into being by waiting.
    void fail_hopeless(topic_state& topic)
    {
        const auto& why = topic.error;
        if (!why || retriable(why)) return;
        intake_.fail_all_of(topic, why);
        if (topic.phase == topic_phase::unknown)
            topic.wanted = topic.stale = false; // until somebody sends to it again
    }

    const producer_config& config_;
    cluster_view& view_;
    links& links_;
    any_broker& brokers_;
    ready_partitions& ready_;
    intake& intake_;
    metadata_plan plan_;
    nanoseconds blocked_until_{0}; // no connection can be had before
};

} // namespace kurier::core
