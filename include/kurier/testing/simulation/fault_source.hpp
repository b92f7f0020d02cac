// Decides which faults happen. Wherever something could go wrong, the simulation asks; the answer comes from dice with
// a probability for each kind, or from a script that names the numbers of the questions to be answered with yes. With
// a script, every placement of a fault can be tried: first count the questions, then say yes to each in turn.
#pragma once

#include <kurier/testing/simulation/dice.hpp>
#include <kurier/testing/simulation/fault_kind.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class fault_source
{
public:
    // Each kind's parts per million of the questions about it.
    struct rates
    {
        std::array<std::uint32_t, fault_kinds> of{};
        std::uint32_t& operator[](fault_kind kind) noexcept { return of[static_cast<std::size_t>(kind)]; }
        std::uint32_t operator[](fault_kind kind) const noexcept
        {
            return of[static_cast<std::size_t>(kind)];
        }
    };

    fault_source(const rates& probabilities, dice random) : rates_{probabilities}, random_{random} {}

    // The script: numbers of questions, ascending.
    explicit fault_source(std::vector<std::uint64_t> yes) : random_{0}, scripted_{true}, yes_{std::move(yes)}
    {}

    // From now on the answer is no.
    void heal() noexcept { healed_ = true; }
    bool healed() const noexcept { return healed_; }
    bool scripted() const noexcept { return scripted_; }

    bool happens(fault_kind kind)
    {
        if (healed_) return false;
        const bool yes = scripted_ ? ask_script() : random_.per_million(rates_[kind]);
        if (yes) ++counts_[kind];
        return yes;
    }

    // At most one of several. They are asked about in turn by a script, and at once by the dice.
    template <std::size_t Count> std::optional<fault_kind> which(const std::array<fault_kind, Count>& kinds)
    {
        if (healed_) return std::nullopt;
        std::optional<fault_kind> chosen;
        if (scripted_) {
            for (const auto kind : kinds)
                if (ask_script()) chosen = kind;
        } else {
            std::uint64_t sum = 0;
            for (const auto kind : kinds) sum += rates_[kind];
            if (sum == 0) return std::nullopt;
            auto drawn = random_.below(std::max<std::uint64_t>(sum, 1'000'000));
            for (const auto kind : kinds) {
                if (drawn < rates_[kind]) {
                    chosen = kind;
                    break;
                }
                drawn -= rates_[kind];
            }
        }
        if (chosen) ++counts_[*chosen];
        return chosen;
    }

    // It happened of itself; or it was asked for and could not happen after all.
    void note(fault_kind kind) noexcept { ++counts_[kind]; }
    void take_back(fault_kind kind) noexcept { --counts_[kind]; }

    const fault_counts& counts() const noexcept { return counts_; }
    std::uint64_t questions() const noexcept { return questions_; }

private:
    bool ask_script() noexcept
    {
        const auto number = questions_++;
        if (next_ == yes_.size() || yes_[next_] != number) return false;
        ++next_;
        return true;
    }

    rates rates_;
    dice random_;
    bool scripted_ = false, healed_ = false;
    std::vector<std::uint64_t> yes_;
    std::size_t next_ = 0;
    std::uint64_t questions_ = 0;
    fault_counts counts_;
};

} // namespace kurier::inline KURIER_ABI::testing
