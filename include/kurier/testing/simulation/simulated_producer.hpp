// A core with its network and the loop around them: what io/driver.hpp is on Asio, in virtual time. And what a user
// does with it: send, take back, flush, close, destroy.
#pragma once

#include <kurier/core/producer_core.hpp>
#include <kurier/testing/simulation/checker.hpp>
#include <kurier/testing/simulation/run_length_codec.hpp>
#include <kurier/testing/simulation/simulated_network.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class simulated_producer
{
public:
    simulated_producer(const producer_config& config, std::uint64_t seed, simulated_network& network,
                       virtual_clock& clock, event_log& log, simulation_checker& checker)
        : core_{std::make_unique<core::producer_core>(config, seed)}, network_{network}, clock_{clock},
          log_{log}, checker_{checker}, job_times_{seed}
    {
        core_->set_codecs(codecs_);
        core_->compress_elsewhere(seed % 2 == 0, 0);
        network_.attach(core_.get());
    }

    core::producer_core* core() noexcept { return core_.get(); } // nullptr: it is destroyed
    std::uint64_t steps() const noexcept { return steps_; }
    std::size_t deliveries() const noexcept { return deliveries_.size(); }

    // Called after each fate that is told: users act in their handlers too.
    std::function<void()> in_handler;
    // Called after each turn, with the core.
    std::function<void(const core::producer_core&)> after_turn;

    // --- what a user does --------------------------------------------------------------------------------------------

    enum class sending : std::uint8_t { queued, waits, refused };

    // `keep`: the user holds on to the delivery, and may take the record back.
    sending send(sent_record& record, std::string_view topic_name, const core::record_bytes& bytes, bool keep,
                 bool may_wait)
    {
        const auto now = clock_.client();
        record.listener = this;
        record.sent = clock_.now();
        record.stalls_before = checker_.stalls();
        record.timestamp = bytes.timestamp;
        ++steps_;
        auto& topic = core_->use_topic(topic_name, now);
        const auto number = static_cast<std::int64_t>(record.number);
        core::partition_chooser chooser;
        if (record.keyed)
            chooser.choose = [](void*, const core::topic_state& known, nullable_bytes key, nullable_bytes,
                                std::span<const header_view>) { return partition_of_key(known, key); };
        const auto wanted = record.partition < 0 ? std::nullopt : std::optional{record.partition};
        const auto result = core_->send(
            {topic, wanted, bytes, chooser, may_wait, {}, false, core::later(now.steady, record.timeout)},
            now);
        if (const auto place = result.appended; place.where) {
            log_.add(clock_.now(), event_kind::sent, number, static_cast<std::int64_t>(record.topic),
                     place.where->partition->index);
            listen(place.where->slot_of(place.index), record);
            if (keep) {
                core_->hold(*place.where);
                deliveries_.push_back({&record, place.where, nullptr, place.index});
            }
            return sending::queued;
        }
        auto* parked = result.parked;
        log_.add(clock_.now(), parked ? event_kind::waits : event_kind::refused, number,
                 static_cast<std::int64_t>(record.topic), record.partition);
        if (!parked) return sending::refused;
        record.chosen_late = !parked->partition;
        listen(parked->waiter, record);
        if (keep) {
            parked->held = true;
            deliveries_.push_back({&record, nullptr, parked, 0});
        }
        return sending::waits;
    }

    // Cancels one of the deliveries that are held, as cancelling an operation that waits for it does. Only what is not
    // resolved can be cancelled.
    bool cancel_one(std::uint64_t random)
    {
        if (deliveries_.empty()) return false;
        const auto at = random % deliveries_.size();
        auto& held = deliveries_[at];
        auto& record = *held.record;
        const bool open = record.pending();
        bool taken_back = false;
        ++steps_;
        if (open) {
            core::batch* where = held.where ? held.where : held.waiting->where;
            auto index = held.where ? held.index : held.waiting->index;
            if (where) {
                where->slot_of(index).notify = nullptr;
                taken_back = core_->withdraw(*where, index);
            } else {
                held.waiting->waiter.notify = nullptr;
                core_->withdraw(*held.waiting);
                taken_back = true;
            }
            if (taken_back)
                checker_.taken_back(record);
            else
                checker_.given_up(record);
        }
        drop(at);
        return open;
    }

    void drop_one(std::uint64_t random)
    {
        if (!deliveries_.empty()) drop(random % deliveries_.size());
    }
    void drop_all()
    {
        while (!deliveries_.empty()) drop(deliveries_.size() - 1);
    }

    void flush()
    {
        const auto epoch = core_->flush();
        log_.add(clock_.now(), event_kind::flush, static_cast<std::int64_t>(epoch));
        ++steps_;
        flushes_.push_back({epoch, checker_.book().size()});
        again_ = true;
    }
    bool flushing() const noexcept { return !flushes_.empty(); }

    void close(core::nanoseconds deadline)
    {
        log_.add(clock_.now(), event_kind::close_producer);
        ++steps_;
        core_->close(deadline);
        again_ = true;
    }

    void abort(error_code why)
    {
        log_.add(clock_.now(), event_kind::abort);
        ++steps_;
        core_->abort(why);
        again_ = true;
    }

    // The process ends, with or without having told everybody.
    void destroy()
    {
        network_.close_all();
        jobs_.clear();
        drop_all();
        core_->abort(errc::aborted);
        while (auto* expired = core_->next_expired()) core_->announced(*expired);
        while (auto* done = core_->next_done()) {
            for (auto i = done->notified; i < static_cast<std::uint32_t>(done->accepted); ++i)
                if (const auto notify = std::exchange(done->waiter_of(i).notify, nullptr))
                    notify(done->waiter_of(i).context, {});
            core_->announced(*done);
        }
        while (auto* failed = core_->next_failed()) {
            if (const auto notify = std::exchange(failed->waiter.notify, nullptr))
                notify(failed->waiter.context, {});
            core_->announced(*failed);
        }
        core_.reset();
    }

    // --- compression jobs: workers that take their time --------------------------------------------------------------

    core::nanoseconds next_job_time() const
    {
        auto at = core::never;
        for (const auto& job : jobs_) at = std::min(at, job.first);
        return at;
    }

    // Those whose time has come, in any order. Seldom one comes back undone, as when its workers end.
    void finish_jobs()
    {
        while (next_job_time() <= clock_.now()) {
            const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                            [&](const auto& job) { return job.first <= clock_.now(); });
            auto& job = *found->second;
            jobs_.erase(found);
            ++steps_;
            if (!job_times_.once_in(500)) run(job, codecs_, nullptr);
            core_->compressed(job);
        }
    }

    // --- the loop ----------------------------------------------------------------------------------------------------

    void turn()
    {
        if (!core_) return;
        do {
            again_ = false;
            ++steps_;
            core_->turn(clock_.client());
            perform_actions();
            announce();
        } while (again_);
        if (after_turn) after_turn(*core_);
    }

private:
    struct delivery
    {
        sent_record* record;
        core::batch* where;
        core::waiting_record* waiting;
        std::uint32_t index;
    };
    struct flush_wait
    {
        std::uint64_t epoch;
        std::uint64_t sent_before;
    };

    static std::int32_t partition_of_key(const core::topic_state& topic, nullable_bytes key) noexcept
    {
        const auto first = key.size() > 0 ? std::to_integer<std::size_t>(*key.data()) : 0;
        return static_cast<std::int32_t>(first % topic.partitions.size());
    }

    static void listen(core::slot& slot, sent_record& record)
    {
        slot.context = &record;
        slot.notify = [](void* context, const core::fate& what) {
            auto& told = *static_cast<sent_record*>(context);
            static_cast<simulated_producer*>(told.listener)->checker_.told(told, what);
        };
    }

    void drop(std::size_t at)
    {
        const auto dropped = deliveries_[at];
        deliveries_[at] = deliveries_.back();
        deliveries_.pop_back();
        ++steps_;
        if (dropped.where) core_->drop(*dropped.where);
        if (!dropped.waiting) return;
        if (auto* where = dropped.waiting->where) core_->drop(*where);
        core_->drop(*dropped.waiting);
    }

    void perform_actions()
    {
        core::action next;
        while (core_->poll(next)) {
            switch (next.kind) {
            case core::action_kind::connect:
                network_.connect(next);
                break;
            case core::action_kind::write:
                network_.write(next.link);
                break;
            case core::action_kind::close:
                network_.close(next.link);
                break;
            case core::action_kind::compress:
                begin_job(*next.job);
                break;
            case core::action_kind::credential:
            case core::action_kind::compute: // nothing authenticates here
                break;
            }
        }
        core::log_entry entry;
        while (core_->poll(entry)) {
        }
    }

    void begin_job(core::compression_job& job)
    {
        const auto most = std::chrono::milliseconds{job_times_.once_in(10) ? 2000 : 5};
        jobs_.emplace_back(clock_.now() + job_times_.between(core::nanoseconds{0}, core::nanoseconds{most}),
                           &job);
    }

    void announce()
    {
        while (auto* expired = core_->next_expired()) {
            auto& slot = expired->where->slot_of(expired->index);
            failed_ += slot.withdrawn() ? 1U : 0U; // else its batch is counted
            if (const auto notify = std::exchange(slot.notify, nullptr)) {
                notify(slot.context, {nullptr, 0, expired, this});
                act_in_handler();
            }
            core_->announced(*expired);
        }
        while (auto* done = core_->next_done()) {
            while (done->notified < static_cast<std::uint32_t>(done->accepted)) {
                const auto index = done->notified++;
                auto& slot = done->waiter_of(index);
                if (!slot.withdrawn()) ++(done->error ? failed_ : delivered_);
                if (const auto notify = std::exchange(slot.notify, nullptr)) {
                    notify(slot.context, {done, index, nullptr, this});
                    act_in_handler();
                }
            }
            core_->announced(*done);
        }
        while (auto* failed = core_->next_failed()) {
            if (const auto notify = std::exchange(failed->waiter.notify, nullptr)) {
                notify(failed->waiter.context, {nullptr, 0, failed, this});
                act_in_handler();
            }
            ++failed_;
            core_->announced(*failed);
        }
        check_metrics();
        std::erase_if(flushes_, [&](const flush_wait& wait) {
            if (!core_->flushed(wait.epoch)) return false;
            log_.add(clock_.now(), event_kind::flush_over, static_cast<std::int64_t>(wait.epoch));
            checker_.flush_over(wait.sent_before);
            return true;
        });
    }

    // Each record is counted once, as what it was told to be.
    void check_metrics()
    {
        if (core_->next_done() || core_->next_failed() || core_->next_expired())
            return; // a handler has ended some
        const auto counted = core_->metrics();
        if (counted.records_delivered != delivered_ || counted.records_failed != failed_)
            checker_.fail("metrics: delivered " + std::to_string(counted.records_delivered) + " of " +
                          std::to_string(delivered_) + ", failed " + std::to_string(counted.records_failed) +
                          " of " + std::to_string(failed_));
    }

    void act_in_handler()
    {
        if (!in_handler) return;
        in_handler();
        again_ = true;
    }

    codecs<run_length_codec> codecs_;
    std::unique_ptr<core::producer_core> core_;
    simulated_network& network_;
    virtual_clock& clock_;
    event_log& log_;
    simulation_checker& checker_;
    std::vector<delivery> deliveries_;
    std::vector<std::pair<core::nanoseconds, core::compression_job*>> jobs_;
    dice job_times_;
    std::vector<flush_wait> flushes_;
    std::uint64_t steps_ = 0;
    std::uint64_t delivered_ = 0, failed_ = 0; // records that were told so
    bool again_ = false;
};

} // namespace kurier::inline KURIER_ABI::testing
