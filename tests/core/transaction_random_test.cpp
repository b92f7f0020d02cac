// A transactional producer among coordinators that lose requests and responses, and applications that call anything at any
// time: states follow the picture, each call ends once, and what a commit's outcome says is true.
#include "../support/transaction_script.hpp"

#include <array>
#include <map>
#include <string>

namespace kurier::tests::transaction_random {
namespace {

using enum broker_errc;

class session
{
public:
    session(std::uint64_t seed, txn_protocol protocol) : random_{seed}, script_{protocol}, protocol_{protocol}
    {}

    void step()
    {
        script_.drained = random_.below(3) != 0;
        switch (random_.below(6)) {
        case 0:
            call();
            break;
        case 1:
            lose_record();
            break;
        case 2:
            script_.wait(std::chrono::milliseconds{random_.below(2000)});
            break;
        case 3:
            producer().want(script_.topic.partitions[random_.below(3)]);
            if (writes()) producer().produced();
            break;
        default:
            exchange();
            break;
        }
        check();
    }

    std::size_t commits = 0, unknowns = 0, failures = 0;

private:
    transactional& producer() { return script_.producer; }
    bool writes() const
    {
        const auto state = script_.producer.state();
        return state == txn_state::in_transaction || state == txn_state::committing;
    }

    void call()
    {
        const auto deadline = script_.in(std::chrono::seconds{1 + random_.below(20)});
        const std::array calls{txn_call::init, txn_call::begin, txn_call::commit, txn_call::abort};
        const auto what = calls[random_.below(4)];
        auto refusal = txn_misuse::none;
        const auto transaction = producer().number();
        if (what == txn_call::init) refusal = producer().init(deadline);
        if (what == txn_call::begin) refusal = producer().begin(deadline);
        if (what == txn_call::commit) refusal = producer().commit(deadline);
        if (what == txn_call::abort) refusal = producer().abort(deadline);
        if (refusal != txn_misuse::none) return;
        REQUIRE(pending_ == txn_call::none);
        pending_ = what;
        transaction_ = transaction;
    }

    void lose_record()
    {
        if (!writes() || script_.drained || random_.below(4) != 0) return;
        lost_record_[producer().number()] = true;
        producer().record_failed(producer().number(), errc::delivery_timeout);
    }

    // The next request: it arrives or not, and its response too.
    void exchange()
    {
        const auto step = producer().next(script_.now, script_.drained);
        if (!step) return;
        const auto transaction = producer().number();
        const bool asks_to_commit = step->what == txn_request::end_txn && producer().end_txn().committed;
        if (asks_to_commit) asked_[transaction] = true;
        const auto partitions = producer().add_partitions();
        const auto request = producer().sent(step->what, 4);
        const bool written = random_.below(6) != 0;
        const bool arrives = written && random_.below(4) != 0;
        auto error = arrives && random_.below(4) == 0 ? any_error() : none;
        if (asks_to_commit && arrives && (error == none || leaves_doubt(error)))
            committed_[transaction] = true;
        if (!arrives || random_.below(4) == 0)
            producer().unanswered(request, written, errc::disconnected, script_.now);
        else
            respond(step->what, request, partitions, script_.code(error));
    }

    void respond(txn_request what, std::uint32_t request,
                 const protocol::add_partitions_to_txn_request& asked, std::int16_t error)
    {
        if (what == txn_request::find_coordinator) {
            protocol::find_coordinator_response told;
            told.coordinators = {{"payments-7", 1, "broker", 9092, error, {}}};
            producer().responded(request, told, script_.now);
        } else if (what == txn_request::init_producer_id) {
            ++epoch_;
            producer().responded(request, protocol::init_producer_id_response{0, error, 7, epoch_},
                                 script_.now);
        } else if (what == txn_request::add_partitions) {
            protocol::add_partitions_to_txn_response told;
            for (const auto& topic : asked.topics) {
                auto& results = told.results_by_topic.emplace_back();
                for (const auto index : topic.partitions)
                    results.results_by_partition.push_back({index, error});
            }
            producer().responded(request, told, script_.now);
        } else {
            ++epoch_;
            producer().responded(request, protocol::end_txn_response{0, error, 7, epoch_}, script_.now);
        }
    }

    broker_errc any_error()
    {
        static constexpr std::array errors{
            coordinator_not_available, not_coordinator,       coordinator_load_in_progress,
            concurrent_transactions,   producer_fenced,       invalid_txn_state,
            unknown_server_error,      transaction_abortable, unknown_producer_id,
            request_timed_out};
        return errors[random_.below(errors.size())];
    }

    void check()
    {
        const auto state = producer().state();
        INFO("from ", static_cast<int>(state_), " to ", static_cast<int>(state));
        REQUIRE(reachable(state_, state));
        state_ = state;
        while (const auto ended = producer().next_completion()) {
            REQUIRE(ended->call == pending_);
            pending_ = txn_call::none;
            if (ended->call == txn_call::commit) check_commit(ended->outcome);
        }
        if (producer().protocol() == protocol_) CHECK(producer().deadline() > script_.now.steady);
    }

    static bool reachable(txn_state from, txn_state to)
    {
        if (from == to || may_become(from, to)) return true;
        for (int between = 0; between <= static_cast<int>(txn_state::fatal_error); ++between)
            if (may_become(from, txn_state(between)) && may_become(txn_state(between), to)) return true;
        return false;
    }

    void check_commit(txn_outcome outcome)
    {
        const bool committed = committed_.contains(transaction_);
        if (outcome == txn_outcome::done) {
            CHECK_FALSE(lost_record_.contains(transaction_));
            CHECK(committed == asked_.contains(transaction_)); // an empty one is not asked about
            ++commits;
        } else if (outcome == txn_outcome::failed) {
            CHECK_FALSE(committed);
            ++failures;
        } else {
            ++unknowns;
        }
    }

    random_source random_;
    transaction_script script_;
    const txn_protocol protocol_;
    txn_state state_ = txn_state::uninitialized;
    txn_call pending_ = txn_call::none;
    std::uint32_t transaction_ = 0; // which the call is about
    std::map<std::uint32_t, bool> asked_, committed_, lost_record_;
    std::int16_t epoch_ = 0;
};

TEST_CASE("transaction: whatever happens, a commit's outcome is true, and each call ends once")
{
    std::size_t commits = 0, unknowns = 0, failures = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed)
        for (const auto protocol : {txn_protocol::v1, txn_protocol::v2}) {
            INFO("seed ", seed);
            session s{seed, protocol};
            for (int step = 0; step < 1000; ++step) s.step();
            commits += s.commits;
            unknowns += s.unknowns;
            failures += s.failures;
        }
    CHECK(commits > 300); // or nothing was tried
    CHECK(unknowns > 100);
    CHECK(failures > 300);
}

} // namespace
} // namespace kurier::tests::transaction_random
