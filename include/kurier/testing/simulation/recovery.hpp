// Liveness: when the faults of a simulation are over, the cluster has to deliver again. A record that expires is told so
// truthfully, so no rule of checker.hpp notices a partition or a broker that stays dead for ever; this does. Rounds of
// records are sent until
//
//  - each partition that has a leader took a record that names it,
//  - each broker that leads a partition of a topic took a record without key of that topic,
//  - all keyed records of a round were delivered, so that no share of the keys fails,
//
// and that has to be within a bound. Retries are the user's here: a single record may expire.
#pragma once

#include <kurier/producer_config.hpp>
#include <kurier/testing/cluster_model.hpp>
#include <kurier/testing/simulation/ledger.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class recovery
{
public:
    struct probe
    {
        std::size_t topic = 0;
        std::int32_t partition = -1; // named by the record; -1: the producer chooses
        bool keyed = false;
        std::uint64_t number = 0; // of its record
    };

    recovery(cluster_model& cluster, ledger& book, std::vector<std::string> topics)
        : cluster_{cluster}, book_{book}, topics_{std::move(topics)}
    {}

    // Whatever was under way times out; then connections, metadata and a producer id are had again.
    static std::chrono::nanoseconds time_for(const producer_config& config)
    {
        return 20 * (config.request_timeout + config.delivery_timeout + config.max_block +
                     config.socket_connection_setup_timeout_max + config.reconnect_backoff_max +
                     config.retry_backoff_max) +
               2 * config.metadata_max_age;
    }

    void begin()
    {
        for (std::size_t t = 0; t < topics_.size(); ++t) {
            const auto* topic = cluster_.state().metadata().find_topic(std::string_view{topics_[t]});
            if (!topic) continue;
            keyed_.insert(t);
            for (std::size_t p = 0; p < topic->partitions.size(); ++p) {
                const auto leader = topic->partitions[p].leader;
                if (leader == -1) continue;
                partitions_.emplace(t, static_cast<std::int32_t>(p));
                brokers_.emplace(t, leader);
            }
        }
    }

    bool complete() const noexcept { return partitions_.empty() && brokers_.empty() && keyed_.empty(); }

    // What to send next: few at a time, so that a small buffer takes them.
    std::vector<probe> next()
    {
        if (queue_.empty()) fill_queue();
        std::vector<probe> some;
        for (; !queue_.empty() && some.size() < at_a_time; queue_.pop_front()) some.push_back(queue_.front());
        return some;
    }

    void again(const probe& refused) { queue_.push_back(refused); }
    void sent(const probe& made) { sent_.push_back(made); }

    // What was sent is resolved.
    void judge()
    {
        for (const auto& made : sent_) {
            const auto where = partition_of(*book_.find(made.number), made.topic);
            if (made.keyed) {
                if (where < 0) failed_keys_.insert(made.topic);
            } else if (where >= 0) {
                if (made.partition >= 0)
                    partitions_.erase({made.topic, made.partition});
                else
                    brokers_.erase({made.topic, leader_of(made.topic, where)});
            }
        }
        sent_.clear();
        if (!queue_.empty()) return;
        if (rounds_ > 0) keyed_ = failed_keys_; // those without a failure in the whole round are done
        failed_keys_.clear();
    }

    std::string missing() const
    {
        std::string all;
        for (const auto& [topic, partition] : partitions_)
            all += " " + topics_[topic] + "-" + std::to_string(partition) + " takes no record;";
        for (const auto& [topic, broker] : brokers_)
            all += " broker " + std::to_string(broker) + " takes no record without key of " + topics_[topic] +
                   ";";
        for (const auto topic : keyed_) all += " some keys of " + topics_[topic] + " fail;";
        return all;
    }

private:
    static constexpr int keyed_per_round = 12, unkeyed_per_round = 16;
    static constexpr std::size_t at_a_time = 4;

    void fill_queue()
    {
        ++rounds_;
        for (const auto& [topic, partition] : partitions_) queue_.push_back({topic, partition, false});
        for (const auto topic : keyed_)
            for (int i = 0; i < keyed_per_round; ++i) queue_.push_back({topic, -1, true});
        std::set<std::size_t> unspread;
        for (const auto& [topic, broker] : brokers_) unspread.insert(topic);
        for (const auto topic : unspread)
            for (int i = 0; i < unkeyed_per_round; ++i) queue_.push_back({topic, -1, false});
    }

    // The partition of the topic as it is now whose log has the record; -1: it isn't in it, or the user doesn't know.
    std::int32_t partition_of(const sent_record& record, std::size_t topic)
    {
        if (record.state != record_state::delivered || record.copies == 0) return -1;
        const auto* now = cluster_.state().metadata().find_topic(std::string_view{topics_[topic]});
        for (std::size_t p = 0; p < now->partitions.size(); ++p) {
            const auto partition = static_cast<std::int32_t>(p);
            if (book_.log(now->id, partition).number == record.log) return partition;
        }
        return -1;
    }

    broker_id leader_of(std::size_t topic, std::int32_t partition)
    {
        return cluster_.state().partition_of(topics_[topic], partition).leader;
    }

    cluster_model& cluster_;
    ledger& book_;
    std::vector<std::string> topics_;
    std::set<std::pair<std::size_t, std::int32_t>> partitions_; // which took no record yet
    std::set<std::pair<std::size_t, broker_id>> brokers_;       // which took no record without key
    std::set<std::size_t> keyed_, failed_keys_; // some keys of these topics fail; in this round
    std::deque<probe> queue_;                   // the rest of the round
    std::vector<probe> sent_;
    int rounds_ = 0;
};

} // namespace kurier::inline KURIER_ABI::testing
