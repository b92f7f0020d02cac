// The transaction coordinators of all brokers: what each transactional id is up to, as Kafka's TransactionCoordinator keeps it
// in __transaction_state, which survives a broker (KIP-98, KIP-360, KIP-890). Markers are written at once, unless a test holds
// them back or a partition has no leader.
#pragma once

#include <kurier/testing/cluster_state.hpp>
#include <kurier/testing/group_offsets.hpp>
#include <kurier/testing/violations.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

enum class transaction_phase : std::uint8_t {
    empty,
    ongoing,
    prepare_commit,
    prepare_abort,
    complete_commit,
    complete_abort,
};

struct partition_of_topic
{
    uuid topic;
    std::int32_t index = 0;
    friend auto operator<=>(const partition_of_topic&, const partition_of_topic&) = default;
};

struct coordinated_transaction
{
    std::int64_t producer_id = -1;
    std::int64_t last_producer_id = -1; // before its epochs were used up
    std::int64_t next_producer_id = -1; // when the markers are written
    std::int16_t epoch = -1;
    std::int16_t last_epoch = -1; // of which a repeated request may still speak
    transaction_phase phase = transaction_phase::empty;
    bool second_protocol = false; // of who changed it last
    std::int32_t timeout_ms = 0;
    std::int64_t started_ms = 0;
    std::set<partition_of_topic> partitions;
    std::set<std::string> groups;
};

struct identity_answer
{
    broker_errc error = broker_errc::none;
    std::int64_t producer_id = -1;
    std::int16_t epoch = -1;
};

// Who asks, as each request says it.
struct transactional_client
{
    const std::string& id;
    std::int64_t producer_id = -1;
    std::int16_t epoch = -1;
    bool second_protocol = false;
};

class transaction_coordinator
{
public:
    transaction_coordinator(cluster_state& cluster, group_offsets& groups, violation_log& violations)
        : cluster_{cluster}, groups_{groups}, violations_{violations}
    {}

    // --- what a test orders and asks

    const coordinated_transaction* find(const std::string& transactional_id) const noexcept
    {
        const auto found = transactions_.find(transactional_id);
        return found == transactions_.end() ? nullptr : &found->second;
    }

    // Of a transactional id or a group: a broker that runs, or -1.
    broker_id coordinator_of(const std::string& key) const
    {
        const auto& brokers = cluster_.metadata().brokers;
        const auto moved = moved_.find(key);
        std::size_t first = 0;
        for (const char c : key) first = first * 31 + static_cast<unsigned char>(c);
        if (moved != moved_.end()) first = static_cast<std::size_t>(moved->second) - 1;
        for (std::size_t i = 0; i != brokers.size(); ++i)
            if (const auto& broker = brokers[(first + i) % brokers.size()]; broker.alive) return broker.id;
        return -1;
    }
    void move_coordinator(const std::string& key, broker_id to) { moved_[key] = to; }

    // Transactions stay prepared until they are released.
    void hold_markers() noexcept { held_ = true; }
    void release_markers(std::int64_t now_ms)
    {
        held_ = false;
        advance(now_ms);
    }

    // Brokers do this all the time: what has timed out is aborted, what is decided is completed.
    void advance(std::int64_t now_ms)
    {
        for (auto& [id, transaction] : transactions_) {
            if (transaction.phase == transaction_phase::ongoing &&
                now_ms - transaction.started_ms > transaction.timeout_ms)
                fence(transaction, now_ms);
            complete(transaction, now_ms);
        }
    }

    // --- requests

    identity_answer init(const transactional_client& client, std::int32_t timeout_ms, std::int64_t now_ms)
    {
        if (client.id.empty()) return {broker_errc::invalid_request};
        if (timeout_ms <= 0 || timeout_ms > cluster_.options().transaction_max_timeout_ms)
            return {broker_errc::invalid_transaction_timeout};
        const auto [found, created] = transactions_.try_emplace(client.id);
        coordinated_transaction& known = found->second;
        if (created) known.producer_id = cluster_.new_producer_id();
        if (!may_init(known, client)) return {broker_errc::producer_fenced};
        switch (known.phase) {
        case transaction_phase::prepare_commit:
        case transaction_phase::prepare_abort:
            return {broker_errc::concurrent_transactions};
        case transaction_phase::ongoing: // first that one ends, under an epoch that nobody gets
            fence(known, now_ms);
            complete(known, now_ms);
            return {broker_errc::concurrent_transactions};
        default:
            break;
        }
        if (!take_epoch(known, client)) return {broker_errc::producer_fenced};
        known.timeout_ms = timeout_ms;
        known.phase = transaction_phase::empty;
        return {broker_errc::none, known.producer_id, known.epoch};
    }

    broker_errc add(const transactional_client& client, const std::vector<partition_of_topic>& partitions,
                    const std::vector<std::string>& groups, std::int64_t now_ms)
    {
        const auto error = check(client);
        if (error != broker_errc::none) return error;
        coordinated_transaction& known = transactions_.at(client.id);
        if (known.phase != transaction_phase::ongoing) known.started_ms = now_ms;
        known.phase = transaction_phase::ongoing;
        known.second_protocol = client.second_protocol;
        known.partitions.insert(partitions.begin(), partitions.end());
        known.groups.insert(groups.begin(), groups.end());
        return broker_errc::none;
    }

    // Under the first protocol brokers ask before they write (KIP-890 part 1, Kafka 3.6).
    broker_errc verify(const transactional_client& client, const partition_of_topic& partition) const
    {
        const auto error = check(client);
        if (error != broker_errc::none) return error;
        return transactions_.at(client.id).partitions.contains(partition)
                   ? broker_errc::none
                   : broker_errc::transaction_abortable;
    }
    broker_errc verify(const transactional_client& client, const std::string& group) const
    {
        const auto error = check(client);
        if (error != broker_errc::none) return error;
        return transactions_.at(client.id).groups.contains(group) ? broker_errc::none
                                                                  : broker_errc::transaction_abortable;
    }

    identity_answer end(const transactional_client& client, bool commit, std::int64_t now_ms)
    {
        if (client.id.empty()) return {broker_errc::invalid_request};
        const auto found = transactions_.find(client.id);
        if (found == transactions_.end()) return {broker_errc::invalid_producer_id_mapping};
        coordinated_transaction& known = found->second;
        const bool again = repeats(known, client);
        const bool rotated = again && client.producer_id != known.producer_id;
        if (known.producer_id != client.producer_id && !rotated)
            return {broker_errc::invalid_producer_id_mapping};
        if (known.epoch != client.epoch && !again) return {broker_errc::producer_fenced};
        const auto what = decide(known, client, commit, again);
        if (what == broker_errc::operation_not_attempted) { // that is: it has to be done
            prepare(known, commit, client.second_protocol, now_ms);
            const bool rotates = known.next_producer_id >= 0;
            identity_answer answer{broker_errc::none, rotates ? known.next_producer_id : known.producer_id,
                                   rotates ? std::int16_t{0} : known.epoch};
            complete(known, now_ms);
            return answer;
        }
        if (what != broker_errc::none) return {what};
        return {what, known.producer_id, known.epoch};
    }

private:
    static constexpr std::int16_t last_epoch = std::numeric_limits<std::int16_t>::max() - 1;

    static bool may_init(const coordinated_transaction& known, const transactional_client& client) noexcept
    {
        return client.producer_id < 0 || known.epoch < 0 || client.producer_id == known.producer_id ||
               (client.producer_id == known.last_producer_id && client.epoch >= last_epoch);
    }

    // False: somebody else has taken one since.
    bool take_epoch(coordinated_transaction& known, const transactional_client& client)
    {
        const bool names_one = client.producer_id >= 0;
        if (known.epoch >= last_epoch && (!names_one || client.epoch == known.epoch)) {
            known.last_epoch = names_one ? known.epoch : std::int16_t{-1};
            known.last_producer_id = known.producer_id;
            known.producer_id = cluster_.new_producer_id();
            known.epoch = 0;
        } else if (!names_one) {
            known.last_epoch = -1;
            ++known.epoch;
        } else if (known.epoch < 0 || client.epoch == known.epoch) {
            known.last_epoch = known.epoch;
            ++known.epoch;
        } else {
            return client.epoch == known.last_epoch; // the same request again: its answer got lost
        }
        return true;
    }

    broker_errc check(const transactional_client& client) const
    {
        if (client.id.empty()) return broker_errc::invalid_request;
        const auto found = transactions_.find(client.id);
        if (found == transactions_.end() || found->second.producer_id != client.producer_id)
            return broker_errc::invalid_producer_id_mapping;
        if (found->second.epoch != client.epoch) return broker_errc::producer_fenced;
        const auto phase = found->second.phase;
        const bool prepared =
            phase == transaction_phase::prepare_commit || phase == transaction_phase::prepare_abort;
        return prepared ? broker_errc::concurrent_transactions : broker_errc::none;
    }

    // EndTxn that has been handled already, under the second protocol: it names the epoch that is over.
    static bool repeats(const coordinated_transaction& known, const transactional_client& client) noexcept
    {
        const bool ended =
            known.phase != transaction_phase::empty && known.phase != transaction_phase::ongoing;
        if (!known.second_protocol || !ended) return false;
        return (client.producer_id == known.producer_id && client.epoch + 1 == known.epoch) ||
               (client.producer_id == known.last_producer_id && client.epoch == last_epoch &&
                known.epoch == 0);
    }

    // OPERATION_NOT_ATTEMPTED: it has to be done.
    static broker_errc decide(const coordinated_transaction& known, const transactional_client& client,
                              bool commit, bool again) noexcept
    {
        using enum transaction_phase;
        constexpr auto act = broker_errc::operation_not_attempted;
        const bool v2 = client.second_protocol;
        const auto nothing_there = v2 && !commit && !again ? act : broker_errc::invalid_txn_state;
        switch (known.phase) {
        case ongoing:
            return act;
        case empty:
            return nothing_there;
        case complete_commit:
            return commit && again == v2 ? broker_errc::none : nothing_there;
        case complete_abort:
            return !commit && again == v2 ? broker_errc::none : nothing_there;
        case prepare_commit:
        case prepare_abort:
            return commit == (known.phase == prepare_commit) ? broker_errc::concurrent_transactions
                                                             : broker_errc::invalid_txn_state;
        }
        return broker_errc::unknown_server_error;
    }

    void prepare(coordinated_transaction& known, bool commit, bool second_protocol, std::int64_t now_ms)
    {
        if (known.phase != transaction_phase::ongoing) known.started_ms = now_ms;
        known.phase = commit ? transaction_phase::prepare_commit : transaction_phase::prepare_abort;
        known.second_protocol = second_protocol;
        if (!second_protocol) return;
        if (known.epoch >= last_epoch) known.next_producer_id = cluster_.new_producer_id();
        known.last_epoch = known.epoch++;
    }

    // Nobody who has the epoch so far gets any further.
    void fence(coordinated_transaction& known, std::int64_t now_ms)
    {
        ++known.epoch;
        known.last_epoch = -1;
        prepare(known, false, false, now_ms);
    }

    void complete(coordinated_transaction& known, std::int64_t now_ms)
    {
        const bool commit = known.phase == transaction_phase::prepare_commit;
        if (held_ || (!commit && known.phase != transaction_phase::prepare_abort)) return;
        const transaction_marker marker{.producer_id = known.producer_id,
                                        .producer_epoch = known.epoch,
                                        .commit = commit,
                                        .new_epoch = known.second_protocol};
        std::erase_if(known.partitions,
                      [&](const partition_of_topic& partition) { return write(marker, partition, now_ms); });
        if (!known.partitions.empty()) return;
        for (const std::string& group : known.groups) groups_.end(group, known.producer_id, commit);
        known.groups.clear();
        known.phase = commit ? transaction_phase::complete_commit : transaction_phase::complete_abort;
        if (known.next_producer_id < 0) return;
        known.last_producer_id = std::exchange(known.producer_id, std::exchange(known.next_producer_id, -1));
        known.epoch = 0;
    }

    // False: it has no leader now.
    bool write(const transaction_marker& marker, const partition_of_topic& partition, std::int64_t now_ms)
    {
        const topic_metadata* topic = cluster_.metadata().find_topic(partition.topic);
        const partition_metadata* led = topic ? topic->find(partition.index) : nullptr;
        if (!led) return true; // deleted
        if (led->leader == -1) return false;
        auto& log =
            cluster_.find_state(partition.topic)->partitions[static_cast<std::size_t>(partition.index)].log;
        if (log.append_marker(marker, led->leader_epoch, now_ms) != broker_errc::none)
            violations_.add(violation::marker_refused, topic->name + '-' + std::to_string(partition.index) +
                                                           ", producer " +
                                                           std::to_string(marker.producer_id) + " epoch " +
                                                           std::to_string(marker.producer_epoch));
        return true;
    }

    cluster_state& cluster_;
    group_offsets& groups_;
    violation_log& violations_;
    std::map<std::string, coordinated_transaction> transactions_; // by transactional id
    std::map<std::string, broker_id> moved_;
    bool held_ = false;
};

} // namespace kurier::inline KURIER_ABI::testing
