// What every measured client takes as key=value arguments, and the one line each prints.
#pragma once

#include "histogram.hpp"
#include "process_usage.hpp"

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::bench {

struct peer_arguments
{
    std::string bootstrap;
    std::string topic = "bench";
    std::string payload; // a file with one value a line
    std::uint64_t records = 1'000'000;
    std::size_t keys = 0;     // distinct 12-byte keys; 0: null keys
    std::size_t topics = 1;   // more than one: sent in turn to TOPIC-0, TOPIC-1, ...
    std::string known_topics; // PREFIX:COUNT, known to the client and never sent to
    std::size_t headers = 0;  // of each record
    std::string acks = "all";
    bool idempotent = true;
    std::string linger_ms = "default";
    std::string batch_bytes = "default";
    std::string codec = "none";
    std::uint64_t rate = 0;  // records per second; 0: as fast as they are taken
    std::uint64_t burst = 1; // of a fixed rate: this many at once
    std::vector<std::pair<std::string, std::string>> extra; // x.NAME=VALUE, the client's own settings

    static peer_arguments parse(int argc, char** argv)
    {
        peer_arguments arguments;
        for (int i = 1; i < argc; ++i) {
            const std::string_view argument = argv[i];
            const std::size_t equals = argument.find('=');
            if (equals == std::string_view::npos)
                throw std::invalid_argument{"expected NAME=VALUE: " + std::string{argument}};
            arguments.set(argument.substr(0, equals), std::string{argument.substr(equals + 1)});
        }
        if (arguments.bootstrap.empty() || arguments.payload.empty())
            throw std::invalid_argument{"bootstrap= and payload= are needed"};
        return arguments;
    }

    std::string topic_name(std::size_t i) const
    {
        return topics == 1 ? topic : topic + "-" + std::to_string(i);
    }

private:
    void set(std::string_view name, const std::string& value)
    {
        const auto number = [&] { return std::stoull(value); };
        if (name == "bootstrap")
            bootstrap = value;
        else if (name == "topic")
            topic = value;
        else if (name == "payload")
            payload = value;
        else if (name == "records")
            records = number();
        else if (name == "keys")
            keys = number();
        else if (name == "topics")
            topics = number();
        else if (name == "known_topics")
            known_topics = value;
        else if (name == "headers")
            headers = number();
        else if (name == "acks")
            acks = value;
        else if (name == "idempotent")
            idempotent = value == "true";
        else if (name == "linger_ms")
            linger_ms = value;
        else if (name == "batch_bytes")
            batch_bytes = value;
        else if (name == "codec")
            codec = value;
        else if (name == "rate")
            rate = number();
        else if (name == "burst")
            burst = number();
        else if (name.starts_with("x."))
            extra.emplace_back(name.substr(2), value);
        else
            throw std::invalid_argument{"unknown argument: " + std::string{name}};
    }
};

struct peer_result
{
    std::string peer;
    std::string version;
    std::uint64_t records = 0;
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    std::uint64_t wall_ns = 0;
    processor_time processor;
    long peak_memory = 0;
    const histogram* from_send = nullptr; // of a fixed rate, in ns: from the call of send
    const histogram* from_due = nullptr;  // and from when the record was due

    void print() const
    {
        const double count = static_cast<double>(records);
        const double wall_s = static_cast<double>(wall_ns) * 1e-9;
        std::printf(
            "peer=%s version=%s records=%llu ok=%llu failed=%llu wall_s=%.4f user_s=%.4f system_s=%.4f "
            "cpu_s_per_million=%.4f records_per_s=%.0f voluntary_switches=%ld peak_memory_kb=%ld",
            peer.c_str(), version.c_str(), static_cast<unsigned long long>(records),
            static_cast<unsigned long long>(ok), static_cast<unsigned long long>(failed), wall_s,
            processor.user_s, processor.system_s, processor.total() / count * 1e6, count / wall_s,
            processor.voluntary_switches, peak_memory);
        print_percentiles("send", from_send);
        print_percentiles("due", from_due);
        std::printf("\n");
        std::fflush(stdout);
    }

private:
    static void print_percentiles(const char* from, const histogram* latency)
    {
        if (latency == nullptr || latency->count() == 0) return;
        const auto us = [&](double percent) {
            return static_cast<double>(latency->percentile(percent)) / 1e3;
        };
        std::printf(" %s_p50_us=%.1f %s_p90_us=%.1f %s_p99_us=%.1f %s_p999_us=%.1f %s_max_us=%.1f", from,
                    us(50), from, us(90), from, us(99), from, us(99.9), from, us(100));
    }
};

} // namespace kurier::bench
