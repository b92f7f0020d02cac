// What a producer has done so far and holds right now, as one value: engine::metrics() and producer::metrics().
//
// Totals count from the start of the engine; a monitoring system makes rates of them by subtracting two snapshots. They
// are kept for each batch and each request, never for a record, so they cost no more than a few additions and can't be
// switched off. For what happens one by one, with topics and brokers, see observer.hpp.
//
// The names of Kafka's own client metrics are in brackets, where it has them (producer-metrics).
#pragma once

#include <kurier/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kurier::inline KURIER_ABI {

// How long something took.
struct duration_metric
{
    std::uint64_t count = 0;
    std::chrono::nanoseconds total{0}, max{0};

    // One more.
    constexpr void add(std::chrono::nanoseconds taken) noexcept
    {
        ++count;
        total += taken;
        max = std::max(max, taken);
    }
    // 0 if there was none.
    constexpr std::chrono::nanoseconds mean() const noexcept
    {
        return count == 0 ? total : total / static_cast<std::int64_t>(count);
    }
};

struct producer_metrics
{
    producer_metrics() = default; // not an aggregate: g++ 12 mishandles those in co_await expressions

    // --- totals ------------------------------------------------------------------------------------------------------

    // Each record that was sent ends in one of these three, or was withdrawn by its sender.
    std::uint64_t records_delivered = 0; // acknowledged; with acks=0 only handed to the socket
    std::uint64_t records_failed = 0;    // after they were taken [record-error-total]
    std::uint64_t records_refused = 0;   // by send itself: too large, a bad topic name, no room for try_send

    std::uint64_t records_retried = 0;   // once for each further attempt [record-retry-total]
    std::uint64_t batches_delivered = 0; // acknowledged
    std::uint64_t batches_failed = 0;    // all of their records have failed
    std::uint64_t batches_retried = 0;   // once for each further attempt
    std::uint64_t batches_split = 0;     // they were too large for the broker [batch-split-total]
    std::uint64_t batch_bytes = 0;       // of delivered batches, on the wire: after compression

    std::uint64_t requests = 0;      // Produce requests
    std::uint64_t requests_lost = 0; // those that no answer came to
    std::uint64_t bytes_written = 0; // to connections, with everything [outgoing-byte-total]
    std::uint64_t bytes_read = 0;    // from connections, with everything [incoming-byte-total]

    std::uint64_t connections_opened = 0; // and found to be to a broker [connection-creation-total]
    std::uint64_t connections_failed = 0; // could not be opened, or broke

    duration_metric queue_time;      // of a batch's first record until it is first sent [record-queue-time]
    duration_metric delivery_time;   // of a delivered batch's first record, from send to delivery
    duration_metric request_latency; // of answered Produce requests [request-latency]
    duration_metric throttle_time;   // pauses that brokers asked for [produce-throttle-time]

    // --- right now ---------------------------------------------------------------------------------------------------

    std::size_t records_pending = 0;    // in batches whose fate is open
    std::size_t records_waiting = 0;    // for room, or for their topic to be known [waiting-threads]
    std::size_t batches_pending = 0;    // whose fate is open
    std::size_t requests_in_flight = 0; // of all kinds [requests-in-flight]
    std::size_t connections = 0;        // to brokers, ready for use [connection-count]
    std::size_t buffer_total = 0;       // bytes: buffer.memory [buffer-total-bytes]
    std::size_t buffer_in_use = 0;      // bytes of it [buffer-total-bytes - buffer-available-bytes]
};

} // namespace kurier::inline KURIER_ABI
