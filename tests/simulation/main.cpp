// Runs simulations: random ones from seeds, and every placement of one or two faults in small scripts.
//
//     simulate                          a fixed set of seeds, fresh ones, and the small scripts
//     simulate --seeds 5000 [--seed 1]  so many, from this one on
//     simulate --minutes 10             fresh seeds for so long
//     simulate --seed 42 --events       replays one and prints what happened
//     simulate --odd-responses [--write] each field of each response with odd values; --write: ODD_RESPONSES.md
//     simulate --exhaustive 2           every placement of two faults
//     simulate --every-place            small sessions, disturbed at each bit and each step
//
// The last line is `simulation: seeds A, steps B, faults C, violations D`; the exit status is 0 only when there is no
// violation and every kind of fault has happened.
#include "campaign.hpp"
#include "every_place.hpp"
#include "exhaustive.hpp"
#include "odd_responses.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

namespace {

struct flags
{
    std::uint64_t seeds = 0, first = 0;
    double minutes = 0;
    bool events = false, fixed_only = false, first_only = false, every_place = false, odd_responses = false,
         write = false;
    int exhaustive = -1;
    std::string record; // a line for this commit is appended to RUNS.md
};

[[noreturn]] void explain()
{
    std::puts("simulate [--seeds N] [--seed S] [--minutes M] [--events] [--fixed] [--first-violation] "
              "[--exhaustive 1|2] [--every-place] [--odd-responses [--write]] [--record COMMIT]");
    std::exit(2);
}

flags parse(int argc, char** argv)
{
    flags parsed;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto value = [&] { return i + 1 < argc ? argv[++i] : (explain(), argv[0]); };
        if (name == "--seeds")
            parsed.seeds = std::strtoull(value(), nullptr, 10);
        else if (name == "--seed")
            parsed.first = std::strtoull(value(), nullptr, 10);
        else if (name == "--minutes")
            parsed.minutes = std::strtod(value(), nullptr);
        else if (name == "--events")
            parsed.events = true;
        else if (name == "--fixed")
            parsed.fixed_only = true;
        else if (name == "--first-violation")
            parsed.first_only = true;
        else if (name == "--exhaustive")
            parsed.exhaustive = static_cast<int>(std::strtol(value(), nullptr, 10));
        else if (name == "--every-place")
            parsed.every_place = true;
        else if (name == "--odd-responses")
            parsed.odd_responses = true;
        else if (name == "--write")
            parsed.write = true;
        else if (name == "--record")
            parsed.record = value();
        else
            explain();
    }
    return parsed;
}

int replay(std::uint64_t seed)
{
    auto options = kurier::testing::random_options(seed);
    options.events_kept = 200'000;
    options.invariants_every = 1;
    kurier::testing::simulation run{std::move(options)};
    run.run();
    std::fputs(run.events().c_str(), stdout);
    for (const auto& rule : run.broken()) std::printf("broken: %s\n", rule.c_str());
    if (!run.broken().empty()) std::fputs(run.dump().c_str(), stdout);
    std::printf("seed %llu: %llu steps, hash %016llx\n", static_cast<unsigned long long>(seed),
                static_cast<unsigned long long>(run.steps()), static_cast<unsigned long long>(run.hash()));
    return run.broken().empty() ? 0 : 1;
}

void try_odd_responses(simulation_tests::campaign& runs, bool write)
{
    using simulation_tests::odd_responses;
    odd_responses odd{runs};
    odd.run();
    std::uint64_t cases = odd.cases();
    for (std::uint64_t preset = 0; preset <= 4; ++preset) { // older brokers lack fields, and no table
        odd_responses older{runs, kurier::testing::version_table::preset(preset)};
        older.run();
        cases += older.cases();
    }
    std::printf("odd responses: cases %llu\n", static_cast<unsigned long long>(cases));
    if (write)
        std::ofstream{odd_responses::table_file} << odd.table();
    else if (odd.table() != odd_responses::written_table())
        runs.fail(std::string{odd_responses::table_file} +
                  " tells another story: --odd-responses --write, and look at "
                  "the difference");
}

} // namespace

int main(int argc, char** argv)
{
    const auto wanted = parse(argc, argv);
    if (wanted.events) return replay(wanted.first);
    simulation_tests::campaign runs{wanted.first_only ? 1u : 20u};
    const bool everything = wanted.seeds == 0 && wanted.first == 0 && wanted.minutes <= 0 &&
                            wanted.exhaustive < 0 && !wanted.every_place && !wanted.odd_responses;
    if (wanted.fixed_only || everything) runs.run_seeds(1, simulation_tests::fixed_seeds, 64);
    if (wanted.seeds > 0 || wanted.first > 0)
        runs.run_seeds(wanted.first ? wanted.first : 1, wanted.seeds ? wanted.seeds : 1, 64);
    if (wanted.exhaustive > 0 || everything || wanted.fixed_only)
        simulation_tests::run_exhaustive(runs, wanted.exhaustive > 0 ? wanted.exhaustive : 1);
    if (wanted.every_place || everything)
        simulation_tests::every_place{runs, wanted.every_place ? 8 : 1}.run();
    if (wanted.odd_responses || everything) try_odd_responses(runs, wanted.write);
    const auto fresh = (std::uint64_t{std::random_device{}()} << 20) + 1'000'000;
    if (wanted.minutes > 0)
        runs.run_for(fresh, wanted.minutes * 60);
    else if (everything && !wanted.fixed_only)
        runs.run_seeds(fresh, simulation_tests::fresh_seeds, 64);
    runs.print_faults();
    if (!wanted.record.empty()) runs.record("tests/simulation/RUNS.md", wanted.record);
    const bool all_kinds = !everything && wanted.minutes <= 0 ? true : runs.every_fault_happened();
    runs.print_total();
    return runs.violations() == 0 && all_kinds ? 0 : 1;
}
