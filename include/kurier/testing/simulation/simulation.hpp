// A whole run: a producer's real core, a simulated network, a modelled cluster and a user, in virtual time, with faults,
// from one seed. At the end all rules are checked; see checker.hpp.
//
//     kurier::testing::simulation run{kurier::testing::random_options(42)};
//     run.run();
//     if (!run.broken().empty()) std::cerr << run.events() << run.broken().front();
#pragma once

#include <kurier/core/dump.hpp>
#include <kurier/core/invariants.hpp>
#include <kurier/testing/simulation/answer_chaos.hpp>
#include <kurier/testing/simulation/checker.hpp>
#include <kurier/testing/simulation/cluster_chaos.hpp>
#include <kurier/testing/simulation/options.hpp>
#include <kurier/testing/simulation/producer_id_edges.hpp>
#include <kurier/testing/simulation/recovery.hpp>
#include <kurier/testing/simulation/setup.hpp>
#include <kurier/testing/simulation/simulated_network.hpp>
#include <kurier/testing/simulation/simulated_producer.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class simulation
{
public:
    using nanoseconds = std::chrono::nanoseconds;

    explicit simulation(simulation_options options)
        : simulation{std::move(options), [](const simulation_options& o, dice& random) {
                         return fault_source{o.faults, random.fork()};
                     }}
    {}

    // With a script of faults instead of dice.
    simulation(simulation_options options, std::vector<std::uint64_t> script)
        : simulation{std::move(options), [&](const simulation_options&, dice& random) {
                         random.fork();
                         return fault_source{std::move(script)};
                     }}
    {}
    simulation(const simulation&) = delete;
    simulation& operator=(const simulation&) = delete;

    void run()
    {
        user_next_ = clock_.now();
        strike_next_ = faults_.scripted() ? core::never : clock_.now() + options_.strike_pause;
        heal_at_ = clock_.now() + options_.active;
        while (!over_ && !checker_.failed()) step();
        if (!checker_.failed()) check_end();
        answers_.settle();
    }

    // --- what came of it ---------------------------------------------------------------------------------------------

    const std::vector<std::string>& broken() const noexcept { return checker_.broken(); }
    std::uint64_t steps() const noexcept { return network_.steps() + producer_.steps() + turns_; }
    std::uint64_t hash() const noexcept { return log_.hash(); }
    std::string events() const { return log_.text(); }
    const fault_source& faults() const noexcept { return faults_; }
    nanoseconds virtual_time() const noexcept { return clock_.now(); }
    simulation_checker& checker() noexcept { return checker_; }
    cluster_model& cluster() noexcept { return cluster_; }
    producer_metrics metrics() { return producer_.core() ? producer_.core()->metrics() : producer_metrics{}; }
    const simulation_options& options() const noexcept { return options_; }
    std::string dump() { return producer_.core() ? core::dump(*producer_.core(), clock_.client()) : ""; }

private:
    template <class MakeFaults> simulation(simulation_options options, MakeFaults make_faults)
        : options_{std::move(options)}, random_{options_.seed}, faults_{make_faults(options_, random_)},
          log_{options_.events_kept}, content_{options_.seed, options_.value_size_max},
          names_{setup::names_of(options_)}, cluster_{setup::with_codec(options_.cluster)},
          checker_{options_.producer, cluster_, clock_, log_, content_},
          network_{cluster_, clock_, faults_, log_, random_.fork(), setup::manners_of(options_)},
          producer_{options_.producer, random_.next(), network_, clock_, log_, checker_},
          chaos_{
              setup::prepared(cluster_, options_), clock_, faults_, log_, checker_, random_.fork(), names_},
          answers_{cluster_, clock_, faults_, log_, random_.fork(), names_, options_.hash_order},
          edges_{cluster_, random_.fork()}, recovery_{cluster_, checker_.book(), names_}
    {
        cluster_.observe([this](const produced_batch& made) {
            log_.add(clock_.now(), event_kind::answered_batch, made.broker, made.header.base_sequence,
                     made.partition, made.header.producer_epoch,
                     log_.recording()
                         ? std::string{error_name(made.error)} + (made.duplicate ? ", duplicate" : "")
                         : std::string{});
            if (made.appended) checker_.appended(made);
        });
        chaos_.freeze = [this](broker_id which, nanoseconds until) { network_.freeze(which, until); };
        producer_.after_turn = [this](const core::producer_core& core) { after_turn(core); };
        if (random_.once_in(3)) producer_.in_handler = [this] { act_in_handler(); };
    }

    // --- time --------------------------------------------------------------------------------------------------------

    void step()
    {
        const auto* core = producer_.core();
        const auto timer = core ? core->deadline() : core::never;
        auto next = std::min(
            {network_.next_time(), timer, user_next_, strike_next_, heal_at_, producer_.next_job_time()});
        over_ = next == core::never || (phase_ == phase::ending && done() && ended());
        if (over_) return;
        clock_.advance_to(next);
        if (producer_.next_job_time() <= clock_.now())
            producer_.finish_jobs();
        else if (network_.next_time() <= clock_.now())
            run_network();
        else if (heal_at_ <= clock_.now())
            heal();
        else if (user_next_ <= clock_.now())
            act();
        else if (strike_next_ <= clock_.now())
            strike();
        else
            checker_.timer_turn();
        producer_.turn();
        if (phase_ != phase::active) advance_end();
    }

    void run_network()
    {
        network_.run_one();
        if (faults_.scripted()) strike();
    }

    void heal()
    {
        heal_at_ = strike_next_ = core::never;
        log_.add(clock_.now(), event_kind::healed);
        faults_.heal();
        chaos_.heal();
        answers_.heal();
        network_.heal(options_.producer.acks == acks::none);
        clock_.set_client_skew(0);
        end_active();
    }

    // Users stop. What was sent must be resolved in time.
    void end_active()
    {
        if (phase_ != phase::active) return;
        phase_ = phase::draining;
        user_next_ = core::never;
    }

    void advance_end()
    {
        auto* core = producer_.core();
        if (phase_ == phase::recovering) {
            if (user_next_ == core::never && resolved(*core)) user_next_ = clock_.now() + probe_pause;
        } else if (phase_ == phase::draining && (!core || resolved(*core))) {
            if (!core || core->closing() || !options_.recovers)
                end();
            else if (faults_.healed())
                begin_recovery();
        } else if (phase_ == phase::draining && clock_.now() > checker_.last_deadline()) {
            checker_.all_resolved();
            if (producer_.flushing()) checker_.fail("a flush does not end");
            over_ = true;
        }
    }

    void end()
    {
        phase_ = phase::ending;
        auto* core = producer_.core();
        if (!core) return;
        producer_.drop_all();
        producer_.close(core::never);
        producer_.turn();
        if (!core->ended() && options_.producer.acks != acks::none) // see connections::expects
            checker_.fail("nothing is left, and close goes on");
    }

    void begin_recovery()
    {
        phase_ = phase::recovering;
        recover_by_ = clock_.now() + recovery::time_for(options_.producer);
        const auto large = std::min<std::size_t>(options_.producer.batch_size / 4, 2000);
        for (auto* content : {&content_, &checker_.content()})
            content->enlarge(checker_.book().size(), large);
        recovery_.begin();
        user_next_ = clock_.now() + probe_pause;
    }

    void recover()
    {
        user_next_ = core::never;
        recovery_.judge();
        if (recovery_.complete()) return end();
        if (clock_.now() > recover_by_) return checker_.fail("no recovery:" + recovery_.missing());
        for (auto probe : recovery_.next()) { // what finds no room comes again
            auto& record = checker_.book().add();
            record.topic = probe.topic;
            record.partition = probe.partition;
            record.keyed = probe.keyed;
            probe.number = record.number;
            const auto how = send(record, clock_.client().wall_ms, false, true);
            how == simulated_producer::sending::refused ? recovery_.again(probe) : recovery_.sent(probe);
        }
    }

    bool resolved(const core::producer_core& core)
    {
        return checker_.book().first_pending() == checker_.book().size() && !producer_.flushing() &&
               core.idle();
    }

    bool ended() { return !producer_.core() || producer_.core()->ended(); }
    bool done()
    {
        return network_.empty() && heal_at_ == core::never && producer_.next_job_time() == core::never;
    }

    void check_end()
    {
        checker_.all_resolved();
        if (phase_ == phase::ending && !ended()) checker_.fail("nothing is left, and close does not end");
        if (auto* core = producer_.core()) checker_.nothing_held(*core);
        checker_.read_logs();
    }

    void after_turn(const core::producer_core& core)
    {
        ++turns_;
        checker_.after_turn(core);
        if (options_.invariants_every != 0 && turns_ % options_.invariants_every == 0)
            if (auto wrong = core::invariants{core}.broken(); !wrong.empty())
                checker_.fail("invariant: " + std::move(wrong));
    }

    // --- the user ----------------------------------------------------------------------------------------------------

    void act()
    {
        if (phase_ == phase::recovering) return recover();
        user_next_ = clock_.now() + random_.between(nanoseconds{1}, 2 * options_.burst_pause);
        if (phase_ != phase::active || !producer_.core() || checker_.book().size() >= options_.records_max)
            return end_active();
        const auto burst = random_.between(1u, options_.burst_max);
        for (std::uint32_t i = 0; i < burst; ++i) send_one();
        static constexpr std::array kinds{fault_kind::record_withdrawn, fault_kind::flushed,
                                          fault_kind::closed, fault_kind::aborted, fault_kind::destroyed};
        const auto whim = faults_.which(kinds);
        if (!whim) {
            if (random_.once_in(4)) producer_.drop_one(random_.next());
            return;
        }
        switch (*whim) {
        case fault_kind::record_withdrawn:
            if (!producer_.cancel_one(random_.next())) faults_.take_back(*whim);
            break;
        case fault_kind::flushed:
            producer_.flush();
            break;
        case fault_kind::closed:
            close();
            break;
        case fault_kind::aborted:
            producer_.abort(errc::aborted);
            end_active();
            break;
        default:
            producer_.destroy();
            end_active();
        }
    }

    // No new records; those that were sent are still delivered, at times only until a deadline.
    void close()
    {
        producer_.close(random_.once_in(2)
                            ? core::never
                            : clock_.now() +
                                  random_.between(nanoseconds{0}, options_.producer.delivery_timeout));
        producer_.flush();
        end_active();
    }

    void act_in_handler()
    {
        if (phase_ != phase::active || producer_.core()->closing()) return;
        const auto drawn = random_.below(40);
        if (drawn == 0) send_one();
        if (drawn == 1) producer_.cancel_one(random_.next());
        if (drawn == 2) producer_.drop_one(random_.next());
        if (drawn == 3 && !producer_.flushing()) producer_.flush();
    }

    void send_one()
    {
        auto& book = checker_.book();
        if (book.size() >= options_.records_max || producer_.core()->closing()) return;
        auto& record = book.add();
        record.topic = random_.below(options_.topics.size());
        record.keyed = random_.once_in(3);
        if (!record.keyed && !random_.once_in(3))
            record.partition = random_.between(0, options_.topics[record.topic].options.partitions - 1);
        auto timestamp = clock_.client().wall_ms;
        if (random_.once_in(20))
            timestamp =
                std::max<std::int64_t>(0, timestamp - random_.between<std::int64_t>(0, 90'000'000'000));
        if (random_.per_million(options_.hurried_per_million))
            record.timeout = random_.between(nanoseconds{0}, nanoseconds{std::chrono::seconds{5}});
        const bool keep = random_.per_million(options_.keep_per_million), may_wait = !random_.once_in(8);
        send(record, timestamp, keep, may_wait);
    }

    simulated_producer::sending send(sent_record& record, std::int64_t timestamp, bool keep, bool may_wait)
    {
        const auto bytes = content_.make(record.number, timestamp);
        const auto how = producer_.send(record, options_.topics[record.topic].name, bytes, keep, may_wait);
        if (how == simulated_producer::sending::queued) return how;
        faults_.note(fault_kind::buffer_full);
        if (how == simulated_producer::sending::refused) {
            record.state = record_state::failed;
            record.written = persisted::no;
        }
        return how;
    }

    // --- faults ------------------------------------------------------------------------------------------------------

    void strike()
    {
        if (!faults_.scripted())
            strike_next_ = clock_.now() + random_.between(nanoseconds{1}, 2 * options_.strike_pause);
        answers_.strike();
        chaos_.strike();
        if (!faults_.scripted() && random_.once_in(3)) chaos_.recover();
        static constexpr std::array kinds{fault_kind::reset_idle, fault_kind::clock_jumped,
                                          fault_kind::loop_stalled, fault_kind::sequence_near_wrap,
                                          fault_kind::epoch_near_end};
        if (const auto kind = faults_.which(kinds)) strike_client(*kind);
        network_.collect_answers();
    }

    void strike_client(fault_kind kind)
    {
        auto* core = producer_.core();
        bool happened = true;
        if (kind == fault_kind::reset_idle) {
            happened = network_.reset_one();
        } else if (kind == fault_kind::clock_jumped) {
            clock_.set_client_skew(random_.between<std::int64_t>(-200'000'000, 200'000'000));
        } else if (kind == fault_kind::loop_stalled) {
            const auto pause = random_.between(std::chrono::milliseconds{10}, std::chrono::seconds{60});
            clock_.advance_to(clock_.now() + pause);
            checker_.stalled(pause);
        } else {
            happened = core && edges_.move(*core, kind);
        }
        if (happened)
            log_.add(clock_.now(), event_kind::fault, 0, 0, 0, 0, name_of(kind));
        else
            faults_.take_back(kind);
    }

    // Between a probe's end and the next: with acks=0 it isn't in the log yet.
    static constexpr auto probe_pause = std::chrono::milliseconds{10};

    enum class phase : std::uint8_t { active, draining, recovering, ending };

    simulation_options options_;
    dice random_;
    virtual_clock clock_;
    fault_source faults_;
    event_log log_;
    record_content content_;
    std::vector<std::string> names_; // of the topics
    cluster_model cluster_;
    simulation_checker checker_;
    simulated_network network_;
    simulated_producer producer_;
    cluster_chaos chaos_;
    answer_chaos answers_;
    producer_id_edges edges_;
    recovery recovery_;

    phase phase_ = phase::active;
    bool over_ = false;
    nanoseconds user_next_{0}, strike_next_{0}, heal_at_{0}, recover_by_{0};
    std::uint64_t turns_ = 0;
};

} // namespace kurier::inline KURIER_ABI::testing
