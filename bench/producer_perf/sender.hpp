// One producer at work: sends its share of the records through the chosen API, at full speed or at a fixed
// rate.
#pragma once

#include "../pacer.hpp"
#include "options.hpp"
#include "recorder.hpp"
#include "reporter.hpp"
#include "workload.hpp"

#include <kurier/compression.hpp>
#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>
#include <kurier/producer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace kurier::bench {

namespace asio = boost::asio;

using every_codec = codecs<gzip_codec, snappy_codec, lz4_codec, zstd_codec>;

class sender
{
public:
    // `share` of the records and of the rate.
    sender(const perf_options& options, const producer_config& config, reporter& reports, std::size_t index)
        : options_{options}, reports_{reports},
          producer_{engine{context_.get_executor(), config, every_codec{}}}, reporting_{context_},
          work_{options}, count_{options.num_records / options.producers +
                                 (index < options.num_records % options.producers ? 1 : 0)},
          warmup_{options.warmup_records / options.producers},
          headers_(options.headers, header_view{"trace-id", nullable_bytes{"0123456789abcdef"}})
    {}

    sender(const sender&) = delete;

    // Connects and learns where the partitions are. What the producer has to know beforehand isn't part of
    // the measurement.
    void prepare() { run(learn_topics()); }

    void send_all_records()
    {
        const std::uint64_t start = monotonic_ns();
        recorder_.emplace(warmup_, start);
        if (options_.limited()) {
            ask_for_precise_timers();
            const double rate = options_.throughput / static_cast<double>(options_.producers);
            pace_.emplace(start, static_cast<std::uint64_t>(std::max(rate, 1.0)), options_.burst);
        }
        asio::co_spawn(context_, report(), asio::detached);
        run(send_and_flush());
        recorder_->end_window();
    }

    void close() { run(close_producer()); }

    const recorder& results() const noexcept { return *recorder_; }
    producer_metrics metrics() const { return producer_.metrics(); }

private:
    // After so many bytes, about a batch, the loop asks for room and lets the connections work. Each time is
    // a turn of the event loop with a system call of its own.
    static constexpr std::size_t bytes_per_turn = 256 * 1024;

    struct on_delivery
    {
        sender* to;
        std::uint64_t sent_ns;
        std::uint64_t due_ns;
        std::size_t bytes;

        void operator()(error_code ec, const record_metadata& where) const
        {
            if (ec) return to->fail(1, where.failure);
            to->recorder_->delivered(bytes, sent_ns, due_ns);
        }
    };

    struct on_batch
    {
        sender* to;
        std::uint64_t sent_ns;
        std::uint64_t due_ns;
        std::uint64_t bytes;

        void operator()(error_code ec, const send_summary& summary) const
        {
            if (ec) to->fail(summary.failed, summary.first_failure);
            to->recorder_->delivered_together(summary.delivered, bytes, sent_ns, due_ns);
        }
    };

    void run(asio::awaitable<void> task)
    {
        std::exception_ptr failed;
        asio::co_spawn(context_, std::move(task), [this, &failed](std::exception_ptr error) {
            failed = error;
            context_.stop();
        });
        context_.run();
        context_.restart();
        if (failed) std::rethrow_exception(failed);
    }

    // All at once: one after another, each would wait for the pause between two metadata requests.
    asio::awaitable<void> learn_topics()
    {
        std::vector<std::string> topics;
        for (std::size_t i = 0; i < options_.topics; ++i) topics.emplace_back(work_.next_topic());
        const std::size_t colon = options_.known_topics.rfind(':');
        const std::size_t known =
            colon == std::string::npos ? 0 : std::stoul(options_.known_topics.substr(colon + 1));
        for (std::size_t i = 0; i < known; ++i)
            topics.push_back(options_.known_topics.substr(0, colon) + "-" + std::to_string(i));

        std::size_t learnt = 0;
        error_code failure;
        asio::steady_timer all_learnt{context_, std::chrono::steady_clock::time_point::max()};
        for (const std::string& topic : topics) {
            producer_.partitions_for(topic, [&](error_code ec, const std::vector<partition_info>&) {
                failure = ec ? ec : failure;
                if (++learnt == topics.size()) all_learnt.cancel();
            });
        }
        while (learnt < topics.size()) co_await all_learnt.async_wait(asio::as_tuple(asio::deferred));
        if (failure) throw boost::system::system_error{failure, "learning the topics"};
    }

    asio::awaitable<void> send_and_flush()
    {
        switch (options_.api) {
        case sending_api::callback:
            co_await send_with_callbacks();
            break;
        case sending_api::batch:
            co_await send_batches();
            break;
        case sending_api::coroutine:
            co_await send_from_coroutines();
            break;
        }
        co_await producer_.flush();
        reporting_.cancel();
    }

    asio::awaitable<void> close_producer() { co_await producer_.close(); }

    producer<>::record next_record()
    {
        producer<>::record next;
        next.topic = work_.next_topic();
        next.value = work_.next_value();
        if (work_.keyed()) next.key = work_.next_key();
        next.headers = headers_;
        return next;
    }

    static std::chrono::steady_clock::time_point time_of(std::uint64_t ns)
    {
        return std::chrono::steady_clock::time_point{std::chrono::nanoseconds{static_cast<std::int64_t>(ns)}};
    }

    bool too_early(std::uint64_t record) const
    {
        return pace_ && pace_->starts_burst(record) && pace_->due_ns(record) > monotonic_ns();
    }

    // When the record is handed over. 0 for most of those sent as fast as possible: to read the clock twice
    // costs more than to send a record.
    std::uint64_t sent_time(std::uint64_t record) noexcept
    {
        if (pace_) return monotonic_ns();
        if (record != next_timed_) return 0;
        next_timed_ += options_.timed_of;
        return monotonic_ns();
    }
    std::uint64_t due_time(std::uint64_t record, std::uint64_t sent_ns) const
    {
        return pace_ ? pace_->due_ns(record) : sent_ns;
    }

    asio::awaitable<void> send_with_callbacks()
    {
        asio::steady_timer due{context_};
        std::size_t bytes = 0;
        for (std::uint64_t i = 0; i < count_; ++i) {
            if (too_early(i)) {
                due.expires_at(time_of(pace_->due_ns(i)));
                co_await due.async_wait(asio::deferred);
            } else if (bytes > bytes_per_turn) {
                bytes = 0;
                co_await producer_.ready();
            }
            const producer<>::record next = next_record();
            const std::size_t value_bytes = (*next.value).size();
            bytes += value_bytes + 16;
            const std::uint64_t sent_ns = sent_time(i);
            producer_.send(next)(on_delivery{this, sent_ns, due_time(i, sent_ns), value_bytes});
        }
    }

    asio::awaitable<void> send_batches()
    {
        asio::steady_timer due{context_};
        std::vector<producer<>::record> together;
        const std::uint64_t size = pace_ ? options_.burst : 256;
        for (std::uint64_t i = 0; i < count_; i += together.size()) {
            if (too_early(i)) {
                due.expires_at(time_of(pace_->due_ns(i)));
                co_await due.async_wait(asio::deferred);
            } else {
                co_await producer_.ready();
            }
            together.clear();
            std::uint64_t bytes = 0;
            while (together.size() < std::min(size, count_ - i)) {
                together.push_back(next_record());
                bytes += (*together.back().value).size();
            }
            const std::uint64_t sent_ns = monotonic_ns();
            producer_.send_all(together, on_batch{this, sent_ns, due_time(i, sent_ns), bytes});
        }
    }

    asio::awaitable<void> send_from_coroutines()
    {
        for (std::size_t i = 0; i < std::min<std::uint64_t>(options_.coroutines, count_); ++i)
            asio::co_spawn(context_, send_one_after_another(), asio::detached);
        while (recorder_->finished() < count_)
            co_await all_finished_.async_wait(asio::as_tuple(asio::deferred));
    }

    asio::awaitable<void> send_one_after_another()
    {
        asio::steady_timer due{context_};
        while (taken_ < count_) {
            const std::uint64_t i = taken_++;
            if (too_early(i)) {
                due.expires_at(time_of(pace_->due_ns(i)));
                co_await due.async_wait(asio::deferred);
            }
            const std::uint64_t sent_ns = sent_time(i);
            const producer<>::record next = next_record();
            try {
                co_await producer_.send(next);
                recorder_->delivered((*next.value).size(), sent_ns, due_time(i, sent_ns));
            } catch (const delivery_error& error) {
                recorder_->failed();
                reports_.failure(error.what());
            }
        }
        if (recorder_->finished() == count_) all_finished_.cancel();
    }

    void fail(std::uint64_t records, const std::shared_ptr<const delivery_failure>& why)
    {
        recorder_->failed(records);
        if (why) reports_.failure(delivery_error{why}.what());
    }

    // Reports at every interval, and five times a second to a terminal.
    asio::awaitable<void> report()
    {
        using namespace std::chrono;
        const auto interval = milliseconds{options_.reporting_interval_ms};
        const auto tick = reports_.on_terminal() ? std::min<milliseconds>(interval, 200ms) : interval;
        auto next_report = steady_clock::now() + interval;
        std::uint64_t told = 0;
        for (;;) {
            reporting_.expires_after(tick);
            const auto [cancelled] = co_await reporting_.async_wait(asio::as_tuple(asio::deferred));
            if (cancelled) co_return;
            if (steady_clock::now() + tick / 2 >= next_report) {
                next_report += interval;
                const auto [window, seconds] = recorder_->end_window();
                reports_.add(*window, seconds);
            }
            if (reports_.on_terminal())
                reports_.progress(recorder_->finished() - std::exchange(told, recorder_->finished()));
        }
    }

    const perf_options& options_;
    reporter& reports_;
    asio::io_context context_{1};
    producer<> producer_;
    asio::steady_timer reporting_;
    asio::steady_timer all_finished_{context_, std::chrono::steady_clock::time_point::max()};
    workload work_;
    std::uint64_t count_;
    std::uint64_t warmup_;
    std::vector<header_view> headers_;
    std::optional<recorder> recorder_;
    std::optional<pacer> pace_;
    std::uint64_t taken_ = 0;
    std::uint64_t next_timed_ = options_.timed_of == 0 ? std::numeric_limits<std::uint64_t>::max() : 0;
};

} // namespace kurier::bench
