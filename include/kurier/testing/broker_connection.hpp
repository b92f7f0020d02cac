// One client's connection to a broker of the model: what arrived and is not handled yet, what is answered and
// not fetched yet. Kafka handles one request of a connection at a time, and the next only when the answer is
// out.
#pragma once

#include <kurier/instant.hpp>
#include <kurier/testing/cluster_state.hpp>
#include <kurier/testing/fault_script.hpp>
#include <kurier/testing/incoming_batch.hpp>
#include <kurier/testing/logins.hpp>
#include <kurier/testing/version_table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

using core::instant;
using std::chrono::nanoseconds;
using connection_id = std::uint64_t; // from 1, never used again

// An answer that isn't due yet.
struct delayed_answer
{
    nanoseconds due{0};
    std::vector<std::byte> frame;
    bool close_after = false;
    // Waits for followers: `late_frame` is sent when they haven't copied by then, `frame` as soon as they
    // have.
    std::vector<const partition_state*> awaited;
    std::vector<std::byte> late_frame;
};

struct broker_connection
{
    connection_id id = 0;
    broker_id broker = -1;
    version_table versions; // of the broker when the connection was made

    std::vector<std::byte> in;
    std::size_t in_begin = 0;         // before it: handled
    std::size_t in_scanned = 0;       // before it: whole requests, counted in `waiting`
    std::deque<std::int32_t> waiting; // correlation ids of requests that are not handled
    std::size_t produce_waiting = 0;
    bool idempotent = false; // has produced with a producer id
    login_session session;

    std::vector<std::byte> out;
    std::optional<delayed_answer> delayed;
    nanoseconds muted_until{0}; // throttled
    bool never_answers = false;
    bool closed = false; // nothing more is read or answered; `out` may still be fetched
    bool ready = false;  // stands in the model's list of connections with news
    nanoseconds timer = core::never;

    bool busy(nanoseconds now) const noexcept
    {
        return closed || delayed || never_answers || muted_until > now;
    }
    std::size_t backlog() const noexcept { return in.size() - in_begin; }
    bytes_view unhandled() const noexcept { return bytes_view{in}.subspan(in_begin); }

    void consume(std::size_t size)
    {
        in_begin += size;
        in_scanned = std::max(in_scanned, in_begin);
        if (in_begin == in.size()) {
            in.clear();
            in_begin = in_scanned = 0;
        } else if (in_begin > 65536 && in_begin * 2 > in.size()) {
            in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(in_begin));
            in_scanned -= in_begin;
            in_begin = 0;
        }
    }

    void close() noexcept
    {
        closed = true;
        delayed.reset();
        in.clear();
        in_begin = in_scanned = 0;
    }
};

// The front of what arrived: size, API key, version.
struct frame_front
{
    static constexpr std::size_t bytes = 12;
    std::int32_t size = 0;
    std::int16_t api_key = -1;
    std::int16_t version = -1;
    std::int32_t correlation_id = 0;

    std::size_t whole() const noexcept { return static_cast<std::size_t>(size) + 4; }
};

inline frame_front load_frame_front(bytes_view in) noexcept // at least 12 bytes
{
    return {load_big_endian<std::int32_t>(in.data()), load_big_endian<std::int16_t>(in.data() + 4),
            load_big_endian<std::int16_t>(in.data() + 6), load_big_endian<std::int32_t>(in.data() + 8)};
}

} // namespace kurier::inline KURIER_ABI::testing
