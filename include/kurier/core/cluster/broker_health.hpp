// What there is to say about brokers: log lines, observers' events, counters, and the unresolved trouble that explains why
// records fail.
//
// The log gets a line per change, not per attempt: one for a broker that can't be reached, another for its return, and a
// third if no broker of the cluster is left.
#pragma once

#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/net/broker_event_queue.hpp>
#include <kurier/core/net/connections.hpp>
#include <kurier/core/support/log_queue.hpp>
#include <kurier/metrics.hpp>
#include <kurier/protocol/messages/metadata.hpp>
#include <kurier/protocol/messages/produce.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class broker_health
{
public:
    broker_health(const cluster_view& view, log_queue& logs, producer_metrics& metrics)
        : view_{view}, logs_{logs}, metrics_{metrics}
    {}

    void observe() noexcept { events_.begin(); }
    bool poll(broker_event_queue::entry& out) { return events_.poll(out); }

    // Of the broker that was lost last and is not back; null if all is well as far as we know.
    const broker_trouble* last_trouble() const noexcept { return last_ ? &last_->trouble : nullptr; }

    // What won't pass by itself: a rejected login, or no broker left.
    bool hopeless() const noexcept { return last_ && (all_down_ || login_refused(last_->trouble.code)); }

    // What is wrong with each broker, as far as we know; the beginning of a long list.
    std::string story() const
    {
        constexpr std::size_t enough = 2000;
        std::string told;
        const auto tell = [&](const broker_node& node) {
            if (!node.trouble || told.find(node.trouble.text) != std::string::npos || told.size() > enough)
                return;
            if (!told.empty()) told += "; ";
            told += node.trouble.text;
        };
        for (const auto& [id, node] : view_.nodes()) tell(*node);
        for (const auto& node : view_.bootstrap()) tell(*node);
        return told;
    }

    static void count(const connections& conns, producer_metrics& into) noexcept
    {
        for (const auto& [id, conn] : conns.all()) {
            into.connections += conn->phase == connection_phase::ready ? 1U : 0U;
            into.requests_in_flight += conn->unanswered;
        }
    }

    // After an outage a handshake is not enough to count as up: a listener that wants SASL gets that far too.
    void connected(const connection& conn)
    {
        ++metrics_.connections_opened;
        auto& node = *conn.node;
        events_.add(node, broker_change::connected, {});
        if (node.condition == broker_condition::down) return;
        node.condition = broker_condition::up;
        logs_.add(log_level::info, "broker.connected", "connected", fields_of(node));
    }

    // A request other than the handshake's got its response, or with acks=0 was written.
    void works(connection& conn)
    {
        conn.worked = true;
        auto& node = *conn.node;
        if (node.condition == broker_condition::up && !node.trouble) [[likely]]
            return;
        if (last_ == &node) last_ = nullptr;
        if (node.condition == broker_condition::down)
            logs_.add(log_level::info, "broker.connected", "connected again", fields_of(node));
        node.condition = broker_condition::up;
        node.trouble = {};
        node.troubles_logged = 0;
        all_down_ = false;
    }

    // Metadata came: whatever went wrong before, the cluster responds.
    void cluster_answered() noexcept { last_ = nullptr; }

    void rebootstraps()
    {
        logs_.add(all_down_ ? log_level::debug : log_level::info, "cluster.rebootstrap",
                  "no use of the brokers that are known, asking bootstrap.servers again (KIP-899, KIP-1102)");
    }

    // Without `why`: on purpose, or idle.
    void ended(const connection& conn, error_code why)
    {
        auto& node = *conn.node;
        const auto change = conn.reached_ready ? broker_change::disconnected : broker_change::unreachable;
        if (conn.reached_ready || why) events_.add(node, change, why);
        if (!why) {
            if (node.condition == broker_condition::up) node.condition = broker_condition::unknown;
            return;
        }
        ++metrics_.connections_failed;
        const auto cause = conn.cause_of(why);
        auto what = describe(conn, cause, why);
        node.trouble = {cause, *node.name + ": " + what};
        last_ = &node;
        // A connection that had worked or was unused may break: brokers restart, load balancers drop idle ones.
        if (conn.worked || (conn.reached_ready && conn.unanswered == 0))
            disconnected(node, cause, std::move(what));
        else
            unusable(conn, cause, std::move(what));
    }

    void produced(const connection& conn, const request& sent, instant now)
    {
        metrics_.request_latency.add(now.steady - sent.sent_at);
        events_.add(*conn.node, broker_change::answered, {}, sent.bytes, now.steady - sent.sent_at);
    }

    void produce_lost(const connection& conn, const request& lost, error_code why, instant now)
    {
        ++metrics_.requests_lost;
        events_.add(*conn.node, broker_change::unanswered, why, lost.bytes, now.steady - lost.sent_at);
    }

    // The broker asks for a pause (KIP-219).
    void throttled(connection& conn, std::int32_t milliseconds, instant now)
    {
        // Brokers ask for seconds at most; a nonsensical value must not stop the producer for weeks.
        const auto pause =
            std::min<nanoseconds>(std::chrono::milliseconds{milliseconds}, std::chrono::minutes{1});
        auto& node = *conn.node;
        node.throttled_until = std::max(node.throttled_until, now.steady + pause);
        node.throttled_last = node.throttled_until;
        metrics_.throttle_time.add(pause);
        events_.add(node, broker_change::throttled, {}, 0, pause);
        auto fields = fields_of(node);
        fields.push_back({"milliseconds", milliseconds});
        logs_.add(log_level::info, "broker.throttles",
                  "a quota is exceeded, the broker asks to pause for " + std::to_string(milliseconds) + " ms",
                  std::move(fields));
    }

private:
    static log_values fields_of(const broker_node& node)
    {
        log_values fields;
        if (node.id >= 0) fields.push_back({"broker", node.id});
        fields.push_back({"host", node.host});
        fields.push_back({"port", node.port});
        return fields;
    }

    static log_values fields_of(const broker_node& node, error_code why)
    {
        auto fields = fields_of(node);
        fields.push_back({"error", std::string{error_name(why)}});
        return fields;
    }

    static std::string describe(const connection& conn, error_code cause, error_code why)
    {
        if (cause == errc::unsupported_version) return missing_requests(conn);
        if (!conn.words.empty()) return conn.words;
        // A listener responds to ApiVersions before it requires a login.
        const bool shut_out = conn.reached_ready && !conn.worked && conn.unanswered > 0;
        if (cause == errc::disconnected && shut_out && !conn.opening.logs_in())
            return "the broker closed the connection on the first request, as a listener does that wants a "
                   "login (SASL)";
        return why.message();
    }

    static std::string missing_requests(const connection& conn)
    {
        const bool produce = !conn.range<protocol::produce_request>().any();
        const bool metadata = !conn.range<protocol::metadata_request>().any();
        return std::string{"it speaks no version of "} + (produce ? "Produce" : "") +
               (produce && metadata ? " and " : "") + (metadata ? "Metadata" : "") +
               " that this library knows";
    }

    void disconnected(broker_node& node, error_code why, std::string what)
    {
        const bool news = node.condition != broker_condition::down;
        if (news) node.condition = broker_condition::unknown;
        logs_.add(news ? log_level::info : log_level::debug, "broker.disconnected", std::move(what),
                  fields_of(node, why));
    }

    // Each kind of trouble is news once per outage; further attempts are logged at debug level.
    void unusable(const connection& conn, error_code why, std::string what)
    {
        auto& node = *conn.node;
        node.condition = broker_condition::down;
        const auto kind = std::uint64_t{1} << (static_cast<unsigned>(why.value()) & 63U);
        const bool news = !told_of_address(node, kind);
        node.troubles_logged |= kind;
        if (const auto hint = advice(why); conn.words.empty() && !hint.empty())
            what += "; " + std::string{hint};
        const bool unsupported = why == errc::unsupported_version, refused = login_refused(why);
        const auto level = !news                    ? log_level::debug
                           : unsupported || refused ? log_level::error
                                                    : log_level::warning;
        const auto* event = unsupported          ? "broker.unsupported"
                            : refused            ? "broker.login_failed"
                            : conn.reached_ready ? "broker.unusable"
                                                 : "broker.unreachable";
        logs_.add(level, event, std::move(what), fields_of(node, why));
        if (!all_down_) look_at_all();
    }

    // A bootstrap server is usually a broker too: two nodes with one address, and one line.
    bool told_of_address(const broker_node& lost, std::uint64_t kind) const noexcept
    {
        const auto tells = [&](const broker_node& other) {
            return other.condition == broker_condition::down && (other.troubles_logged & kind) != 0 &&
                   other.host == lost.host && other.port == lost.port;
        };
        return std::ranges::any_of(view_.nodes(), [&](const auto& one) { return tells(*one.second); }) ||
               std::ranges::any_of(view_.bootstrap(), [&](const auto& one) { return tells(*one); });
    }

    // Of a cluster that is not known yet, the bootstrap servers are all there is.
    void look_at_all()
    {
        std::size_t brokers = 0, down = 0;
        const auto count = [&](const broker_node& node) {
            ++brokers;
            down += node.condition == broker_condition::down ? 1U : 0U;
        };
        for (const auto& [id, node] : view_.nodes())
            if (node->current) count(*node);
        if (!view_.known())
            for (const auto& node : view_.bootstrap()) count(*node);
        if (down < brokers) return;
        all_down_ = true;
        logs_.add(log_level::error, "brokers.down",
                  std::to_string(down) + " of " + std::to_string(brokers) +
                      (view_.known() ? " brokers" : " bootstrap servers") + " are down; the last was " +
                      last_->trouble.text,
                  {{"brokers", brokers}, {"error", std::string{error_name(last_->trouble.code)}}});
    }

    const cluster_view& view_;
    log_queue& logs_;
    producer_metrics& metrics_;
    broker_event_queue events_;
    const broker_node* last_ = nullptr;
    bool all_down_ = false; // and the log says so
};

} // namespace kurier::inline KURIER_ABI::core
