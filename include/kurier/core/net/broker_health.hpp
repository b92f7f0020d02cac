// What is said about brokers: log lines, observers' events, counters, and the last thing that went wrong, which explains
// why a record could not be sent.
#pragma once

#include <kurier/core/net/broker_event_queue.hpp>
#include <kurier/core/net/connections.hpp>
#include <kurier/core/support/log_queue.hpp>
#include <kurier/metrics.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace kurier::core {

class broker_health
{
public:
    broker_health(log_queue& logs, producer_metrics& metrics) : logs_{logs}, metrics_{metrics} {}

    void observe() noexcept { events_.begin(); }
    bool poll(broker_event_queue::entry& out) { return events_.poll(out); }
    std::string_view last_trouble() const noexcept { return last_trouble_; }

    void connected(const connection& conn)
    {
        ++metrics_.connections_opened;
        events_.add(*conn.node, broker_change::connected, {});
        logs_.add(log_level::info, "broker.connected", *conn.node->name);
    }

    void unsupported(const connection& conn)
    {
        last_trouble_ =
            *conn.node->name + " speaks no version of Produce or Metadata that this library knows";
        logs_.add(log_level::error, "broker.unsupported", last_trouble_);
    }

    // Without `why`: on purpose, or idle.
    void ended(const connection& conn, error_code why)
    {
        const auto change = conn.reached_ready ? broker_change::disconnected : broker_change::unreachable;
        if (conn.reached_ready || why) events_.add(*conn.node, change, why);
        if (!why) return;
        ++metrics_.connections_failed;
        if (why == errc::unsupported_version) return; // unsupported() has said so
        last_trouble_ = *conn.node->name + ": " + why.message();
        logs_.add(conn.reached_ready ? log_level::info : log_level::warning,
                  conn.reached_ready ? "broker.disconnected" : "broker.unreachable", last_trouble_);
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
        // A broker asks for seconds at most; a nonsensical value must not stop the producer for weeks.
        const auto pause =
            std::min<nanoseconds>(std::chrono::milliseconds{milliseconds}, std::chrono::minutes{1});
        conn.node->throttled_until = std::max(conn.node->throttled_until, now.steady + pause);
        metrics_.throttle_time.add(pause);
        events_.add(*conn.node, broker_change::throttled, {}, 0, pause);
        logs_.add(log_level::info, "broker.throttles",
                  *conn.node->name + " for " + std::to_string(milliseconds) + " ms");
    }

private:
    log_queue& logs_;
    producer_metrics& metrics_;
    broker_event_queue events_;
    std::string last_trouble_;
};

} // namespace kurier::core
