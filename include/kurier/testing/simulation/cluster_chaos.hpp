// What happens to brokers, topics and logs during a simulation, and how they recover from it.
#pragma once

#include <kurier/testing/cluster_model.hpp>
#include <kurier/testing/simulation/checker.hpp>
#include <kurier/testing/simulation/fault_source.hpp>
#include <kurier/testing/simulation/topic_chaos.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class cluster_chaos
{
public:
    cluster_chaos(cluster_model& cluster, virtual_clock& clock, fault_source& faults, event_log& log,
                  simulation_checker& checker, dice random, std::vector<std::string> topics)
        : cluster_{cluster}, state_{cluster.state()}, clock_{clock}, faults_{faults}, log_{log},
          checker_{checker}, random_{random}, topics_{std::move(topics)},
          changes_{state_, checker, random_.fork(), topics_}
    {
        for (const auto& broker : state_.metadata().brokers) addresses_.push_back({broker.host, broker.port});
    }

    // What makes a broker's process stand still until a time; the network knows.
    std::function<void(broker_id, std::chrono::nanoseconds)> freeze;

    // One thing may go wrong now.
    void strike()
    {
        static constexpr std::array kinds{fault_kind::stale_metadata,
                                          fault_kind::leader_moved,
                                          fault_kind::leader_moved_without_hint,
                                          fault_kind::leader_moved_without_epoch,
                                          fault_kind::leader_lost,
                                          fault_kind::leader_epoch_raised,
                                          fault_kind::leader_epochs_lag,
                                          fault_kind::followers_stopped,
                                          fault_kind::replicas_lost,
                                          fault_kind::broker_stopped,
                                          fault_kind::broker_frozen,
                                          fault_kind::broker_restarted_forgetful,
                                          fault_kind::producer_state_lost,
                                          fault_kind::producer_state_expired,
                                          fault_kind::unclean_election,
                                          fault_kind::log_start_moved,
                                          fault_kind::topic_deleted,
                                          fault_kind::topic_recreated,
                                          fault_kind::topic_remade_smaller,
                                          fault_kind::topic_remade_larger,
                                          fault_kind::partitions_added,
                                          fault_kind::message_size_lowered,
                                          fault_kind::versions_changed,
                                          fault_kind::cluster_id_changed,
                                          fault_kind::fenced_by_other,
                                          fault_kind::address_moved,
                                          fault_kind::hung_up_by_broker};
        const auto kind = faults_.which(kinds);
        if (!kind) return;
        if (strike(*kind))
            log_.add(clock_.now(), event_kind::fault, topic_, partition_, 0, 0, name_of(*kind));
        else
            faults_.take_back(*kind);
    }

    // One thing of those that went wrong gets right again.
    void recover()
    {
        switch (random_.below(5)) {
        case 0:
            start(any_broker(), producer_memory::rebuilt);
            break;
        case 1:
            state_.resume_metadata_updates(any_broker());
            break;
        case 2:
            resume_followers(random_.below(topics_.size()));
            break;
        case 3:
            elect_leaders(random_.below(topics_.size()));
            break;
        default:
            changes_.restore(random_.below(topics_.size()));
        }
    }

    void heal()
    {
        const auto outdated = choose_outdated();
        for (std::size_t id = 1; id <= addresses_.size(); ++id) {
            const auto broker = static_cast<broker_id>(id);
            state_.set_endpoint(broker, addresses_[id - 1].first, addresses_[id - 1].second);
            if (broker != outdated) state_.resume_metadata_updates(broker);
            start(broker, producer_memory::rebuilt);
        }
        for (std::size_t topic = 0; topic < topics_.size(); ++topic) {
            changes_.restore(topic);
            elect_leaders(topic);
            resume_followers(topic); // with a leader all replicas are in sync again
            if (outdated > 0) relieve(outdated, topics_[topic]);
        }
        if (outdated > 0)
            state_.update_brokers(outdated); // who bootstraps from it finds no other way to them
        cluster_.faults().clear();
        cluster_.clear_interceptors();
        cluster_.clear_editors();
        state_.options().leader_hints = true;
    }

private:
    bool strike(fault_kind kind)
    {
        topic_ = static_cast<std::int64_t>(random_.below(topics_.size()));
        const auto& name = topics_[static_cast<std::size_t>(topic_)];
        const auto* known = state_.metadata().find_topic(std::string_view{name});
        if (!known) return false;
        partition_ = static_cast<std::int64_t>(random_.below(known->partitions.size()));
        const auto partition = static_cast<std::int32_t>(partition_);
        switch (kind) {
        case fault_kind::stale_metadata:
            state_.stop_metadata_updates(any_broker());
            return true;
        case fault_kind::leader_moved:
            state_.options().leader_hints = true;
            return move_leader(name, partition);
        case fault_kind::leader_moved_without_hint:
            state_.options().leader_hints = false;
            return move_leader(name, partition);
        case fault_kind::leader_moved_without_epoch:
            return move_leader(name, partition, cluster_state::epoch::same);
        case fault_kind::leader_epochs_lag:
            state_.partition_of(name, partition).epoch_lag = random_.between(0, 3);
            return move_leader(name, partition);
        case fault_kind::leader_lost:
            state_.move_leader(name, partition, -1);
            return true;
        case fault_kind::leader_epoch_raised:
            state_.bump_leader_epoch(name, partition);
            return true;
        case fault_kind::followers_stopped:
            cluster_.stop_followers(name, partition);
            return true;
        case fault_kind::replicas_lost:
            return lose_replicas(name, partition);
        case fault_kind::broker_stopped:
            return stop_a_broker();
        case fault_kind::broker_frozen:
            return freeze_a_broker();
        case fault_kind::broker_restarted_forgetful:
            return start(any_broker(), producer_memory::newest_only);
        case fault_kind::producer_state_lost:
            return forget_producers(*known, partition);
        case fault_kind::producer_state_expired:
            return forget_producers(*known, partition);
        case fault_kind::unclean_election:
            return elect_unclean(*known, partition);
        case fault_kind::log_start_moved:
            return move_log_start(*known, partition);
        case fault_kind::versions_changed:
            return change_versions();
        case fault_kind::cluster_id_changed:
            state_.set_cluster_id("cluster-" + std::to_string(random_.below(100)));
            return true;
        case fault_kind::fenced_by_other:
            return fence(name, partition);
        case fault_kind::address_moved:
            return move_address();
        case fault_kind::hung_up_by_broker:
            cluster_.close_connections(any_broker());
            return true;
        default:
            return changes_.strike(kind, *known);
        }
    }

    // One broker may stay cut off from the controller, which takes its leaders away: it goes on telling what it knew then.
    broker_id choose_outdated()
    {
        const auto broker = any_broker();
        if (faults_.scripted() || addresses_.size() < 2 || !state_.is_outdated(broker) || !random_.once_in(2))
            return 0;
        faults_.note(fault_kind::stale_for_good);
        return broker;
    }
    void relieve(broker_id outdated, const std::string& name)
    {
        const auto& partitions = state_.topic(name).partitions;
        const auto other = outdated == 1 ? 2 : 1;
        for (std::size_t i = 0; i < partitions.size(); ++i)
            if (partitions[i].leader == outdated)
                state_.move_leader(name, static_cast<std::int32_t>(i), other);
    }

    broker_id any_broker()
    {
        return random_.between<broker_id>(1, static_cast<broker_id>(addresses_.size()));
    }

    bool change_versions()
    {
        // Not both in the call: in which order arguments are drawn is the compiler's choice.
        const auto versions = version_table::preset(random_.below(6));
        cluster_.set_versions(any_broker(), versions);
        return true;
    }

    bool move_leader(const std::string& name, std::int32_t partition,
                     cluster_state::epoch epoch = cluster_state::epoch::next)
    {
        const auto next = any_broker();
        if (!state_.metadata().is_alive(next) || state_.partition_of(name, partition).leader == next)
            return false;
        state_.move_leader(name, partition, next, epoch);
        return true;
    }

    bool lose_replicas(const std::string& name, std::int32_t partition)
    {
        auto& led = state_.partition_of(name, partition);
        if (led.leader == -1 || led.isr.size() < 2) return false;
        state_.set_in_sync_replicas(name, partition, {led.leader});
        return true;
    }

    bool stop_a_broker()
    {
        const auto broker = any_broker();
        if (!state_.metadata().is_alive(broker)) return false;
        cluster_.stop_broker(broker);
        return true;
    }

    // The controller fences it, now or later (leader_moved), and its leaders go to others that are in sync. Some come back
    // before it goes on, as after a short session timeout.
    bool freeze_a_broker()
    {
        const auto broker = any_broker();
        if (!state_.metadata().is_alive(broker)) return false;
        freeze(broker,
               clock_.now() + random_.between(std::chrono::nanoseconds{std::chrono::milliseconds{100}},
                                              std::chrono::nanoseconds{std::chrono::seconds{8}}));
        if (random_.once_in(4)) return true;
        const bool returns = random_.once_in(4);
        for (const auto& name : topics_) {
            const auto* known = state_.metadata().find_topic(std::string_view{name});
            for (std::size_t i = 0; known && i < known->partitions.size(); ++i)
                take_away(name, static_cast<std::int32_t>(i), broker, returns);
        }
        return true;
    }

    void take_away(const std::string& name, std::int32_t partition, broker_id frozen, bool returns)
    {
        const auto& led = state_.partition_of(name, partition);
        if (led.leader != frozen) return;
        for (const auto replica : led.isr)
            if (replica != frozen && state_.metadata().is_alive(replica)) {
                state_.move_leader(name, partition, replica);
                if (returns) state_.move_leader(name, partition, frozen);
                return;
            }
    }

    bool start(broker_id broker, producer_memory memory)
    {
        if (state_.metadata().is_alive(broker)) return false;
        for (const auto& [name, topic] : state_.metadata().topics)
            for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
                const auto& led = topic.partitions[i];
                const auto partition = static_cast<std::int32_t>(i);
                const bool complete =
                    memory == producer_memory::rebuilt && state_.log(name, partition).start_offset() == 0;
                if (led.leader == -1 && led.is_replica(broker) && led.in_sync(broker) && !complete)
                    checker_.producers_forgotten(topic.id, partition);
            }
        state_.start_broker(broker, memory);
        return true;
    }

    bool forget_producers(const topic_metadata& topic, std::int32_t partition)
    {
        auto& producers = state_.log(topic.name, partition).producers();
        if (producers.size() == 0) return false;
        checker_.producers_forgotten(topic.id, partition);
        producers.forget_all();
        return true;
    }

    bool elect_unclean(const topic_metadata& topic, std::int32_t partition)
    {
        const auto next = any_broker();
        auto& log = state_.log(topic.name, partition);
        if (!state_.metadata().is_alive(next) || log.end_offset() == 0) return false;
        const auto cut = std::max<std::int64_t>(log.start_offset(),
                                                log.end_offset() - random_.between<std::int64_t>(0, 20));
        if (log.start_offset() > 0) checker_.producers_forgotten(topic.id, partition);
        state_.elect_unclean_leader(topic.name, partition, next, cut);
        checker_.truncated(topic.id, partition, log.end_offset());
        return true;
    }

    bool move_log_start(const topic_metadata& topic, std::int32_t partition)
    {
        auto& log = state_.log(topic.name, partition);
        if (log.end_offset() == log.start_offset()) return false;
        if (state_.options().before_kip_360) checker_.producers_forgotten(topic.id, partition);
        state_.delete_records_before(topic.name, partition,
                                     random_.between(log.start_offset() + 1, log.end_offset()));
        return true;
    }

    // As if another producer had been given the same id with a higher epoch.
    bool fence(const std::string& name, std::int32_t partition)
    {
        auto& log = state_.log(name, partition);
        if (log.batches().empty()) return false;
        const auto header = load_batch_header(log.bytes(log.batches().back()));
        const auto* entry = log.producers().find(header.producer_id);
        if (!entry || entry->epoch() > 30'000) return false;
        auto usurper = entry->newest();
        usurper.producer_epoch =
            static_cast<std::int16_t>(entry->epoch() + 1000); // none that this one reaches by itself
        usurper.first_sequence = usurper.last_sequence = 0;
        log.producers().add(usurper);
        return true;
    }

    bool move_address()
    {
        const auto broker = any_broker();
        state_.set_endpoint(broker, addresses_[static_cast<std::size_t>(broker) - 1].first,
                            random_.between(9093, 9099));
        return true;
    }

    void resume_followers(std::size_t topic)
    {
        const auto* known = state_.metadata().find_topic(std::string_view{topics_[topic]});
        if (!known) return;
        for (std::size_t i = 0; i < known->partitions.size(); ++i) {
            const auto partition = static_cast<std::int32_t>(i);
            cluster_.resume_followers(topics_[topic], partition, clock_.broker());
            state_.set_in_sync_replicas(topics_[topic], partition, alive_replicas(known->partitions[i]));
        }
    }

    // The leader of a partition that has none stays in sync, so that the log is not lost.
    std::vector<broker_id> alive_replicas(const partition_metadata& partition) const
    {
        if (partition.leader == -1) return partition.isr;
        std::vector<broker_id> alive;
        for (const auto replica : partition.replicas)
            if (state_.metadata().is_alive(replica)) alive.push_back(replica);
        return alive;
    }

    void elect_leaders(std::size_t topic)
    {
        const auto* known = state_.metadata().find_topic(std::string_view{topics_[topic]});
        if (!known) return;
        for (std::size_t i = 0; i < known->partitions.size(); ++i) {
            const auto& partition = known->partitions[i];
            if (partition.leader != -1) continue;
            for (const auto replica : partition.isr)
                if (state_.metadata().is_alive(replica)) {
                    state_.move_leader(topics_[topic], static_cast<std::int32_t>(i), replica);
                    break;
                }
        }
    }

    cluster_model& cluster_;
    cluster_state& state_;
    virtual_clock& clock_;
    fault_source& faults_;
    event_log& log_;
    simulation_checker& checker_;
    dice random_;
    std::vector<std::string> topics_;
    topic_chaos changes_;
    std::vector<std::pair<std::string, std::int32_t>> addresses_;
    std::int64_t topic_ = 0, partition_ = 0; // of the last strike
};

} // namespace kurier::inline KURIER_ABI::testing
