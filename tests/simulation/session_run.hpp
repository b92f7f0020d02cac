// Runs a small session once, with at most one disturbance at a place that is given by its number: a byte of what the
// cluster sends or gets, or a step of the producer. Everything is decided in advance, so place N is always the same.
#pragma once

#include "small_session.hpp"

#include <kurier/core/invariants.hpp>
#include <kurier/core/producer_core.hpp>
#include <kurier/testing/simulation/run_length_codec.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simulation_tests {

using kurier::bytes_view;
using kurier::core::nanoseconds;
namespace core = kurier::core;

enum class disturbance : std::uint8_t {
    none,
    // At a byte of an answer
    cut,        // the connection is reset behind it
    half_close, // the broker has handled what it has, and sends no more
    stall,      // silence from it on
    flip,       // one of its bits
    piece,      // it ends a read
    // At a byte of a request
    cut_up,
    lost_up,  // the socket took all of it, the broker got no more than this
    stall_up, // nor does the socket take more
    flip_up,
    piece_up, // it ends a write
    // At a step
    withdraw, // of every record that is not done
    drop,     // of every delivery
    flush,
    close,
    abort,
    destroy,
};
inline constexpr std::array<std::string_view, 17> disturbance_names{
    "none",    "cut",      "half_close", "stall", "flip",  "piece", "cut_up", "lost_up", "stall_up",
    "flip_up", "piece_up", "withdraw",   "drop",  "flush", "close", "abort",  "destroy"};
inline constexpr int disturbances = static_cast<int>(disturbance_names.size());
constexpr bool is_down(disturbance kind)
{
    return kind >= disturbance::cut && kind <= disturbance::piece;
}
constexpr bool is_up(disturbance kind)
{
    return kind >= disturbance::cut_up && kind <= disturbance::piece_up;
}
constexpr bool is_user(disturbance kind)
{
    return kind >= disturbance::withdraw;
}
// Afterwards an answer, or a request, may say anything.
constexpr bool lies(disturbance kind)
{
    return kind == disturbance::flip || kind == disturbance::flip_up;
}

// Around each call into the core.
struct call_watch
{
    virtual ~call_watch() = default;
    virtual void enter() {}
    virtual void leave() {}
};

class session_run
{
public:
    explicit session_run(const small_session& session, disturbance what = disturbance::none,
                         std::uint64_t where = 0, int bit = 0, call_watch* watch = nullptr)
        : session_{session}, what_{what}, where_{where}, bit_{bit}, watch_{watch},
          cluster_{with_codec(session.cluster)}
    {
        now_.steady = begin_;
        now_.wall_ms = 1'700'000'000'000;
        for (kurier::testing::broker_id id = 1; id <= session.cluster.brokers; ++id)
            cluster_.set_versions(id, session.versions);
        core_ = std::make_unique<core::producer_core>(session.config, 1);
        core_->set_codecs(codecs_);
        core_->compress_elsewhere(session.compress_elsewhere, 0);
        core_->observe_brokers();
    }

    void run()
    {
        const auto end = begin_ + 20s;
        while (broken_.empty() && core_) {
            user_acts();
            settle();
            if (!core_ || over()) break;
            auto next = std::min({core_->deadline(), next_user_time(), cluster_.next_due(), next_delivery()});
            if (next > end) {
                fail("it does not come to an end");
                break;
            }
            pass(next);
            deliver();
        }
        finish();
        check();
    }

    const std::string& broken() const noexcept { return broken_; }
    std::uint64_t bytes_down() const noexcept { return down_; }
    std::uint64_t bytes_up() const noexcept { return up_; }
    std::uint64_t steps() const noexcept { return steps_; } // up to the end of what was sent
    bool disturbed() const noexcept { return disturbed_; }
    int calls_that_threw() const noexcept { return threw_; }
    std::size_t delivered() const noexcept
    {
        return static_cast<std::size_t>(
            std::ranges::count_if(records_, [](const auto& r) { return r.ok(); }));
    }

private:
    struct record
    {
        std::string value;
        std::int32_t partition = 0;
        nanoseconds sent{0};
        int told = 0;
        bool withdrawn = false, given_up = false, refused = false;
        kurier::error_code error;
        kurier::persisted written = kurier::persisted::no;
        std::int64_t offset = -1;
        core::batch* where = nullptr; // the delivery that the user holds
        core::waiting_record* waiting = nullptr;
        std::uint32_t index = 0;
        bool ok() const noexcept { return told > 0 && !error; }
    };

    struct peer
    {
        kurier::testing::connection_id model = 0;
        std::deque<std::pair<nanoseconds, std::vector<std::byte>>> answers; // with the time when they arrive
        bool deaf = false, blocked = false;
    };

    void fail(std::string what)
    {
        if (broken_.empty()) broken_ = std::move(what);
    }

    // --- calls into the core -----------------------------------------------------------------------------------------

    template <class Act> void call(Act act)
    {
        if (!core_) return;
        if (is_user(what_) && !disturbed_ && steps_ == where_) {
            disturbed_ = true;
            interrupt();
            if (!core_) return;
        }
        if (!ending_) ++steps_;
        enter();
        try {
            act();
            leave();
        } catch (const std::bad_alloc&) {
            leave();
            ++threw_;
        }
    }
    void enter()
    {
        if (watch_) watch_->enter();
    }
    void leave()
    {
        if (watch_) watch_->leave();
    }

    void settle()
    {
        bool acted = true;
        for (int turns = 0; acted && core_; ++turns) {
            if (turns > 200) return fail("the core never rests");
            call([&] { core_->turn(now_); });
            if (!core_) return;
            acted = perform_actions();
            announce();
            if (core_ && core_->deadline() <= now_.steady) acted = true;
        }
        if (core_ && threw_ == 0)
            if (auto wrong = core::invariants{*core_}.broken(); !wrong.empty()) fail("invariant: " + wrong);
    }

    void run_job(core::compression_job& job)
    {
        core::run(job, codecs_, nullptr);
        core_->compressed(job);
    }

    static kurier::testing::cluster_options with_codec(kurier::testing::cluster_options options)
    {
        options.decompress = [codec = kurier::testing::run_length_codec::decompressor{}](
                                 int, kurier::bytes_view in, std::size_t most,
                                 std::vector<std::byte>& out) mutable {
            return codec.decompress(in, most, out) == kurier::compression_error::none;
        };
        return options;
    }

    bool perform_actions()
    {
        bool any = false;
        core::action next;
        while (core_ && core_->poll(next)) {
            any = true;
            switch (next.kind) {
            case core::action_kind::connect:
                connect(next);
                break;
            case core::action_kind::write:
                write(next.link);
                break;
            case core::action_kind::compress:
                run_job(*next.job);
                break;
            default:
                lose(next.link, {});
                break;
            }
        }
        core::log_entry entry;
        while (core_ && core_->poll(entry)) {
        }
        return any;
    }

    void announce()
    {
        while (core_) {
            auto* done = core_->next_done();
            if (!done) break;
            while (done->notified < static_cast<std::uint32_t>(done->accepted)) {
                const auto index = done->notified++;
                auto& slot = done->waiter_of(index);
                if (const auto notify = std::exchange(slot.notify, nullptr))
                    notify(slot.context, {done, index, nullptr, this});
            }
            core_->announced(*done);
        }
        while (core_) {
            auto* failed = core_->next_failed();
            if (!failed) break;
            if (const auto notify = std::exchange(failed->waiter.notify, nullptr))
                notify(failed->waiter.context, {nullptr, 0, failed, this});
            core_->announced(*failed);
        }
    }

    // --- the user ----------------------------------------------------------------------------------------------------

    nanoseconds next_user_time() const
    {
        auto at = core::never;
        if (sent_ < session_.sends.size()) at = std::min(at, begin_ + session_.sends[sent_].at);
        if (happened_ < session_.events.size()) at = std::min(at, begin_ + session_.events[happened_].at);
        if (session_.flush_at >= 0ns && !flushed_) at = std::min(at, begin_ + session_.flush_at);
        return at;
    }

    void user_acts()
    {
        for (; happened_ < session_.events.size() && begin_ + session_.events[happened_].at <= now_.steady;
             ++happened_)
            session_.events[happened_].act(cluster_, now_);
        collect_all();
        for (; sent_ < session_.sends.size() && begin_ + session_.sends[sent_].at <= now_.steady; ++sent_)
            send(session_.sends[sent_]);
        if (session_.flush_at >= 0ns && !flushed_ && begin_ + session_.flush_at <= now_.steady) {
            flushed_ = true;
            call([&] { core_->flush(); });
        }
    }

    void send(const small_session::send& wanted)
    {
        if (!core_ || core_->closing()) return;
        auto& made = records_.emplace_back();
        made.value = "r" + std::to_string(records_.size()) + "|";
        made.value.resize(std::max(made.value.size(), wanted.size), 'x');
        made.partition = wanted.partition;
        made.sent = now_.steady;
        core::slot* slot = nullptr;
        call([&] { slot = put(made, wanted.topic); });
        if (!slot) made.refused = true;
    }

    core::slot* put(record& made, const char* topic_name)
    {
        auto& topic = core_->use_topic(topic_name, now_);
        const core::record_bytes bytes{{}, made.value, {}, now_.wall_ms};
        core::slot* slot = nullptr;
        const auto result = core_->send({topic, made.partition, bytes, {}}, now_);
        if (const auto place = result.appended; place.where) {
            slot = &place.where->slot_of(place.index);
            core_->hold(*place.where);
            made.where = place.where;
            made.index = place.index;
        } else if ((made.waiting = result.parked) != nullptr) {
            made.waiting->held = true;
            slot = &made.waiting->waiter;
        } else {
            return nullptr;
        }
        slot->context = &made;
        slot->notify = &tell;
        return slot;
    }

    static void tell(void* context, const core::fate& what)
    {
        auto& told = *static_cast<record*>(context);
        ++told.told;
        if (what.where) {
            told.error = what.where->error;
            told.written = what.where->written;
            if (!told.error) told.offset = what.where->offset_of(what.index);
        } else if (what.refused) {
            told.error = what.refused->error;
        } else { // the producer is being destroyed
            told.given_up = true;
            told.error = kurier::make_error_code(kurier::errc::aborted);
            told.written = kurier::persisted::possibly;
        }
    }

    void interrupt()
    {
        switch (what_) {
        case disturbance::withdraw:
            for (auto& one : records_) take_back(one);
            break;
        case disturbance::drop:
            drop_all();
            break;
        case disturbance::flush:
            core_->flush();
            break;
        case disturbance::close:
            core_->close(now_.steady + 2s);
            break;
        case disturbance::abort:
            core_->abort(kurier::errc::aborted);
            break;
        default:
            destroy();
        }
    }

    void take_back(record& one)
    {
        if (one.told > 0 || one.refused || (!one.where && !one.waiting)) return;
        auto* where = one.where ? one.where : one.waiting->where;
        const auto index = one.where ? one.index : one.waiting->index;
        if (where) {
            where->slot_of(index).notify = nullptr;
            one.withdrawn = core_->withdraw(*where, index);
            one.given_up = !one.withdrawn;
        } else {
            one.waiting->waiter.notify = nullptr;
            core_->withdraw(*one.waiting);
            one.withdrawn = true;
        }
        let_go(one);
    }

    void let_go(record& one)
    {
        if (auto* where = std::exchange(one.where, nullptr)) core_->drop(*where);
        if (auto* waiting = std::exchange(one.waiting, nullptr)) {
            if (auto* where = waiting->where) core_->drop(*where);
            core_->drop(*waiting);
        }
    }
    void drop_all()
    {
        for (auto& one : records_) let_go(one);
    }

    void destroy()
    {
        for (auto& [id, one] : peers_) disconnect(one);
        peers_.clear();
        drop_all();
        core_->abort(kurier::errc::aborted);
        announce();
        core_.reset();
    }

    // --- time and the network ----------------------------------------------------------------------------------------

    void pass(nanoseconds until)
    {
        if (until <= now_.steady) return;
        now_.steady = until;
        now_.wall_ms = 1'700'000'000'000 + (until - begin_) / 1ms;
    }

    nanoseconds next_delivery() const
    {
        auto at = core::never;
        for (const auto& [id, one] : peers_)
            if (!one.answers.empty()) at = std::min(at, one.answers.front().first);
        return at;
    }

    void connect(const core::action& wanted)
    {
        const auto model = cluster_.accept(wanted.host == "broker-2" ? 2 : 1);
        if (!model) return call([&] { core_->closed(wanted.link, kurier::errc::disconnected, now_); });
        peers_[wanted.link].model = *model;
        call([&] { core_->connected(wanted.link, now_); });
    }

    void write(core::connection_id link)
    {
        while (core_) {
            const auto found = peers_.find(link);
            if (found == peers_.end() || found->second.blocked) return;
            bytes_view views[8];
            const auto count = core_->gather(link, views);
            if (count == 0) return;
            std::vector<std::byte> bytes;
            for (std::size_t i = 0; i < count; ++i)
                bytes.insert(bytes.end(), views[i].begin(), views[i].end());
            write_part(link, found->second, bytes);
        }
    }

    void write_part(core::connection_id link, peer& to, std::vector<std::byte>& bytes)
    {
        const auto place = meets(is_up(what_), up_, bytes.size());
        if (place == nowhere) {
            up_ += bytes.size();
            return take(link, to, bytes, bytes.size());
        }
        up_ += what_ == disturbance::piece_up ? place + 1 : bytes.size();
        const auto part = bytes_view{bytes}.first(place + 1);
        switch (what_) {
        case disturbance::flip_up:
            bytes[place] ^= std::byte{1} << bit_;
            return take(link, to, bytes, bytes.size());
        case disturbance::piece_up:
            return take(link, to, part, part.size());
        case disturbance::stall_up:
            to.blocked = true;
            return take(link, to, part, part.size());
        case disturbance::lost_up:
            take(link, to, part, bytes.size());
            return lose(link, kurier::errc::disconnected);
        default:
            take(link, to, part, part.size());
            return lose(link, kurier::errc::disconnected);
        }
    }

    // `reported`: as much as the socket takes.
    void take(core::connection_id link, peer& to, bytes_view arrived, std::size_t reported)
    {
        if (to.model != 0) cluster_.receive(to.model, arrived, now_);
        call([&] { core_->written(link, reported, now_); });
        collect_all();
    }

    void collect_all()
    {
        while (const auto ready = cluster_.take_ready(now_)) {
            std::vector<std::byte> answer;
            const auto state = cluster_.poll_output(*ready, now_, answer);
            for (auto& [link, one] : peers_) {
                if (one.model != *ready) continue;
                if (!answer.empty()) one.answers.emplace_back(now_.steady + 1ms, std::move(answer));
                if (state == kurier::testing::connection_state::closed) {
                    one.model = 0;
                    one.answers.emplace_back(now_.steady + 1ms, std::vector<std::byte>{}); // the end
                }
                break;
            }
        }
    }

    void deliver()
    {
        collect_all();
        std::vector<core::connection_id> due;
        for (const auto& [link, one] : peers_)
            if (!one.answers.empty() && one.answers.front().first <= now_.steady) due.push_back(link);
        for (const auto link : due) {
            const auto found = peers_.find(link);
            if (found == peers_.end()) continue;
            auto bytes = std::move(found->second.answers.front().second);
            found->second.answers.pop_front();
            if (bytes.empty())
                lose(link, kurier::errc::disconnected);
            else if (!found->second.deaf)
                deliver_part(link, found->second, bytes);
            settle();
            if (!core_) return;
        }
    }

    void deliver_part(core::connection_id link, peer& from, std::vector<std::byte>& bytes)
    {
        const auto place = meets(is_down(what_), down_, bytes.size());
        down_ += bytes.size();
        if (place == nowhere) return feed(link, bytes);
        const auto part = bytes_view{bytes}.first(place + 1);
        switch (what_) {
        case disturbance::flip:
            bytes[place] ^= std::byte{1} << bit_;
            return feed(link, bytes);
        case disturbance::piece:
            feed(link, part);
            settle();
            return feed(link, bytes_view{bytes}.subspan(place + 1));
        case disturbance::stall:
            from.deaf = true;
            return feed(link, part);
        default:
            feed(link, part);
            return lose(link, kurier::errc::disconnected);
        }
    }

    static constexpr std::size_t nowhere = ~std::size_t{0};

    std::size_t meets(bool direction, std::uint64_t from, std::size_t size)
    {
        if (!direction || disturbed_ || where_ < from || where_ >= from + size) return nowhere;
        disturbed_ = true;
        return static_cast<std::size_t>(where_ - from);
    }

    void feed(core::connection_id link, bytes_view bytes)
    {
        while (core_ && !bytes.empty()) {
            std::span<std::byte> space;
            call([&] { space = core_->read_space(link); });
            if (space.empty()) return;
            const auto part = std::min(space.size(), bytes.size());
            std::copy_n(bytes.begin(), part, space.begin());
            call([&] { core_->read(link, part, now_); });
            bytes = bytes.subspan(part);
        }
    }

    void disconnect(peer& one)
    {
        using unhandled = cluster_model::unhandled;
        const auto left = what_ == disturbance::half_close || what_ == disturbance::lost_up
                              ? unhandled::handled
                              : unhandled::dropped;
        if (one.model != 0) cluster_.disconnect(std::exchange(one.model, 0), left, now_);
    }

    void lose(core::connection_id link, kurier::error_code why)
    {
        if (const auto found = peers_.find(link); found != peers_.end()) {
            disconnect(found->second);
            peers_.erase(found);
        }
        call([&] { core_->closed(link, why, now_); });
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    bool over() const
    {
        return sent_ == session_.sends.size() && happened_ == session_.events.size() && core_->idle();
    }

    void finish()
    {
        ending_ = true;
        if (!core_ || !broken_.empty()) return;
        what_ = disturbance::none;
        drop_all();
        call([&] { core_->close(kurier::core::never); });
        settle();
        // with acks=0 it waits for responses that are due, at most until they time out
        for (int i = 0; i < 10 && core_ && !core_->ended() && core_->deadline() != core::never; ++i) {
            pass(core_->deadline());
            settle();
        }
        if (!core_->ended()) fail("nothing is left, and close goes on");
        if (core_->pool().in_use() != 0) fail("memory is in use at the end");
        if (!core_->connections().all().empty()) fail("connections are left at the end");
        if (core_->unfinished_batches() != 0 || !core_->waiting().empty())
            fail("records are left at the end");
    }

    void check()
    {
        if (!broken_.empty()) return;
        std::map<std::string, int> copies;
        std::map<std::string, std::int64_t> offsets;
        for (const auto& topic : cluster_.state().metadata().topics)
            for (std::int32_t p = 0; p < std::ssize(topic.second.partitions); ++p)
                read(topic.first, p, copies, offsets);
        for (const auto& one : records_) check(one, copies[one.value], offsets[one.value]);
        for (const auto& text : cluster_.violations().texts())
            if (!lie_ && !text.starts_with("sequence_gap") && !text.starts_with("sent_while_throttled"))
                fail(text);
    }

    void read(const std::string& topic, std::int32_t partition, std::map<std::string, int>& copies,
              std::map<std::string, std::int64_t>& offsets)
    {
        std::size_t last = 0;
        for (const auto& stored : cluster_.log(topic, partition)) {
            const auto& value = stored.value.value_or("");
            offsets[value] = stored.offset;
            const auto number =
                static_cast<std::size_t>(std::atoi(value.c_str() + std::min<std::size_t>(1, value.size())));
            const bool first = ++copies[value] == 1;
            if (lie_ || !first || number == 0 || number > records_.size()) continue;
            const auto& sent = records_[number - 1];
            if (sent.partition != partition) fail(value + " is in another partition");
            if (sent.ok() && last > number) fail(value + " is behind one that was sent later");
            if (sent.ok()) last = number;
        }
    }

    void check(const record& one, int copies, std::int64_t offset)
    {
        const auto name = one.value.substr(0, one.value.find('|'));
        if (one.refused || one.withdrawn || one.given_up) {
            if (one.told > 1 || ((one.refused || one.withdrawn) && one.told > 0))
                fail(name + " was told of though nobody waits");
            if ((one.refused || one.withdrawn) && copies > 0)
                fail(name + " was taken back, and it is in the log");
            return;
        }
        if (one.told != 1) fail(name + " was told of " + std::to_string(one.told) + " times");
        if (lie_) return;
        if (one.ok() && copies == 0 && session_.config.acks != kurier::acks::none)
            fail(name + " was acknowledged, and is not in the log");
        if (one.error && one.written == kurier::persisted::no && copies > 0)
            fail(name + " is said not to be written, and it is");
        if (one.error && one.written == kurier::persisted::yes && copies == 0)
            fail(name + " is said to be written, and it is not");
        if (session_.config.idempotent() && !session_.forgotten && copies > 1)
            fail(name + " is in the log twice");
        if (one.ok() && copies == 1 && one.offset >= 0 && one.offset != offset)
            fail(name + " has another offset in the log");
    }

    static constexpr nanoseconds begin_{std::chrono::hours{1}};

    const small_session& session_;
    disturbance what_;
    const bool lie_ = lies(what_);
    std::uint64_t where_;
    int bit_;
    call_watch* watch_;
    cluster_model cluster_;
    kurier::codecs<kurier::testing::run_length_codec> codecs_;
    std::unique_ptr<core::producer_core> core_;
    std::map<core::connection_id, peer> peers_;
    std::deque<record> records_;
    kurier::core::instant now_;
    std::size_t sent_ = 0, happened_ = 0;
    std::uint64_t down_ = 0, up_ = 0, steps_ = 0;
    bool flushed_ = false, disturbed_ = false, ending_ = false;
    int threw_ = 0;
    std::string broken_;
};

} // namespace simulation_tests
