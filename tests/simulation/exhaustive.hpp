// Small scripts in which every placement of one fault, or of two, is tried: a few batches to one or two partitions.
#pragma once

#include "campaign.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace simulation_tests {

struct small_script
{
    const char* name;
    simulation_options options;
};

inline simulation_options small_options(std::int32_t partitions, std::uint64_t records,
                                        std::int32_t in_flight)
{
    using std::chrono::milliseconds;
    simulation_options options;
    options.seed = 7;
    options.cluster.brokers = 2;
    auto& topic = options.topics.emplace_back();
    topic.name = "t";
    topic.options.partitions = partitions;
    topic.options.replication_factor = 2;
    topic.options.min_insync_replicas = 2;
    options.producer.bootstrap_servers = {"broker-1:9092"};
    options.producer.max_in_flight_requests_per_connection = in_flight;
    options.producer.linger = milliseconds{0};
    options.producer.batch_size = 1;
    options.producer.request_timeout = milliseconds{500};
    options.producer.delivery_timeout = milliseconds{3000};
    options.producer.max_block = milliseconds{2000};
    options.active = milliseconds{4000};
    options.burst_pause = milliseconds{3};
    options.burst_max = 2;
    options.records_max = records;
    options.value_size_max = 40;
    return options;
}

inline std::vector<small_script> small_scripts()
{
    std::vector<small_script> scripts;
    scripts.push_back({"two batches, one partition", small_options(1, 2, 5)});
    scripts.push_back({"two batches, two partitions", small_options(2, 2, 5)});
    scripts.push_back({"four batches, one partition", small_options(1, 4, 5)});
    auto plain = small_options(1, 2, 1);
    plain.producer.enable_idempotence = false;
    scripts.push_back({"two batches, not idempotent", plain});
    auto leader_only = small_options(1, 2, 5);
    leader_only.producer.acks = kurier::acks::leader;
    scripts.push_back({"two batches, acks=1", leader_only});
    return scripts;
}

inline std::uint64_t run_placed(campaign& runs, const small_script& script, std::vector<std::uint64_t> places)
{
    std::string how = std::string{script.name} + ", faults at";
    for (const auto place : places) how += " " + std::to_string(place);
    simulation run{script.options, std::move(places)};
    run.run();
    runs.count(run, how);
    return run.faults().questions();
}

// The second fault is placed where the first one leads.
inline void run_exhaustive(campaign& runs, int faults)
{
    for (const auto& script : small_scripts()) {
        const auto questions = run_placed(runs, script, {});
        for (std::uint64_t first = 0; first < questions && !runs.failed_enough(); ++first) {
            const auto then = run_placed(runs, script, {first});
            for (auto second = first + 1; faults > 1 && second < then && !runs.failed_enough(); ++second)
                run_placed(runs, script, {first, second});
        }
    }
}

} // namespace simulation_tests
