// compression.type=auto: which codec a topic's batches get, chosen by measuring. Pure and deterministic: the
// caller compresses, takes the CPU time and reports; there is no clock and no codec here.
//
// The rule. A goal is a pair of prices, and what a codec costs for a byte of records is
//
//     cost = price of a byte sent * ratio + price of a CPU second * CPU seconds per byte
//
// with ratio = bytes sent / bytes of records; none costs its one byte. The candidates are none and the codecs
// given, in the caller's order of preference; the first one compresses from the start. Now and then a batch is
// compressed twice: first with another candidate, as a trial, then with the chosen one, which is what is sent.
// Both are judged on the same bytes, so a topic with batches of several kinds doesn't fool the comparison, and
// no batch is ever sent larger for curiosity's sake. At the beginning each candidate gets some trials at once.
//
// - The choice moves to a candidate that has been at least `margin` cheaper over its last trials, and then
//   stays for `dwell` batches, twice as long each time it moves back to where it came from.
// - A codec that saves less than `min_saving` of the bytes is none in disguise: none is taken instead, whatever
//   the prices.
// - After those of the beginning, trials may take `budget` of the CPU time and of the cost so far: a dear
//   candidate is tried rarely. At the beginning a hopeless one is tried once.
// - When the chosen codec's ratio moves by `drift`, the data has changed, and everybody is due for a trial.
//
// A worked example: JSON logs, for which measuring finds
//
//     candidate   ratio   ns per byte    at 100 MB/s (10 ns a byte)   at 50 MB/s (20 ns)    at 1 GB/s (1 ns)
//     none        1.00    0.0            10.0                         20.0                  1.0
//     lz4         0.47    1.4             4.7 + 1.4 =  6.1             9.4 + 1.4 = 10.8     0.47 + 1.4 = 1.87
//     zstd 3      0.27    4.0             2.7 + 4.0 =  6.7             5.4 + 4.0 =  9.4     0.27 + 4.0 = 4.27
//
// With `codec_prices::link(bytes per second)` a second of the link is worth a second of CPU. On the link of
// 100 MB/s lz4 is the cheapest, on that of 50 MB/s zstd, on that of 1 GB/s nothing pays.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/compression/codec_prices.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI {

struct adaptive_rules
{
    double margin = 0.03;
    double min_saving = 0.02;
    double budget = 0.02;
    double drift = 0.25;
    double hopeless = 3;             // so many times as dear as the chosen one: one trial is enough
    std::uint32_t trials_needed = 4; // before a candidate is judged
    std::uint32_t trial_every = 128; // batches, for each candidate; an eighth of it after a promising trial
    std::uint32_t dwell = 64;        // batches
    std::uint32_t longest_dwell = 2048;
    std::uint64_t seed = 1; // trials are spread a little, so that they don't keep step with the data
};

// What to do with one batch: if `trial`, compress with that first and forget the result; then with `use`.
struct codec_plan
{
    codec_choice use{};
    std::optional<codec_choice> trial{};
    std::size_t use_index = 0;
    std::size_t trial_index = 0;
};

// Of one compression. A batch that doesn't shrink counts as sent at its own size.
struct codec_sample
{
    std::size_t size = 0;
    std::uint64_t cpu_ns = 0;
};

struct codec_change
{
    codec_choice from{};
    codec_choice to{};
    double from_ratio = 1, from_ns_per_byte = 0;
    double to_ratio = 1, to_ns_per_byte = 0;
};

// "zstd 3 -> lz4 9, ratio 0.27 -> 0.47, CPU 4.00 -> 1.40 ns/byte"
inline std::string describe(const codec_change& change)
{
    const auto name = [](codec_choice choice) {
        auto text = std::string{compression_name(choice.id)};
        if (kafka_levels(choice.id) != level_range{}) text.append(" ").append(std::to_string(choice.level));
        return text;
    };
    std::array<char, 96> numbers{};
    std::snprintf(numbers.data(), numbers.size(), ", ratio %.3f -> %.3f, CPU %.2f -> %.2f ns/byte",
                  change.from_ratio, change.to_ratio, change.from_ns_per_byte, change.to_ns_per_byte);
    return name(change.from) + " -> " + name(change.to) + numbers.data();
}

// The chooser, one per topic.
class adaptive_codec
{
public:
    explicit adaptive_codec(std::span<const codec_choice> candidates, codec_prices prices = {},
                            adaptive_rules rules = {})
        : prices_{prices}, rules_{rules}, random_{rules.seed}, dwell_{rules.dwell}
    {
        candidates_.emplace_back(); // none
        for (const auto choice : candidates)
            if (choice.id != compression::none) candidates_.push_back({.choice = choice});
        current_ = candidates_.size() > 1 ? 1 : 0;
        previous_ = current_;
    }

    codec_choice current() const noexcept { return candidates_[current_].choice; }
    double ratio() const noexcept { return recent_.ratio(); }
    double ns_per_byte() const noexcept { return recent_.ns_per_byte(); }
    std::uint64_t trials() const noexcept { return trials_; }
    std::uint64_t changes() const noexcept { return changes_; }

    // For the next batch. Each plan comes back by `observe` or `abandon`, in any order.
    codec_plan next() noexcept
    {
        ++batches_;
        codec_plan plan{.use = current(), .trial = {}, .use_index = current_, .trial_index = 0};
        if (const auto index = due(); index != 0) {
            auto& asked = candidates_[index];
            asked.asked = true;
            plan.trial = asked.choice;
            plan.trial_index = index;
        }
        return plan;
    }

    // The batch came to nothing, or couldn't be measured.
    void abandon(const codec_plan& plan) noexcept
    {
        if (plan.trial) finish_trial(candidates_[plan.trial_index]);
    }

    // What became of a batch of `size` bytes. Says so when the choice changes: worth one line in a log.
    std::optional<codec_change> observe(const codec_plan& plan, std::size_t size, codec_sample used,
                                        codec_sample trial = {}) noexcept
    {
        if (plan.trial) finish_trial(candidates_[plan.trial_index]);
        if (size == 0) return std::nullopt;
        const auto used_sums = sums_of(size, used);
        count(used_sums, plan.trial ? sums_of(size, trial) : sums{});
        if (plan.use_index != current_)
            return std::nullopt; // from before the last change: not comparable any more
        recent_.add(used_sums, steady_memory);
        last_size_ = used_sums.in;
        ++since_change_;
        // what none would have cost is known without a trial
        candidates_[0].learn(sums_of(size, {size, 0}), used_sums, steady_memory);
        if (plan.trial) learn(candidates_[plan.trial_index], sums_of(size, trial), used_sums);
        notice_drift();
        return decide();
    }

    // This codec is never chosen from now on, say because a broker doesn't know it.
    std::optional<codec_change> exclude(compression id) noexcept
    {
        for (auto& c : candidates_)
            if (c.choice.id == id && id != compression::none) c.excluded = c.judged = true;
        if (!candidates_[current_].excluded) return std::nullopt;
        const auto others = std::find_if(candidates_.begin() + 1, candidates_.end(),
                                         [](const candidate& c) { return !c.excluded; });
        return change_to(
            others == candidates_.end() ? 0 : static_cast<std::size_t>(others - candidates_.begin()));
    }

private:
    static constexpr double steady_memory = 1.0 - 1.0 / 32; // of what every batch tells
    static constexpr double trial_memory = 1.0 - 1.0 / 16;  // of what only trials tell
    static constexpr double sending_ns_per_byte = 1;        // CPU that a byte takes anyway, for the budget

    struct sums
    {
        double in = 0, out = 0, ns = 0;

        double ratio() const noexcept { return in > 0 ? out / in : 1; }
        double ns_per_byte() const noexcept { return in > 0 ? ns / in : 0; }
        void add(const sums& more, double memory) noexcept
        {
            in = in * memory + more.in;
            out = out * memory + more.out;
            ns = ns * memory + more.ns;
        }
    };

    struct candidate
    {
        codec_choice choice{};
        sums own{};   // of the trials,
        sums rival{}; // and of the chosen codec on the same batches
        std::uint32_t samples = 0;
        bool warm = false; // the first trial makes the codec's context, which isn't its usual cost
        bool judged = false;
        bool asked = false;
        bool excluded = false;
        double known_ns = 0; // per byte, also after a change has cleared the sums
        std::uint64_t next_trial = 0;

        void learn(const sums& mine, const sums& other, double memory) noexcept
        {
            own.add(mine, memory);
            rival.add(other, memory);
            ++samples;
        }

        void forget() noexcept
        {
            own = rival = {};
            samples = 0;
        }
    };

    static sums sums_of(std::size_t size, codec_sample sample) noexcept
    {
        const auto in = static_cast<double>(size);
        return {in, std::min(in, static_cast<double>(sample.size)), static_cast<double>(sample.cpu_ns)};
    }

    double cost(const sums& of) const noexcept { return prices_.cost(of.ratio(), of.ns_per_byte()); }
    double total_cost(const sums& of) const noexcept { return of.in * cost(of); }

    // A candidate's cost as a share of the chosen one's.
    double relative_cost(const candidate& c) const noexcept
    {
        const auto other = cost(c.rival);
        return other > 0 ? cost(c.own) / other : 1;
    }

    bool saves(const sums& of) const noexcept { return of.ratio() <= 1 - rules_.min_saving; }

    // The candidate that the next batch tries, 0 if none. Those that nothing is known of come first.
    std::size_t due() const noexcept
    {
        std::size_t found = 0;
        for (std::size_t i = 1; i < candidates_.size(); ++i) {
            const auto& c = candidates_[i];
            if (i == current_ || c.asked || c.excluded) continue;
            if (!c.judged) return i;
            if (batches_ >= c.next_trial && affordable(c) &&
                (found == 0 || c.next_trial < candidates_[found].next_trial))
                found = i;
        }
        return found;
    }

    bool affordable(const candidate& c) const noexcept
    {
        const auto ns = c.known_ns * last_size_;
        const auto price = ns * 1e-9 * prices_.of_cpu_second;
        return spent_ns_ + ns <= rules_.budget * total_ns_ &&
               spent_cost_ + price <= rules_.budget * total_cost_;
    }

    void finish_trial(candidate& c) noexcept
    {
        c.asked = false;
        ++trials_;
        c.next_trial = batches_ + spread(rules_.trial_every);
    }

    // From one to one and a half times as many.
    std::uint64_t spread(std::uint32_t batches) noexcept
    {
        random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return batches + (random_ >> 33U) % (batches / 2 + 1);
    }

    // A trial's result isn't sent, so it costs nothing but CPU.
    void count(const sums& used, const sums& trial) noexcept
    {
        total_cost_ += total_cost(used);
        total_ns_ += used.ns + used.in * sending_ns_per_byte;
        if (!all_judged()) return;
        spent_ns_ += trial.ns;
        spent_cost_ += trial.ns * 1e-9 * prices_.of_cpu_second;
    }

    void learn(candidate& c, const sums& mine, const sums& other) noexcept
    {
        c.known_ns = mine.ns_per_byte();
        if (saves(mine) && cost(mine) < (1 - rules_.margin) * cost(other))
            c.next_trial = batches_ + spread(rules_.trial_every / 8);
        const bool hopeless = cost(mine) > rules_.hopeless * cost(other);
        if (!c.warm && !hopeless) {
            c.warm = true;
            return;
        }
        c.learn(mine, other, trial_memory);
        c.known_ns = c.own.ns_per_byte();
        c.judged = c.judged || hopeless || c.samples >= rules_.trials_needed;
    }

    void notice_drift() noexcept
    {
        const auto now = recent_.ratio();
        if (since_change_ < settled) {
            ratio_then_ = now;
        } else if (now > ratio_then_ * (1 + rules_.drift) || now < ratio_then_ * (1 - rules_.drift)) {
            ratio_then_ = now;
            for (std::size_t i = 1; i < candidates_.size(); ++i) {
                candidates_[i].forget();
                candidates_[i].next_trial = batches_;
            }
        }
    }

    std::optional<codec_change> decide() noexcept
    {
        const bool beginning = !all_judged();
        if (changes_ > 0 && since_change_ < (beginning ? settled : dwell_)) return std::nullopt;
        if (current_ != 0 && since_change_ >= settled && !saves(recent_)) return change_to(0);
        std::size_t best = current_;
        double best_cost = 1 - rules_.margin;
        for (std::size_t i = 0; i < candidates_.size(); ++i) {
            const auto& c = candidates_[i];
            const auto needed = i == 0 ? settled : rules_.trials_needed;
            if (beginning && i != 0) break; // only none needn't wait until all are known
            if (i == current_ || c.excluded || c.samples < needed || (i != 0 && !saves(c.own))) continue;
            if (const auto relative = relative_cost(c); relative < best_cost) {
                best = i;
                best_cost = relative;
            }
        }
        if (best != current_) return change_to(best);
        return std::nullopt;
    }

    bool all_judged() const noexcept
    {
        for (std::size_t i = 1; i < candidates_.size(); ++i)
            if (i != current_ && !candidates_[i].judged) return false;
        return true;
    }

    codec_change change_to(std::size_t index) noexcept
    {
        auto& to = candidates_[index];
        const auto known = index == 0 ? sums{1, 1, 0} : to.own;
        const codec_change change{current(),     to.choice,          recent_.ratio(), recent_.ns_per_byte(),
                                  known.ratio(), known.ns_per_byte()};
        dwell_ =
            index == previous_ && changes_ > 0 ? std::min(dwell_ * 2, rules_.longest_dwell) : rules_.dwell;
        candidates_[current_].known_ns = recent_.ns_per_byte();
        candidates_[current_].warm = true;
        candidates_[current_].judged = true;
        previous_ = current_;
        current_ = index;
        ++changes_;
        since_change_ = 0;
        recent_ = {};
        for (auto& c : candidates_) {
            c.forget();
        }
        return change;
    }

    static constexpr std::uint32_t settled = 8; // batches, before an average of them is an average

    codec_prices prices_;
    adaptive_rules rules_;
    std::vector<candidate> candidates_; // [0] is none
    std::size_t current_ = 0;
    std::size_t previous_ = 0;
    std::uint64_t random_;
    std::uint32_t dwell_;
    std::uint64_t batches_ = 0;
    std::uint64_t since_change_ = 0;
    std::uint64_t trials_ = 0;
    std::uint64_t changes_ = 0;
    sums recent_{}; // of the chosen codec
    double ratio_then_ = 1;
    double last_size_ = 0;
    double total_cost_ = 0, spent_cost_ = 0;
    double total_ns_ = 0, spent_ns_ = 0;
};

} // namespace kurier::inline KURIER_ABI
