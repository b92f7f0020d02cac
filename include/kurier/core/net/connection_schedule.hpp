// When connections time out: in set-up, waiting for a response, or idle. They are in one of two lists, so that a turn looks
// at the busy ones and at a single idle one, however many there are.
#pragma once

#include <kurier/core/net/silence.hpp>
#include <kurier/producer_config.hpp>

#include <algorithm>

namespace kurier::inline KURIER_ABI::core {

class connection_schedule
{
public:
    explicit connection_schedule(const producer_config& config) : config_{config} {}

    // It waits for something, or authenticates.
    void busy(connection& conn) noexcept
    {
        idle_.remove(conn);
        if (!conn.busy_hook.linked) busy_.push_back(conn);
    }

    // It waits for nothing, since last_used.
    void idle(connection& conn) noexcept
    {
        busy_.remove(conn);
        if (!conn.idle_hook.linked) idle_.push_back(conn);
    }

    void forget(connection& conn) noexcept
    {
        busy_.remove(conn);
        idle_.remove(conn);
    }

    // Calls close(connection, why) for each that has timed out, which removes it from here, and silent(connection) for each
    // that has just fallen silent.
    template <class Close, class Silent> void on_time(instant now, Close close, Silent silent)
    {
        for (auto* conn = busy_.front(); conn;) {
            auto* next = busy_.next(*conn);
            const auto* oldest = conn->oldest_unanswered();
            if (conn->setup_deadline <= now.steady) {
                close(*conn, make_error_code(conn->phase == connection_phase::connecting
                                                 ? errc::connect_timed_out
                                                 : errc::credential_unavailable));
            } else if (oldest && oldest->deadline <= now.steady) {
                close(*conn, make_error_code(errc::request_timed_out));
            } else if (silent_at(*conn, oldest) <= now.steady) {
                fall_silent(*conn, now);
                silent(*conn);
            }
            conn = next;
        }
        while (auto* conn = idle_.front()) {
            if (idle_deadline(*conn) > now.steady) break;
            if (conn->node->ready.empty()) {
                close(*conn, error_code{});
                continue;
            }
            conn->last_used = now.steady; // by batches that only wait out a throttle
            idle_.erase(*conn);
            idle_.push_back(*conn);
        }
    }

    nanoseconds deadline() const noexcept
    {
        auto at = idle_.empty() ? never : idle_deadline(*idle_.front());
        for (const auto* conn = busy_.front(); conn; conn = busy_.next(*conn)) {
            const auto* oldest = conn->oldest_unanswered();
            at = std::min({at, conn->setup_deadline, silent_at(*conn, oldest)});
            if (oldest) at = std::min(at, oldest->deadline);
        }
        return at;
    }

    // Is a response due on any of them? As long as one is, closing may lose what was written: a response that meets a closed
    // socket makes the kernel reset the connection, and requests that the broker hasn't read yet are gone.
    bool expects() const noexcept
    {
        for (const auto* conn = busy_.front(); conn; conn = busy_.next(*conn))
            if (conn->phase == connection_phase::ready && conn->unanswered > 0) return true;
        return false;
    }

private:
    friend struct invariant_access;

    nanoseconds idle_deadline(const connection& conn) const noexcept
    {
        return config_.connections_max_idle.count() < 0 ? never
                                                        : later(conn.last_used, config_.connections_max_idle);
    }

    const producer_config& config_;
    intrusive_list<connection, &connection::busy_hook> busy_;
    intrusive_list<connection, &connection::idle_hook> idle_; // the longest idle first
};

} // namespace kurier::inline KURIER_ABI::core
