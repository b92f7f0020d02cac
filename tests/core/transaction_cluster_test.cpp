// A transactional producer against the embedded broker's coordinators, with requests that get lost, or arrive
// long after everybody has given them up; coordinators that move, markers that take their time, a second producer with the same
// id, features that change. In the end each transaction is there as a whole or not at all, as its outcome said, and nothing hangs.
#include "../support/transaction_script.hpp"
#include "../unit/testing/model_client.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace kurier::tests::transaction_cluster {
namespace {

using testing::cluster_model;
using testing::isolation;
using testing::model_client;
using testing::model_clock;
using enum broker_errc;

enum class fate { open, committed, not_committed, unknown };

struct story // of one transaction
{
    fate what = fate::open;
    std::size_t records = 0; // acknowledged
    bool offsets = false;
};

testing::cluster_options three_brokers()
{
    testing::cluster_options options;
    options.brokers = 3;
    return options;
}

class world
{
public:
    world(std::uint64_t seed, std::int16_t level) : random_{seed}, cluster_{three_brokers()}
    {
        cluster_.create_topic("payments", 3);
        cluster_.finalize_transaction_version(level);
        learn();
    }

    void run(int steps)
    {
        for (int i = 0; i < steps; ++i) {
            step();
            take_completions();
        }
        settle();
        check();
    }

    std::map<std::int64_t, story> stories; // by the transaction's label

private:
    transactional& producer() { return script_.producer; }
    bool chance(std::uint64_t percent) { return random_.below(100) < percent; }

    void wait(nanoseconds time)
    {
        clock_.passed += time;
        script_.now = clock_.now();
        producer().on_time(script_.now);
        cluster_.transactions().advance(script_.now.wall_ms);
    }

    void learn()
    {
        protocol::api_versions_response told;
        told.finalized_features_epoch = cluster_.state().options().finalized_features_epoch;
        const auto level = cluster_.state().options().transaction_version;
        told.finalized_features = {{"transaction.version", level, level}};
        producer().learn(told);
    }

    // --- what happens

    void step()
    {
        const auto dice = random_.below(1000);
        if (dice < 300) return act();
        if (dice < 750) return drive();
        if (dice < 900) return wait(std::chrono::milliseconds{random_.below(300)});
        if (dice < 950) return arrive_late();
        if (dice < 970) return cluster_.transactions().move_coordinator("payments-7", any_broker());
        if (dice < 980) return cluster_.transactions().move_coordinator("group", any_broker());
        if (dice < 985) return cluster_.transactions().hold_markers();
        if (dice < 992) return cluster_.transactions().release_markers(script_.now.wall_ms);
        if (dice < 994) return usurp();
        if (dice < 996) return wait(61s);
        if (dice < 998) return cluster_.finalize_transaction_version(chance(50) ? 2 : 1);
        learn();
    }

    testing::broker_id any_broker() { return 1 + static_cast<testing::broker_id>(random_.below(3)); }

    void usurp()
    {
        model_client other{cluster_, clock_, cluster_.transactions().coordinator_of("payments-7")};
        other.ask<protocol::init_producer_id_response>(
            protocol::init_producer_id_request{"payments-7", 60'000, -1, -1, false, false}, 5);
    }

    void arrive_late()
    {
        if (late_.empty()) return;
        const auto which = late_.begin() + static_cast<std::ptrdiff_t>(random_.below(late_.size()));
        const auto arrive = std::move(*which);
        late_.erase(which);
        arrive();
    }

    // The response, if the request arrives and the response too. `written`: or it may still arrive.
    template <class Response, class Request> std::optional<Response>
    exchange(Request request, std::int16_t version, testing::broker_id to, bool& written)
    {
        const auto arrive = [this, request, version, to] {
            return model_client{cluster_, clock_, to}.template ask<Response>(request, version);
        };
        written = !chance(4);
        if (!written) return {};
        if (chance(6)) return {};
        if (chance(8)) {
            late_.push_back([arrive] { arrive(); });
            return {};
        }
        auto told = arrive();
        return chance(8) ? std::nullopt : told;
    }

    template <class Response, class Request>
    void ask(txn_request what, const Request& request, std::int16_t version, testing::broker_id to)
    {
        const auto number = producer().sent(what, version);
        bool written = false;
        const auto told = exchange<Response>(request, version, to, written);
        if (told)
            CHECK(producer().responded(number, *told, script_.now));
        else
            producer().unanswered(number, written, errc::disconnected, script_.now);
    }

    void drive()
    {
        const auto step = producer().next(script_.now, true);
        if (!step) return;
        const auto to = step->to ? step->to->node : any_broker();
        const bool v1 = producer().protocol() == txn_protocol::v1;
        const std::int16_t newest = v1 ? 4 : 5;
        switch (step->what) {
        case txn_request::find_coordinator:
            return ask<protocol::find_coordinator_response>(step->what, producer().find_coordinator(4), 4,
                                                            to);
        case txn_request::init_producer_id:
            return ask<protocol::init_producer_id_response>(step->what, producer().init_producer_id(), 5, to);
        case txn_request::add_partitions:
            return ask<protocol::add_partitions_to_txn_response>(step->what, producer().add_partitions(), 3,
                                                                 to);
        case txn_request::add_offsets:
            return ask<protocol::add_offsets_to_txn_response>(step->what, producer().add_offsets(), 3, to);
        case txn_request::commit_offsets:
            return ask<protocol::txn_offset_commit_response>(step->what, producer().offset_commit(), newest,
                                                             to);
        default:
            return ask<protocol::end_txn_response>(step->what, producer().end_txn(), newest, to);
        }
    }

    // --- the application

    void act()
    {
        if (calling_ != txn_call::none) return;
        switch (producer().state()) {
        case txn_state::uninitialized:
        case txn_state::initializing:
        case txn_state::ready:
            return call(txn_call::begin);
        case txn_state::in_transaction:
            if (chance(60)) return write();
            if (chance(20)) return send_offsets();
            return call(chance(75) ? txn_call::commit : txn_call::abort);
        case txn_state::abortable_error:
            return call(txn_call::abort);
        case txn_state::outcome_unknown:
            return call(chance(80) ? txn_call::commit : txn_call::init);
        default:
            return call(txn_call::init);
        }
    }

    void call(txn_call what)
    {
        const auto deadline = script_.in(std::chrono::milliseconds{100 + random_.below(5000)});
        auto refusal = txn_misuse::none;
        if (what == txn_call::init) refusal = producer().init(deadline);
        if (what == txn_call::begin) refusal = producer().begin(deadline);
        if (what == txn_call::commit) refusal = producer().commit(deadline);
        if (what == txn_call::abort) refusal = producer().abort(deadline);
        REQUIRE(refusal == txn_misuse::none);
        calling_ = what;
    }

    // One record, whose fate is known at once.
    void write()
    {
        auto& partition = script_.topic.partitions[random_.below(3)];
        producer().want(partition);
        if (!producer().admits(partition)) return;
        const auto identity = producer().identity();
        auto& [epoch, sequence] = sequences_[partition.index];
        if (std::exchange(epoch, {identity.id, identity.epoch}) != std::pair{identity.id, identity.epoch})
            sequence = 0;
        const auto value = std::to_string(label_);
        const auto batch = testing::batch_builder{script_.now.wall_ms}
                               .record({}, std::string_view{value})
                               .producer(identity.id, identity.epoch, sequence)
                               .attributes(batch_transactional)
                               .build();
        produce(partition.index, batch, sequence);
    }

    void produce(std::int32_t index, const testing::bytes& batch, std::int32_t& sequence)
    {
        const std::int16_t version = producer().protocol() == txn_protocol::v1 ? 11 : 12;
        batches_.push_back(batch); // late requests refer to it
        protocol::produce_request request;
        request.transactional_id = "payments-7";
        request.acks = -1;
        request.timeout_ms = 1000;
        request.topic_data.push_back(
            {"payments", {}, {{index, nullable_bytes{bytes_view{batches_.back()}}}}});
        producer().produced();
        const auto leader = cluster_.state().partition_of("payments", index).leader;
        bool written = false;
        const auto told = exchange<protocol::produce_response>(request, version, leader, written);
        if (!written) return;
        if (!told) return producer().record_failed(producer().number(), errc::delivery_timeout);
        const auto error = broker_errc{told->responses.at(0).partition_responses.at(0).error_code};
        if (retriable(error)) return; // nothing was written: the next record takes its place
        if (error != none) return producer().record_failed(producer().number(), error);
        ++sequence;
        ++stories[label_].records;
    }

    void send_offsets()
    {
        txn_group group;
        group.id = "group";
        txn_offset offset;
        offset.topic = "payments";
        offset.offset = label_;
        REQUIRE(producer().send_offsets(group, {offset}, static_cast<std::uint64_t>(label_),
                                        script_.in(5s)) == txn_misuse::none);
    }

    void take_completions()
    {
        while (const auto ended = producer().next_completion()) {
            auto& now = stories[label_];
            if (ended->call == txn_call::send_offsets) {
                if (ended->outcome == txn_outcome::done)
                    stories[static_cast<std::int64_t>(ended->ticket)].offsets = true;
                continue;
            }
            REQUIRE(ended->call == calling_);
            calling_ = txn_call::none;
            const bool done = ended->outcome == txn_outcome::done;
            if (ended->call == txn_call::begin && done) ++label_;
            if (ended->call == txn_call::abort && done) now.what = fate::not_committed;
            if (ended->call != txn_call::commit) continue;
            if (done) now.what = fate::committed;
            if (ended->outcome == txn_outcome::unknown) now.what = fate::unknown;
        }
    }

    // --- the end

    void settle()
    {
        cluster_.transactions().release_markers(script_.now.wall_ms);
        while (!late_.empty()) arrive_late();
        wait(120s); // what is open times out
        take_completions();
    }

    void check()
    {
        std::map<std::string, std::size_t> seen;
        for (std::int32_t index = 0; index < 3; ++index) {
            const auto& log = cluster_.state().log("payments", index);
            CHECK(log.last_stable_offset() == log.end_offset());
            for (const auto& record : cluster_.log("payments", index, isolation::read_committed))
                ++seen[record.value.value()];
        }
        std::int64_t last = 0;
        std::set<std::int64_t> unknown;
        for (const auto& [label, told] : stories) {
            INFO("transaction ", label);
            const auto found = seen[std::to_string(label)];
            if (told.what == fate::committed) {
                CHECK(found == told.records);
                if (told.offsets) last = label;
            } else if (told.what == fate::unknown) {
                CHECK((found == 0 || found == told.records));
                if (told.offsets) unknown.insert(label);
            } else {
                CHECK(found == 0);
            }
        }
        const auto offset = cluster_.groups().committed("group", "payments", 0);
        const auto committed = offset ? offset->offset : 0;
        CHECK((committed == last || (committed > last && unknown.contains(committed))));
        CHECK(cluster_.violations().count(testing::violation::marker_refused) == 0);
    }

    random_source random_;
    model_clock clock_;
    cluster_model cluster_;
    transaction_script script_;
    std::vector<std::function<void()>> late_;
    std::deque<testing::bytes> batches_;
    std::map<std::int32_t, std::pair<std::pair<std::int64_t, std::int16_t>, std::int32_t>> sequences_;
    txn_call calling_ = txn_call::none;
    std::int64_t label_ = 0;
};

TEST_CASE(
    "transaction: whole or not at all, as its outcome says, whatever becomes of requests and coordinators")
{
    std::size_t committed = 0, aborted = 0, unknown = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        INFO("seed ", seed);
        world w{seed, static_cast<std::int16_t>(seed % 2 ? 1 : 2)};
        w.run(2000);
        for (const auto& [label, told] : w.stories) {
            committed += told.what == fate::committed && told.records > 0 ? 1 : 0;
            aborted += told.what == fate::not_committed && told.records > 0 ? 1 : 0;
            unknown += told.what == fate::unknown ? 1 : 0;
        }
    }
    CHECK(committed > 300); // or nothing was tried
    CHECK(aborted > 300);
    CHECK(unknown > 10);
}

} // namespace
} // namespace kurier::tests::transaction_cluster
