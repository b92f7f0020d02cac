// What a test's cluster and its topics are like. The names are those of Kafka's broker and topic settings,
// the defaults Kafka's where they matter to a producer.
#pragma once

#include <kurier/broker_errc.hpp>
#include <kurier/record/batch_reader.hpp>

#include <cstdint>
#include <limits>
#include <string>

namespace kurier::inline KURIER_ABI::testing {

using broker_id = std::int32_t; // from 1; -1 is nobody

// Of one topic.
struct topic_options
{
    std::int32_t partitions = 1;
    std::int32_t replication_factor = 1;
    std::int32_t min_insync_replicas = 1;
    std::int32_t max_message_bytes = 1048588;
    bool log_append_time = false; // message.timestamp.type=LogAppendTime
    bool compact = false;         // cleanup.policy=compact: every record needs a key
    std::int64_t message_timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
    std::int64_t message_timestamp_after_max_ms = 3'600'000; // one hour since KIP-1030
};

struct cluster_options
{
    std::int32_t brokers = 1;
    std::string cluster_id = "kurier-test-cluster-00";
    topic_options topic_defaults{}; // of topics that are created automatically
    bool auto_create_topics_enable = true;
    // What the request that creates a topic is told: Kafka 4 says UNKNOWN_TOPIC_OR_PARTITION, brokers before
    // 2.8 LEADER_NOT_AVAILABLE. The next request finds the topic.
    broker_errc auto_create_answer = broker_errc::unknown_topic_or_partition;
    std::int64_t first_producer_id = 0;
    std::int64_t producer_id_expiration_ms = 86'400'000;
    // Brokers before 2.5 (KIP-360) refuse a first sequence other than 0 with UNKNOWN_PRODUCER_ID, and forget
    // a producer when its last batch is deleted; newer ones take any first sequence from a producer unknown
    // to them. They say CORRUPT_MESSAGE for INVALID_RECORD, which came with 2.4.
    bool before_kip_360 = false;
    bool leader_hints = true; // KIP-951
    // The finalized feature, as ApiVersions 3 tells it (KIP-584); 2: KIP-890 part 2. Brokers that don't offer Produce 12
    // have no such feature.
    std::int16_t transaction_version = 2;
    std::int64_t finalized_features_epoch = 1;
    std::int32_t transaction_max_timeout_ms = 900'000;
    bool verifies_transactions = true; // before a partition is written to (KIP-890 part 1, Kafka 3.6)
    // A broker that isn't Apache's, and accepts no producer epoch but what InitProducerId gave out.
    bool refuses_raised_epochs = false;
    std::int32_t socket_request_max_bytes = 104'857'600;
    batch_decompressor decompress{}; // without it the records of a compressed batch are stored unseen
};

} // namespace kurier::inline KURIER_ABI::testing
