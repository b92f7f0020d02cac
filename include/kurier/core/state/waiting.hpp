// Parked records: sent, but not appended yet, because their topic isn't known or the buffer is full. Each owns its bytes.
// They are admitted first come, first served per lane (one per unknown topic and per leader), so that records for a dead
// broker don't block others.
#pragma once

#include <kurier/core/state/batch.hpp>
#include <kurier/core/state/record_bytes.hpp>
#include <kurier/record/header.hpp>

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

struct topic_state;

// Chooses the partition once the topic is known: the typed layer's partitioner behind one pointer.
struct partition_chooser
{
    std::int32_t (*choose)(void* context, const topic_state& topic, nullable_bytes key, nullable_bytes value,
                           std::span<const header_view> headers) = nullptr;
    std::shared_ptr<void> context; // may outlive its producer

    std::int32_t operator()(const topic_state& topic, const record_bytes& record) const
    {
        return choose ? choose(context.get(), topic, record.key, record.value, record.headers) : -1;
    }
};

struct waiting_lane;
struct expiry;

struct waiting_record
{
    topic_state* topic = nullptr;
    std::optional<std::int32_t> partition; // chosen, or asked for
    partition_chooser chooser;
    std::vector<std::byte> bytes;      // key, value, header names and values, back to back
    std::shared_ptr<const void> owner; // of a large value, which stays where it is
    nullable_bytes key, value;
    std::vector<header_view> headers;
    std::int64_t timestamp = 0;
    nanoseconds give_up{0};
    expiry* own_time = nullptr; // record::timeout
    std::uint64_t flush_epoch = 0;
    std::uint64_t number = 0; // order of arrival
    std::size_t charged = 0;  // bytes counted against the bound of the waiting room
    slot waiter;

    // What became of it: a place in a batch, or an error. With both it only tells that the time of a record in a batch is
    // over (intake::expire).
    batch* where = nullptr;
    std::uint32_t index = 0;
    error_code error, last_error;
    std::string text;      // what it waited for, for the failure
    bool announced = true; // its waiter was notified (or nothing has happened yet)
    bool held = false;     // a delivery outside the core refers to it

    waiting_lane* lane = nullptr; // nullptr: it doesn't wait any more
    list_hook<waiting_record> lane_hook;
    list_hook<waiting_record> arrival_hook; // in order of arrival; later among those to be announced

    bool waits() const noexcept { return lane != nullptr; }
};

struct waiting_lane : intrusive_list<waiting_record, &waiting_record::lane_hook>
{
    list_hook<waiting_lane> room_hook; // among the lanes that may move, or that can't
    bool blocked = false;              // its oldest record found no room, and nothing has changed since
};

} // namespace kurier::inline KURIER_ABI::core
