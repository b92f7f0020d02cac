// The debug events: what a producer does, step by step, for whoever asks why. Their names and fields stay the same from
// version to version; DESIGN.md has the table, and tests/docs/run compares it with this file. A record that is sent and
// delivered without trouble causes none of them.
#pragma once

#include <kurier/core/state/batch.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/core/support/log_queue.hpp>
#include <kurier/delivery_error.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::core::debug {

inline void put_broker(log_values& to, const broker_node& node)
{
    if (node.id >= 0) to.push_back({"broker", node.id});
    to.push_back({"host", node.host});
    to.push_back({"port", node.port});
}

inline void put_topic(log_values& to, const topic_state& topic)
{
    to.push_back({"topic", std::string{std::string_view{topic.name}}});
}

inline void put_partition(log_values& to, const partition_state& partition)
{
    put_topic(to, *partition.topic);
    to.push_back({"partition", partition.index});
}

inline void put_error(log_values& to, error_code why)
{
    to.push_back({"error", std::string{error_name(why)}});
}

inline std::int64_t milliseconds(nanoseconds time) noexcept
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

// --- connections -----------------------------------------------------------------------------------------------------

inline void opening(log_queue& logs, const broker_node& node) noexcept
{
    logs.debug("connection.opening", "a connection is opened", [&](log_values& to) {
        put_broker(to, node);
        to.push_back({"attempt", node.failures + 1});
    });
}

inline void ready(log_queue& logs, const broker_node& node, std::int16_t produce,
                  std::int16_t metadata) noexcept
{
    logs.debug("connection.ready", "the handshake is over, these versions are spoken", [&](log_values& to) {
        put_broker(to, node);
        to.push_back({"produce_version", produce});
        to.push_back({"metadata_version", metadata});
    });
}

inline void ended(log_queue& logs, const broker_node& node, error_code why, nanoseconds pause) noexcept
{
    const auto* text =
        why ? "the connection has ended" : "the connection was closed: idle, or not needed any more";
    logs.debug("connection.ended", text, [&](log_values& to) {
        put_broker(to, node);
        if (why) put_error(to, why);
        to.push_back({"backoff_ms", milliseconds(pause)});
    });
}

// --- metadata --------------------------------------------------------------------------------------------------------

inline void topic_wanted(log_queue& logs, const topic_state& topic) noexcept
{
    logs.debug("topic.wanted", "somebody sends to it", [&](log_values& to) { put_topic(to, topic); });
}

inline void metadata_asked(log_queue& logs, const broker_node& node, std::size_t topics) noexcept
{
    logs.debug("metadata.asked", "asking for metadata", [&](log_values& to) {
        put_broker(to, node);
        to.push_back({"topics", topics});
    });
}

inline void metadata_answered(log_queue& logs, const broker_node& node, std::size_t brokers,
                              std::size_t topics, std::string_view cluster) noexcept
{
    logs.debug("metadata.answered", "metadata came", [&](log_values& to) {
        put_broker(to, node);
        to.push_back({"brokers", brokers});
        to.push_back({"topics", topics});
        to.push_back({"cluster", std::string{cluster}});
    });
}

inline void metadata_failed(log_queue& logs, error_code why) noexcept
{
    logs.debug("metadata.failed", "no metadata came", [&](log_values& to) { put_error(to, why); });
}

inline void topic_known(log_queue& logs, const topic_state& topic) noexcept
{
    logs.debug("topic.known", "its partitions are known", [&](log_values& to) {
        put_topic(to, topic);
        to.push_back({"partitions", topic.partitions.size()});
    });
}

inline void topic_made_again(log_queue& logs, const topic_state& topic) noexcept
{
    logs.debug("topic.made_again", "it has another id, so it was deleted and made again",
               [&](log_values& to) { put_topic(to, topic); });
}

inline void topic_failed(log_queue& logs, const topic_state& topic, error_code why) noexcept
{
    logs.debug("topic.failed", "waiting won't help: what is sent to it fails", [&](log_values& to) {
        put_topic(to, topic);
        put_error(to, why);
    });
}

inline void topic_idle(log_queue& logs, const topic_state& topic) noexcept
{
    logs.debug("topic.idle", "metadata.max.idle.ms is over: nobody asks about it any more (KIP-526)",
               [&](log_values& to) { put_topic(to, topic); });
}

inline void leader_changed(log_queue& logs, const partition_state& partition, const broker_node* old) noexcept
{
    logs.debug("partition.leader", "it has another leader, or another leader epoch", [&](log_values& to) {
        put_partition(to, partition);
        to.push_back({"leader", partition.leader ? partition.leader->id : -1});
        to.push_back({"old_leader", old ? old->id : -1});
        to.push_back({"leader_epoch", partition.leader_epoch});
    });
}

inline void broker_moved(log_queue& logs, const broker_node& node) noexcept
{
    logs.debug("broker.moved", "it has another address", [&](log_values& to) { put_broker(to, node); });
}

// --- the idempotent producer -----------------------------------------------------------------------------------------

inline void producer_id_asked(log_queue& logs, const broker_node& node) noexcept
{
    logs.debug("producer_id.asked", "asking for a producer id",
               [&](log_values& to) { put_broker(to, node); });
}

inline void producer_id_assigned(log_queue& logs, std::int64_t id, std::int16_t epoch) noexcept
{
    logs.debug("producer_id.assigned", "the cluster has given a producer id", [&](log_values& to) {
        to.push_back({"producer_id", id});
        to.push_back({"epoch", epoch});
    });
}

inline void epoch_started(log_queue& logs, const partition_state& partition) noexcept
{
    logs.debug("epoch.started", "its sequences begin at 0 (KIP-360)", [&](log_values& to) {
        put_partition(to, partition);
        to.push_back({"producer_id", partition.producer.id});
        to.push_back({"epoch", partition.producer.epoch});
    });
}

inline void epoch_broken(log_queue& logs, const partition_state& partition, error_code why) noexcept
{
    logs.debug("epoch.broken", "nothing new is sent in this epoch", [&](log_values& to) {
        put_partition(to, partition);
        to.push_back({"epoch", partition.producer.epoch});
        put_error(to, why);
    });
}

// --- batches ---------------------------------------------------------------------------------------------------------

inline void put_batch(log_values& to, const batch& about)
{
    put_partition(to, *about.partition);
    to.push_back({"records", about.record_count});
    to.push_back({"sequence", about.base_sequence});
    to.push_back({"attempts", about.attempts});
}

inline void batch_retried(log_queue& logs, const batch& about, error_code why, nanoseconds pause) noexcept
{
    logs.debug("batch.retried", "it goes back into its queue", [&](log_values& to) {
        put_batch(to, about);
        put_error(to, why);
        to.push_back({"backoff_ms", milliseconds(pause)});
    });
}

inline void batch_failed(log_queue& logs, const batch& about, error_code why, persisted written) noexcept
{
    logs.debug("batch.failed", "its records fail", [&](log_values& to) {
        put_batch(to, about);
        put_error(to, why);
        to.push_back({"persisted", std::string{to_string(written)}});
    });
}

inline void batch_split(log_queue& logs, const batch& about) noexcept
{
    logs.debug("batch.split", "too large for the broker: halved (KIP-126)", [&](log_values& to) {
        put_batch(to, about);
        to.push_back({"bytes", about.size});
    });
}

inline void batch_duplicate(log_queue& logs, const batch& about) noexcept
{
    logs.debug("batch.duplicate", "the broker has it from an earlier attempt",
               [&](log_values& to) { put_batch(to, about); });
}

inline void produce_lost(log_queue& logs, const broker_node& node, std::size_t batches,
                         error_code why) noexcept
{
    logs.debug("produce.lost", "a Produce request gets no response", [&](log_values& to) {
        put_broker(to, node);
        to.push_back({"batches", batches});
        put_error(to, why);
    });
}

// --- the producer ----------------------------------------------------------------------------------------------------

inline void buffer_full(log_queue& logs, std::size_t in_use, std::size_t waiting) noexcept
{
    logs.debug("buffer.full", "records wait for room in buffer.memory", [&](log_values& to) {
        to.push_back({"bytes", in_use});
        to.push_back({"waiting", waiting});
    });
}

inline void compression_excluded(log_queue& logs, const broker_node& node, std::string_view codec) noexcept
{
    logs.debug("compression.excluded", "compression.type=auto won't choose what this broker can't read",
               [&](log_values& to) {
                   put_broker(to, node);
                   to.push_back({"codec", std::string{codec}});
               });
}

inline void closing(log_queue& logs, std::size_t batches, std::size_t waiting) noexcept
{
    logs.debug("producer.closing", "no record is taken any more", [&](log_values& to) {
        to.push_back({"batches", batches});
        to.push_back({"waiting", waiting});
    });
}

inline void closed(log_queue& logs, error_code why, std::size_t batches, std::size_t waiting) noexcept
{
    logs.debug("producer.closed", "what is left fails, and connections are closed", [&](log_values& to) {
        to.push_back({"batches", batches});
        to.push_back({"waiting", waiting});
        put_error(to, why);
    });
}

} // namespace kurier::inline KURIER_ABI::core::debug
