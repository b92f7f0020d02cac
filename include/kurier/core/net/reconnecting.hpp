// When to reconnect to a broker, and how long connecting may take: both grow with each failure.
#pragma once

#include <kurier/core/net/connection.hpp>
#include <kurier/core/support/backoff.hpp>
#include <kurier/core/support/random.hpp>
#include <kurier/producer_config.hpp>

#include <algorithm>
#include <chrono>

namespace kurier::inline KURIER_ABI::core {

// What client.dns.lookup says. Brokers tell names by which they want to be called, bootstrap.servers may be aliases.
inline bool by_canonical_name(const broker_node& node, const producer_config& config) noexcept
{
    return node.id < 0 &&
           config.client_dns_lookup == client_dns_lookup::resolve_canonical_bootstrap_servers_only;
}

class reconnecting
{
public:
    reconnecting(const producer_config& config, random_source& random) : config_{config}, random_{random} {}

    nanoseconds setup_deadline(const broker_node& node, instant now) const noexcept
    {
        auto limit = config_.socket_connection_setup_timeout;
        for (int i = 0; i < node.failures && limit < config_.socket_connection_setup_timeout_max; ++i)
            limit *= 2;
        return later(now.steady, std::min<nanoseconds>(limit, config_.socket_connection_setup_timeout_max));
    }

    void succeeded(broker_node& node) noexcept { node.failures = 0; }
    void logged_in() noexcept { refused_ = false; }

    // A login that could not be renewed counts like any other lost connection.
    void ended(const connection& over, error_code why, instant now)
    {
        auto& node = *over.node;
        node.failures = over.reached_ready ? 0 : node.failures + 1;
        const auto attempt = std::max(node.failures - 1, 0);
        const bool refused = !over.reached_ready && login_refused(why);
        refused_ |= refused;
        const auto pause =
            refused ? backoff(login_backoff, login_backoff_max, attempt, random_)
                    : backoff(config_.reconnect_backoff, config_.reconnect_backoff_max, attempt, random_);
        node.retry_at = later(now.steady, pause);
    }

    // All connections use the same credential: once it was rejected, one broker at a time is tried with it.
    bool login_was_refused() const noexcept { return refused_; }

private:
    // Brokers delay the response to a failed login on purpose, and some servers lock an account after too many.
    static constexpr std::chrono::milliseconds login_backoff{1'000}, login_backoff_max{60'000};

    const producer_config& config_;
    random_source& random_;
    bool refused_ = false; // the most recent login was
};

} // namespace kurier::inline KURIER_ABI::core
