#include "../../../bench/producer_perf/recorder.hpp"
#include "../../../bench/producer_perf/statistics.hpp"

#include <doctest/doctest.h>

using namespace kurier::bench;

namespace {

std::unique_ptr<tally> thousand_records()
{
    auto some = std::make_unique<tally>();
    for (std::uint64_t i = 1; i <= 1000; ++i) {
        some->add(1024);
        some->add_latency(i * 1'000'000, i * 2'000'000);
    }
    return some;
}

} // namespace

TEST_CASE("lines are those of kafka-producer-perf-test")
{
    const auto some = thousand_records();
    CHECK(window_line(*some, 2) ==
          "1000 records sent, 500.0 records/sec (0.49 MB/sec), 500.5 ms avg latency, 1000.0 ms max latency.");
    const std::string total = total_line(*some, 2, false);
    CHECK(total.starts_with("1000 records sent, 500.000000 records/sec (0.49 MB/sec), 500.50 ms avg latency, "
                            "1000.00 ms max latency, 50"));
    CHECK(total.ends_with(" ms 99.9th."));
    CHECK(total_line(*some, 2, true).starts_with("1000 steady state records sent, "));
}

TEST_CASE("corrected latency is of its own histogram")
{
    const auto some = thousand_records();
    const std::string line = corrected_line(some->from_due);
    CHECK(line.find("2000.000 ms max") != std::string::npos);
    CHECK(line.find("1000 records timed") != std::string::npos);
}

TEST_CASE("the longest time without an acknowledgement: of all windows, from the start on")
{
    constexpr std::uint64_t second = 1'000'000'000;
    const auto now = monotonic_ns();
    recorder one{0, now - 1000 * second};
    one.delivered(10, now, now);
    one.end_window();
    const auto first = one.total().longest_silence;
    CHECK(first >= 1000 * second);
    one.delivered_together(5, 10, now, now);
    one.end_window();
    CHECK(one.total().longest_silence == first);
    tally all;
    all.longest_silence = 1;
    all.merge(one.total());
    CHECK(all.longest_silence == first);
    CHECK(silence_line(all).starts_with("longest time without an acknowledgement: 100"));
}

TEST_CASE("the JSON line has every number once")
{
    const auto some = thousand_records();
    perf_result result;
    result.records = 1000;
    result.seconds = 2;
    result.processor = {0.001, 0.0005, 7};
    result.peak_kb = 2048;
    result.version = "1.2.3";
    const std::string line = json_line(result, *some);
    CHECK(line.find("\"cpu_s_per_million\":1.5000") != std::string::npos);
    CHECK(line.find("\"records_per_s\":500") != std::string::npos);
    CHECK(line.find("\"longest_silence_us\":0.0") != std::string::npos);
    CHECK(line.find("\"send_us\":{\"count\":1000") != std::string::npos);
    CHECK(line.back() == '}');
    CHECK(usage_text(result.processor, 1000, 2048) ==
          " 0.002 CPU s (1.5000 per million records), 2.0 MB peak memory.");
}
