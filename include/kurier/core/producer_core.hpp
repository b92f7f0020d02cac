// The producer without I/O, clock or thread: records, bytes and time go in; actions and completions come out. It is
// driven by io/driver.hpp on Asio, by a loop in a test, or by the simulator's virtual clock.
//
// After any call, the driver calls turn(now), performs poll()'s actions, announces what next_done() and
// next_failed() give, and sets its one timer to deadline(). Nothing is completed inside any other call.
#pragma once

#include <kurier/core/cluster_view.hpp>
#include <kurier/core/links.hpp>
#include <kurier/core/log_queue.hpp>
#include <kurier/core/metadata_plan.hpp>
#include <kurier/core/produce_exchange.hpp>
#include <kurier/core/sender.hpp>
#include <kurier/core/sticky.hpp>
#include <kurier/core/waiting_room.hpp>
#include <kurier/protocol/messages/init_producer_id.hpp>

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

namespace kurier::core {

class producer_core
{
public:
    producer_core(producer_config config, std::uint64_t seed)
        : config_{std::move(config)}, random_{seed}, view_{config_}, records_{config_},
          room_{config_.waiting_memory}, sender_{config_, records_, flushes_, random_, logs_},
          links_{config_, random_}, metadata_{config_, random_}
    {}
    producer_core(const producer_core&) = delete;
    producer_core& operator=(const producer_core&) = delete;
    ~producer_core()
    {
        while (auto* waiting = room_.oldest()) {
            room_.leave(*waiting);
            delete waiting;
        }
        while (auto* waiting = failed_.pop_front()) delete waiting;
    }

    const producer_config& config() const noexcept { return config_; }

    // Without codecs nothing is compressed. What `codecs` refers to must live as long as the core. The clock is for
    // compression.type=auto; without one, codecs cost nothing but bytes.
    void set_codecs(codecs_ref codecs, cpu_clock clock = nullptr) noexcept
    {
        sender_.set_codecs(codecs, clock);
    }

    // Batches of at least so many bytes are compressed by jobs, which are actions, from now on; or here again, where small
    // ones stay, and those for whose result buffer.memory has no room.
    void compress_elsewhere(bool elsewhere, std::size_t least = sender::worth_a_job) noexcept
    {
        sender_.compress_elsewhere(elsewhere, least);
    }

    // --- sending -----------------------------------------------------------------------------------------------------

    // The topic's state, known or not. The reference stays valid as long as the core.
    topic_state& use_topic(std::string_view name, instant now)
    {
        auto& topic = view_.topic(name);
        topic.last_used = now.steady;
        if (!std::exchange(topic.wanted, true) || topic.phase == topic_phase::unknown) want(topic);
        return topic;
    }

    // May a record be appended right now, or do others wait before it?
    static bool open_for(const topic_state& topic) noexcept
    {
        return topic.phase == topic_phase::known && topic.waiting.empty();
    }

    // Appends; no place means that there is no room (or that others wait for it). A negative index is the sticky
    // partition's, and is told.
    place append(topic_state& topic, std::int32_t& index, const record_bytes& record, instant now)
    {
        if (const auto quick = append_to_open(topic, index, record, now.steady); quick.where) return quick;
        if (index < 0) index = pick_sticky(topic, record, records_, config_, now.steady, random_);
        auto& partition = topic.partitions[static_cast<std::size_t>(index)];
        if (partition.leader && !partition.leader->waiting.empty()) [[unlikely]]
            return {};
        return append(partition, record, now, flushes_.current());
    }

    // The same for a value that is not copied: it belongs to `owner`, which is kept until nothing refers to the bytes.
    place append_outside(topic_state& topic, std::int32_t& index, const record_bytes& record,
                         std::shared_ptr<const void> owner, instant now)
    {
        if (index < 0) index = pick_sticky(topic, record, records_, config_, now.steady, random_);
        auto& partition = topic.partitions[static_cast<std::size_t>(index)];
        if (partition.leader && !partition.leader->waiting.empty()) return {};
        return append_outside(partition, record, std::move(owner), now, flushes_.current());
    }

    // The record waits for room or for its topic. nullptr: the waiting room is full too.
    waiting_record* wait(topic_state& topic, std::optional<std::int32_t> partition,
                         const record_bytes& record, partition_chooser chooser, instant now,
                         std::shared_ptr<const void> owner = {})
    {
        if (!partition && topic.phase == topic_phase::known)
            partition = choose_partition(topic, record, chooser, now);
        auto* waiting = room_.add(topic, partition, record, chooser, later(now.steady, config_.max_block),
                                  std::move(owner));
        if (!waiting) return nullptr;
        waiting->flush_epoch = flushes_.current();
        flushes_.begin(waiting->flush_epoch);
        if (topic.phase == topic_phase::unknown) want(topic);
        return waiting;
    }

    // Takes a record back, if it was certainly never sent. It is not announced to its waiter.
    bool withdraw(batch& where, std::uint32_t index)
    {
        auto& slot = where.slot_of(index);
        const bool compressed =
            where.compressing || where.codec() != compression::none; // can't be taken apart
        if (where.done() || where.attempts > 0 || compressed || where.root || !where.pieces.empty() ||
            slot.withdrawn)
            return false;
        slot.withdrawn = true;
        slot.notify = nullptr;
        ++where.withdrawn;
        if (where.outside) {
            where.outside->bytes = {};
            where.outside->owner.reset();
        }
        return true;
    }

    void withdraw(waiting_record& waiting)
    {
        if (!waiting.waits()) // it was refused in this very turn, and who waits for it was not told yet
            return;
        room_.leave(waiting);
        flushes_.end(waiting.flush_epoch);
        waiting.error = errc::withdrawn;
        forget(waiting);
    }

    // --- events ------------------------------------------------------------------------------------------------------

    // When memory runs out in the middle of one of these, the producer ends as if it was aborted; closing() tells.

    void connected(connection_id link, instant now)
    {
        or_end([&] { links_.connected(*this, link, now); });
    }
    void written(connection_id link, std::size_t bytes, instant now)
    {
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
        or_end([&] { links_.read(*this, link, bytes, now); });
    }
    void closed(connection_id link, error_code why, instant now)
    {
        or_end([&] { links_.closed(*this, link, why, now); });
    }

    void compressed(compression_job& job) { sender_.compressed(job); }

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
        auto at = std::min({links_.deadline(), sender_.deadline(), room_.deadline()});
        if (shut_down_) return at;
        if (!room_.empty() && pool().in_use() < in_use_then_)
            return nanoseconds{0}; // an announcement made room: let somebody in
        at = std::min({at, identity_at_, std::max(metadata_.deadline(), metadata_blocked_until_)});
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
        out.job = sender_.next_job();
        out.kind = action_kind::compress;
        return out.job != nullptr;
    }
    batch* next_done() const noexcept { return sender_.next_done(); }
    void announced(batch& done) { sender_.announced(done); }
    waiting_record* next_failed() const noexcept { return failed_.front(); }
    void announced(waiting_record& failed)
    {
        failed_.erase(failed);
        failed.announced = true;
        forget(failed);
    }
    bool poll(log_entry& out) { return logs_.poll(out); }

    // A delivery outside the core begins or ends to refer to a batch or a waiting record.
    void hold(batch& where) noexcept { ++where.deliveries; }
    void drop(batch& where)
    {
        --where.deliveries;
        release(where);
    }
    void release(batch& where) // gives back what nobody needs any more
    {
        if (where.done()) sender_.release(where);
    }
    void drop(waiting_record& waiting)
    {
        waiting.held = false;
        forget(waiting);
    }

    // --- flush and close ---------------------------------------------------------------------------------------------

    // Everything sent so far goes out without lingering. The flush is over when flushed() says so.
    std::uint64_t flush()
    {
        sender_.make_all_due();
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
        while (auto* waiting = room_.oldest()) fail(*waiting, why, {});
        sender_.abort_all(why);
        links_.close_all(why);
    }

    // Is it worth sending more right now? Batches that are only waiting to be sent should stay few.
    bool has_room() const noexcept
    {
        return room_.empty() && pool().in_use() < std::max<std::size_t>(pool().limit() / 4, 1);
    }

    bool idle() const noexcept { return sender_.unfinished() == 0 && room_.empty(); }

    // --- a look inside -----------------------------------------------------------------------------------------------

    const cluster_view& view() const noexcept { return view_; }
    codec_status compression_of(std::string_view topic) const
    {
        const auto* found = view_.find(topic);
        return found ? batch_compressor::status(*found) : codec_status{config_.compression_for(topic)};
    }
    const buffer_pool& pool() const noexcept { return records_.pool(); }
    const waiting_room& waiting() const noexcept { return room_; }
    const links& connections() const noexcept { return links_; }
    std::size_t unfinished_batches() const noexcept { return sender_.unfinished(); }
    std::string_view last_trouble() const noexcept { return last_trouble_; }

    // --- what links calls --------------------------------------------------------------------------------------------

    const std::string& cluster_id() const noexcept { return view_.cluster_id(); }

    void link_ready(connection& link, instant)
    {
        logs_.add(log_level::info, "broker.connected", describe(*link.node));
        if (link.range(request_kind::produce).highest < min_produce_version(compression::zstd))
            sender_.exclude_codec(compression::zstd);
        if (!link.range(request_kind::produce).any() || !link.range(request_kind::metadata).any()) {
            last_trouble_ =
                describe(*link.node) + " speaks no version of Produce or Metadata that this library knows";
            logs_.add(log_level::error, "broker.unsupported", last_trouble_);
            links_.close(link, errc::unsupported_version);
        }
    }

    bool take_answer(connection& link, request& sent, bytes_view body, instant now)
    {
        switch (sent.kind) {
        case request_kind::metadata:
            return take_metadata(sent, body, now);
        case request_kind::init_producer_id:
            return take_identity(sent, body, now);
        default:
            return take_produce(link, sent, body, now);
        }
    }

    void request_written(connection&, request& sent, instant)
    {
        for (const auto& cut : sent.cuts) sender_.handed_over(*cut.body);
    }

    void request_lost(connection&, request& sent, error_code why, instant now)
    {
        if (sent.kind == request_kind::metadata)
            metadata_lost(now);
        else if (sent.kind == request_kind::init_producer_id)
            identity_failed(now);
        for (const auto& cut : sent.cuts)
            sender_.lost(*cut.body, sent.fully_written(), why ? why : make_error_code(errc::disconnected),
                         now);
    }

    void release(request& over)
    {
        for (const auto& cut : over.cuts) {
            --cut.body->requests;
            if (shut_down_) sender_.forget_flight(*cut.body);
            sender_.release(*cut.body);
        }
    }

    void link_lost(connection& link, error_code why, instant)
    {
        if (!why || shut_down_ || why == errc::unsupported_version)
            return; // idle, or on purpose, or told already
        last_trouble_ = describe(*link.node) + ": " + why.message();
        logs_.add(link.reached_ready ? log_level::info : log_level::warning,
                  link.reached_ready ? "broker.disconnected" : "broker.unreachable", last_trouble_);
        // The cluster may look different now.
        for (const auto& topic : view_.topics()) topic->stale |= topic->wanted;
        metadata_.ask_soon();
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
                    sender_.forget_flight(*flying); // that was taken for a request which was never made
                    flying = next;
                }
    }

    void advance(instant now)
    {
        links_.on_time(now);
        sender_.on_time(now);
        give_up_waiting(now);
        if (sender_.take_stale_topics()) metadata_.ask_soon();
        let_in(now);
        if (!shut_down_) {
            ask_metadata(now);
            send_ready(now);
        }
    }

    place append(partition_state& partition, const record_bytes& record, instant now, std::uint64_t epoch)
    {
        batch* before = partition.open;
        const auto place = records_.append(partition, record, now, share(), epoch);
        if (!place.where) [[unlikely]] {
            sender_.update(partition);
            return place;
        }
        if (place.where != before) {
            if (before) sender_.closed(*before);
            sender_.opened(*place.where);
            sender_.update(partition);
            if (flushes_.flushing()) {
                records_.set_due(*place.where);
                sender_.update(partition);
            }
        } else if (epoch < place.where->flush_epoch)
            [[unlikely]] { // a record that waited longer than the batch is old
            flushes_.begin(epoch);
            flushes_.end(std::exchange(place.where->flush_epoch, epoch));
        }
        return place;
    }

    place append_outside(partition_state& partition, const record_bytes& record,
                         std::shared_ptr<const void> owner, instant now, std::uint64_t epoch)
    {
        batch* before = partition.open;
        const auto place = records_.append_outside(partition, record, std::move(owner), now, share(), epoch);
        if (place.where) {
            if (before) sender_.closed(*before);
            sender_.opened(*place.where);
        }
        sender_.update(partition);
        return place;
    }

    // No broker may hold more than half of the buffer, unless it is the only one: so a dead one does not stop the rest.
    std::size_t share() const noexcept
    {
        return view_.nodes().size() > 1 ? records_.pool().limit() / 2 : records_.pool().limit();
    }

    void want(topic_state& topic)
    {
        if (topic.asked || std::exchange(topic.stale, true)) return;
        if (topic.phase == topic_phase::unknown && !topic.error)
            metadata_.ask_for_new();
        else
            metadata_.ask_soon();
    }

    // --- records that wait -------------------------------------------------------------------------------------------

    void let_in(instant now)
    {
        if (room_.empty()) return;
        room_.let_in([&](waiting_record& waiting) { return admit(waiting, now); });
        in_use_then_ = pool().in_use();
    }

    std::int32_t choose_partition(topic_state& topic, const record_bytes& record,
                                  const partition_chooser& chooser, instant now)
    {
        const auto chosen = chooser.choose ? chooser.choose(chooser.context.get(), topic, record.key,
                                                            record.value, record.headers)
                                           : -1;
        return chosen == -1 ? pick_sticky(topic, record, records_, config_, now.steady, random_) : chosen;
    }

    // Once a topic is known, everything that waits for it has its partition: only then its place among the others of the
    // partition is known too.
    void choose_for_waiting(instant now)
    {
        for (auto* waiting = room_.oldest(); waiting; waiting = room_.next(*waiting))
            if (!waiting->partition && waiting->topic->phase == topic_phase::known)
                waiting->partition = choose_partition(
                    *waiting->topic, {waiting->key, waiting->value, waiting->headers, waiting->timestamp},
                    waiting->chooser, now);
    }

    bool admit(waiting_record& waiting, instant now)
    {
        auto& topic = *waiting.topic;
        if (topic.phase == topic_phase::unknown) return false;
        const record_bytes record{waiting.key, waiting.value, waiting.headers, waiting.timestamp};
        if (*waiting.partition >= static_cast<std::int32_t>(topic.partitions.size())) {
            fail(waiting, errc::invalid_partition,
                 "the topic has " + std::to_string(topic.partitions.size()) + " partitions");
            return true;
        }
        auto& partition = topic.partitions[static_cast<std::size_t>(*waiting.partition)];
        const auto place = waiting.owner
                               ? append_outside(partition, record, waiting.owner, now, waiting.flush_epoch)
                               : append(partition, record, now, waiting.flush_epoch);
        if (!place.where) {
            const bool full = !pool().has_room(accumulator::room_for(record), pool().limit());
            sender_.hurry(full ? nullptr : partition.leader);
            return false;
        }
        auto& slot = place.where->slot_of(place.index);
        slot.notify = waiting.waiter.notify;
        slot.context = waiting.waiter.context;
        waiting.where = place.where;
        waiting.index = place.index;
        if (waiting.held) hold(*place.where);
        room_.leave(waiting);
        flushes_.end(waiting.flush_epoch);
        forget(waiting);
        return true;
    }

    void give_up_waiting(instant now)
    {
        while (auto* oldest = room_.oldest()) {
            if (oldest->give_up > now.steady) break;
            fail(*oldest, errc::max_block_exceeded, why_it_waited(*oldest));
        }
    }

    std::string why_it_waited(const waiting_record& waiting) const
    {
        if (waiting.topic->phase == topic_phase::unknown) {
            if (waiting.topic->error) return "the brokers say " + waiting.topic->error.message();
            return last_trouble_.empty() ? "no broker answered" : "no metadata; " + last_trouble_;
        }
        return std::to_string(pool().in_use()) + " of " + std::to_string(pool().limit()) +
               " bytes of buffer.memory are in use" + (last_trouble_.empty() ? "" : "; " + last_trouble_);
    }

    void fail(waiting_record& waiting, error_code why, std::string text)
    {
        room_.leave(waiting);
        waiting.error = why;
        waiting.text = std::move(text);
        waiting.announced = false;
        failed_.push_back(waiting);
        flushes_.end(waiting.flush_epoch);
    }

    void forget(waiting_record& over)
    {
        if (!over.waits() && over.announced && !over.held) delete &over;
    }

    // --- metadata ----------------------------------------------------------------------------------------------------

    void ask_metadata(instant now)
    {
        metadata_blocked_until_ = nanoseconds{0};
        if (!metadata_.due(now.steady)) return;
        connection* link = usable_link(now);
        if (!link) {
            metadata_blocked_until_ = link_at_;
            return;
        }
        const auto version = link->range(request_kind::metadata).highest;
        const bool all = metadata_.all_due(now.steady);
        protocol::metadata_request question;
        question.topics.emplace(); // no topics: brokers only
        question.allow_auto_topic_creation = true;
        for (const auto& topic : view_.topics()) {
            if (all && topic->wanted && later(topic->last_used, config_.metadata_max_idle) <= now.steady &&
                quiet(*topic))
                topic->wanted = topic->stale = false; // KIP-526
            if (topic->wanted && (all || topic->stale || topic->phase == topic_phase::unknown)) {
                auto& asked = question.topics->emplace_back();
                asked.name = std::string{std::string_view{topic->name}};
                topic->stale = false;
                topic->asked = true;
            }
        }
        metadata_.asked(all);
        links_.send_message(*link, request_kind::metadata, version, question, now);
    }

    void metadata_lost(instant now)
    {
        for (const auto& topic : view_.topics()) topic->stale |= std::exchange(topic->asked, false);
        metadata_.lost(now.steady);
    }

    // Is none of its records waiting, queued or on its way? Those need to hear of new leaders.
    static bool quiet(const topic_state& topic) noexcept
    {
        if (!topic.waiting.empty() || !topic.backlog.empty()) return false;
        for (const auto& partition : topic.partitions)
            if (partition.open || !partition.flights.empty()) return false;
        return true;
    }

    // A connection to ask on; without one, begins to make one.
    connection* usable_link(instant now)
    {
        connection* best = nullptr;
        bool coming = false;
        link_at_ = never; // a connection that is being made ends the wait by itself
        const auto consider = [&](const broker_node& node) {
            if (!node.link) return;
            if (node.link->phase != link_phase::ready)
                coming = true;
            else if (!best || node.link->unanswered < best->unanswered)
                best = node.link;
        };
        for (const auto& [id, node] : view_.nodes())
            if (node->current) consider(*node);
        for (const auto& node : view_.bootstrap())
            if (!best) consider(*node);
        if (!best && !coming) connect_somewhere(now);
        return best;
    }

    // The broker that was tried the longest ago, as a rule; bootstrap addresses too, so that a cluster that moved is
    // found again (KIP-899).
    void connect_somewhere(instant now)
    {
        broker_node* chosen = nullptr;
        auto soonest = never;
        const auto consider = [&](broker_node& node) {
            if (node.link) return;
            soonest = std::min(soonest, node.retry_at);
            if (node.retry_at <= now.steady && (!chosen || node.failures < chosen->failures)) chosen = &node;
        };
        for (const auto& [id, node] : view_.nodes())
            if (node->current) consider(*node);
        if (!view_.known() || config_.metadata_recovery_strategy == metadata_recovery_strategy::rebootstrap)
            for (const auto& node : view_.bootstrap()) consider(*node);
        if (chosen)
            links_.open(*chosen, now);
        else
            link_at_ = soonest;
    }

    bool take_metadata(request& sent, bytes_view body, instant now)
    {
        protocol::metadata_response answer;
        if (!protocol::decode_response(body, sent.version, answer)) {
            metadata_lost(now);
            return false;
        }
        bool leaders_moved = false;
        view_.apply(
            answer,
            [&](partition_state& partition, broker_node* old) {
                sender_.leader_changed(partition, old);
                leaders_moved = true;
            },
            [&](broker_node& moved) {
                if (moved.link) links_.close(*moved.link, errc::disconnected);
            });
        bool useful = !answer.brokers.empty();
        for (const auto& topic : view_.topics()) {
            topic->stale |= std::exchange(topic->asked, false); // the answer has left it out
            if (!topic->wanted) continue;
            for (auto& partition : topic->partitions)
                if (partition.open || !partition.queue.empty()) sender_.update(partition);
            if (topic->stale || topic->phase == topic_phase::unknown) {
                useful = false;
                fail_hopeless(*topic);
                if (topic->wanted) metadata_.ask_soon();
            }
        }
        metadata_.answered(useful, now.steady);
        if (!room_.empty()) {
            choose_for_waiting(now);
            room_.place_all_again();
        }
        return true;
    }

    // A topic that will not come into being by waiting.
    void fail_hopeless(topic_state& topic)
    {
        const auto& why = topic.error;
        if (!why || retriable(why)) return;
        while (auto* waiting = topic.waiting.front()) fail(*waiting, why, {});
        if (topic.phase == topic_phase::unknown)
            topic.wanted = topic.stale = false; // until somebody sends to it again
    }

    // --- producer id -------------------------------------------------------------------------------------------------

    // When to try again, if nothing else happens before.
    nanoseconds ask_identity(instant now)
    {
        if (identity_asked_) return never;
        if (now.steady < identity_not_before_) return identity_not_before_;
        connection* link = usable_link(now);
        if (!link) return link_at_;
        if (!link->range(request_kind::init_producer_id).any()) {
            sender_.fail_unsent(errc::unsupported_version);
            return never;
        }
        protocol::init_producer_id_request question;
        question.transaction_timeout_ms = 0x7fffffff; // unused without a transactional id
        identity_asked_ = true;
        links_.send_message(*link, request_kind::init_producer_id,
                            link->range(request_kind::init_producer_id).highest, question, now);
        return never;
    }

    bool take_identity(request& sent, bytes_view body, instant now)
    {
        protocol::init_producer_id_response answer;
        if (!protocol::decode_response(body, sent.version, answer)) {
            identity_failed(now);
            return false;
        }
        const auto error = static_cast<broker_errc>(answer.error_code);
        if (error != broker_errc::none) {
            identity_failed(now);
            logs_.add(log_level::warning, "producer_id.refused", std::string{error_name(error)});
            if (!retriable(error)) sender_.fail_unsent(error);
            return true;
        }
        if (answer.producer_id < 0 || answer.producer_epoch < 0) {
            identity_failed(now);
            return false;
        }
        identity_asked_ = false;
        identity_failures_ = 0;
        sender_.identity_arrived({answer.producer_id, answer.producer_epoch});
        for (const auto& [id, node] : view_.nodes()) sender_.update_ready(*node);
        return true;
    }

    void identity_failed(instant now)
    {
        identity_asked_ = false;
        identity_not_before_ = now.steady + backoff(config_.retry_backoff, config_.retry_backoff_max,
                                                    identity_failures_++, random_);
    }

    // --- produce -----------------------------------------------------------------------------------------------------

    void send_ready(instant now)
    {
        bool blocked = false;
        for (const auto& [id, node] : view_.nodes()) {
            while (!node->ready.empty() && can_take(*node, now) && sender_.has_identity())
                if (!send_request(*node, now)) break;
            blocked |= !node->ready.empty() && !sender_.has_identity();
        }
        identity_at_ = blocked ? ask_identity(now) : never;
    }

    bool can_take(broker_node& node, instant now)
    {
        if (node.throttled_until <= now.steady) node.throttled_until = nanoseconds{0};
        const auto* link = node.link;
        if (!link) {
            if (node.retry_at <= now.steady) links_.open(node, now);
        } else if (link->phase == link_phase::ready && node.throttled_until == nanoseconds{0} &&
                   !link->has_unsent() &&
                   link->unanswered <
                       static_cast<std::size_t>(config_.max_in_flight_requests_per_connection)) {
            node.stalled_since = never;
            return true;
        }
        node.stalled_since = std::min(node.stalled_since, now.steady);
        return false;
    }

    bool send_request(broker_node& node, instant now)
    {
        taken_.clear();
        sender_.drain(node, taken_);
        if (taken_.empty()) return false;
        auto& link = *node.link;
        refuse_new_codecs(link, now);
        if (taken_.empty()) return true;
        auto made =
            links_.make(link, request_kind::produce, produce_version(link.range(request_kind::produce)));
        exchange_.encode(*made, taken_, config_);
        links_.send(link, std::move(made), now);
        for (batch* body : taken_) ++body->requests;
        return true;
    }

    // A broker that does not know a codec yet (zstd before Kafka 2.1) would not understand the batch.
    void refuse_new_codecs(const connection& link, instant now)
    {
        const auto version = link.range(request_kind::produce).highest;
        std::erase_if(taken_, [&](batch* body) {
            if (version >= min_produce_version(body->codec())) return false;
            batch_answer refusal;
            refusal.error = broker_errc::unsupported_compression_type;
            refusal.note = std::make_unique<failure_note>();
            refusal.note->broker_message = describe(*link.node) + " speaks Produce up to version " +
                                           std::to_string(version) + ", " +
                                           std::string{compression_name(body->codec())} + " needs version " +
                                           std::to_string(min_produce_version(body->codec()));
            sender_.answered(*body, std::move(refusal), now);
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
        if (!exchange_.decode(sent, body, result)) return false_and_lost(sent, now);
        for (auto& hint : result.nodes) view_.put_node(hint.id, hint.host, hint.port);
        if (result.throttle_ms > 0 && sent.version >= 6) // before that the broker has waited itself
            throttle(link, result.throttle_ms, now);
        bool leaders_moved = false;
        for (std::size_t i = 0; i < sent.cuts.size(); ++i) {
            auto& about = *sent.cuts[i].body;
            auto& part = result.partitions[i];
            if (!part.present) { // a broker that forgets a partition has told us nothing about it
                sender_.lost(about, true, errc::protocol_error, now);
                continue;
            }
            if (part.leader_id >= 0 && view_.apply_hint(*about.partition, part.leader_id, part.leader_epoch,
                                                        [&](partition_state& partition, broker_node* old) {
                                                            sender_.leader_changed(partition, old);
                                                        }))
                leaders_moved = true;
            if (part.answer.error != broker_errc::none)
                logs_.add(log_level::debug, "produce.refused", std::string{error_name(part.answer.error)});
            sender_.answered(about, std::move(part.answer), now);
        }
        // What waits for room must stand with the new leader, or records sent from now on would overtake it.
        if (leaders_moved && !room_.empty()) room_.place_all_again();
        return true;
    }

    bool false_and_lost(request& sent, instant now)
    {
        for (const auto& cut : sent.cuts) sender_.lost(*cut.body, true, errc::protocol_error, now);
        return false;
    }

    void throttle(connection& link, std::int32_t milliseconds, instant now) // KIP-219
    {
        // A broker asks for seconds at most; a nonsensical value must not stop the producer for weeks.
        const auto pause =
            std::min<nanoseconds>(std::chrono::milliseconds{milliseconds}, std::chrono::minutes{1});
        link.node->throttled_until = std::max(link.node->throttled_until, now.steady + pause);
        logs_.add(log_level::info, "broker.throttles",
                  describe(*link.node) + " for " + std::to_string(milliseconds) + " ms");
    }

    static std::string describe(const broker_node& node)
    {
        auto text = node.host + ":" + std::to_string(node.port);
        return node.id >= 0 ? text + " (id " + std::to_string(node.id) + ")" : text;
    }

    const producer_config config_;
    random_source random_;
    cluster_view view_;
    accumulator records_;
    waiting_room room_;
    flush_tracker flushes_;
    log_queue logs_;
    sender sender_;
    links links_;
    metadata_plan metadata_;
    produce_exchange exchange_;
    produce_result answer_; // the newest, kept for its memory
    intrusive_list<waiting_record, &waiting_record::arrival_hook> failed_;
    std::vector<batch*> taken_;
    std::string last_trouble_;
    nanoseconds metadata_blocked_until_{0},
        link_at_{never}; // without a usable connection: when to look again
    bool identity_asked_ = false;
    nanoseconds identity_not_before_{0}, identity_at_{never};
    int identity_failures_ = 0;
    std::size_t in_use_then_ = 0; // of the pool, when nobody else could be let in
    bool closing_ = false, shut_down_ = false;
};

} // namespace kurier::core
