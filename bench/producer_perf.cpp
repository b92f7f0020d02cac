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

// In the form of Kafka's own tool, as far as a benchmark can know them from outside.
void print_metrics(const producer_config& config, const perf_result& result, const tally& total)
{
    const double delivered = static_cast<double>(total.delivered);
    std::printf("\n%-55s %s\n", "Metric Name", "Value");
    const auto print = [&](const char* name, double value) {
        std::printf("%-55s : %.3f\n",
                    format_line("producer-metrics:%s:{client-id=%s}", name, config.client_id.c_str()).c_str(),
                    value);
    };
    print("record-send-total", delivered);
    print("record-send-rate", delivered / result.seconds);
    print("record-error-total", static_cast<double>(result.failed));
    print("record-error-rate", static_cast<double>(result.failed) / result.seconds);
    print("record-size-avg", delivered > 0 ? static_cast<double>(total.bytes) / delivered : 0);
    print("record-latency-avg", to_ms(total.from_send.mean()));
    print("record-latency-max", to_ms(static_cast<double>(total.from_send.max())));
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
    if (options.print_metrics && !options.json) print_metrics(config, result, *total);
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
