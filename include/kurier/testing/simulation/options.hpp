// What one simulation is like: cluster, topics, producer, user, and how likely each fault is. random_options() draws
// all of it from a seed, a different subset of faults each time (swarm testing): faults that never occur together with
// others hide the bugs that need some of them to be absent.
#pragma once

#include <kurier/producer_config.hpp>
#include <kurier/testing/cluster_options.hpp>
#include <kurier/testing/simulation/dice.hpp>
#include <kurier/testing/simulation/fault_source.hpp>
#include <kurier/testing/version_table.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

struct simulated_topic
{
    std::string name;
    topic_options options;
    bool exists = true; // from the start; otherwise the first question creates it
};

struct simulation_options
{
    std::uint64_t seed = 1;
    producer_config producer;
    cluster_options cluster;
    version_table versions = version_table::newest(); // of all brokers, at the start
    std::vector<simulated_topic> topics;
    fault_source::rates faults;
    bool hash_order = false; // brokers list topics and partitions in any order

    std::chrono::nanoseconds active{std::chrono::seconds{60}}; // users send, and faults happen
    std::chrono::nanoseconds burst_pause{
        std::chrono::milliseconds{20}}; // between bursts of records, on average
    std::uint32_t burst_max = 8;        // records
    std::uint64_t records_max = 100'000;
    std::size_t value_size_max = 2000;
    std::uint32_t keep_per_million = 100'000;   // of deliveries, which the user holds on to
    std::uint32_t hurried_per_million = 67'000; // of records, with a time of their own
    std::chrono::nanoseconds strike_pause{
        std::chrono::seconds{2}};       // between the moments when something may happen to the cluster
    bool recovers = true;               // when the faults are over, the cluster must deliver (recovery.hpp)
    std::size_t events_kept = 0;        // for reading
    std::uint32_t invariants_every = 0; // turns; 0: never
};

namespace detail {

// Faults that are asked about at each transfer.
inline void draw_network_faults(simulation_options& options, dice& random)
{
    using enum fault_kind;
    constexpr std::array kinds{connection_refused, connection_black_hole,
                               resolve_failure,    reset_in_request,
                               reset_in_answer,    lost_answer,
                               half_open,          answers_lost,
                               slow_trickle,       delay,
                               late_request,       late_answer,
                               write_blocked,      partial_write,
                               partial_read};
    const auto level = random.below(4); // how bad this network is
    for (const auto kind : kinds)
        if (level > 0 && random.once_in(2))
            options.faults[kind] = static_cast<std::uint32_t>(random.below(level * level * 8000) + 1);
    options.faults[connection_refused] *= 4; // connections are rare
    options.faults[connection_black_hole] *= 4;
    options.faults[resolve_failure] *= 4;
}

// Faults that are asked about now and then.
inline void draw_cluster_faults(simulation_options& options, dice& random)
{
    const auto level = random.below(4);
    const auto first = static_cast<std::size_t>(fault_kind::answer_garbage),
               last = static_cast<std::size_t>(fault_kind::fenced_by_other);
    for (auto kind = first; kind <= last; ++kind)
        if (level > 0 && random.once_in(3))
            options.faults.of[kind] = static_cast<std::uint32_t>(random.below(level * 60'000) + 1);
    for (const auto kind : {fault_kind::reset_idle, fault_kind::hung_up_by_broker, fault_kind::address_moved,
                            fault_kind::clock_jumped, fault_kind::loop_stalled,
                            fault_kind::sequence_near_wrap, fault_kind::epoch_near_end})
        if (random.once_in(3)) options.faults[kind] = static_cast<std::uint32_t>(random.below(60'000) + 1);
    // What ends everything is asked about seldom.
    if (random.once_in(6)) options.faults[fault_kind::aborted] = 3000;
    if (random.once_in(6)) options.faults[fault_kind::destroyed] = 3000;
    if (random.once_in(4)) options.faults[fault_kind::closed] = 3000;
    if (random.once_in(2)) options.faults[fault_kind::flushed] = 50'000;
    if (random.once_in(2)) options.faults[fault_kind::record_withdrawn] = 300'000;
}

inline void draw_producer(simulation_options& options, dice& random)
{
    using std::chrono::milliseconds;
    auto& config = options.producer;
    config.bootstrap_servers = {"broker-1:9092"};
    if (options.cluster.brokers > 1 && random.once_in(2))
        config.bootstrap_servers.emplace_back("broker-2:9092");
    config.acks = random.once_in(6) ? (random.once_in(2) ? acks::none : acks::leader) : acks::all;
    if (config.acks == acks::all && random.once_in(5)) config.enable_idempotence = false;
    config.max_in_flight_requests_per_connection = random.between(1, 5);
    config.linger = milliseconds{random.once_in(3) ? 0 : random.between(1, 100)};
    config.batch_size =
        static_cast<std::size_t>(random.once_in(4) ? random.between(1, 400) : random.between(400, 16384));
    config.buffer_memory = static_cast<std::size_t>(random.once_in(4) ? random.between(8'000, 40'000)
                                                                      : random.between(64'000, 4'000'000));
    config.waiting_memory = static_cast<std::size_t>(random.between(2'000, 60'000));
    config.max_request_size = static_cast<std::size_t>(random.between(4'000, 200'000));
    config.request_timeout = milliseconds{random.between(200, 5'000)};
    config.delivery_timeout = config.request_timeout + milliseconds{random.between(200, 20'000)};
    config.max_block = milliseconds{random.between(50, 10'000)};
    config.retry_backoff = milliseconds{random.between(1, 200)};
    config.retry_backoff_max = config.retry_backoff * random.between(1, 10);
    config.reconnect_backoff = milliseconds{random.between(1, 100)};
    config.reconnect_backoff_max = config.reconnect_backoff * random.between(1, 20);
    config.socket_connection_setup_timeout = milliseconds{random.between(100, 2'000)};
    config.socket_connection_setup_timeout_max =
        config.socket_connection_setup_timeout * random.between(1, 3);
    config.metadata_max_age = milliseconds{random.between(200, 60'000)};
    config.connections_max_idle = milliseconds{random.once_in(4) ? random.between(100, 2'000) : 540'000};
    if (random.once_in(4)) config.compression_type = compression::gzip; // see run_length_codec.hpp
    if (random.once_in(8)) config.retries = random.between(1, 4);
    config.partitioner_availability_timeout = milliseconds{random.once_in(2) ? 0 : random.between(1, 2'000)};
}

} // namespace detail

inline simulation_options random_options(std::uint64_t seed)
{
    dice random{seed ^ 0x5bf03635f0a31e2du};
    simulation_options options;
    options.seed = seed;
    options.cluster.brokers = random.between(1, 4);
    options.cluster.before_kip_360 = random.once_in(8);
    options.cluster.leader_hints = !random.once_in(4);
    options.cluster.refuses_raised_epochs = random.once_in(10);
    options.cluster.producer_id_expiration_ms = std::int64_t{36'500} * 86'400'000; // records may be years old
    options.versions =
        options.cluster.before_kip_360 ? version_table::kafka_2_1() : version_table::preset(random.below(7));
    options.hash_order = random.once_in(2);
    const auto topics = random.between(1, 3);
    for (int i = 0; i < topics; ++i) {
        auto& topic = options.topics.emplace_back();
        topic.name = "topic-" + std::to_string(i);
        topic.options.partitions = random.between(1, 6);
        topic.options.replication_factor = random.between(1, options.cluster.brokers);
        topic.options.min_insync_replicas = random.between(1, topic.options.replication_factor);
        topic.options.log_append_time = random.once_in(4);
        topic.exists = !random.once_in(6);
    }
    options.cluster.topic_defaults = options.topics.front().options;
    detail::draw_producer(options, random);
    detail::draw_network_faults(options, random);
    detail::draw_cluster_faults(options, random);
    if (options.cluster.before_kip_360) options.faults[fault_kind::versions_changed] = 0;
    options.active = std::chrono::milliseconds{random.between(2'000, 60'000)};
    options.burst_pause = std::chrono::microseconds{random.between(500, 60'000)};
    options.burst_max = random.between(1u, 16u);
    options.value_size_max = static_cast<std::size_t>(random.between(20, 3000));
    options.keep_per_million = static_cast<std::uint32_t>(random.below(300'000));
    options.strike_pause = std::chrono::milliseconds{random.between(20, 2'000)};
    return options;
}

} // namespace kurier::inline KURIER_ABI::testing
