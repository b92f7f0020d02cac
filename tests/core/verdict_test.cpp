// What every error of a broker means for a batch in every state, spelled out: the table calls none of the functions that
// it judges.
#include <kurier/core/identity/partition_epochs.hpp>
#include <kurier/core/produce/verdict.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace kurier::core::verdict_table {
namespace {

using enum broker_errc;

enum class kind {
    success,
    duplicate,
    too_large,
    out_of_order,
    unknown_producer,
    fencing,
    refused,      // final, and checked before the leader appends
    failed,       // final; whether the leader appended it is not known
    later,        // passes by itself, and checked before the leader appends
    later_unsure, // passes by itself; the leader may have appended it
    elsewhere,    // the client's metadata is stale; checked before the leader appends
    elsewhere_unsure, // the client's metadata is stale; the leader may have appended it before it lost the partition
};

constexpr auto newer_than_this_library = broker_errc{static_cast<int>(controller_id_not_registered) + 1};
constexpr auto not_a_code = broker_errc{-2};

struct errors_of_kind
{
    kind what;
    std::vector<broker_errc> errors;
};

// clang-format off
const std::vector<errors_of_kind> all_errors{
    {kind::success, {none}},
    {kind::duplicate, {duplicate_sequence_number}},
    {kind::too_large, {message_too_large}},
    {kind::out_of_order, {out_of_order_sequence_number}},
    {kind::unknown_producer, {unknown_producer_id}},
    {kind::fencing, {invalid_producer_epoch, producer_fenced, invalid_producer_id_mapping}},
    {kind::refused,
     {invalid_topic_exception, record_list_too_large, invalid_required_acks, topic_authorization_failed,
      cluster_authorization_failed, invalid_timestamp, unsupported_version, invalid_request,
      unsupported_for_message_format, policy_violation, invalid_txn_state, transactional_id_authorization_failed,
      unsupported_compression_type, invalid_record, transaction_abortable, rebootstrap_required}},
    {kind::later,
     {corrupt_message, coordinator_load_in_progress, coordinator_not_available, not_coordinator, not_enough_replicas,
      concurrent_transactions, throttling_quota_exceeded}},
    {kind::later_unsure,
     {request_timed_out, not_enough_replicas_after_append, not_controller, fetch_session_id_not_found,
      invalid_fetch_session_epoch, unknown_leader_epoch, offset_not_available, unstable_offset_commit,
      fetch_session_topic_id_error, share_session_not_found, invalid_share_session_epoch,
      share_session_limit_reached}},
    {kind::elsewhere, {unknown_topic_or_partition, leader_not_available, unknown_topic_id, inconsistent_topic_id}},
    {kind::elsewhere_unsure,
     {not_leader_or_follower, replica_not_available, network_exception, kafka_storage_error, listener_not_found,
      fenced_leader_epoch, preferred_leader_not_available, eligible_leaders_not_available, election_not_needed}},
    {kind::failed,
     {unknown_server_error, offset_out_of_range, invalid_fetch_size, broker_not_available, stale_controller_epoch,
      offset_metadata_too_large, illegal_generation, inconsistent_group_protocol, invalid_group_id, unknown_member_id,
      invalid_session_timeout, rebalance_in_progress, invalid_commit_offset_size, group_authorization_failed,
      unsupported_sasl_mechanism, illegal_sasl_state, topic_already_exists, invalid_partitions,
      invalid_replication_factor, invalid_replica_assignment, invalid_config, invalid_transaction_timeout,
      transaction_coordinator_fenced, security_disabled, operation_not_attempted, log_dir_not_found,
      sasl_authentication_failed, reassignment_in_progress, delegation_token_auth_disabled,
      delegation_token_not_found, delegation_token_owner_mismatch, delegation_token_request_not_allowed,
      delegation_token_authorization_failed, delegation_token_expired, invalid_principal_type, non_empty_group,
      group_id_not_found, topic_deletion_disabled, stale_broker_epoch, member_id_required, group_max_size_reached,
      fenced_instance_id, no_reassignment_in_progress, group_subscribed_to_topic, resource_not_found,
      duplicate_resource, unacceptable_credential, inconsistent_voter_set, invalid_update_version,
      feature_update_failed, principal_deserialization_failure, snapshot_not_found, position_out_of_range,
      duplicate_broker_registration, broker_id_not_registered, inconsistent_cluster_id, transactional_id_not_found,
      ineligible_replica, new_leader_elected, offset_moved_to_tiered_storage, fenced_member_epoch,
      unreleased_instance_id, unsupported_assignor, stale_member_epoch, mismatched_endpoint_type,
      unsupported_endpoint_type, unknown_controller_id, unknown_subscription_id, telemetry_too_large,
      invalid_registration, invalid_record_state, fenced_state_epoch, invalid_voter_key, duplicate_voter,
      voter_not_found, invalid_regular_expression, streams_invalid_topology, streams_invalid_topology_epoch,
      streams_topology_fenced, group_deletion_failed, streams_topology_description_update_failed,
      controller_id_not_registered,
      newer_than_this_library, not_a_code}},
};
// clang-format on

enum class is { any, no, yes };

// The state of a batch when the response arrives.
struct situation
{
    bool idempotent = false;
    bool done = false;          // it expired in flight
    bool first = false;         // no earlier batch of the partition is queued for a retry
    bool maybe_written = false; // by an attempt before this one
    bool log_start = false;     // the response tells where the broker's log starts
    bool many = false;          // it has more than one record
};

struct rule
{
    kind error;
    is idempotent, first, maybe_written, log_start, many;
    judgement expected;

    static bool fits(is wanted, bool given) { return wanted == is::any || (wanted == is::yes) == given; }

    bool covers(kind what, const situation& given) const
    {
        return what == error && fits(idempotent, given.idempotent) && fits(first, given.first) &&
               fits(maybe_written, given.maybe_written) && fits(log_start, given.log_start) &&
               fits(many, given.many);
    }
};

constexpr auto any = is::any, no = is::no, yes = is::yes;
constexpr auto not_written = persisted::no, possibly = persisted::possibly;
constexpr auto intact = epoch_fault::none, broken = epoch_fault::broken, fenced = epoch_fault::fenced;

// For a batch that is not done. Exactly one rule covers each situation.
// clang-format off
const std::vector<rule> rules{
    //                      idempotent first maybe_written log_start many
    {kind::success,                any,  any,  any, any, any, {verdict::deliver, persisted::yes, intact, false}},
    {kind::duplicate,              any,  any,  any, any, any, {verdict::duplicate, persisted::yes, intact, false}},

    {kind::too_large,              any,  any,  no,  any, yes, {verdict::split, not_written, intact, false}},
    {kind::too_large,              any,  any,  yes, any, yes, {verdict::split, possibly, intact, false}},
    {kind::too_large,              any,  any,  no,  any, no,  {verdict::fail, not_written, intact, false}},
    {kind::too_large,              any,  any,  yes, any, no,  {verdict::fail, possibly, intact, false}},

    // Without sequences nothing can be concluded from it, and no broker should say it.
    {kind::out_of_order,           no,   any,  any, any, any, {verdict::fail, possibly, intact, false}},
    // The one before it is sent again first; then this one fits, or the refusal means something.
    {kind::out_of_order,           yes,  no,   no,  any, any, {verdict::retry, not_written, intact, false}},
    {kind::out_of_order,           yes,  no,   yes, any, any, {verdict::retry, possibly, intact, false}},
    {kind::out_of_order,           yes,  yes,  no,  any, any, {verdict::restart_epoch, not_written, broken, false}},
    // In a new epoch, an earlier attempt that still arrives would be a second copy.
    {kind::out_of_order,           yes,  yes,  yes, any, any, {verdict::fail, possibly, broken, false}},

    {kind::unknown_producer,       no,   any,  no,  any, any, {verdict::fail, not_written, intact, false}},
    {kind::unknown_producer,       no,   any,  yes, any, any, {verdict::fail, possibly, intact, false}},
    {kind::unknown_producer,       yes,  no,   no,  any, any, {verdict::retry, not_written, intact, false}},
    {kind::unknown_producer,       yes,  no,   yes, any, any, {verdict::retry, possibly, intact, false}},
    {kind::unknown_producer,       yes,  yes,  no,  no,  any, {verdict::retry, not_written, intact, false}},
    {kind::unknown_producer,       yes,  yes,  yes, no,  any, {verdict::retry, possibly, intact, false}},
    {kind::unknown_producer,       yes,  yes,  no,  yes, any, {verdict::restart_epoch, not_written, broken, false}},
    {kind::unknown_producer,       yes,  yes,  yes, yes, any, {verdict::fail, possibly, broken, false}},

    // Whatever waits before it: its producer id belongs to somebody else.
    {kind::fencing,                no,   any,  no,  any, any, {verdict::fail, not_written, intact, false}},
    {kind::fencing,                no,   any,  yes, any, any, {verdict::fail, possibly, intact, false}},
    {kind::fencing,                yes,  any,  no,  any, any, {verdict::restart_epoch, not_written, fenced, false}},
    {kind::fencing,                yes,  any,  yes, any, any, {verdict::fail, possibly, fenced, false}},

    {kind::refused,                any,  any,  no,  any, any, {verdict::fail, not_written, intact, false}},
    {kind::refused,                any,  any,  yes, any, any, {verdict::fail, possibly, intact, false}},
    {kind::failed,                 any,  any,  any, any, any, {verdict::fail, possibly, intact, false}},

    {kind::later,                  any,  any,  no,  any, any, {verdict::retry, not_written, intact, false}},
    {kind::later,                  any,  any,  yes, any, any, {verdict::retry, possibly, intact, false}},
    {kind::later_unsure,           any,  any,  any, any, any, {verdict::retry, possibly, intact, false}},
    {kind::elsewhere,              any,  any,  no,  any, any, {verdict::retry, not_written, intact, true}},
    {kind::elsewhere,              any,  any,  yes, any, any, {verdict::retry, possibly, intact, true}},
    {kind::elsewhere_unsure,       any,  any,  any, any, any, {verdict::retry, possibly, intact, true}},
};
// clang-format on

// A batch that is done: a late success still counts, anything else only ends its flight.
judgement expected_when_done(kind what, const situation& given)
{
    if (what == kind::success) return {verdict::deliver, persisted::yes};
    if (what == kind::duplicate) return {verdict::duplicate, persisted::yes};
    return {verdict::forget, given.maybe_written ? possibly : not_written};
}

// Null if no rule covers it, or several do.
const judgement* expected(kind what, const situation& given)
{
    const judgement* found = nullptr;
    for (const auto& one : rules) {
        if (!one.covers(what, given)) continue;
        if (found) return nullptr;
        found = &one.expected;
    }
    return found;
}

// The producers that there are: idempotent, and three that are not.
struct producer
{
    bool idempotent;
    producer_config config;

    static producer with(bool idempotent, kurier::acks acks)
    {
        producer made{idempotent, {}};
        made.config.acks = acks;
        if (acks == kurier::acks::all && !idempotent) made.config.enable_idempotence = false;
        return made;
    }
};

// Other batches of the partition that are queued while this one is answered.
enum class neighbours { none, later_retry, later_new, earlier_retry };

// A batch in its partition, as the given situation has it.
class scene
{
public:
    scene(const situation& given, neighbours others)
    {
        about_.partition = &partition_;
        about_.phase = given.done ? batch_phase::done : batch_phase::in_flight;
        about_.maybe_written = given.maybe_written;
        about_.record_count = given.many ? 3 : 1;
        about_.first_record = 10;
        about_.base_sequence = given.idempotent ? 10 : -1;
        partition_.flights.push_back(about_);
        if (others == neighbours::none) return;
        other_.partition = &partition_;
        other_.first_record = others == neighbours::earlier_retry ? 5 : 20;
        other_.base_sequence =
            others == neighbours::later_new ? -1 : static_cast<std::int32_t>(other_.first_record);
        other_.record_count = 1;
        partition_.queue.push_back(other_);
    }
    ~scene()
    {
        partition_.flights.erase(about_);
        if (other_.partition) partition_.queue.erase(other_);
    }

    partition_state& partition() { return partition_; }
    batch& about() { return about_; }

private:
    partition_state partition_;
    batch about_, other_;
};

std::string text(broker_errc error, const situation& given)
{
    return std::string{error_name(error)} + (given.idempotent ? ", idempotent" : "") +
           (given.done ? ", done" : "") + (given.first ? ", first" : "") +
           (given.maybe_written ? ", maybe written" : "") + (given.log_start ? ", log start known" : "") +
           (given.many ? ", many records" : "");
}

void check(broker_errc error, kind what, situation given, const producer& from)
{
    given.idempotent = from.idempotent;
    const partition_epochs epochs{from.config};
    const auto* const wanted = expected(what, given);
    INFO(text(error, given));
    REQUIRE(wanted);
    const judgement right = given.done ? expected_when_done(what, given) : *wanted;
    const auto earlier = {neighbours::earlier_retry};
    const auto not_earlier = {neighbours::none, neighbours::later_retry, neighbours::later_new};
    for (const auto others : given.first ? std::vector(not_earlier) : std::vector(earlier))
        for (const auto fault : {intact, broken, fenced}) { // what an earlier response has found
            scene s{given, others};
            s.partition().producer.fault = fault;
            s.partition().producer.gap = fault == broken;
            const auto ruling = judge(error, s.about(), given.log_start ? 0 : -1, epochs);
            CHECK(ruling.what == right.what);
            CHECK(ruling.written == right.written);
            CHECK(ruling.fault == right.fault);
            CHECK(ruling.refresh_metadata == right.refresh_metadata);
            CHECK_FALSE(ruling.disowned); // there is no leader
        }
}

TEST_CASE("verdict: the table names each of Kafka's error codes once")
{
    std::vector<int> seen(static_cast<std::size_t>(controller_id_not_registered) + 4);
    for (const auto& group : all_errors)
        for (const auto error : group.errors)
            ++seen.at(static_cast<std::size_t>(static_cast<int>(error) + 2));
    for (std::size_t i = 0; i < seen.size(); ++i) {
        CAPTURE(static_cast<int>(i) - 2);
        CHECK(seen[i] == 1);
    }
}

TEST_CASE("verdict: every error of a broker, in every state of the batch")
{
    const producer producers[] = {producer::with(true, acks::all), producer::with(false, acks::all),
                                  producer::with(false, acks::leader), producer::with(false, acks::none)};
    for (const auto& from : producers) REQUIRE(from.config.idempotent() == from.idempotent);
    for (const auto& group : all_errors)
        for (const auto error : group.errors)
            for (const auto& from : producers)
                for (unsigned bits = 0; bits < 32; ++bits)
                    check(error, group.what,
                          {.done = (bits & 1) != 0,
                           .first = (bits & 2) != 0,
                           .maybe_written = (bits & 4) != 0,
                           .log_start = (bits & 8) != 0,
                           .many = (bits & 16) != 0},
                          from);
}

TEST_CASE("verdict: a partition that metadata no longer lists and the broker doesn't know is gone")
{
    const auto epochs_config = producer::with(true, acks::all).config;
    const partition_epochs epochs{epochs_config};
    for (const auto presence : {partition_presence::doubtful, partition_presence::gone})
        for (const auto& group : all_errors)
            for (const auto error : group.errors)
                for (const bool maybe_written : {false, true}) {
                    INFO(error_name(error));
                    scene s{{.idempotent = true, .first = true, .maybe_written = maybe_written},
                            neighbours::none};
                    const auto listed = judge(error, s.about(), 0, epochs);
                    s.partition().presence = presence;
                    const auto ruling = judge(error, s.about(), 0, epochs);
                    const bool not_there = error == unknown_topic_or_partition || error == unknown_topic_id ||
                                           error == inconsistent_topic_id;
                    CHECK(ruling.what == (not_there ? verdict::fail : listed.what));
                    CHECK(ruling.written == listed.written);
                    CHECK(ruling.refresh_metadata == (listed.refresh_metadata && !not_there));
                }
}

TEST_CASE("verdict: only the leader that we know disowns a partition, by one of two errors")
{
    broker_node leader;
    leader.id = 1;
    const producer_config config;
    const partition_epochs epochs{config};
    for (const auto& group : all_errors)
        for (const auto error : group.errors)
            for (const bool done : {false, true})
                for (const std::int32_t asked : {1, 2})
                    for (const std::int32_t epoch : {4, 3}) {
                        scene s{{.idempotent = true, .done = done}, neighbours::none};
                        s.partition().leader = &leader;
                        s.partition().leader_epoch = 4;
                        s.about().last_attempt_leader = asked;
                        s.about().last_attempt_epoch = epoch;
                        INFO(error_name(error), ", done ", done, ", sent to ", asked, " in epoch ", epoch);
                        const bool says_so = error == not_leader_or_follower ||
                                             error == unknown_topic_or_partition ||
                                             error == unknown_topic_id || error == inconsistent_topic_id;
                        CHECK(judge(error, s.about(), -1, epochs).disowned ==
                              (says_so && asked == 1 && epoch == 4));
                    }
}

} // namespace
} // namespace kurier::core::verdict_table
