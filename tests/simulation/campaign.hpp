// Many simulations and their sums.
#pragma once

#include <kurier/testing/simulation/simulation.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>

namespace simulation_tests {

using kurier::testing::fault_counts;
using kurier::testing::fault_kind;
using kurier::testing::fault_kinds;
using kurier::testing::simulation;
using kurier::testing::simulation_options;

inline constexpr std::uint64_t fixed_seeds = 4000, fresh_seeds = 4000;

class campaign
{
public:
    explicit campaign(std::uint64_t violations_wanted) : violations_max_{violations_wanted} {}

    // `invariants_every`: one in so many seeds is run with the walk over the core's whole state, and twice, since the
    // same seed must do the same.
    void run_seeds(std::uint64_t first, std::uint64_t count, std::uint64_t invariants_every)
    {
        for (auto seed = first; seed != first + count && violations_ < violations_max_; ++seed)
            run_seed(seed, invariants_every != 0 && seed % invariants_every == 0);
    }

    void run_for(std::uint64_t first, double seconds)
    {
        for (auto seed = first; elapsed() < seconds && violations_ < violations_max_; ++seed)
            run_seed(seed, seed % 256 == 0);
    }

    // How it ended is counted; `how_to_repeat` is printed if a rule was broken.
    void count(const simulation& run, const std::string& how_to_repeat)
    {
        ++runs_;
        steps_ += run.steps();
        faults_.add(run.faults().counts());
        virtual_seconds_ += run.virtual_time().count() / 1'000'000'000;
        if (run.broken().empty()) return;
        ++violations_;
        std::printf("%s\n", how_to_repeat.c_str());
        for (const auto& rule : run.broken()) std::printf("    %s\n", rule.c_str());
    }

    // One of those that are no simulations; see every_place.hpp.
    void count_case(std::uint64_t steps, bool disturbed)
    {
        steps_ += steps;
        cases_ += disturbed ? 1 : 0;
    }

    void fail(const std::string& what)
    {
        ++violations_;
        std::printf("%s\n", what.c_str());
    }

    std::uint64_t violations() const { return violations_; }
    bool failed_enough() const { return violations_ >= violations_max_; }

    void print_faults() const
    {
        for (std::size_t i = 0; i < fault_kinds; ++i)
            std::printf("%-34s %12llu\n", kurier::testing::fault_names[i].data(),
                        static_cast<unsigned long long>(faults_.of[i]));
    }

    bool every_fault_happened() const
    {
        bool all = true;
        for (std::size_t i = 0; i < fault_kinds; ++i)
            if (faults_.of[i] == 0) {
                std::printf("%s never happened\n", kurier::testing::fault_names[i].data());
                all = false;
            }
        return all;
    }

    void print_total() const
    {
        const auto seconds = elapsed();
        std::printf("%.0f steps/s, %.0f times real time, combined hash %016llx\n",
                    static_cast<double>(steps_) / seconds, static_cast<double>(virtual_seconds_) / seconds,
                    static_cast<unsigned long long>(hash_));
        std::printf("simulation: seeds %llu, steps %llu, faults %llu, violations %llu\n",
                    static_cast<unsigned long long>(runs_), static_cast<unsigned long long>(steps_),
                    static_cast<unsigned long long>(faults_.total() + cases_),
                    static_cast<unsigned long long>(violations_));
    }

    // A row of the table of long runs.
    void record(const char* path, const std::string& commit) const
    {
        std::FILE* table = std::fopen(path, "a");
        if (!table) return;
        char date[32];
        const auto now = std::time(nullptr);
        std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
        std::fprintf(table, "| %s | %s | %llu | %llu | %llu |", date, commit.c_str(),
                     static_cast<unsigned long long>(runs_), static_cast<unsigned long long>(steps_),
                     static_cast<unsigned long long>(violations_));
        for (std::size_t i = 0; i < fault_kinds; ++i)
            std::fprintf(table, " %s %llu%s", kurier::testing::fault_names[i].data(),
                         static_cast<unsigned long long>(faults_.of[i]), i + 1 < fault_kinds ? "," : " |\n");
        std::fclose(table);
    }

private:
    double elapsed() const
    {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    }

    void run_seed(std::uint64_t seed, bool thoroughly)
    {
        auto options = kurier::testing::random_options(seed);
        if (thoroughly) options.invariants_every = 1;
        simulation run{options};
        run.run();
        hash_ = (hash_ ^ run.hash()) * 0x9e3779b97f4a7c15u;
        count(run, "bash tests/simulate --seed " + std::to_string(seed) + " --events");
        if (!thoroughly) return;
        simulation again{std::move(options)};
        again.run();
        if (again.hash() != run.hash()) fail("seed " + std::to_string(seed) + " does not repeat itself");
    }

    const std::uint64_t violations_max_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::uint64_t runs_ = 0, steps_ = 0, cases_ = 0, violations_ = 0, hash_ = 0;
    std::int64_t virtual_seconds_ = 0;
    fault_counts faults_;
};

} // namespace simulation_tests
