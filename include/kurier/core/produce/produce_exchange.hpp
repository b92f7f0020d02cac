// The Produce conversation: which broker takes a request now, what goes into it, and what its response says about each
// batch, about leaders, and about the pace of the broker.
#pragma once

#include <kurier/core/cluster/broker_health.hpp>
#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/cluster/topology_listener.hpp>
#include <kurier/core/produce/drain.hpp>
#include <kurier/core/produce/produce_codec.hpp>
#include <kurier/core/produce/settle.hpp>
#include <kurier/core/support/debug_events.hpp>
#include <kurier/core/support/lifecycle.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

// What the conversation works with.
struct produce_context
{
    const producer_config& config;
    cluster_view& view;
    connections& conns;
    ready_partitions& ready;
    drainer& drain;
    settler& settle;
    batch_lives& lives;
    const epoch_authority& epochs;
    const lifecycle& life;
    broker_health& health;
    log_queue& logs;
    producer_metrics& metrics;
    topology_listener& topology;
};

class produce_exchange final : public exchange
{
public:
    explicit produce_exchange(const produce_context& context) : context_{context} {}

    // Sends what is ready, to every broker that takes a request now. True: batches wait for a producer id.
    bool send_ready(instant now)
    {
        if (context_.ready.take_leader_changes()) leave_old_leaders(now);
        bool blocked = false;
        auto& active = context_.ready.active_brokers();
        for (auto* node = active.front(); node;) {
            send_to(*node, now);
            blocked |= !node->ready.empty() && !context_.epochs.has_identity();
            auto* next = active.next(*node);
            if (node->ready.empty() && node->lingering.empty()) active.erase(*node);
            node = next;
        }
        return blocked;
    }

    // When a broker with ready batches can be tried again.
    nanoseconds deadline() const noexcept
    {
        auto at = never;
        const auto& active = std::as_const(context_.ready).active_brokers();
        for (const auto* node = active.front(); node; node = active.next(*node))
            if (!node->ready.empty()) {
                if (!node->link)
                    at = std::min(at, node->retry_at);
                else if (node->throttled_until > nanoseconds{0})
                    at = std::min(at, node->throttled_until);
            }
        return at;
    }

private:
    // --- requests ----------------------------------------------------------------------------------------------------

    void send_to(broker_node& node, instant now)
    {
        // What a broker could not take has expired, so nothing else would tell that it is back.
        if (node.ready.empty()) node.stalled_since = never;
        send_ready_of(node, now);
        if (takes_requests(node, now) && node.link->unanswered == 0) {
            context_.ready.hurry_idle(node);
            send_ready_of(node, now);
        }
    }

    void send_ready_of(broker_node& node, instant now)
    {
        while (!node.ready.empty() && can_take(node, now) && context_.epochs.has_identity())
            if (!send_request(node, now)) break;
    }

    static bool takes_requests(const broker_node& node, instant now) noexcept
    {
        return node.link && node.link->accepts_requests() && !node.link->has_unsent() &&
               node.throttled_until <= now.steady;
    }

    // A broker handles the requests of a connection one after another, and one that waits there for longer than
    // request.timeout.ms ends the connection for all of them. A slow one gets as many as it can answer in half that
    // time; each of them takes along all that came meanwhile.
    std::size_t in_flight_max(const broker_node& node) const noexcept
    {
        const std::int64_t most = context_.config.max_in_flight_requests_per_connection;
        const nanoseconds in_time = context_.config.request_timeout / 2;
        const bool quick = node.service_time <= in_time / most;
        return static_cast<std::size_t>(quick ? most
                                              : std::max<std::int64_t>(in_time / node.service_time, 1));
    }

    bool can_take(broker_node& node, instant now)
    {
        if (node.throttled_until <= now.steady) node.throttled_until = nanoseconds{0};
        if (!node.link) {
            if (node.retry_at <= now.steady) context_.conns.open(node, now);
        } else if (takes_requests(node, now) && node.link->unanswered < in_flight_max(node)) {
            node.stalled_since = never;
            return true;
        }
        node.stalled_since = std::min(node.stalled_since, now.steady);
        return false;
    }

    bool send_request(broker_node& node, instant now)
    {
        taken_.clear();
        context_.drain.drain(node, taken_, now);
        if (taken_.empty()) return false;
        auto& conn = *node.link;
        refuse_new_codecs(conn);
        if (taken_.empty()) return true;
        auto made = context_.conns.make(conn, *this, version_for(conn.range<protocol::produce_request>()));
        codec_.encode(*made, taken_, context_.config);
        context_.conns.send(conn, std::move(made), now);
        for (batch* body : taken_) ++body->requests;
        ++context_.metrics.requests;
        return true;
    }

    // A broker that does not know a codec yet (zstd before Kafka 2.1) would not understand the batch.
    void refuse_new_codecs(const connection& conn)
    {
        const auto version = conn.range<protocol::produce_request>().highest;
        std::erase_if(taken_, [&](batch* body) {
            if (version >= min_produce_version(body->codec())) return false;
            context_.settle.refuse(*body, errc::compression_unavailable,
                                   *conn.node->name + " speaks Produce up to version " +
                                       std::to_string(version) + ", " +
                                       std::string{compression_name(body->codec())} + " needs version " +
                                       std::to_string(min_produce_version(body->codec())));
            return true;
        });
    }

    // Since version 13 topics have no names, only ids. Some clusters speak that version and tell no ids. With acks=0 nobody
    // would say that the topic was made again and has another id: the broker hangs up, each time, and the others may not
    // tell ids.
    std::int16_t version_for(version_range common) const noexcept
    {
        for (const batch* body : taken_)
            if (body->partition->topic->id.is_nil() || context_.config.acks == acks::none)
                return std::max(common.lowest, std::min<std::int16_t>(common.highest, 12));
        return common.highest;
    }

    // --- leaders that moved away -------------------------------------------------------------------------------------

    void leave_old_leaders(instant now)
    {
        for (const auto& [id, node] : context_.view.nodes())
            if (node->link && node->link->unanswered > 0)
                for (const auto& sent : node->link->requests)
                    if (sent->owner == this && !sent->answered) leave_old_leaders_of(*sent, now);
    }

    // The batches whose leader is another one by now are of unknown fate, as after a lost connection: they go to the new
    // one with their sequences, in order, the first alone. Not without sequences, for then nobody would notice that the
    // old one has appended them too. And not to the leader of a topic that was made again: its epochs mean nothing here.
    void leave_old_leaders_of(request& sent, instant now)
    {
        if (!context_.epochs.idempotent()) return;
        for (auto& cut : sent.cuts) {
            auto& about = *cut.body;
            if (cut.left || cut.topic_id != about.partition->topic->id ||
                !leader_moved_away(*about.partition, about))
                continue;
            cut.left = true;
            context_.settle.lost(about, true, broker_errc::not_leader_or_follower, now); // it may leave yet
        }
    }

    void on_silent(connection&, request& due, instant now) override { leave_old_leaders_of(due, now); }

    // --- what became of them -----------------------------------------------------------------------------------------

    bool on_response(connection& from, request& sent, bytes_view body, instant now) override
    {
        auto& result = result_;
        if (!codec_.decode(sent, body, result)) {
            context_.health.produce_lost(from, sent, errc::protocol_error, now);
            lost(sent, true, errc::protocol_error, now);
            return false;
        }
        from.node->service_time =
            now.steady - std::max(sent.sent_at, std::exchange(from.answered_at, now.steady));
        context_.health.produced(from, sent, now);
        if (result.throttle_ms > 0 && sent.version >= protocol::produce_request::throttled_by_client)
            context_.health.throttled(from, result.throttle_ms, now);
        take_nodes(result);
        bool leaders_moved = false;
        for (std::size_t i = 0; i < sent.cuts.size(); ++i) {
            if (sent.cuts[i].left) continue;
            auto& about = *sent.cuts[i].body;
            auto& part = result.partitions[i];
            if (!part.present) { // a broker that forgets a partition has told us nothing about it
                context_.settle.lost(about, true, errc::protocol_error, now);
                continue;
            }
            // Before the verdict: a batch that has a newer leader is sent again without a pause.
            leaders_moved |= apply_hint(*about.partition, part);
            if (part.answer.error != broker_errc::none) log_refusal(from, about, part.answer.error);
            context_.settle.answered(about, std::move(part.answer), now);
        }
        if (leaders_moved) context_.topology.on_leaders_moved();
        return true;
    }

    void log_refusal(const connection& from, const batch& about, broker_errc error)
    {
        const auto& partition = *about.partition;
        context_.logs.add(log_level::debug, "produce.refused", make_error_code(error).message(),
                          {{"topic", std::string{std::string_view{partition.topic->name}}},
                           {"partition", partition.index},
                           {"broker", from.node->id},
                           {"error", std::string{error_name(error)}}});
    }

    // A hint (KIP-951) may name a broker at another address than before: the connection to the old one is stale.
    void take_nodes(const produce_result& result)
    {
        for (const auto& hint : result.nodes)
            if (context_.view.put_node(hint.id, hint.host, hint.port))
                context_.topology.on_address_changed(*context_.view.node(hint.id));
    }

    bool apply_hint(partition_state& partition, const produce_result::part& part)
    {
        return part.leader_id >= 0 &&
               context_.view.apply_hint(partition, part.leader_id, part.leader_epoch, context_.topology);
    }

    void on_written(connection&, request& sent, instant now) override // acks=0
    {
        for (const auto& cut : sent.cuts) context_.settle.handed_over(*cut.body, now);
    }

    void on_lost(connection& over, request& sent, error_code why, instant now) override
    {
        if (why == errc::request_timed_out) over.node->service_time = now.steady - sent.sent_at;
        context_.health.produce_lost(over, sent, why, now);
        debug::produce_lost(context_.logs, *over.node, sent.cuts.size(),
                            why ? why : make_error_code(errc::disconnected));
        lost(sent, sent.fully_written(), why ? why : make_error_code(errc::disconnected), now);
    }

    void lost(const request& over, bool sent, error_code why, instant now)
    {
        for (const auto& cut : over.cuts)
            if (!cut.left) context_.settle.lost(*cut.body, sent, why, now);
    }

    void on_released(request& over) override
    {
        for (const auto& cut : over.cuts) {
            --cut.body->requests;
            if (context_.life.ended()) context_.settle.forget_flight(*cut.body);
            context_.lives.release(*cut.body);
        }
    }

    const produce_context context_;
    produce_codec codec_;
    produce_result result_; // the newest, kept for its memory
    std::vector<batch*> taken_;
};

} // namespace kurier::inline KURIER_ABI::core
