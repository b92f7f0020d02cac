// When a connection counts as silent: something is due, and nothing has come for much longer than this broker's responses
// take. A broker handles the requests of a connection one after another, so each response restarts the clock for the next.
#pragma once

#include <kurier/core/net/connection.hpp>

#include <algorithm>

namespace kurier::inline KURIER_ABI::core {

// Since when the broker has had nothing else to do for us than to respond to `sent`.
inline nanoseconds waited_for_since(const connection& conn, const request& sent) noexcept
{
    return std::max({sent.sent_at, conn.heard_at, conn.node->throttled_last});
}

// `never`: nothing is due, or it is silent already.
inline nanoseconds silent_at(const connection& conn, const request* oldest_unanswered) noexcept
{
    if (conn.silent) return never;
    const auto patience = conn.node->pace.patience();
    if (conn.phase == connection_phase::connecting)
        return later(conn.last_used, patience); // since it was opened
    return oldest_unanswered ? later(waited_for_since(conn, *oldest_unanswered), patience) : never;
}

inline bool is_silent(const broker_node& node) noexcept
{
    return node.link && node.link->silent;
}

// What waits for it won't get there soon. Only while something waits is it tried, so only then do we know.
inline bool out_of_reach(const broker_node& node) noexcept
{
    if (node.ready.empty()) return is_silent(node) && node.link->phase == connection_phase::ready;
    return is_silent(node) || node.failures > 0;
}

// Notifies the owners of overdue requests, once until the connection is heard from again.
inline void fall_silent(connection& conn, instant now)
{
    conn.silent = true;
    for (const auto& sent : conn.requests)
        if (!sent->answered) sent->owner->on_silent(conn, *sent, now);
}

inline void heard(connection& conn, nanoseconds now) noexcept
{
    conn.heard_at = now;
    conn.silent = false;
}

inline void heard_answer(connection& conn, const request& answered, nanoseconds now) noexcept
{
    conn.node->pace.answered(now - waited_for_since(conn, answered));
    heard(conn, now);
}

} // namespace kurier::inline KURIER_ABI::core
