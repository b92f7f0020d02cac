// What a client did that a good client never does. A broker mostly shrugs at these; a test should not.
#pragma once

#include <kurier/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

enum class violation : std::uint8_t {
    malformed_request,     // the connection was closed
    unsupported_version,   // an API or version that this broker did not offer to this connection
    not_canonical,         // unknown tagged fields, or another encoding than Kafka's own
    correlation_id_reused, // while an answer under it is due
    too_many_in_flight,    // more than five unanswered idempotent Produce requests on a connection
    partition_twice,       // in one Produce request
    sequence_gap,    // refused as OUT_OF_ORDER_SEQUENCE_NUMBER. Not the client's fault if a batch was lost
    sequence_reused, // for other records: the broker takes them for duplicates and drops them
    wrong_offset_deltas,
    wrong_max_timestamp,
    sent_while_throttled, // KIP-219. Not the client's fault if it was on its way
    not_logged_in,        // a request where a login has to come first, or in the middle of one
    marker_refused, // a partition has records with an epoch that the coordinator never gave out: its last stable
                    // offset stands still for ever
};

inline constexpr std::size_t violation_kinds = 13;

constexpr std::string_view name_of(violation kind) noexcept
{
    constexpr std::array<std::string_view, violation_kinds> names{
        "malformed_request",   "unsupported_version", "not_canonical",        "correlation_id_reused",
        "too_many_in_flight",  "partition_twice",     "sequence_gap",         "sequence_reused",
        "wrong_offset_deltas", "wrong_max_timestamp", "sent_while_throttled", "not_logged_in",
        "marker_refused"};
    return names[static_cast<std::size_t>(kind)];
}

class violation_log
{
public:
    void add(violation kind, std::string text)
    {
        ++counts_[static_cast<std::size_t>(kind)];
        if (texts_.size() < texts_max) texts_.push_back(std::string{name_of(kind)} + ": " + std::move(text));
    }

    std::uint64_t count(violation kind) const noexcept { return counts_[static_cast<std::size_t>(kind)]; }

    // Without those that lost batches and delays explain.
    std::uint64_t surely_wrong() const noexcept
    {
        std::uint64_t sum = 0;
        for (const std::uint64_t n : counts_) sum += n;
        return sum - count(violation::sequence_gap) - count(violation::sent_while_throttled);
    }

    const std::vector<std::string>& texts() const noexcept { return texts_; } // the first of them

    void clear() noexcept
    {
        counts_ = {};
        texts_.clear();
    }

private:
    static constexpr std::size_t texts_max = 32;
    std::array<std::uint64_t, violation_kinds> counts_{};
    std::vector<std::string> texts_;
};

} // namespace kurier::inline KURIER_ABI::testing
