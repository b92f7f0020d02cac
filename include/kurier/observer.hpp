// Who watches: a gateway that draws a span for each batch, a log shipper that counts by topic, a test. An observer is
// any object with one or more of these:
//
//     void on_record(const kurier::record_event&) noexcept;   a record was taken by send
//     void on_batch(const kurier::batch_event&) noexcept;     the fate of a batch is known; its records are told next
//     void on_broker(const kurier::broker_event&) noexcept;   a connection or a Produce request began or ended
//
// on_record is called for each record, so it is compiled into the producer: its observer is a template parameter, and
// without one nothing is left of it. The others come once for a batch or a request, from what producers share:
//
//     kurier::engine engine{executor, config};
//     engine.observe(watcher{});
//     kurier::producer<std::string_view, order, kurier::default_partitioner, kurier::serializer<std::string_view>,
//                      kurier::serializer<order>, watcher> orders{engine};
//
// Thread safety: called on the engine's executor only. A hook may call send, as a delivery's handler may; it must not
// throw. Lifetimes: events and the texts that they refer to live during the call. When the engine ends because its
// executor's context is destroyed, nobody is told any more.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/compression.hpp>
#include <kurier/error.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace kurier::inline KURIER_ABI {

// A record that send has serialized and taken. Not of those that it refused.
struct record_event
{
    std::string_view topic;
    std::int32_t partition = -1; // -1: not chosen yet, because the record waits
    nullable_bytes key;          // serialized
    nullable_bytes value;
    std::int64_t timestamp = 0; // Unix time in milliseconds
};
static_assert(std::is_trivially_destructible_v<record_event>);

// Not of a batch whose records were all withdrawn; records that failed before a batch had room for them (max.block.ms)
// are in metrics() only.
struct batch_event
{
    std::string_view topic;
    std::int32_t partition = 0;
    std::int32_t records = 0;
    std::size_t bytes = 0; // on the wire
    compression codec = compression::none;
    int attempts = 0;                   // 0: it was never sent
    std::chrono::nanoseconds queued{0}; // its first record, until the batch was first handed to a connection
    std::chrono::nanoseconds taken{0};  // its first record, from send until now
    error_code error;                   // why it failed
    persisted written = persisted::no;  // is it in the log? possibly, when delivered with acks=0
    std::int64_t base_offset = -1;      // of its first record, where the broker told it
};
static_assert(std::is_trivially_destructible_v<batch_event>);

// What a broker_event tells.
enum class broker_change : std::uint8_t {
    connected,
    disconnected, // error: why; none: it was idle, or the producer closes
    unreachable,  // a connection could not be made, or what answered is no broker. error: why
    answered,     // a Produce request. bytes: of the request; taken: from send to answer
    unanswered,   // a Produce request that no answer will come to. error: why
    throttled,    // taken: how long the broker asks to pause
};

struct broker_event
{
    broker_change change = broker_change::connected;
    std::string_view host;
    std::uint16_t port = 0;
    std::int32_t id = -1; // -1: a bootstrap address, of which no id is known
    std::size_t bytes = 0;
    std::chrono::nanoseconds taken{0};
    error_code error;
};
static_assert(std::is_trivially_destructible_v<broker_event>);

// Has on_record, for a producer.
template <class O>
concept observes_records = requires(O& o, const record_event& event) {
    { o.on_record(event) } noexcept;
};
// Has on_batch, for an engine.
template <class O>
concept observes_batches = requires(O& o, const batch_event& event) {
    { o.on_batch(event) } noexcept;
};
// Has on_broker, for an engine.
template <class O>
concept observes_brokers = requires(O& o, const broker_event& event) {
    { o.on_broker(event) } noexcept;
};
// Has one of the three at least.
template <class O>
concept observer = observes_records<O> || observes_batches<O> || observes_brokers<O>;

// The default of a producer.
struct no_observer
{};

namespace detail {

template <class O>
concept has_on_record = requires { &O::on_record; };
template <class O>
concept has_on_batch = requires { &O::on_batch; };
template <class O>
concept has_on_broker = requires { &O::on_broker; };

// A hook that is there and can't be called would be left out in silence.
template <class O> consteval void check_hooks()
{
    static_assert(!has_on_record<O> || observes_records<O>,
                  "kurier: the observer's on_record must be callable as: void on_record(const record_event&) "
                  "noexcept");
    static_assert(!has_on_batch<O> || observes_batches<O>,
                  "kurier: the observer's on_batch must be callable as: void on_batch(const batch_event&) "
                  "noexcept");
    static_assert(!has_on_broker<O> || observes_brokers<O>,
                  "kurier: the observer's on_broker must be callable as: void on_broker(const broker_event&) "
                  "noexcept");
}

} // namespace detail

// Fails to compile with the reason why O is no observer for a producer. Use: static_assert(check_observer<O>()).
template <class O> consteval bool check_observer()
{
    detail::check_hooks<O>();
    static_assert(
        std::same_as<O, no_observer> || observes_records<O> || detail::has_on_record<O>,
        "kurier: a producer's observer needs void on_record(const record_event&) noexcept; one with "
        "on_batch or on_broker alone is for engine::observe");
    return true;
}

} // namespace kurier::inline KURIER_ABI
