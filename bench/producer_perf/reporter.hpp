// Prints how the run goes: a line for each reporting interval, and a progress line where somebody looks at
// it.
#pragma once

#include "options.hpp"
#include "statistics.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

#include <unistd.h>

namespace kurier::bench {

class reporter
{
public:
    explicit reporter(const perf_options& options)
        : producers_{options.producers}, records_{options.num_records}, quiet_{options.json},
          terminal_{!options.json && ::isatty(STDERR_FILENO) == 1}
    {}

    bool on_terminal() const noexcept { return terminal_; }

    // Any thread. The line is printed when every producer has had its say.
    void add(const tally& window, double seconds)
    {
        const std::lock_guard lock{mutex_};
        window_->merge(window);
        seconds_ += seconds / static_cast<double>(producers_);
        if (++heard_ < producers_) return;
        if (!quiet_ && window_->delivered > 0) {
            clear_progress();
            std::printf("%s\n", window_line(*window_, seconds_).c_str());
            std::fflush(stdout);
        }
        window_->clear();
        seconds_ = 0;
        heard_ = 0;
    }

    // Any thread. `records` more have been delivered since the last call.
    void progress(std::uint64_t records)
    {
        const std::lock_guard lock{mutex_};
        delivered_ += records;
        const double share = static_cast<double>(delivered_) / static_cast<double>(records_);
        constexpr int width = 40;
        const int full = static_cast<int>(share * width);
        std::fprintf(stderr, "\r[%.*s%.*s] %5.1f %%  %llu of %llu records", full, bar, width - full, blank,
                     share * 100, static_cast<unsigned long long>(delivered_),
                     static_cast<unsigned long long>(records_));
    }

    // A record's failure: the first few are worth a line, the rest are counted.
    void failure(const std::string& text)
    {
        const std::lock_guard lock{mutex_};
        if (++failures_ > shown_failures) return;
        clear_progress();
        std::fprintf(stderr, "%s%s\n", text.c_str(),
                     failures_ == shown_failures ? " (and perhaps more, which aren't shown)" : "");
    }

    void finish()
    {
        const std::lock_guard lock{mutex_};
        clear_progress();
    }

private:
    static constexpr const char* bar = "========================================";
    static constexpr const char* blank = "                                        ";
    static constexpr std::uint64_t shown_failures = 5;

    void clear_progress()
    {
        if (terminal_) std::fprintf(stderr, "\r\033[K");
    }

    std::mutex mutex_;
    std::size_t producers_;
    std::uint64_t records_;
    bool quiet_;
    bool terminal_;
    std::unique_ptr<tally> window_ = std::make_unique<tally>();
    double seconds_ = 0;
    std::size_t heard_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t failures_ = 0;
};

} // namespace kurier::bench
