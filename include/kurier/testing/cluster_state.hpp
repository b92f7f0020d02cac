// The cluster's topics, logs and brokers, and what can happen to them: topics created, deleted and extended,
// leaders moved, brokers stopped and started, logs cut. What brokers answer is in the *_handler.hpp files.
#pragma once

#include <kurier/testing/cluster_metadata.hpp>
#include <kurier/testing/cluster_options.hpp>
#include <kurier/testing/partition_log.hpp>
#include <kurier/topic.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

struct partition_state
{
    partition_log log;
    bool followers_stopped = false; // acks=all is not reached: the answer waits until the request times out
};

struct topic_state
{
    std::string name;
    topic_options options;
    broker_id first_leader = 1; // of partition 0; the others follow in turn
    bool deleted = false;
    std::deque<partition_state> partitions; // their addresses stay
};

class cluster_state
{
public:
    explicit cluster_state(cluster_options options)
        : options_{std::move(options)}, next_producer_id_{options_.first_producer_id}
    {
        metadata_.cluster_id = options_.cluster_id;
        for (broker_id id = 1; id <= std::max(options_.brokers, 1); ++id)
            metadata_.brokers.push_back({id, "broker-" + std::to_string(id), 9092});
        metadata_.controller = 1;
        frozen_.resize(metadata_.brokers.size());
    }

    cluster_options& options() noexcept { return options_; }
    const cluster_options& options() const noexcept { return options_; }

    // The truth, and what a broker thinks.
    const cluster_metadata& metadata() const noexcept { return metadata_; }
    const cluster_metadata& metadata_of(broker_id broker) const noexcept
    {
        const auto& old = frozen_[index(broker)];
        return old ? *old : metadata_;
    }

    // From now on the broker answers from what it knows now, until it catches up.
    void stop_metadata_updates(broker_id broker) { frozen_.at(index(broker)) = metadata_; }
    void resume_metadata_updates(broker_id broker) { frozen_.at(index(broker)).reset(); }
    bool is_outdated(broker_id broker) const { return frozen_.at(index(broker)).has_value(); }
    // An outdated broker hears where the others are and which of them run, and nothing of their topics.
    void update_brokers(broker_id outdated)
    {
        frozen_.at(index(outdated)).value().brokers = metadata_.brokers;
    }

    void set_cluster_id(std::string id) // which no broker is behind with
    {
        for (auto& old : frozen_)
            if (old) old->cluster_id = id;
        metadata_.cluster_id = std::move(id);
    }
    void set_endpoint(broker_id broker, std::string host, std::int32_t port)
    {
        broker_endpoint& known = endpoint(broker);
        known.host = std::move(host);
        known.port = port;
    }

    const topic_metadata& create_topic(std::string_view name, const topic_options& settings,
                                       broker_id first_leader = 1)
    {
        if (why_not_a_topic(name)) throw std::invalid_argument("create_topic: no topic can have this name");
        if (metadata_.topics.contains(name)) throw std::invalid_argument("create_topic: the topic exists");
        topic_metadata created;
        created.name = name;
        created.id = new_topic_id();
        topic_state& made = states_[created.id];
        made.name = name;
        made.options = settings;
        made.first_leader = first_leader;
        metadata_.topic_names[created.id] = name;
        topic_metadata& stored =
            metadata_.topics.emplace(std::string{name}, std::move(created)).first->second;
        grow(stored, made, settings.partitions);
        return stored;
    }

    void delete_topic(std::string_view name)
    {
        const auto found = metadata_.topics.find(name);
        if (found == metadata_.topics.end()) throw std::invalid_argument("delete_topic: no such topic");
        states_.at(found->second.id).deleted = true;
        metadata_.topic_names.erase(found->second.id);
        metadata_.topics.erase(found);
    }

    // Same name, another id, empty logs, leader epochs from 0.
    const topic_metadata& recreate_topic(std::string_view name)
    {
        return recreate_topic(name, state(name).options, state(name).first_leader);
    }
    const topic_metadata& recreate_topic(std::string_view name, topic_options settings,
                                         broker_id first_leader)
    {
        const std::string same{name}; // `name` may point into what is deleted
        delete_topic(name);
        return create_topic(same, settings, first_leader);
    }

    void add_partitions(std::string_view name, std::int32_t total)
    {
        topic_metadata& known = topic(name);
        grow(known, states_.at(known.id), total);
    }

    void set_topic_options(std::string_view name, const topic_options& settings)
    {
        state(name).options = settings;
    }

    // Leader -1: the partition has none. The same epoch: as leaders without replicas move (KIP-1163).
    enum class epoch : std::uint8_t { next, same };
    void move_leader(std::string_view name, std::int32_t partition, broker_id leader, epoch how = epoch::next)
    {
        partition_metadata& moved = partition_of(name, partition);
        moved.leader = leader;
        moved.leader_epoch += how == epoch::next ? 1 : 0;
        if (leader == -1) return;
        if (!moved.is_replica(leader)) moved.replicas.push_back(leader);
        if (!moved.in_sync(leader)) moved.isr.push_back(leader);
    }

    void bump_leader_epoch(std::string_view name, std::int32_t partition)
    {
        ++partition_of(name, partition).leader_epoch;
    }

    void set_in_sync_replicas(std::string_view name, std::int32_t partition, std::vector<broker_id> isr)
    {
        partition_of(name, partition).isr = std::move(isr);
    }

    // The leader moves to the next replica in sync, if there is one.
    void stop_broker(broker_id broker)
    {
        endpoint(broker).alive = false;
        if (metadata_.controller == broker) metadata_.controller = first_alive();
        for (auto& [name, known] : metadata_.topics) {
            for (partition_metadata& partition : known.partitions) leave(partition, broker);
        }
    }

    // `memory`: what it still knows of producers, of the partitions that had no leader but it.
    void start_broker(broker_id broker, producer_memory memory = producer_memory::newest_only)
    {
        endpoint(broker).alive = true;
        if (metadata_.controller == -1) metadata_.controller = broker;
        for (auto& [name, led] : metadata_.topics) {
            topic_state& known = states_.at(led.id);
            for (std::size_t i = 0; i != led.partitions.size(); ++i) {
                partition_metadata& partition = led.partitions[i];
                if (!partition.is_replica(broker)) continue;
                if (partition.leader == -1 && partition.in_sync(broker)) {
                    partition.leader = broker;
                    ++partition.leader_epoch;
                    known.partitions[i].log.reload_producers(memory);
                } else if (partition.leader != -1 && !partition.in_sync(broker)) {
                    partition.isr.push_back(broker);
                }
            }
        }
    }

    // A replica becomes leader that had copied only what lies before `end_offset`.
    void elect_unclean_leader(std::string_view name, std::int32_t partition, broker_id leader,
                              std::int64_t end_offset, producer_memory memory = producer_memory::rebuilt)
    {
        move_leader(name, partition, leader);
        log(name, partition).truncate_to(end_offset, memory);
    }

    void delete_records_before(std::string_view name, std::int32_t partition, std::int64_t offset)
    {
        log(name, partition).delete_before(offset, options_.before_kip_360);
    }

    void stop_followers(std::string_view name, std::int32_t partition)
    {
        state_of(name, partition).followers_stopped = true;
    }
    void resume_followers(std::string_view name, std::int32_t partition)
    {
        state_of(name, partition).followers_stopped = false;
    }

    void expire_producers(std::int64_t now_ms)
    {
        for (auto& [id, kept] : states_) {
            for (partition_state& partition : kept.partitions)
                partition.log.producers().expire(now_ms, options_.producer_id_expiration_ms);
        }
    }

    std::int64_t new_producer_id() noexcept { return next_producer_id_++; }

    // These throw when there is no such topic or partition.
    topic_metadata& topic(std::string_view name)
    {
        const auto found = metadata_.topics.find(name);
        if (found == metadata_.topics.end()) throw std::invalid_argument("no topic " + std::string{name});
        return found->second;
    }
    topic_state& state(std::string_view name) { return states_.at(topic(name).id); }
    partition_state& state_of(std::string_view name, std::int32_t partition)
    {
        return state(name).partitions.at(static_cast<std::size_t>(partition));
    }
    partition_log& log(std::string_view name, std::int32_t partition)
    {
        return state_of(name, partition).log;
    }
    partition_metadata& partition_of(std::string_view name, std::int32_t partition)
    {
        return topic(name).partitions.at(static_cast<std::size_t>(partition));
    }
    broker_endpoint& endpoint(broker_id broker)
    {
        broker_endpoint* known = metadata_.find_broker(broker);
        if (!known) throw std::invalid_argument("no broker " + std::to_string(broker));
        return *known;
    }

    // Deleted topics are still found by their id.
    topic_state* find_state(const uuid& id) noexcept
    {
        const auto found = states_.find(id);
        return found == states_.end() ? nullptr : &found->second;
    }
    const std::map<uuid, topic_state>& states() const noexcept { return states_; }

private:
    static std::size_t index(broker_id broker) noexcept { return static_cast<std::size_t>(broker) - 1; }

    uuid new_topic_id()
    {
        uuid id{};
        std::uint64_t mixed =
            ++topics_created_ * 0x9e3779b97f4a7c15u; // so that ids differ in more than a byte
        for (std::size_t i = 0; i != 8; ++i) {
            id.bytes[i] = static_cast<std::byte>(mixed >> (8 * i));
            id.bytes[8 + i] = static_cast<std::byte>(topics_created_ >> (8 * (7 - i)));
        }
        id.bytes[6] = (id.bytes[6] & std::byte{0x0f}) | std::byte{0x40};
        id.bytes[8] = (id.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
        return id;
    }

    void grow(topic_metadata& growing, topic_state& logs, std::int32_t total)
    {
        const auto brokers = static_cast<std::int32_t>(metadata_.brokers.size());
        const std::int32_t replicas = std::clamp<std::int32_t>(logs.options.replication_factor, 1, brokers);
        for (auto p = static_cast<std::int32_t>(growing.partitions.size()); p < total; ++p) {
            partition_metadata partition;
            for (std::int32_t r = 0; r != replicas; ++r) {
                const broker_id replica = 1 + (logs.first_leader - 1 + p + r) % brokers;
                partition.replicas.push_back(replica);
                if (metadata_.is_alive(replica)) partition.isr.push_back(replica);
            }
            if (partition.isr.empty())
                partition.isr.push_back(partition.replicas.front());
            else
                partition.leader = partition.isr.front();
            growing.partitions.push_back(std::move(partition));
            logs.partitions.emplace_back();
        }
    }

    void leave(partition_metadata& partition, broker_id broker)
    {
        if (partition.in_sync(broker) && partition.isr.size() > 1) std::erase(partition.isr, broker);
        if (partition.leader != broker) return;
        const auto next =
            std::ranges::find_if(partition.isr, [&](broker_id id) { return metadata_.is_alive(id); });
        partition.leader = next == partition.isr.end() ? -1 : *next;
        ++partition.leader_epoch;
    }

    broker_id first_alive() const noexcept
    {
        for (const broker_endpoint& broker : metadata_.brokers) {
            if (broker.alive) return broker.id;
        }
        return -1;
    }

    cluster_options options_;
    cluster_metadata metadata_;
    std::vector<std::optional<cluster_metadata>> frozen_;
    std::map<uuid, topic_state> states_;
    std::int64_t next_producer_id_;
    std::uint64_t topics_created_ = 0;
};

} // namespace kurier::inline KURIER_ABI::testing
