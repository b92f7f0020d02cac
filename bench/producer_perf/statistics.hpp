// What became of the records: counts, latencies, and the lines that kafka-producer-perf-test prints of them.
#pragma once

#include "../histogram.hpp"
#include "../process_usage.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

namespace kurier::bench {

template <class... Values> std::string format_line(const char* format, Values... values)
{
    std::string line(512, '\0');
    const int size = std::snprintf(line.data(), line.size(), format, values...);
    line.resize(static_cast<std::size_t>(size));
    return line;
}

inline double to_ms(double ns) noexcept
{
    return ns / 1e6;
}

// Delivered records of one stretch of time. Latencies may be those of a sample.
struct tally
{
    std::uint64_t delivered = 0;
    std::uint64_t bytes = 0;
    histogram from_send;               // ns, from the call of send to its completion
    histogram from_due;                // ns, from when the record was due; the same unless the rate is fixed
    std::uint64_t longest_silence = 0; // ns between two timed deliveries, or from the start until the first

    void add(std::uint64_t value_bytes) noexcept
    {
        ++delivered;
        bytes += value_bytes;
    }

    void add_latency(std::uint64_t send_ns, std::uint64_t due_ns) noexcept
    {
        from_send.record(send_ns);
        from_due.record(due_ns);
    }

    void merge(const tally& other) noexcept
    {
        delivered += other.delivered;
        bytes += other.bytes;
        from_send.merge(other.from_send);
        from_due.merge(other.from_due);
        longest_silence = std::max(longest_silence, other.longest_silence);
    }

    void clear() noexcept
    {
        delivered = bytes = longest_silence = 0;
        from_send.clear();
        from_due.clear();
    }
};

// "50012 records sent, 10002.4 records/sec (0.95 MB/sec), 1.2 ms avg latency, 31.0 ms max latency."
inline std::string window_line(const tally& window, double seconds)
{
    const double delivered = static_cast<double>(window.delivered);
    return format_line(
        "%llu records sent, %.1f records/sec (%.2f MB/sec), %.1f ms avg latency, %.1f ms max latency.",
        static_cast<unsigned long long>(window.delivered), delivered / seconds,
        static_cast<double>(window.bytes) / seconds / (1024 * 1024), to_ms(window.from_send.mean()),
        to_ms(static_cast<double>(window.from_send.max())));
}

// Kafka's line of a whole run, whole milliseconds and all.
inline std::string total_line(const tally& total, double seconds, bool steady_state)
{
    const double delivered = static_cast<double>(total.delivered);
    const auto ms = [&](double percent) {
        return static_cast<unsigned long long>(total.from_send.percentile(percent) / 1'000'000);
    };
    return format_line(
        "%llu%s records sent, %f records/sec (%.2f MB/sec), %.2f ms avg latency, %.2f ms max latency, "
        "%llu ms 50th, %llu ms 95th, %llu ms 99th, %llu ms 99.9th.",
        static_cast<unsigned long long>(total.delivered), steady_state ? " steady state" : "",
        delivered / seconds, static_cast<double>(total.bytes) / seconds / (1024 * 1024),
        to_ms(total.from_send.mean()), to_ms(static_cast<double>(total.from_send.max())), ms(50), ms(95),
        ms(99), ms(99.9));
}

inline std::string usage_text(const processor_time& processor, std::uint64_t records, long peak_kb)
{
    return format_line(" %.3f CPU s (%.4f per million records), %.1f MB peak memory.", processor.total(),
                       processor.total() / static_cast<double>(records) * 1e6,
                       static_cast<double>(peak_kb) / 1024);
}

// Without coordinated omission: a record that could not even be handed over in time has waited since it was
// due.
inline std::string corrected_line(const histogram& from_due)
{
    const auto ms = [&](double percent) { return to_ms(static_cast<double>(from_due.percentile(percent))); };
    return format_line(
        "corrected latency (from when a record was due): %.3f ms 50th, %.3f ms 90th, %.3f ms 95th, "
        "%.3f ms 99th, %.3f ms 99.9th, %.3f ms 99.99th, %.3f ms max, %llu records timed.",
        ms(50), ms(90), ms(95), ms(99), ms(99.9), ms(99.99), ms(100),
        static_cast<unsigned long long>(from_due.count()));
}

// What a failover looks like from outside: deliveries may be late and still flow.
inline std::string silence_line(const tally& total)
{
    return format_line("longest time without an acknowledgement: %.3f ms, longest delivery: %.3f ms.",
                       to_ms(static_cast<double>(total.longest_silence)),
                       to_ms(static_cast<double>(total.from_send.max())));
}

struct perf_result
{
    std::uint64_t records = 0;
    std::uint64_t failed = 0;
    double seconds = 0;
    processor_time processor;
    long peak_kb = 0;
    std::string version;
};

inline std::string percentiles_json(const histogram& latency)
{
    const auto us = [&](double percent) { return static_cast<double>(latency.percentile(percent)) / 1e3; };
    return format_line(
        "{\"count\":%llu,\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p95\":%.1f,\"p99\":%.1f,\"p99.9\":%.1f,"
        "\"p99.99\":%.1f,\"max\":%.1f}",
        static_cast<unsigned long long>(latency.count()), latency.mean() / 1e3, us(50), us(90), us(95),
        us(99), us(99.9), us(99.99), us(100));
}

inline std::string json_line(const perf_result& result, const tally& total)
{
    const double records = static_cast<double>(result.records);
    return format_line("{\"peer\":\"kurier\",\"version\":\"%s\",\"records\":%llu,\"ok\":%llu,\"failed\":%llu,"
                       "\"wall_s\":%.4f,"
                       "\"user_s\":%.4f,\"system_s\":%.4f,\"cpu_s_per_million\":%.4f,\"records_per_s\":%.0f,"
                       "\"voluntary_switches\":%ld,\"peak_memory_kb\":%ld,",
                       result.version.c_str(), static_cast<unsigned long long>(result.records),
                       static_cast<unsigned long long>(total.delivered),
                       static_cast<unsigned long long>(result.failed), result.seconds,
                       result.processor.user_s, result.processor.system_s,
                       result.processor.total() / records * 1e6, records / result.seconds,
                       result.processor.voluntary_switches, result.peak_kb) +
           "\"send_us\":" + percentiles_json(total.from_send) +
           ",\"due_us\":" + percentiles_json(total.from_due) +
           format_line(",\"longest_silence_us\":%.1f}", static_cast<double>(total.longest_silence) / 1e3);
}

} // namespace kurier::bench
