// What can go wrong in a simulation, and how often it did.
#pragma once

#include <kurier/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kurier::inline KURIER_ABI::testing {

enum class fault_kind : std::uint8_t {
    // Connections
    connection_refused,
    connection_black_hole, // no answer at all
    resolve_failure,
    address_moved,     // a broker comes back under another address; the old one refuses
    reset_idle,        // at any moment
    reset_in_request,  // after any number of its bytes
    reset_in_answer,   // the same; the request was handled
    lost_answer,       // the request was handled, the connection is reset before the answer's first byte
    hung_up_by_broker, // orderly, with requests unhandled
    half_open,         // silence in both directions from now on
    answers_lost,      // silence in one direction: requests still arrive
    slow_trickle,      // a few bytes at a time
    delay,
    late_request, // arrives after the client has given up
    late_answer,  // after request.timeout.ms
    write_blocked,
    partial_write,
    partial_read,
    // Answers
    answer_garbage,
    answer_wrong_correlation,
    answer_twice,
    answer_swallowed,
    answer_without_partition,
    answer_partition_twice,
    throttle,
    unknown_error_code,
    api_versions_error,
    metadata_error,
    empty_metadata,
    metadata_entry_missing,
    metadata_error_inside, // of a partition, of a topic that is there, of the response
    odd_response,          // see odd_fields.hpp
    init_producer_id_error,
    init_producer_id_denied,
    produce_retriable,    // not appended
    produce_after_append, // appended all the same
    produce_permanent,
    produce_any_error, // of all that there are; not appended
    not_enough_replicas_after_append,
    // The cluster
    stale_metadata,
    stale_for_good, // also after the end of all faults
    leader_moved,
    leader_moved_without_hint,
    leader_moved_without_epoch,
    leader_lost,
    leader_epoch_raised,
    leader_epochs_lag, // as Metadata below v9 tells them
    followers_stopped,
    replicas_lost, // NOT_ENOUGH_REPLICAS
    broker_stopped,
    broker_frozen, // its process stands still, and handles what lies in its sockets when it goes on
    broker_restarted_forgetful, // it knows the last batch of each producer only
    producer_state_lost,
    producer_state_expired,
    unclean_election,
    log_start_moved,
    topic_deleted,
    topic_recreated,
    topic_remade_smaller, // with other leaders
    topic_remade_larger,
    partitions_added,
    message_size_lowered,
    versions_changed,
    cluster_id_changed,
    fenced_by_other, // somebody wrote with a higher epoch of the same producer id
    sequence_near_wrap,
    epoch_near_end,
    // The client's machine
    clock_jumped,
    loop_stalled,
    // What the user does
    buffer_full,
    record_withdrawn,
    flushed,
    closed,
    aborted,
    destroyed,
};

inline constexpr std::size_t fault_kinds = static_cast<std::size_t>(fault_kind::destroyed) + 1;

inline constexpr std::array<std::string_view, fault_kinds> fault_names{
    "connection_refused",
    "connection_black_hole",
    "resolve_failure",
    "address_moved",
    "reset_idle",
    "reset_in_request",
    "reset_in_answer",
    "lost_answer",
    "hung_up_by_broker",
    "half_open",
    "answers_lost",
    "slow_trickle",
    "delay",
    "late_request",
    "late_answer",
    "write_blocked",
    "partial_write",
    "partial_read",
    "answer_garbage",
    "answer_wrong_correlation",
    "answer_twice",
    "answer_swallowed",
    "answer_without_partition",
    "answer_partition_twice",
    "throttle",
    "unknown_error_code",
    "api_versions_error",
    "metadata_error",
    "empty_metadata",
    "metadata_entry_missing",
    "metadata_error_inside",
    "odd_response",
    "init_producer_id_error",
    "init_producer_id_denied",
    "produce_retriable",
    "produce_after_append",
    "produce_permanent",
    "produce_any_error",
    "not_enough_replicas_after_append",
    "stale_metadata",
    "stale_for_good",
    "leader_moved",
    "leader_moved_without_hint",
    "leader_moved_without_epoch",
    "leader_lost",
    "leader_epoch_raised",
    "leader_epochs_lag",
    "followers_stopped",
    "replicas_lost",
    "broker_stopped",
    "broker_frozen",
    "broker_restarted_forgetful",
    "producer_state_lost",
    "producer_state_expired",
    "unclean_election",
    "log_start_moved",
    "topic_deleted",
    "topic_recreated",
    "topic_remade_smaller",
    "topic_remade_larger",
    "partitions_added",
    "message_size_lowered",
    "versions_changed",
    "cluster_id_changed",
    "fenced_by_other",
    "sequence_near_wrap",
    "epoch_near_end",
    "clock_jumped",
    "loop_stalled",
    "buffer_full",
    "record_withdrawn",
    "flushed",
    "closed",
    "aborted",
    "destroyed",
};

static_assert(fault_names.back() == "destroyed");

constexpr std::string_view name_of(fault_kind kind) noexcept
{
    return fault_names[static_cast<std::size_t>(kind)];
}

struct fault_counts
{
    std::array<std::uint64_t, fault_kinds> of{};

    std::uint64_t& operator[](fault_kind kind) noexcept { return of[static_cast<std::size_t>(kind)]; }
    std::uint64_t operator[](fault_kind kind) const noexcept { return of[static_cast<std::size_t>(kind)]; }
    void add(const fault_counts& other) noexcept
    {
        for (std::size_t i = 0; i < fault_kinds; ++i) of[i] += other.of[i];
    }
    std::uint64_t total() const noexcept
    {
        std::uint64_t sum = 0;
        for (const auto count : of) sum += count;
        return sum;
    }
};

} // namespace kurier::inline KURIER_ABI::testing
