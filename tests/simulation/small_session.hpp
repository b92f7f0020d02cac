// Small sessions between a producer and a modelled cluster, each with a few records and one thing that happens. They
// are short enough to be disturbed at every byte, at every step, at every allocation: see session_run.hpp.
#pragma once

#include <kurier/producer_config.hpp>
#include <kurier/testing/cluster_model.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace simulation_tests {

using namespace std::chrono_literals;
using kurier::broker_errc;
using kurier::testing::cluster_model;

struct small_session
{
    struct send
    {
        std::chrono::nanoseconds at;
        const char* topic;
        std::int32_t partition;
        std::size_t size; // of the value
    };
    struct happening
    {
        std::chrono::nanoseconds at;
        std::function<void(cluster_model&, kurier::core::instant)> act;
    };

    std::string name;
    kurier::producer_config config;
    kurier::testing::cluster_options cluster;
    kurier::testing::version_table versions = kurier::testing::version_table::newest();
    std::vector<send> sends;
    std::vector<happening> events; // in order of time; at 0: before anything else
    std::chrono::nanoseconds flush_at{-1};
    bool compress_elsewhere = false;
    bool forgotten = false; // brokers lose what they know of producers: a retry may be written twice
};

namespace detail {

struct story
{
    const char* name;
    void (*tell)(small_session&);
};

inline void create(small_session& session, std::int32_t partitions,
                   std::int32_t max_message_bytes = 1'000'000)
{
    session.events.push_back({0ns, [=](cluster_model& cluster, kurier::core::instant) {
                                  kurier::testing::topic_options options;
                                  options.partitions = partitions;
                                  options.replication_factor = 2;
                                  options.max_message_bytes = max_message_bytes;
                                  cluster.create_topic("t", options);
                              }});
}

inline void refuse(small_session& session, broker_errc error, bool after_append, int times = 1)
{
    session.events.push_back({1ms, [=](cluster_model& cluster, kurier::core::instant) {
                                  if (after_append)
                                      cluster.fail_next_after_append("t", 0, error, times);
                                  else
                                      cluster.fail_next("t", 0, error, times);
                              }});
}

// Sends in bursts of two, so that some batches meet in a request and others in flight.
inline void send_some(small_session& session, int count, std::int32_t partitions, std::size_t size = 20)
{
    for (int i = 0; i < count; ++i)
        session.sends.push_back({std::chrono::microseconds{600 * (i / 2)}, "t", i % partitions, size});
}

inline constexpr std::array stories{
    story{"one partition",
          [](small_session& s) {
              create(s, 1);
              send_some(s, 6, 1);
          }},
    story{"two brokers",
          [](small_session& s) {
              create(s, 4);
              send_some(s, 8, 4);
          }},
    story{"refused for now",
          [](small_session& s) {
              create(s, 1);
              send_some(s, 4, 1);
              refuse(s, broker_errc::not_enough_replicas, false, 2);
          }},
    story{"refused after it was written",
          [](small_session& s) {
              create(s, 1);
              send_some(s, 4, 1);
              refuse(s, broker_errc::not_enough_replicas_after_append, true);
          }},
    story{"refused for good",
          [](small_session& s) {
              create(s, 2);
              send_some(s, 6, 2);
              refuse(s, broker_errc::topic_authorization_failed, false);
          }},
    story{"the leader moves",
          [](small_session& s) {
              create(s, 1);
              send_some(s, 6, 1);
              s.events.push_back({6ms, [](cluster_model& cluster, kurier::core::instant) {
                                      const auto now = cluster.state().partition_of("t", 0).leader;
                                      cluster.state().move_leader("t", 0, now == 1 ? 2 : 1);
                                  }});
              s.sends.push_back({8ms, "t", 0, 30});
              s.sends.push_back({8ms, "t", 0, 30});
          }},
    story{"a topic that is not there yet",
          [](small_session& s) {
              s.cluster.topic_defaults.partitions = 2;
              send_some(s, 4, 2);
          }},
    story{"too large",
          [](small_session& s) {
              create(s, 1, 300);
              s.config.linger = 2ms;
              s.config.batch_size = 16384;
              send_some(s, 6, 1, 90);
          }},
    story{"a broker forgets",
          [](small_session& s) {
              s.forgotten = true;
              create(s, 1);
              send_some(s, 4, 1);
              s.events.push_back({20ms, [](cluster_model& cluster, kurier::core::instant) {
                                      cluster.state().log("t", 0).reload_producers(
                                          kurier::testing::producer_memory::lost);
                                  }});
              s.sends.push_back({22ms, "t", 0, 30});
              s.sends.push_back({24ms, "t", 0, 30});
          }},
    story{"no room",
          [](small_session& s) {
              create(s, 2);
              s.config.buffer_memory = 2048;
              s.config.waiting_memory = 4096;
              send_some(s, 8, 2, 300);
          }},
    story{"throttled, then restarted",
          [](small_session& s) {
              create(s, 2);
              send_some(s, 4, 2);
              s.events.push_back({1ms, [](cluster_model& cluster, kurier::core::instant) {
                                      cluster.inject({.api_key = 0, .times = 1, .throttle_ms = 30});
                                  }});
              s.events.push_back({15ms, [](cluster_model& cluster, kurier::core::instant) {
                                      cluster.stop_broker(1);
                                      cluster.start_broker(1);
                                  }});
              s.sends.push_back({40ms, "t", 1, 30});
          }},
    story{"compressed",
          [](small_session& s) {
              create(s, 2);
              s.config.compression_type = kurier::compression::automatic;
              send_some(s, 6, 2, 100);
          }},
    story{"compressed elsewhere",
          [](small_session& s) {
              create(s, 2);
              s.config.compression_type = kurier::compression::automatic;
              s.compress_elsewhere = true;
              s.config.batch_size = 250;
              send_some(s, 8, 2, 100);
          }},
    story{"flushed",
          [](small_session& s) {
              create(s, 2);
              s.config.linger = 500ms;
              s.config.batch_size = 16384;
              s.flush_at = 3ms;
              send_some(s, 8, 2);
              s.sends.push_back({5ms, "t", 0, 30});
          }},
};

struct manner
{
    const char* name;
    void (*apply)(small_session&);
};

inline constexpr std::array manners{
    manner{"Kafka 2.1",
           [](small_session& s) {
               s.versions = kurier::testing::version_table::kafka_2_1();
               s.cluster.before_kip_360 = true;
           }},
    manner{"Kafka 3.9", [](small_session& s) { s.versions = kurier::testing::version_table::kafka_3_9(); }},
    manner{"Kafka 4.3", [](small_session& s) { s.versions = kurier::testing::version_table::kafka_4_3(); }},
    manner{"not idempotent", [](small_session& s) { s.config.enable_idempotence = false; }},
    manner{"acks=1, Kafka 2.8",
           [](small_session& s) {
               s.versions = kurier::testing::version_table::kafka_2_8();
               s.config.acks = kurier::acks::leader;
           }},
    manner{"acks=0", [](small_session& s) { s.config.acks = kurier::acks::none; }},
};

} // namespace detail

// Every story in every manner.
inline std::vector<small_session> small_sessions()
{
    std::vector<small_session> sessions;
    for (const auto& story : detail::stories)
        for (const auto& manner : detail::manners) {
            auto& session = sessions.emplace_back();
            session.name = std::string{story.name} + ", " + manner.name;
            session.cluster.brokers = 2;
            session.cluster.producer_id_expiration_ms = 1'000'000'000;
            auto& config = session.config;
            config.bootstrap_servers = {"broker-1:9092"};
            config.client_id = "k";
            config.linger = 0ms;
            config.batch_size = 1;
            config.request_timeout = 300ms;
            config.delivery_timeout = 3000ms;
            config.max_block = 2000ms;
            config.retry_backoff = 5ms;
            config.retry_backoff_max = 50ms;
            config.reconnect_backoff = 2ms;
            config.reconnect_backoff_max = 20ms;
            config.socket_connection_setup_timeout = 500ms;
            story.tell(session);
            manner.apply(session);
        }
    return sessions;
}

} // namespace simulation_tests
