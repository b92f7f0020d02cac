// The whole state of a producer on one page, for whoever asks why records don't move: its life, its brokers and their
// connections, and of each partition with something pending what waits there, and why.
#pragma once

#include <kurier/core/invariant_access.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::core {

class dump_writer
{
public:
    dump_writer(const producer_core& core, instant now)
        : core_{core}, now_{now.steady}, epochs_{access::epochs(core)}
    {}

    std::string write()
    {
        write_producer();
        for (const auto& node : core_.view().bootstrap())
            if (node->link) write_broker(*node);
        for (const auto& [id, node] : core_.view().nodes()) write_broker(*node);
        for (const auto& topic : core_.view().topics()) write_topic(*topic);
        if (left_out_ > 0) add("... and {} more partitions with something pending\n", left_out_);
        return std::move(page_);
    }

private:
    using access = invariant_access;

    static constexpr std::size_t partitions_max = 100;

    // --- text --------------------------------------------------------------------------------------------------------

    void piece(std::string_view text) { page_ += text; }
    void piece(std::int64_t number) { page_ += std::to_string(number); }
    void piece(std::size_t number) { page_ += std::to_string(number); }
    void piece(std::int32_t number) { page_ += std::to_string(number); }
    void piece(nanoseconds time)
    {
        if (time == never) return piece("never");
        char text[32];
        std::snprintf(text, sizeof text, "%.1f ms", std::chrono::duration<double, std::milli>{time}.count());
        page_ += text;
    }

    void add(std::string_view rest) { page_ += rest; }
    template <class First, class... Others>
    void add(std::string_view format, const First& first, const Others&... others)
    {
        const auto at = format.find("{}");
        page_ += format.substr(0, at);
        piece(first);
        add(format.substr(at + 2), others...);
    }

    nanoseconds until(nanoseconds at) const noexcept { return at == never ? never : at - now_; }

    // --- the producer ------------------------------------------------------------------------------------------------

    void write_producer()
    {
        const auto& life = access::life(core_);
        const auto held = core_.metrics();
        add("producer: {}", life.takes_records() ? "open" : life.draining() ? "draining" : "ended");
        if (life.draining()) add(", until {}", until(life.deadline(false)));
        add("; {} records in {} batches, {} more wait to be appended; {} of {} bytes of buffer.memory in "
            "use\n",
            held.records_pending, held.batches_pending, held.records_waiting, held.buffer_in_use,
            held.buffer_total);
        const auto& identity = access::identity(epochs_);
        if (!epochs_.idempotent())
            add("idempotence is off\n");
        else if (epochs_.has_identity())
            add("producer id {} epoch {}\n", identity.id, std::int32_t{identity.epoch});
        else
            add("waits for a producer id\n");
    }

    // --- brokers -----------------------------------------------------------------------------------------------------

    void write_broker(const broker_node& node)
    {
        add("broker {}: {}", *node.name, connection_of(node));
        if (!node.current) add(", not in the newest metadata");
        if (!node.link && node.retry_at > now_) add(", connects again in {}", until(node.retry_at));
        if (node.throttled_until > now_) add(", throttles for {}", until(node.throttled_until));
        if (node.failures > 0) add(", {} failed connections", std::int32_t{node.failures});
        if (node.trouble) add(", trouble: {}", node.trouble.text);
        add("; {} partitions ready, {} bytes held\n", node.ready.size(), node.memory);
        if (!node.link) return;
        for (const auto& sent : node.link->requests)
            add("  request {}: {} batches, {} of {} bytes written, sent {} ago, times out in {}\n",
                sent->correlation_id, sent->cuts.size(), sent->written, sent->bytes, now_ - sent->sent_at,
                until(sent->deadline));
    }

    static std::string_view connection_of(const broker_node& node) noexcept
    {
        if (!node.link) return "not connected";
        switch (node.link->phase) {
        case connection_phase::connecting:
            return "connecting";
        case connection_phase::handshake:
            return node.link->opening.asks_for_versions() ? "asks for versions" : "authenticates";
        case connection_phase::ready:
            return node.link->accepts_requests() ? "connected" : "authenticates again";
        default:
            return "closing";
        }
    }

    // --- partitions --------------------------------------------------------------------------------------------------

    void write_topic(const topic_state& topic)
    {
        if (topic.phase == topic_phase::unknown) {
            add("topic {}: unknown", std::string_view{topic.name});
            if (topic.error) add(", the brokers say {}", topic.error.message());
            add("; {} records wait\n", topic.held_back);
            return;
        }
        for (const auto& partition : topic.partitions.all())
            if (partition.open || !partition.queue.empty() || !partition.flights.empty()) {
                if (written_ == partitions_max)
                    ++left_out_;
                else
                    write_partition(partition);
            }
    }

    void write_partition(const partition_state& partition)
    {
        ++written_;
        const auto& state = partition.producer;
        add("{}-{}: leader {} epoch {}; {} queued, {} in flight", std::string_view{partition.topic->name},
            partition.index, partition.leader ? partition.leader->id : -1, partition.leader_epoch,
            partition.queue.size(), partition.flights.size());
        if (partition.open)
            add(", open with {} records of {} bytes", partition.open->record_count, partition.open->size);
        if (epochs_.idempotent())
            add("; id {} epoch {}, next sequence {}, last acknowledged {}{}", state.id,
                std::int32_t{state.epoch}, state.next_sequence, state.last_acked,
                state.gap ? ", a gap to resolve" : "");
        const auto* oldest = oldest_of(partition);
        add("; expires in {}; {}\n", until(later(oldest->created, core_.config().delivery_timeout)),
            why_it_waits(partition));
    }

    static const batch* oldest_of(const partition_state& partition) noexcept
    {
        const batch* oldest = partition.flights.front();
        for (const batch* other :
             {static_cast<const batch*>(partition.queue.front()), static_cast<const batch*>(partition.open)})
            if (other && (!oldest || other->created < oldest->created)) oldest = other;
        return oldest;
    }

    std::string why_it_waits(const partition_state& partition)
    {
        const batch* head = ready_partitions::head_of(partition);
        if (!head) return partition.open ? "lingers" : "waits for a response";
        if (head->compressing) return "is being compressed";
        if (partition.backoff.linked)
            return "retries in " + as_text_of(until(partition.backoff.at)) + ", after " +
                   head->last_error.message();
        if (!access::wants_to_send(core_, partition)) return std::string{why_behind(partition, *head)};
        if (!partition.leader) return "has no leader";
        return std::string{why_unsent(*partition.leader)};
    }

    std::string as_text_of(nanoseconds time)
    {
        std::string kept;
        kept.swap(page_);
        piece(time);
        kept.swap(page_);
        return kept;
    }

    // Behind batches in flight, by the rules of the idempotent producer.
    std::string_view why_behind(const partition_state& partition, const batch& head) const noexcept
    {
        const auto& state = partition.producer;
        if (!epochs_.idempotent()) return "one batch at a time, without idempotence";
        if (head.has_sequence()) return "a retry, which goes alone";
        if (state.fault != epoch_fault::none) return "an epoch that is over, to be resolved first";
        if (state.gap) return "a gap, to be resolved first";
        if (!state.proven) return "the first batch of its epoch, which goes alone";
        return "as many batches in flight as there may be";
    }

    std::string_view why_unsent(const broker_node& leader) const noexcept
    {
        if (!leader.current) return "its leader is not in the newest metadata";
        if (!epochs_.has_identity()) return "waits for a producer id";
        if (!leader.link || leader.link->phase != connection_phase::ready)
            return "its leader is not connected";
        if (!leader.link->accepts_requests()) return "its leader's connection authenticates again";
        if (leader.throttled_until > now_) return "its leader throttles";
        if (leader.link->has_unsent()) return "the request before it is still being written";
        if (leader.link->unanswered > 0) return "as many requests in flight as its leader may have";
        return "is sent in the next turn";
    }

    const producer_core& core_;
    const nanoseconds now_;
    const partition_epochs& epochs_;
    std::string page_;
    std::size_t written_ = 0, left_out_ = 0;
};

inline std::string dump(const producer_core& core, instant now)
{
    return dump_writer{core, now}.write();
}

} // namespace kurier::inline KURIER_ABI::core
