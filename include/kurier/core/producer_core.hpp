// The producer without I/O, clock or thread: records, bytes and time go in; actions and completions come out. It is
// driven by io/driver.hpp on Asio, by a loop in a test, or by the simulator's virtual clock.
//
// After any call, the driver calls turn(now), performs poll()'s actions, announces what next_done() and
// next_failed() give, and sets its one timer to deadline(). Nothing is completed inside any other call.
#pragma once

#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/cluster/metadata_exchange.hpp>
#include <kurier/core/cluster/router.hpp>
#include <kurier/core/identity/idempotent.hpp>
#include <kurier/core/identity/partition_epochs.hpp>
#include <kurier/core/intake/intake.hpp>
#include <kurier/core/net/broker_event_queue.hpp>
#include <kurier/core/net/connections.hpp>
#include <kurier/core/produce/drain.hpp>
#include <kurier/core/produce/produce_codec.hpp>
#include <kurier/core/produce/settle.hpp>
#include <kurier/core/support/log_queue.hpp>

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kurier::core {

class producer_core
{
public:
    producer_core(producer_config config, std::uint64_t seed)
        : config_{std::move(config)}, random_{seed}, view_{config_}, records_{config_},
          lives_{records_, flushes_, metrics_}, compressor_{config_, logs_}, epochs_{config_},
          ready_{records_, epochs_},
          settler_{config_, records_, lives_, random_, compressor_, ready_, epochs_},
          drainer_{config_, records_, lives_, compressor_, ready_, settler_, epochs_},
          links_{config_, random_},
          intake_{config_, view_, records_, lives_, ready_, drainer_, flushes_, random_, metrics_},
          brokers_{config_, view_, links_},
          metadata_{config_, random_, view_, links_, brokers_, ready_, intake_},
          identity_{config_, random_, links_, brokers_, settler_, epochs_, logs_}
    {}
    producer_core(const producer_core&) = delete;
    producer_core& operator=(const producer_core&) = delete;
    const producer_config& config() const noexcept { return config_; }

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

    // --- sending -----------------------------------------------------------------------------------------------------

    // The topic's state, known or not. The reference stays valid as long as the core.
    topic_state& use_topic(std::string_view name, instant now)
    {
        auto& topic = view_.topic(name);
        topic.last_used = now.steady;
        if (!std::exchange(topic.wanted, true) || topic.phase == topic_phase::unknown) metadata_.want(topic);
        return topic;
    }

    // May a record be appended right now, or do others wait before it?
    static bool open_for(const topic_state& topic) noexcept
    {
        return topic.phase == topic_phase::known && topic.waiting.empty();
    }

    // See intake.hpp for these.
    place append(topic_state& topic, std::int32_t& index, const record_bytes& record, instant now,
                 std::shared_ptr<const void> owner = {})
    {
        return intake_.append(topic, index, record, now, std::move(owner));
    }

    waiting_record* wait(topic_state& topic, std::optional<std::int32_t> partition,
                         const record_bytes& record, partition_chooser chooser, instant now,
                         std::shared_ptr<const void> owner = {})
    {
        auto* waiting = intake_.wait(topic, partition, record, std::move(chooser), now, std::move(owner));
        if (waiting && topic.phase == topic_phase::unknown) metadata_.want(topic);
        return waiting;
    }

    static bool withdraw(batch& where, std::uint32_t index) { return intake::withdraw(where, index); }
    void withdraw(waiting_record& waiting) { intake_.withdraw(waiting); }

    // --- events ------------------------------------------------------------------------------------------------------

    // When memory runs out in the middle of one of these, the producer ends as if it was aborted; closing() tells.

    void connected(connection_id link, instant now)
    {
        or_end([&] { links_.connected(*this, link, now); });
    }
    void written(connection_id link, std::size_t bytes, instant now)
    {
        metrics_.bytes_written += bytes;
        or_end([&] { links_.written(*this, link, bytes, now); });
    }
    std::span<std::byte> read_space(connection_id link)
    {
        std::span<std::byte> space;
        or_end([&] { space = links_.read_space(link); });
        return space;
    }
    void read(connection_id link, std::size_t bytes, instant now)
    {
        metrics_.bytes_read += bytes;
        or_end([&] { links_.read(*this, link, bytes, now); });
    }
    void closed(connection_id link, error_code why, instant now)
    {
        or_end([&] { links_.closed(*this, link, why, now); });
    }

    void compressed(compression_job& job) { drainer_.compressed(job); }

    std::size_t gather(connection_id link, std::span<bytes_view> out) const
    {
        const auto* found = links_.find(link);
        return found ? found->gather(out) : 0;
    }

    // Time passes: everything that is due happens, and what can be sent is sent.
    void turn(instant now)
    {
        or_end([&] { advance(now); });
    }

    nanoseconds deadline() const noexcept
    {
        auto at = std::min({links_.deadline(), ready_.deadline(), settler_.deadline(), intake_.deadline()});
        if (shut_down_) return at;
        if (intake_.memory_was_freed()) return nanoseconds{0}; // let waiting records in
        at = std::min({at, identity_at_, metadata_.deadline()});
        for (const auto& [id, node] : view_.nodes())
            if (!node->ready.empty()) {
                if (!node->link)
                    at = std::min(at, node->retry_at);
                else if (node->throttled_until > nanoseconds{0})
                    at = std::min(at, node->throttled_until);
            }
        return at;
    }

    // --- results -----------------------------------------------------------------------------------------------------

    bool poll(action& out)
    {
        if (links_.poll(out)) return true;
        out.job = compressor_.next_job();
        out.kind = action_kind::compress;
        return out.job != nullptr;
    }
    batch* next_done() const noexcept { return lives_.next_done(); }
    void announced(batch& done) { lives_.announced(done); }
    waiting_record* next_failed() const noexcept { return intake_.next_failed(); }
    void announced(waiting_record& failed) { intake_.announced(failed); }
    bool poll(log_entry& out) { return logs_.poll(out); }
    void observe_brokers() noexcept { events_.begin(); }
    bool poll(broker_event_queue::entry& out) { return events_.poll(out); }

    // A delivery outside the core begins or ends to refer to a batch or a waiting record.
    void hold(batch& where) noexcept { ++where.deliveries; }
    void drop(batch& where)
    {
        --where.deliveries;
        release(where);
    }
    void release(batch& where) // gives back what nobody needs any more
    {
        if (where.done()) lives_.release(where);
    }
    void drop(waiting_record& waiting) { intake_.drop(waiting); }

    // --- flush and close ---------------------------------------------------------------------------------------------

    // Everything sent so far goes out without lingering. The flush is over when flushed() says so.
    std::uint64_t flush()
    {
        ready_.make_all_due();
        return flushes_.flush();
    }
    bool flushed(std::uint64_t epoch) const noexcept { return flushes_.finished(epoch); }

    // No new records from now on: the owner checks closing() before it sends.
    void stop_intake() noexcept { closing_ = true; }
    bool closing() const noexcept { return closing_; }

    // Ends every record that is not done, and every connection.
    void abort(error_code why)
    {
        closing_ = shut_down_ = true;
        intake_.fail_all(why);
        settler_.abort_all(why);
        links_.close_all(why);
    }

    // Is it worth sending more right now? Batches that are only waiting to be sent should stay few.
    bool has_room() const noexcept
    {
        return waiting().empty() && pool().in_use() < std::max<std::size_t>(pool().limit() / 4, 1);
    }

    bool idle() const noexcept { return lives_.unfinished() == 0 && waiting().empty(); }

    // --- a look inside -----------------------------------------------------------------------------------------------

    const cluster_view& view() const noexcept { return view_; }
    codec_status compression_of(std::string_view topic) const
    {
        const auto* found = view_.find(topic);
        return found ? batch_compressor::status(*found) : codec_status{config_.compression_for(topic)};
    }
    const buffer_pool& pool() const noexcept { return records_.pool(); }
    const waiting_room& waiting() const noexcept { return intake_.waiting(); }
    const links& connections() const noexcept { return links_; }
    std::size_t unfinished_batches() const noexcept { return lives_.unfinished(); }
    std::string_view last_trouble() const noexcept { return last_trouble_; }
    producer_metrics metrics() const
    {
        auto told = metrics_;
        told.records_pending = lives_.unfinished_records();
        told.records_waiting = waiting().size();
        told.batches_pending = lives_.unfinished();
        for (const auto& [id, link] : links_.all()) {
            told.connections += link->phase == link_phase::ready ? 1U : 0U;
            told.requests_in_flight += link->unanswered;
        }
        told.buffer_total = pool().limit();
        told.buffer_in_use = pool().in_use();
        return told;
    }

    // --- what links calls --------------------------------------------------------------------------------------------

    const std::string& cluster_id() const noexcept { return view_.cluster_id(); }

    void link_ready(connection& link, instant)
    {
        logs_.add(log_level::info, "broker.connected", *link.node->name);
        if (link.range(request_kind::produce).highest < min_produce_version(compression::zstd))
            compressor_.exclude(compression::zstd);
        if (!link.range(request_kind::produce).any() || !link.range(request_kind::metadata).any()) {
            last_trouble_ =
                *link.node->name + " speaks no version of Produce or Metadata that this library knows";
            logs_.add(log_level::error, "broker.unsupported", last_trouble_);
            links_.close(link, errc::unsupported_version);
            return;
        }
        ++metrics_.connections_opened;
        events_.add(*link.node, broker_change::connected, {});
    }

    bool take_answer(connection& link, request& sent, bytes_view body, instant now)
    {
        switch (sent.kind) {
        case request_kind::metadata:
            return metadata_.take(sent, body, now);
        case request_kind::init_producer_id:
            return take_identity(sent, body, now);
        default:
            return take_produce(link, sent, body, now);
        }
    }

    void request_written(connection&, request& sent, instant now)
    {
        for (const auto& cut : sent.cuts) settler_.handed_over(*cut.body, now);
    }

    void request_lost(connection& link, request& sent, error_code why, instant now)
    {
        if (sent.kind == request_kind::metadata)
            metadata_.lost(now);
        else if (sent.kind == request_kind::init_producer_id)
            identity_.failed(now);
        else if (sent.kind == request_kind::produce)
            count_lost(*link.node, sent, why, now);
        for (const auto& cut : sent.cuts)
            settler_.lost(*cut.body, sent.fully_written(), why ? why : make_error_code(errc::disconnected),
                          now);
    }

    void release(request& over)
    {
        for (const auto& cut : over.cuts) {
            --cut.body->requests;
            if (shut_down_) settler_.forget_flight(*cut.body);
            lives_.release(*cut.body);
        }
    }

    void link_lost(connection& link, error_code why, instant)
    {
        if (shut_down_) why = {}; // on purpose
        if (link.reached_ready || why)
            events_.add(*link.node,
                        link.reached_ready ? broker_change::disconnected : broker_change::unreachable, why);
        if (!why) return; // on purpose, or idle
        ++metrics_.connections_failed;
        if (why == errc::unsupported_version) return; // told already
        last_trouble_ = *link.node->name + ": " + why.message();
        logs_.add(link.reached_ready ? log_level::info : log_level::warning,
                  link.reached_ready ? "broker.disconnected" : "broker.unreachable", last_trouble_);
        metadata_.doubt_all();
    }

private:
    friend struct invariant_access;

    template <class Act> void or_end(Act act)
    {
        try {
            act();
        } catch (const std::bad_alloc&) {
            end_without_memory();
        }
    }

    // The state is as far as it got: what can't be known any more is possibly written.
    [[gnu::cold, gnu::noinline]] void end_without_memory() noexcept
    {
        abort(boost::system::errc::make_error_code(boost::system::errc::not_enough_memory));
        for (const auto& topic : view_.topics())
            for (auto& partition : topic->partitions)
                for (batch* flying = partition.flights.front(); flying;) {
                    batch* next = partition.flights.next(*flying);
                    settler_.forget_flight(*flying); // that was taken for a request which was never made
                    flying = next;
                }
    }

    void advance(instant now)
    {
        links_.on_time(now);
        ready_.on_time(now);
        settler_.on_time(now);
        intake_.give_up_late(now, last_trouble_);
        if (ready_.take_stale_topics()) metadata_.ask_soon();
        intake_.let_in(now);
        if (!shut_down_) {
            metadata_.ask_if_due(now);
            send_ready(now);
        }
    }

    bool take_identity(const request& sent, bytes_view body, instant now)
    {
        if (!identity_.take(sent, body, now)) return false;
        for (const auto& [id, node] : view_.nodes()) ready_.update_all_of(*node);
        return true;
    }

    // --- produce -----------------------------------------------------------------------------------------------------

    void send_ready(instant now)
    {
        bool blocked = false;
        for (const auto& [id, node] : view_.nodes()) {
            send_ready_of(*node, now);
            if (takes_requests(*node, now) && node->link->unanswered == 0) {
                ready_.hurry_idle(*node);
                send_ready_of(*node, now);
            }
            blocked |= !node->ready.empty() && !epochs_.has_identity();
        }
        identity_at_ = blocked ? identity_.ask(now) : never;
    }

    void send_ready_of(broker_node& node, instant now)
    {
        while (!node.ready.empty() && can_take(node, now) && epochs_.has_identity())
            if (!send_request(node, now)) break;
    }

    static bool takes_requests(const broker_node& node, instant now) noexcept
    {
        return node.link && node.link->phase == link_phase::ready && !node.link->has_unsent() &&
               node.throttled_until <= now.steady;
    }

    // A broker handles the requests of a connection one after another, and one that waits there for longer than
    // request.timeout.ms ends the connection for all of them. A slow one gets as many as it can answer in half that
    // time; each of them takes along all that came meanwhile.
    std::size_t in_flight_max(const broker_node& node) const noexcept
    {
        const std::int64_t most = config_.max_in_flight_requests_per_connection;
        const nanoseconds in_time = config_.request_timeout / 2;
        const bool quick = node.service_time <= in_time / most;
        return static_cast<std::size_t>(quick ? most
                                              : std::max<std::int64_t>(in_time / node.service_time, 1));
    }

    bool can_take(broker_node& node, instant now)
    {
        if (node.throttled_until <= now.steady) node.throttled_until = nanoseconds{0};
        if (!node.link) {
            if (node.retry_at <= now.steady) links_.open(node, now);
        } else if (takes_requests(node, now) && node.link->unanswered < in_flight_max(node)) {
            node.stalled_since = never;
            return true;
        }
        node.stalled_since = std::min(node.stalled_since, now.steady);
        return false;
    }

    bool send_request(broker_node& node, instant now)
    {
        taken_.clear();
        drainer_.drain(node, taken_, now);
        if (taken_.empty()) return false;
        auto& link = *node.link;
        refuse_new_codecs(link, now);
        if (taken_.empty()) return true;
        auto made =
            links_.make(link, request_kind::produce, produce_version(link.range(request_kind::produce)));
        exchange_.encode(*made, taken_, config_);
        links_.send(link, std::move(made), now);
        for (batch* body : taken_) ++body->requests;
        ++metrics_.requests;
        return true;
    }

    // A broker that does not know a codec yet (zstd before Kafka 2.1) would not understand the batch.
    void refuse_new_codecs(const connection& link, instant now)
    {
        const auto version = link.range(request_kind::produce).highest;
        std::erase_if(taken_, [&](batch* body) {
            if (version >= min_produce_version(body->codec())) return false;
            batch_response refusal;
            refusal.error = broker_errc::unsupported_compression_type;
            refusal.note = std::make_unique<failure_note>();
            refusal.note->broker_message = *link.node->name + " speaks Produce up to version " +
                                           std::to_string(version) + ", " +
                                           std::string{compression_name(body->codec())} + " needs version " +
                                           std::to_string(min_produce_version(body->codec()));
            settler_.answered(*body, std::move(refusal), now);
            return true;
        });
    }

    // Since version 13 topics have no names, only ids. Some clusters speak that version and tell no ids.
    std::int16_t produce_version(version_range common) const noexcept
    {
        for (const batch* body : taken_)
            if (body->partition->topic->id.is_nil())
                return std::max(common.lowest, std::min<std::int16_t>(common.highest, 12));
        return common.highest;
    }

    bool take_produce(connection& link, request& sent, bytes_view body, instant now)
    {
        auto& result = answer_;
        if (!exchange_.decode(sent, body, result)) return false_and_lost(link, sent, now);
        link.node->service_time =
            now.steady - std::max(sent.sent_at, std::exchange(link.answered_at, now.steady));
        metrics_.request_latency.add(now.steady - sent.sent_at);
        events_.add(*link.node, broker_change::answered, {}, sent.bytes, now.steady - sent.sent_at);
        for (auto& hint : result.nodes) view_.put_node(hint.id, hint.host, hint.port);
        if (result.throttle_ms > 0 && sent.version >= 6) // before that the broker has waited itself
            throttle(link, result.throttle_ms, now);
        bool leaders_moved = false;
        for (std::size_t i = 0; i < sent.cuts.size(); ++i) {
            auto& about = *sent.cuts[i].body;
            auto& part = result.partitions[i];
            if (!part.present) { // a broker that forgets a partition has told us nothing about it
                settler_.lost(about, true, errc::protocol_error, now);
                continue;
            }
            if (part.leader_id >= 0 && view_.apply_hint(*about.partition, part.leader_id, part.leader_epoch,
                                                        [&](partition_state& partition, broker_node* old) {
                                                            ready_.leader_changed(partition, old);
                                                        }))
                leaders_moved = true;
            if (part.answer.error != broker_errc::none)
                logs_.add(log_level::debug, "produce.refused", std::string{error_name(part.answer.error)});
            settler_.answered(about, std::move(part.answer), now);
        }
        if (leaders_moved) intake_.leaders_moved();
        return true;
    }

    bool false_and_lost(const connection& link, request& sent, instant now)
    {
        count_lost(*link.node, sent, errc::protocol_error, now);
        for (const auto& cut : sent.cuts) settler_.lost(*cut.body, true, errc::protocol_error, now);
        return false;
    }

    void count_lost(broker_node& node, const request& lost, error_code why, instant now)
    {
        if (why == errc::request_timed_out) node.service_time = now.steady - lost.sent_at;
        ++metrics_.requests_lost;
        events_.add(node, broker_change::unanswered, why, lost.bytes, now.steady - lost.sent_at);
    }

    void throttle(connection& link, std::int32_t milliseconds, instant now) // KIP-219
    {
        // A broker asks for seconds at most; a nonsensical value must not stop the producer for weeks.
        const auto pause =
            std::min<nanoseconds>(std::chrono::milliseconds{milliseconds}, std::chrono::minutes{1});
        link.node->throttled_until = std::max(link.node->throttled_until, now.steady + pause);
        metrics_.throttle_time.add(pause);
        events_.add(*link.node, broker_change::throttled, {}, 0, pause);
        logs_.add(log_level::info, "broker.throttles",
                  *link.node->name + " for " + std::to_string(milliseconds) + " ms");
    }

    const producer_config config_;
    random_source random_;
    cluster_view view_;
    accumulator records_;
    flush_tracker flushes_;
    log_queue logs_;
    broker_event_queue events_;
    producer_metrics metrics_; // its totals
    batch_lives lives_;
    batch_compressor compressor_;
    partition_epochs epochs_;
    ready_partitions ready_;
    settler settler_;
    drainer drainer_;
    links links_;
    intake intake_;
    any_broker brokers_;
    metadata_exchange metadata_;
    producer_id_exchange identity_;
    produce_exchange exchange_;
    produce_result answer_; // the newest, kept for its memory
    std::vector<batch*> taken_;
    std::string last_trouble_;
    nanoseconds identity_at_{never}; // batches wait for a producer id: when to ask for it
    bool closing_ = false, shut_down_ = false;
};

} // namespace kurier::core
