// What is the user's in a producer, and is called for each record: serializers, the partitioner, the observer. With the
// memory that a record's bytes lie in until a batch has taken them.
#pragma once

#include <kurier/core/batching/open_batch.hpp>
#include <kurier/core/state/waiting.hpp>
#include <kurier/observer.hpp>
#include <kurier/partitioner.hpp>
#include <kurier/partitioners/default.hpp>
#include <kurier/serializer.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::detail {

struct scratch_memory
{
    std::vector<std::byte> key, value;
    headers_builder headers;
};

// Records that waited for their topic are given their partitions before any of them is in a batch: how full those will
// be has to be guessed.
class batches_to_come
{
public:
    void set_batch_size(std::size_t bytes) noexcept { batch_size_ = bytes; }

    bool begins_batch(const core::topic_state& topic, std::int32_t partition, std::size_t size)
    {
        const auto filled = bytes_of(topic, partition);
        return filled && (*filled == 0 || *filled + size > batch_size_);
    }

    void add(const core::topic_state& topic, std::int32_t partition, std::size_t size)
    {
        const bool begins = begins_batch(topic, partition, size);
        if (auto* filled = bytes_of(topic, partition)) *filled = begins ? size : *filled + size;
    }

private:
    std::size_t* bytes_of(const core::topic_state& topic, std::int32_t partition)
    {
        if (std::exchange(topic_, &topic) != &topic) bytes_.clear();
        bytes_.resize(topic.partitions.size());
        const auto index = static_cast<std::size_t>(partition);
        return index < bytes_.size() ? &bytes_[index] : nullptr;
    }

    const core::topic_state* topic_ = nullptr;
    std::vector<std::size_t> bytes_; // by partition; 0: none yet
    std::size_t batch_size_ = 0;
};

struct nothing
{};

template <class Key, class Value, class Partitioner, class KeySerializer, class ValueSerializer,
          class Observer>
struct producer_parts
{
    producer_parts(Partitioner p, KeySerializer k, ValueSerializer v, Observer o)
        : partitioner{std::move(p)}, keys{std::move(k)}, values{std::move(v)}, observer{std::move(o)}
    {}

    // Whether code that isn't kurier's own is called for a record: it may send another one meanwhile.
    static constexpr bool calls_users =
        !is_own_serializer<KeySerializer, Key> || !is_own_serializer<ValueSerializer, Value> ||
        !std::same_as<Partitioner, default_partitioner> || observes_records<Observer>;
    static constexpr bool batch_aware = batch_aware_partitioner<Partitioner>;

    // --- bytes -------------------------------------------------------------------------------------------------------

    [[gnu::always_inline]] error_code serialize(const record<Key, Value>& what, core::record_bytes& bytes)
    {
        if (const auto ec = serialize_key(what, bytes)) return ec;
        const serialize_context context{what.topic, serialized_part::value, scratch.headers};
        if (const auto ec = serialize_field<Value>(values, what.value, scratch.value, context, bytes.value))
            return ec;
        bytes.headers = scratch.headers.view(); // both serializers may have added some
        return {};
    }

    [[gnu::always_inline]] error_code serialize_key(const record<Key, Value>& what, core::record_bytes& bytes)
    {
        scratch.headers.reset(what.headers);
        const serialize_context context{what.topic, serialized_part::key, scratch.headers};
        return serialize_field<Key>(keys, what.key, scratch.key, context, bytes.key);
    }

    // --- partition ---------------------------------------------------------------------------------------------------

    [[gnu::always_inline]] std::int32_t choose(const core::topic_state& topic,
                                               const core::record_bytes& bytes) noexcept
    {
        return partitioner.partition({topic.name, bytes.key, bytes.value, bytes.headers,
                                      static_cast<std::int32_t>(topic.partitions.size()), topic.available});
    }

    // After a choice that would begin a batch.
    std::int32_t choose_again(const core::topic_state& topic, const core::record_bytes& bytes,
                              std::int32_t chosen) noexcept
        requires batch_aware
    {
        partitioner.on_new_batch(topic.name, chosen);
        return choose(topic, bytes);
    }

    // The core's partition_chooser, when the topic has become known.
    static std::int32_t choose_later(void* context, const core::topic_state& topic, nullable_bytes key,
                                     nullable_bytes value, std::span<const header_view> headers)
    {
        auto& self = *static_cast<producer_parts*>(context);
        const core::record_bytes bytes{key, value, headers, 0};
        auto chosen = self.choose(topic, bytes);
        if constexpr (batch_aware) {
            const auto size = core::payload_size(bytes);
            if (self.later.begins_batch(topic, chosen, size))
                chosen = self.choose_again(topic, bytes, chosen);
            self.later.add(topic, chosen, size);
        }
        return chosen;
    }

    // --- a record while another is sent ------------------------------------------------------------------------------

    // By a serializer that writes an audit trail, say. The other record's bytes stay where they are, and this one gets
    // memory of its own.
    template <class Send> [[gnu::noinline]] auto send_inside(Send send)
    {
        scratch_memory kept;
        std::swap(kept, scratch);
        sending = false;
        struct give_back
        {
            producer_parts& self;
            scratch_memory& kept;
            ~give_back()
            {
                std::swap(kept, self.scratch);
                self.sending = true;
            }
        } const back{*this, kept};
        return send();
    }

    // As long as it lives, a record is being sent.
    struct sending_mark
    {
        explicit sending_mark(producer_parts& of) noexcept : parts{of}
        {
            if constexpr (calls_users) parts.sending = true;
        }
        sending_mark(const sending_mark&) = delete;
        sending_mark& operator=(const sending_mark&) = delete;
        ~sending_mark()
        {
            if constexpr (calls_users) parts.sending = false;
        }
        producer_parts& parts;
    };

    Partitioner partitioner;
    KeySerializer keys;
    ValueSerializer values;
    [[no_unique_address]] Observer observer;
    scratch_memory scratch;
    bool sending = false;
    [[no_unique_address]] std::conditional_t<batch_aware, batches_to_come, nothing> later;
};

} // namespace kurier::inline KURIER_ABI::detail
