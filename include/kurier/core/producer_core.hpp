// The producer without I/O, clock or thread: records, bytes and time go in; actions and completions come out. It is
// driven by io/driver.hpp on Asio, by a loop in a test, or by the simulator's virtual clock.
//
// After any call, the driver calls turn(now), performs poll()'s actions, announces what next_done() and
// next_failed() give, and sets its one timer to deadline(). Nothing is completed inside any other call.
#pragma once

#include <kurier/core/connecting.hpp>
#include <kurier/core/core_parts.hpp>

#include <algorithm>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class producer_core final : public core_parts
{
public:
    producer_core(producer_config config, std::uint64_t seed) : core_parts{std::move(config), seed} {}

    const producer_config& config() const noexcept override { return config_; }

    // Without codecs nothing is compressed. What `codecs` refers to must live as long as the core. The clock is for
    // compression.type=auto; without one, codecs cost nothing but bytes.
    void set_codecs(codecs_ref codecs, cpu_clock clock = nullptr) noexcept
    {
        compressor_.set_codecs(codecs, clock);
    }

    // Batches of at least so many bytes are compressed by jobs, which are actions, from now on; or here again, where small
    // ones stay, and those for whose result buffer.memory has no room.
    void compress_elsewhere(bool elsewhere, std::size_t least = drainer::least_for_job) noexcept
    {
        drainer_.compress_elsewhere(elsewhere, least);
    }
    void authenticate_by(authentication& mechanism) noexcept { conns_.authenticate_by(mechanism); }

    // --- sending -----------------------------------------------------------------------------------------------------

    topic_state& use_topic(std::string_view name, instant now) override
    {
        auto& topic = view_.topic(name);
        topic.last_used = now.steady;
        const bool wanted = std::exchange(topic.wanted, true);
        if (!wanted) debug::topic_wanted(logs_, topic);
        if (!wanted || topic.phase == topic_phase::unknown) metadata_.want(topic);
        return topic;
    }

    // As a producer sends: see intake/send.hpp. producer.hpp has its partitioner at hand and calls the two halves itself.
    sent send(outgoing what, instant now)
    {
        what.named = what.partition.has_value();
        if (!what.owner && what.expires == never) {
            const auto choose = [&] { return what.chooser(what.topic, what.bytes); };
            if (const auto place = send_at_once(what.topic, what.partition, what.bytes, now, choose);
                place.where)
                return {place};
        }
        return send_slowly(std::move(what), now);
    }

    sent send_slowly(outgoing what, instant now) override
    {
        auto& topic = what.topic;
        const bool named = what.named;
        const auto result = intake_.send(std::move(what), now);
        // As in Java, metadata is asked again before a record is believed to name a partition that isn't there.
        const bool early = result.parked ? waiting_room::is_early(*result.parked)
                                         : named && result.refused == errc::invalid_partition;
        if (early || (result.parked && topic.phase == topic_phase::unknown)) metadata_.want(topic);
        if (result.parked && !early && topic.phase == topic_phase::known) log_full_buffer(now);
        return result;
    }

    void count_refusal() noexcept override { ++metrics_.records_refused; }
    bool withdraw(batch& where, std::uint32_t index) override { return intake_.withdraw(where, index); }
    void withdraw(waiting_record& waiting) override { intake_.withdraw(waiting); }

    using port::drop;
    void drop(waiting_record& waiting) override { intake_.drop(waiting); }
    void release(batch& where) override
    {
        if (where.done()) lives_.release(where);
    }

    // --- events ------------------------------------------------------------------------------------------------------

    // When memory runs out in the middle of one of these, the producer ends as if it was aborted; closing() tells.

    void connected(connection_id id, instant now)
    {
        or_end([&] { conns_.connected(id, now); });
    }
    void written(connection_id id, std::size_t bytes, instant now)
    {
        metrics_.bytes_written += bytes;
        or_end([&] { conns_.written(id, bytes, now); });
    }
    std::span<std::byte> read_space(connection_id id)
    {
        std::span<std::byte> space;
        or_end([&] { space = conns_.read_space(id); });
        return space;
    }
    void read(connection_id id, std::size_t bytes, instant now)
    {
        metrics_.bytes_read += bytes;
        or_end([&] { conns_.read(id, bytes, now); });
    }
    void credential(connection_id id, bytes_view secret, error_code why, std::string_view words, instant now)
    {
        or_end([&] { conns_.credential(id, secret, why, words, now); });
    }
    void compute(connection_id id, instant now)
    {
        or_end([&] { conns_.compute(id, now); });
    }
    // `words`: more about it than the error says, if it is known.
    void closed(connection_id id, error_code why, instant now, std::string words = {})
    {
        or_end([&] { conns_.closed(id, why, now, std::move(words)); });
    }

    void compressed(compression_job& job) { drainer_.compressed(job); }

    std::size_t gather(connection_id id, std::span<bytes_view> out) const
    {
        const auto* found = conns_.find(id);
        return found ? found->gather(out) : 0;
    }

    // Time passes: everything that is due happens, and what can be sent is sent.
    void turn(instant now)
    {
        or_end([&] { advance(now); });
    }

    nanoseconds deadline() const noexcept
    {
        auto at = std::min({conns_.deadline(), ready_.deadline(), settler_.deadline(), intake_.deadline(),
                            life_.deadline(may_end()), watch_.deadline()});
        if (only_waits()) return at;
        if (intake_.memory_was_freed()) return nanoseconds{0}; // let waiting records in
        return std::min({at, identity_.deadline(), metadata_.deadline(), produce_.deadline()});
    }

    // --- results -----------------------------------------------------------------------------------------------------

    bool poll(action& out)
    {
        if (conns_.poll(out)) return true;
        out.job = compressor_.next_job();
        out.kind = action_kind::compress;
        return out.job != nullptr;
    }
    batch* next_done() const noexcept { return lives_.next_done(); }
    void announced(batch& done) { lives_.announced(done); }
    waiting_record* next_failed() const noexcept { return intake_.next_failed(); }
    waiting_record* next_expired() const noexcept { return intake_.next_expired(); } // see completions.ipp
    void announced(waiting_record& failed) { intake_.announced(failed); }
    bool poll(log_entry& out) { return logs_.poll(out); }
    void observe_brokers() noexcept { health_.observe(); }
    bool poll(broker_event_queue::entry& out) { return health_.poll(out); }

    // --- flush and close ---------------------------------------------------------------------------------------------

    std::uint64_t flush() override
    {
        ready_.make_all_due();
        return flushes_.flush();
    }
    bool flushed(std::uint64_t epoch) const noexcept override { return flushes_.finished(epoch); }

    void close(nanoseconds deadline) override
    {
        if (life_.takes_records()) debug::closing(logs_, lives_.unfinished(), waiting().size());
        life_.drain(deadline);
        flush();
    }

    // Ends every record that is not resolved, and every connection.
    void abort(error_code why)
    {
        if (!life_.ended()) debug::closed(logs_, why, lives_.unfinished(), waiting().size());
        life_.end(why);
        intake_.fail_all(why);
        settler_.abort_all(why);
        conns_.close_all(why);
    }

    // In the middle of an event: only a partitioner is called then, and what it sends leaves later.
    bool busy() const noexcept { return busy_; }
    bool connect(connect_attempt& attempt) override { return try_cluster(attempt, metadata_, health_); }
    bool has_room() const noexcept override
    {
        return waiting().empty() && pool().in_use() < std::max<std::size_t>(pool().limit() / 4, 1);
    }

    bool idle() const noexcept { return lives_.unfinished() == 0 && waiting().empty(); }

    // --- a look inside -----------------------------------------------------------------------------------------------

    const cluster_view& view() const noexcept { return view_; }
    codec_status compression_of(std::string_view topic) const override
    {
        const auto* found = view_.find(topic);
        return found ? batch_compressor::status(*found) : codec_status{config_.compression_for(topic)};
    }
    const buffer_pool& pool() const noexcept { return records_.pool(); }
    const waiting_room& waiting() const noexcept { return intake_.waiting(); }
    const core::connections& connections() const noexcept { return conns_; }
    std::size_t unfinished_batches() const noexcept { return lives_.unfinished(); }
    const broker_trouble* last_trouble() const noexcept { return health_.last_trouble(); }
    producer_metrics metrics() const override
    {
        auto told = metrics_;
        told.records_pending = lives_.unfinished_records();
        told.records_waiting = waiting().size();
        told.batches_pending = lives_.unfinished();
        health_.count(conns_, told);
        told.buffer_total = pool().limit();
        told.buffer_in_use = pool().in_use();
        return told;
    }

private:
    friend struct invariant_access;

    template <class Act> void or_end(Act act)
    {
        busy_ = true;
        try {
            act();
        } catch (const std::bad_alloc&) {
            end_without_memory();
        }
        busy_ = false;
    }

    // The state is as far as it got: what can't be known any more is possibly written.
    [[gnu::cold, gnu::noinline]] void end_without_memory() noexcept
    {
        abort(boost::system::errc::make_error_code(boost::system::errc::not_enough_memory));
        for (const auto& topic : view_.topics())
            for (auto& partition : topic->partitions.all()) settler_.forget_flights(partition);
    }

    void advance(instant now)
    {
        conns_.on_time(now);
        ready_.on_time(now);
        settler_.on_time(now, epochs_.has_identity() ? nullptr : identity_.refusal());
        intake_.give_up_late(now, last_trouble());
        const bool stale = ready_.take_stale_topics();
        if (watch_.on_time(now) || stale) metadata_.ask_soon();
        intake_.let_in(now);
        if (life_.drained(may_end(), now.steady)) abort(idle() ? errc::closed : errc::aborted);
        if (only_waits()) return;
        metadata_.ask_if_due(now);
        identity_.ask_if(produce_.send_ready(now), now);
    }

    // With acks=0 the broker may not have read yet what counts as delivered: see connections::expects.
    bool may_end() const noexcept { return idle() && !(config_.acks == acks::none && conns_.expects()); }
    bool only_waits() const noexcept { return life_.ended() || (life_.draining() && idle()); }

    // Once in a while: with more to send than brokers take, the buffer is full all the time.
    void log_full_buffer(instant now)
    {
        if (now.steady < full_buffer_news_at_) return;
        full_buffer_news_at_ = now.steady + std::chrono::seconds{1};
        debug::buffer_full(logs_, pool().in_use(), waiting().size());
    }

    nanoseconds full_buffer_news_at_{0};
    bool busy_ = false;
};

} // namespace kurier::inline KURIER_ABI::core
