// What the core consists of, and what its parts tell each other: connections about brokers, responses about the cluster.
#pragma once

#include <kurier/core/cluster/broker_health.hpp>
#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/cluster/leader_watch.hpp>
#include <kurier/core/cluster/metadata_exchange.hpp>
#include <kurier/core/cluster/router.hpp>
#include <kurier/core/identity/idempotent.hpp>
#include <kurier/core/identity/partition_epochs.hpp>
#include <kurier/core/intake/intake.hpp>
#include <kurier/core/net/connections.hpp>
#include <kurier/core/port.hpp>
#include <kurier/core/produce/drain.hpp>
#include <kurier/core/produce/produce_exchange.hpp>
#include <kurier/core/produce/settle.hpp>
#include <kurier/core/support/debug_events.hpp>
#include <kurier/core/support/log_queue.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class core_parts : public port, private connection_listener, private topology_listener
{
protected:
    core_parts(producer_config config, std::uint64_t seed)
        : config_{std::move(config)}, random_{seed}, view_{config_}, records_{config_},
          lives_{records_, flushes_, metrics_, logs_}, compressor_{config_, logs_}, epochs_{config_},
          ready_{records_, epochs_},
          settler_{config_, records_, lives_, random_, compressor_, ready_, epochs_, logs_},
          drainer_{config_, records_, lives_, compressor_, ready_, epochs_, logs_},
          health_{view_, logs_, metrics_}, conns_{config_, random_, *this},
          intake_{config_, view_, records_, lives_, ready_, drainer_, flushes_, random_, metrics_},
          router_{config_, random_, view_, conns_}, watch_{config_, view_, random_},
          metadata_{{config_, random_, conns_, router_, health_, logs_}, view_, *this},
          identity_{{config_, random_, conns_, router_, health_, logs_}, view_, ready_, settler_, epochs_},
          produce_{{config_, view_, conns_, ready_, drainer_, settler_, lives_, epochs_, life_, health_,
                    logs_, metrics_, *this}}
    {}
    ~core_parts() = default;

    const producer_config config_;
    random_source random_;
    cluster_view view_;
    accumulator records_;
    flush_tracker flushes_;
    log_queue logs_;
    producer_metrics metrics_; // its totals
    batch_lives lives_;
    batch_compressor compressor_;
    partition_epochs epochs_;
    ready_partitions ready_;
    settler settler_;
    drainer drainer_;
    broker_health health_;
    core::connections conns_;
    intake intake_;
    router router_;
    leader_watch watch_;
    metadata_exchange metadata_;
    producer_id_exchange identity_;
    produce_exchange produce_;

private:
    // --- what connections report -------------------------------------------------------------------------------------

    void on_ready(connection& opened, instant now) override
    {
        if (conns_.login_was_refused()) view_.retry_refused(now.steady);
        const auto produce = opened.range<protocol::produce_request>();
        const auto metadata = opened.range<protocol::metadata_request>();
        if (!produce.any() || !metadata.any()) return conns_.close(opened, errc::unsupported_version);
        debug::ready(logs_, *opened.node, produce.highest, metadata.highest);
        if (produce.highest < min_produce_version(compression::zstd)) {
            compressor_.exclude(compression::zstd);
            debug::compression_excluded(logs_, *opened.node, compression_name(compression::zstd));
        }
        health_.connected(opened);
    }

    void on_worked(connection& conn) override { health_.works(conn); }
    void on_silent(connection& conn, instant now) override { watch_.on_silent(*conn.node, now); }
    void on_opening(const broker_node& node) noexcept override { debug::opening(logs_, node); }
    std::string_view cluster_id() const noexcept override { return view_.cluster_id(); }

    void on_ended(connection& over, error_code why, instant now) override
    {
        if (life_.ended()) why = {}; // on purpose
        debug::ended(logs_, *over.node, why, over.node->retry_at - now.steady);
        health_.ended(over, why);
        if (!why || why == errc::unsupported_version) return;
        // With acks=0 that is all a broker says to what it refuses, not being the leader for one.
        if (config_.acks == acks::none && over.reached_ready) view_.disowned_by(*over.node, now.steady);
        metadata_.doubt_all();
        if (over.node->failures > 0) watch_.on_unreachable(*over.node, now);
    }

    // --- what responses change ---------------------------------------------------------------------------------------

    void on_leader_changed(partition_state& partition, broker_node* old) override
    {
        if (partition.topic->phase == topic_phase::known) debug::leader_changed(logs_, partition, old);
        ready_.leader_changed(partition, old);
    }

    void on_topic_made_again(topic_state& topic) override
    {
        debug::topic_made_again(logs_, topic);
        for (auto& gone : topic.partitions.unlisted())
            settler_.fail_queued(gone, broker_errc::unknown_topic_or_partition);
        intake_.topic_made_again(topic);
    }

    void on_address_changed(broker_node& node) override
    {
        debug::broker_moved(logs_, node);
        if (node.link) conns_.close(*node.link, errc::disconnected);
    }

    void on_partitions_listed(topic_state& topic) override { debug::topic_known(logs_, topic); }
    void on_leaders_moved() override { intake_.leaders_moved(); }
    void on_topic_refreshed(topic_state& topic) override
    {
        for (auto& partition : topic.partitions.all())
            if (partition.open || !partition.queue.empty()) ready_.update(partition);
    }

    void on_topic_failed(topic_state& topic, error_code why) override
    {
        debug::topic_failed(logs_, topic, why);
        intake_.fail_all_of(topic, why);
    }
    void on_topics_refreshed(instant now) override { intake_.topics_changed(now); }
};

} // namespace kurier::inline KURIER_ABI::core
