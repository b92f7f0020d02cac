// Measures a kurier producer, with the options and the output of Kafka's kafka-producer-perf-test, so that
// the two can be used in turn. `producer_perf --help` shows the options.
#include "producer_perf/options.hpp"
#include "producer_perf/reporter.hpp"
#include "producer_perf/sender.hpp"
#include "producer_perf/statistics.hpp"

#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>
#include <kurier/properties.hpp>
#include <kurier/version.hpp>

#include <exception>
#include <memory>
#include <thread>

using namespace kurier;
using namespace kurier::bench;

namespace {

producer_config make_config(const perf_options& options)
{
    producer_config config;
    config.client_id = "perf-producer-client"; // as Kafka's tool
    config_problems problems;
    for (const std::string& path : options.command_configs) {
        std::ifstream in{path, std::ios::binary};
        if (!in) throw usage_error{"cannot read " + path};
        apply_properties(config, std::string{std::istreambuf_iterator<char>{in}, {}}, problems);
    }
    for (const auto& [name, value] : options.command_properties) set_property(config, name, value, problems);
    if (!options.bootstrap_server.empty())
        set_property(config, "bootstrap.servers", options.bootstrap_server, problems);
    if (has_errors(problems)) throw config_error{std::move(problems)};
    return config;
}

// Runs `step` of every producer, each in a thread of its own if there are several.
template <class Step> void in_parallel(std::vector<std::unique_ptr<sender>>& senders, Step step)
{
    if (senders.size() == 1) return step(*senders.front());
    std::vector<std::exception_ptr> failures(senders.size());
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < senders.size(); ++i) {
            threads.emplace_back([&senders, &failures, &step, i] {
                try {
                    step(*senders[i]);
                } catch (...) {
                    failures[i] = std::current_exception();
                }
            });
        }
    }
    for (const std::exception_ptr& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

struct metric_row
{
    const char* name;
    double value;
};

double average(const duration_metric& of)
{
    return to_ms(static_cast<double>(of.mean().count()));
}

double longest(const duration_metric& of)
{
    return to_ms(static_cast<double>(of.max.count()));
}

double ratio(std::uint64_t all, std::uint64_t parts)
{
    return parts > 0 ? static_cast<double>(all) / static_cast<double>(parts) : 0;
}

// What a producer counts itself, by Kafka's names and in its units: milliseconds and bytes.
std::vector<metric_row> rows_of(const producer_metrics& counted, double seconds)
{
    const auto of = [](std::uint64_t count) { return static_cast<double>(count); };
    const auto sent = counted.records_delivered + counted.records_failed;
    const auto failed = counted.records_failed + counted.records_refused;
    return {{"record-send-total", of(sent)},
            {"record-send-rate", of(sent) / seconds},
            {"record-error-total", of(failed)},
            {"record-error-rate", of(failed) / seconds},
            {"record-retry-total", of(counted.records_retried)},
            {"record-queue-time-avg", average(counted.queue_time)},
            {"record-queue-time-max", longest(counted.queue_time)},
            {"batch-size-avg", ratio(counted.batch_bytes, counted.batches_delivered)},
            {"batch-split-total", of(counted.batches_split)},
            {"records-per-request-avg", ratio(sent, counted.requests)},
            {"request-total", of(counted.requests)},
            {"request-latency-avg", average(counted.request_latency)},
            {"request-latency-max", longest(counted.request_latency)},
            {"produce-throttle-time-avg", average(counted.throttle_time)},
            {"produce-throttle-time-max", longest(counted.throttle_time)},
            {"outgoing-byte-total", of(counted.bytes_written)},
            {"incoming-byte-total", of(counted.bytes_read)},
            {"connection-creation-total", of(counted.connections_opened)},
            {"buffer-total-bytes", of(counted.buffer_total)},
            {"buffer-available-bytes", of(counted.buffer_total - counted.buffer_in_use)}};
}

void print_metrics(const producer_config& config, const sender& one, double seconds)
{
    const auto& total = one.results().total();
    auto rows = rows_of(one.metrics(), seconds);
    rows.push_back({"record-size-avg", ratio(total.bytes, total.delivered)});
    rows.push_back({"record-latency-avg", to_ms(total.from_send.mean())}); // of records, from outside
    rows.push_back({"record-latency-max", to_ms(static_cast<double>(total.from_send.max()))});
    std::printf("\n%-55s %s\n", "Metric Name", "Value");
    for (const auto& row : rows)
        std::printf(
            "%-55s : %.3f\n",
            format_line("producer-metrics:%s:{client-id=%s}", row.name, config.client_id.c_str()).c_str(),
            row.value);
}

void print_results(const perf_options& options, const perf_result& result, const tally& total,
                   const tally& steady, double steady_seconds)
{
    if (options.json) {
        std::printf("%s\n", json_line(result, total).c_str());
        return;
    }
    std::printf("%s%s\n", total_line(total, result.seconds, false).c_str(),
                usage_text(result.processor, result.records, result.peak_kb).c_str());
    if (options.warmup_records > 0) std::printf("%s\n", total_line(steady, steady_seconds, true).c_str());
    std::printf("%s\n", corrected_line(total.from_due).c_str());
    std::printf("%s\n", silence_line(total).c_str());
    if (result.failed > 0)
        std::printf("%llu records failed.\n", static_cast<unsigned long long>(result.failed));
}

int run(const perf_options& options)
{
    const producer_config config = make_config(options);
    reporter reports{options};
    std::vector<std::unique_ptr<sender>> senders;
    for (std::size_t i = 0; i < options.producers; ++i)
        senders.push_back(std::make_unique<sender>(options, config, reports, i));
    in_parallel(senders, [](sender& one) { one.prepare(); });

    const processor_time before = processor_time_used();
    const std::uint64_t start = monotonic_ns();
    in_parallel(senders, [](sender& one) { one.send_all_records(); });
    const std::uint64_t end = monotonic_ns();
    perf_result result;
    result.seconds = static_cast<double>(end - start) * 1e-9;
    result.processor = processor_time_used() - before;
    result.peak_kb = peak_memory_kb();
    result.records = options.num_records;
    result.version = KURIER_VERSION_STRING;
    reports.finish();

    const auto total = std::make_unique<tally>();
    const auto steady = std::make_unique<tally>();
    std::uint64_t steady_start = start;
    for (const auto& one : senders) {
        total->merge(one->results().total());
        steady->merge(one->results().steady());
        steady_start = std::max(steady_start, one->results().steady_start_ns());
        result.failed += one->results().failures();
    }
    in_parallel(senders, [](sender& one) { one.close(); });
    print_results(options, result, *total, *steady, static_cast<double>(end - steady_start) * 1e-9);
    if (options.print_metrics && !options.json)
        for (const auto& one : senders) print_metrics(config, *one, result.seconds);
    return result.failed == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        const perf_options options = options_parser{{argv + 1, argv + argc}}.parse();
        if (options.help) {
            std::printf("%s", perf_usage.data());
            return 0;
        }
        return run(options);
    } catch (const usage_error& error) {
        std::fprintf(stderr, "producer_perf: %s (--help shows the options)\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "producer_perf: %s\n", error.what());
        return 1;
    }
}
