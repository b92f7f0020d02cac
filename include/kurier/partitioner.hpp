// Who chooses a record's partition, if the record doesn't name one.
//
// A partitioner of your own is an object with
//
//     std::int32_t partition(const partition_query&) noexcept;
//
// and, if it wants to know when its choice would begin a new batch (as sticky ones do, KIP-480),
//
//     void on_new_batch(std::string_view topic, std::int32_t partition) noexcept;
//
// which is followed by another call of partition for the same record: what that says is final. Not called for records that
// name their partition, nor when the choice was any_partition. (franz-go's OnNewBatch; Java had it until Kafka 4.)
//
// It belongs to one producer and is called on that producer's strand only.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/record/header.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace kurier::inline KURIER_ABI {

// What a partitioner sees of a record. Views live during the call.
struct partition_query
{
    std::string_view topic{};
    nullable_bytes key{}; // serialized
    nullable_bytes value{};
    std::span<const header_view> headers{};
    std::int32_t partition_count = 0;          // at least 1
    std::span<const std::int32_t> available{}; // those that have a leader now, ascending; may be empty

    // False while an election goes on.
    bool has_leader(std::int32_t partition) const noexcept
    {
        return std::binary_search(available.begin(), available.end(), partition);
    }
};

// The answer "any will do": the producer then spreads such records evenly, staying with one partition long
// enough to fill batches and preferring those that take them faster (KIP-794).
inline constexpr std::int32_t any_partition = -1;

// The answer "none": the record fails with errc::invalid_partition, as with any number that the topic doesn't
// have.
inline constexpr std::int32_t no_partition = std::numeric_limits<std::int32_t>::max();

template <class P>
concept partitioner = std::move_constructible<P> && requires(P& p, const partition_query& query) {
    { p.partition(query) } noexcept -> std::same_as<std::int32_t>;
};

// One that has on_new_batch.
template <class P>
concept batch_aware_partitioner =
    partitioner<P> && requires(P& p, std::string_view topic, std::int32_t partition) {
        { p.on_new_batch(topic, partition) } noexcept;
    };

namespace detail {

template <class P>
concept has_partition = requires { &P::partition; };
template <class P>
concept has_on_new_batch = requires { &P::on_new_batch; };

} // namespace detail

// Fails to compile with the reason why P is no partitioner. Use: static_assert(check_partitioner<P>()).
template <class P> consteval bool check_partitioner()
{
    if constexpr (!partitioner<P>) {
        static_assert(std::move_constructible<P>, "kurier: a partitioner must be movable");
        static_assert(detail::has_partition<P>, "kurier: this is no partitioner: it has no std::int32_t "
                                                "partition(const partition_query&) noexcept");
        static_assert(!std::move_constructible<P> || !detail::has_partition<P>,
                      "kurier: the partitioner's partition must be callable as: std::int32_t partition(const "
                      "partition_query&) noexcept");
    }
    if constexpr (partitioner<P> && detail::has_on_new_batch<P>)
        static_assert(batch_aware_partitioner<P>,
                      "kurier: the partitioner's on_new_batch must be callable as: void "
                      "on_new_batch(std::string_view topic, std::int32_t partition) "
                      "noexcept");
    return true;
}

} // namespace kurier::inline KURIER_ABI
