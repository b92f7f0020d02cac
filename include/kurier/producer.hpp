// The producer: records in, metadata out.
//
//     kurier::producer<std::string_view, order> orders{co_await asio::this_coro::executor, config};
//     kurier::record_metadata where = co_await orders.send({.topic = "orders", .key = o.id, .value = o});
//     co_await orders.close();
//
// Key and Value are the types that are sent; their serializers are found as kurier::serializer<T>, or given.
//
// Order: records of a partition are written in the order of the calls of send, whether anybody awaits them or not.
// Lifetimes: what a record refers to may die as soon as send has returned. The producer object may go while its records
// and operations are on their way.
// Executor: handlers run on their associated executor, by default the producer's, and never inside the call.
// Exceptions: send and its like throw what a serializer throws, and std::bad_alloc; then nothing was queued.
// Thread safety: none. Use it on its executor, which must not run two handlers at once; see examples/ for threads.
#pragma once

#include <kurier/config.hpp> // first: it says what is wrong with a compiler or a Boost that is too old

#include <kurier/core/batching/open_batch.hpp>
#include <kurier/core/batching/record_limits.hpp>
#include <kurier/delivery.hpp>
#include <kurier/engine_user.hpp>
#include <kurier/group_wait.hpp>
#include <kurier/observer.hpp>
#include <kurier/partitioners/default.hpp>
#include <kurier/producer_parts.hpp>
#include <kurier/record/large_value.hpp>
#include <kurier/record/record.hpp>
#include <kurier/serializer.hpp>
#include <kurier/serializers/bytes.hpp>
#include <kurier/serializers/floating.hpp>
#include <kurier/serializers/integral.hpp>
#include <kurier/serializers/null.hpp>
#include <kurier/serializers/optional.hpp>
#include <kurier/serializers/string.hpp>
#include <kurier/topic.hpp>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI {

template <class Key = std::string_view, class Value = std::string_view,
          class Partitioner = default_partitioner, class KeySerializer = serializer<Key>,
          class ValueSerializer = serializer<Value>, class Observer = no_observer>
class producer : public engine_user
{
    static_assert(check_serializer<KeySerializer, Key>());
    static_assert(check_serializer<ValueSerializer, Value>());
    static_assert(check_partitioner<Partitioner>());
    static_assert(check_observer<Observer>());

public:
    using record = kurier::record<Key, Value>;

    // With an engine of its own.
    template <class Executor>
        requires std::convertible_to<Executor, boost::asio::any_io_executor>
    producer(Executor executor, producer_config config, Partitioner partitioner = {}, KeySerializer keys = {},
             ValueSerializer values = {}, Observer observer = {})
        : producer{kurier::engine{std::move(executor), std::move(config)}, std::move(partitioner),
                   std::move(keys), std::move(values), std::move(observer)}
    {}

    // The same with parts for the engine, in any order: codecs, a log sink, see engine_parts.hpp.
    template <class Executor, class First, class... Rest>
        requires(std::convertible_to<Executor, boost::asio::any_io_executor> &&
                 !std::convertible_to<First, Partitioner> && !partitioner<First>)
    producer(Executor executor, producer_config config, First first, Rest... rest)
        : producer{
              kurier::engine{std::move(executor), std::move(config), std::move(first), std::move(rest)...}}
    {}

    // On an engine that is shared with others.
    explicit producer(kurier::engine shared, Partitioner partitioner = {}, KeySerializer keys = {},
                      ValueSerializer values = {}, Observer observer = {})
        : engine_user{std::move(shared)}, driver_{engine_.driver()},
          own_{std::make_shared<parts>(std::move(partitioner), std::move(keys), std::move(values),
                                       std::move(observer))},
          limits_{engine_.config()}, largest_{limits_.both()}
    {
        if constexpr (parts::batch_aware) own_->later.set_batch_size(engine_.config().batch_size);
        if constexpr (requires(Partitioner& p) { p.ignore_keys = true; })
            own_->partitioner.ignore_keys |= engine_.config().partitioner_ignore_keys;
    }

    // Serializes the record and queues it. When the buffer is full, or the topic or the partition that it names not known
    // yet, the delivery takes until max.block.ms longer; it does not block. Every failure is reported by the delivery, none
    // is thrown here, except what a serializer or the allocation of memory throws: then nothing was queued.
    delivery send(const record& what) { return send_record(what, true); }

    // The same, but never waits for room: what buffer.memory can't hold, the records that wait for their topics included,
    // fails with errc::buffer_full at once. For a topic that isn't known yet it waits as send does.
    delivery try_send(const record& what) { return send_record(what, false); }

    // Sends a record whose value is not copied: a message of many megabytes goes to the socket from where it lies, in a
    // batch of its own, uncompressed. What the value belongs to is kept until nothing refers to its bytes: see
    // large_value. It counts against max.request.size, not against buffer.memory. The record itself has no value.
    delivery send_large(const record& what, large_value value)
    {
        if (own_->sending) return own_->send_inside([&] { return send_large(what, std::move(value)); });
        const typename parts::sending_mark mark{*own_};
        if (driver_->core().closing()) return refuse_now_closed(what);
        if (!what.value.is_null())
            return refuse(what, errc::invalid_record, "it has a value beside the large one");
        const auto now = driver_->now();
        core::topic_state* topic = find_topic(what.topic, now);
        if (!topic) return refuse_topic(what);
        core::record_bytes bytes;
        if (const auto ec = own_->serialize_key(what, bytes)) return refuse(what, ec, {});
        bytes.headers = own_->scratch.headers.view();
        bytes.value = nullable_bytes{value.bytes()};
        bytes.timestamp = what.time ? what.time->time_since_epoch().count() : now.wall_ms;
        if (auto failure = check_closely(what, bytes, 0)) return refused(std::move(failure));
        return queue_large(what, *topic, bytes, now, std::move(value).owner());
    }

    // Sends a range of records, in order, and completes when all of them are delivered or have failed. One handler for all,
    // nothing per record.
    // Completion signature: void(error_code, send_summary)
    // Errors: that of the first record that failed; send_summary counts them. Cancelled: errc::withdrawn or errc::abandoned.
    // Cancellation: terminal, partial and total do the same: what was not sent is taken back, nobody waits for the rest.
    // Lifetimes: the range and what it refers to must live until the operation is started, which `co_await` does at
    // once. Records that find no room wait for it, as with send. One whose serializer throws has failed; a range that
    // throws ends there and counts as one more record that has.
    template <class Range, boost::asio::completion_token_for<void(error_code, send_summary)> Token =
                               boost::asio::deferred_t>
        requires records_of<Range, record>
    auto send_all(Range&& records, Token&& token = {})
    {
        return boost::asio::async_initiate<Token, void(error_code, send_summary)>(
            initiate_send_all{this}, token, std::addressof(records));
    }

private:
    using parts = detail::producer_parts<Key, Value, Partitioner, KeySerializer, ValueSerializer, Observer>;

    struct initiate_send_all
    {
        using executor_type = boost::asio::any_io_executor;
        executor_type get_executor() const noexcept { return self->get_executor(); }

        template <class Handler, class Range> void operator()(Handler handler, Range* records) const
        {
            auto& group = *io::group_wait<Handler>::make(*self->driver_, std::move(handler));
            try {
                for (const record& what : *records) group.add([&] { return self->send_or_refuse(what); });
            } catch (...) { // the range; or there is no memory
                group.broke_off();
            }
            group.all_sent();
        }

        producer* self;
    };

    // An exception would leave the records before this one without anybody to tell.
    delivery send_or_refuse(const record& what)
    {
        try {
            return send_record(what, true);
        } catch (...) {
            return refuse(what, errc::serialization_failed, io::text_of_exception());
        }
    }

    [[gnu::always_inline]] delivery send_record(const record& what, bool may_wait)
    {
        if constexpr (parts::calls_users)
            if (own_->sending) [[unlikely]]
                return own_->send_inside([&] { return send_record_now(what, may_wait); });
        return send_record_now(what, may_wait);
    }

    [[gnu::always_inline]] delivery send_record_now(const record& what, bool may_wait)
    {
        const typename parts::sending_mark mark{*own_};
        if (driver_->core().closing()) [[unlikely]]
            return refuse_now_closed(what);
        const auto now = driver_->now();
        core::topic_state* topic = find_topic(what.topic, now);
        if (!topic) [[unlikely]]
            return refuse_topic(what);
        core::record_bytes bytes;
        if (const auto ec = own_->serialize(what, bytes)) [[unlikely]]
            return refuse(what, ec, {});
        bytes.timestamp = what.time ? what.time->time_since_epoch().count() : now.wall_ms;
        if (auto failure = check(what, bytes)) [[unlikely]]
            return refused(std::move(failure));
        return queue(what, *topic, bytes, now, may_wait);
    }

    [[gnu::always_inline]] delivery queue(const record& what, core::topic_state& topic,
                                          const core::record_bytes& bytes, core::instant now, bool may_wait)
    {
        driver_->wake();
        auto partition = what.partition;
        const auto choose_now = [&] { return own_->choose(topic, bytes); };
        if (!what.timeout) [[likely]] {
            if (const auto place = core::send_at_once(topic, partition, bytes, now, choose_now); place.where)
                [[likely]]
                return promise(place, bytes);
        } else if (!partition && core::open_for(topic)) {
            partition = choose_now();
        }
        if constexpr (parts::batch_aware)
            if (!what.partition && partition && io::driver::begins_batch(topic, *partition, bytes, now))
                partition = own_->choose_again(topic, bytes, *partition);
        return queue_slowly(what, {topic, partition, bytes, later(), may_wait}, now);
    }

    delivery queue_large(const record& what, core::topic_state& topic, const core::record_bytes& bytes,
                         core::instant now, std::shared_ptr<const void> owner)
    {
        driver_->wake();
        return queue_slowly(what, {topic, what.partition, bytes, later(), true, std::move(owner)}, now);
    }

    [[gnu::noinline]] delivery queue_slowly(const record& what, core::outgoing going, core::instant now)
    {
        const auto& bytes = going.bytes;
        const auto& topic = going.topic;
        const bool may_wait = going.may_wait;
        going.named = what.partition.has_value();
        if (what.timeout)
            going.expires = core::later(now.steady, std::max(*what.timeout, core::nanoseconds{0}));
        const auto result = driver_->core().send_slowly(std::move(going), now);
        if (const auto place = result.appended; place.where) {
            auto made = promise(place, bytes); // held, before anything can happen to the batch
            if (place.index == 0 && !place.where->partition->queue.empty()) driver_->send_early();
            return made;
        }
        if (result.parked) return promise(*result.parked, bytes);
        if (result.refused == errc::invalid_partition)
            return refuse(what, result.refused, core::no_such_partition(result.partition, topic));
        return refuse(what, result.refused,
                      may_wait ? "and as many records as kurier.waiting.memory allows wait for room" : "");
    }

    core::partition_chooser later() const { return {&parts::choose_later, own_}; }

    [[gnu::always_inline]] delivery promise(core::place place, const core::record_bytes& bytes)
    {
        core::port::hold(*place.where);
        if constexpr (observes_records<Observer>)
            observe(*place.where->partition->topic, place.where->partition->index, bytes);
        delivery made;
        made.driver_ = driver_;
        made.where_ = place.where;
        made.index_ = place.index;
        made.timestamp_ = bytes.timestamp;
        return made;
    }

    delivery promise(core::waiting_record& parked, const core::record_bytes& bytes)
    {
        parked.held = true;
        if constexpr (observes_records<Observer>)
            observe(*parked.topic, parked.partition.value_or(-1), bytes);
        delivery made;
        made.driver_ = driver_;
        made.waiting_ = &parked;
        made.timestamp_ = bytes.timestamp;
        return made;
    }

    [[gnu::always_inline]] void observe(const core::topic_state& topic, std::int32_t partition,
                                        const core::record_bytes& bytes)
    {
        own_->observer.on_record({topic.name, partition, bytes.key, bytes.value, bytes.timestamp});
    }

    // What no broker would take. First what costs nothing to see: there is nothing to check.
    std::shared_ptr<const delivery_failure> check(const record& what, const core::record_bytes& bytes) const
    {
        const auto at_most = bytes.key.size() + bytes.value.size() + record_overhead_max;
        if (bytes.headers.empty() && !what.partition && bytes.timestamp >= 0 && at_most <= largest_)
            [[likely]]
            return nullptr;
        return check_closely(what, bytes, bytes.value.size());
    }

    static constexpr std::size_t record_overhead_max = 128; // of a batch of one record without headers

    // `copied`: how much of the value is copied into buffer.memory.
    [[gnu::noinline]] std::shared_ptr<const delivery_failure>
    check_closely(const record& what, const core::record_bytes& bytes, std::size_t copied) const
    {
        if (what.partition && *what.partition < 0)
            return failure_of(what, errc::invalid_partition,
                              "partition " + std::to_string(*what.partition) + " is negative");
        if (bytes.timestamp < 0)
            return failure_of(what, errc::invalid_record,
                              "the timestamp " + std::to_string(bytes.timestamp) + " is negative");
        for (const auto& header : bytes.headers)
            if (header.name.data() == nullptr) // any other name is Kafka's business: it may even have a NUL
                return failure_of(what, errc::invalid_record, "a header's name is null");
        const auto size = io::driver::size_alone(bytes);
        if (size > limits_.request || size - bytes.value.size() + copied > limits_.buffer) {
            const auto& config = driver_->core().config();
            return failure_of(what, errc::record_too_large,
                              "it has " + std::to_string(size) + " bytes, max.request.size is " +
                                  std::to_string(config.max_request_size) + " and buffer.memory " +
                                  std::to_string(config.buffer_memory) + " (room for a record of " +
                                  std::to_string(limits_.buffer) + ")");
        }
        return nullptr;
    }

    [[gnu::always_inline]] core::topic_state* find_topic(std::string_view name, core::instant now)
    {
        if (last_topic_ && is_name(*last_topic_, name) && last_topic_->wanted &&
            last_topic_->phase == core::topic_phase::known) [[likely]] {
            last_topic_->last_used = now.steady;
            return last_topic_;
        }
        return look_up(name, now);
    }

    static bool is_name(const core::topic_state& topic, std::string_view name) noexcept
    {
        const std::string_view own = topic.name;
        return own.size() == name.size() && std::memcmp(own.data(), name.data(), name.size()) == 0;
    }

    [[gnu::noinline]] core::topic_state* look_up(std::string_view name, core::instant now)
    {
        if (check_topic(name)) return nullptr;
        return last_topic_ = &driver_->core().use_topic(name, now);
    }

    static std::shared_ptr<const delivery_failure> failure_of(const record& what, error_code ec,
                                                              std::string text)
    {
        auto failure = std::make_shared<delivery_failure>();
        failure->code = ec;
        failure->topic = what.topic;
        failure->partition = what.partition.value_or(-1);
        failure->text = std::move(text);
        failure->retriable = retriable(ec);
        return failure;
    }

    [[gnu::noinline]] delivery refuse_topic(const record& what)
    {
        return refuse(what, errc::invalid_topic,
                      std::string{"the topic name "} + why_not_a_topic(what.topic));
    }

    [[gnu::noinline]] delivery refuse_now_closed(const record& what)
    {
        const auto end =
            driver_->core().close_outcome(); // out of memory, for one, the producer ends by itself
        const bool asked_for = !end || end == errc::aborted;
        return asked_for ? refuse(what, errc::closed, {}) : refuse(what, errc::fatal_state, end.message());
    }

    [[gnu::noinline]] delivery refuse(const record& what, error_code ec, std::string text)
    {
        return refused(failure_of(what, ec, std::move(text)));
    }

    [[gnu::noinline]] delivery refused(std::shared_ptr<const delivery_failure> failure)
    {
        driver_->core().count_refusal();
        delivery made;
        made.driver_ = driver_;
        made.refusal_ = std::move(failure);
        return made;
    }

    boost::intrusive_ptr<io::driver> driver_;
    std::shared_ptr<parts> own_; // records that wait need it, also when the producer object is gone
    core::record_limits limits_;
    std::size_t largest_; // record that is within both
    core::topic_state* last_topic_ = nullptr;
};

} // namespace kurier::inline KURIER_ABI
