// Each field of each response with values that nobody expects (kurier/testing/odd_fields.hpp), told by all brokers for some
// seconds: nothing may break, hang or get lost, and when brokers talk sense again everything is delivered. What the producer
// did meanwhile is the table in ODD_RESPONSES.md.
#pragma once

#include "campaign.hpp"

#include <kurier/testing/odd_fields.hpp>

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace simulation_tests {

class odd_responses
{
public:
    using version_table = kurier::testing::version_table;
    static constexpr const char* table_file = "tests/simulation/ODD_RESPONSES.md";

    explicit odd_responses(campaign& runs, version_table versions = version_table::newest())
        : runs_{runs}, versions_{std::move(versions)}
    {}

    // `every`: one in so many cases. The table is of all.
    void run(std::size_t every = 1)
    {
        every_ = every;
        of<kurier::protocol::api_versions_response>("ApiVersions", true);
        of<kurier::protocol::metadata_response>("Metadata", true);
        of<kurier::protocol::metadata_response>("Metadata", false);
        of<kurier::protocol::init_producer_id_response>("InitProducerId", true);
        of<kurier::protocol::produce_response>("Produce", true);
        refused_ = true;
        of<kurier::protocol::produce_response>("Produce, batches refused", true);
    }

    std::uint64_t cases() const noexcept { return cases_; }

    std::string table() const
    {
        return "# What the producer does with odd responses\n\n"
               "Every field of every response by its schema, and values that its author may not have "
               "expected, in all\n"
               "responses of that API for four seconds: from the start; for Metadata also from a moment on "
               "when all is\n"
               "well, for Produce also while leaders refuse batches (NOT_LEADER_OR_FOLLOWER, then "
               "INVALID_RECORD).\n"
               "Written by `bash tests/simulate --odd-responses --write`; `bash tests/simulate` compares. In "
               "each row no\n"
               "record is lost, doubled or told a wrong fate, nothing hangs, and the cluster delivers again "
               "afterwards;\n"
               "where it says *believed*, no client could know better.\n" +
               table_;
    }

    static std::string written_table()
    {
        std::ifstream in{table_file};
        return {std::istreambuf_iterator<char>{in}, {}};
    }

private:
    using field = kurier::testing::odd_field;

    struct sight // of one run
    {
        std::map<std::int16_t, std::uint64_t> requests; // by API, while responses are odd
        std::uint64_t connections_failed = 0;
        std::set<std::string> failures; // why records failed meanwhile
        std::uint64_t failed = 0, sent = 0;
        std::vector<std::string> broken;
    };

    static constexpr std::int32_t partitions = 3;
    static constexpr auto odd_from = std::chrono::seconds{2}, odd_until = std::chrono::seconds{6};

    simulation_options calm() const
    {
        using std::chrono::milliseconds;
        simulation_options options;
        options.seed = 11;
        options.versions = versions_;
        options.cluster.brokers = 2;
        auto& topic = options.topics.emplace_back();
        topic.name = "t";
        topic.options.partitions = partitions;
        topic.options.replication_factor = 2;
        auto& producer = options.producer;
        producer.bootstrap_servers = {"broker-1:9092", "broker-2:9092"};
        producer.linger = milliseconds{0};
        producer.request_timeout = milliseconds{500};
        producer.delivery_timeout = milliseconds{1500};
        producer.max_block = milliseconds{1000};
        producer.metadata_max_age = milliseconds{500};
        options.burst_pause = milliseconds{50};
        options.burst_max = 3;
        options.value_size_max = 60;
        options.keep_per_million = 0;
        options.hurried_per_million = 0;
        options.invariants_every = 16;
        return options;
    }

    template <class Response> sight look(const field* odd, bool from_the_start)
    {
        auto options = calm();
        options.active = from_the_start ? odd_until - odd_from : odd_until;
        const auto begin = from_the_start ? std::chrono::nanoseconds{0} : std::chrono::nanoseconds{odd_from};
        simulation run{options};
        sight seen;
        const auto is_odd = [&run, begin] { return run.virtual_time() >= begin; };
        if (odd)
            run.cluster().edit<Response>([odd, is_odd](kurier::testing::broker_id, Response& response) {
                if (is_odd()) kurier::testing::put(*odd, response);
            });
        for (std::int32_t p = 0; refused_ && p < partitions; ++p) {
            run.cluster().fail_next("t", p, kurier::broker_errc::not_leader_or_follower, 2);
            run.cluster().fail_next("t", p, kurier::broker_errc::invalid_record);
        }
        const auto count = [&seen, is_odd](const kurier::testing::request_view& request) {
            if (is_odd()) ++seen.requests[request.api_key];
            return kurier::testing::interception::pass();
        };
        const auto all = version_table::newest();
        for (const auto& api : all.ranges())
            run.cluster().intercept(api.api_key, count, kurier::testing::interceptors::always);
        run.run();
        runs_.count_case(run.steps(), odd != nullptr);
        seen.connections_failed = run.metrics().connections_failed;
        for (const auto& record : run.checker().book().records()) {
            if (record.sent < begin || record.sent > begin + (odd_until - odd_from)) continue;
            ++seen.sent;
            if (record.state != kurier::testing::record_state::failed) continue;
            ++seen.failed;
            seen.failures.insert(name_of(record.error));
        }
        seen.broken = run.broken();
        return seen;
    }

    static std::string name_of(const kurier::error_code& error)
    {
        if (!error) return "refused by send";
        const bool from_broker =
            error.category() == kurier::make_error_code(kurier::broker_errc::none).category();
        return from_broker ? std::string{kurier::error_name(static_cast<kurier::broker_errc>(error.value()))}
                           : error.message();
    }

    template <class Response> void of(const std::string& api, bool from_the_start)
    {
        table_ += "\n## " + api + (from_the_start ? "\n\n" : ", after two seconds\n\n");
        table_ += "| field | value | what the producer did |\n|---|---|---|\n";
        const auto usual = look<Response>(nullptr, from_the_start);
        if (!usual.broken.empty()) runs_.fail(api + ", nothing odd: " + usual.broken.front());
        std::string last_field, last_deed, values;
        const auto write_row = [&] {
            if (!values.empty()) table_ += "| `" + last_field + "` | " + values + " | " + last_deed + " |\n";
            values.clear();
        };
        for (const auto& odd : kurier::testing::odd_fields<Response>()) {
            if (cases_++ % every_ != 0) continue;
            const auto seen = look<Response>(&odd, from_the_start);
            const auto deed = describe<Response>(odd, usual, seen);
            if (odd.field != last_field || deed != last_deed) write_row();
            values += (values.empty() ? "" : ", ") + std::string{odd.value};
            last_field = odd.field;
            last_deed = deed;
        }
        write_row();
    }

    template <class Response> std::string describe(const field& odd, const sight& usual, const sight& seen)
    {
        if (!seen.broken.empty()) {
            if (is_lie<Response>(odd)) return "*believed*";
            runs_.fail(odd.field + " " + std::string{odd.value} + ": " + seen.broken.front());
            return "**" + seen.broken.front() + "**";
        }
        std::vector<std::string> deeds;
        const auto more = [&](std::int16_t api) {
            const auto count = [&](const sight& of) {
                const auto found = of.requests.find(api);
                return found == of.requests.end() ? 0 : found->second;
            };
            return count(seen) > count(usual) + count(usual) / 4 + 3;
        };
        if (seen.connections_failed > usual.connections_failed) deeds.push_back("closes connections");
        if (more(kurier::protocol::metadata_request::api_key))
            deeds.push_back("asks for metadata more often");
        if (more(kurier::protocol::init_producer_id_request::api_key))
            deeds.push_back("asks for a producer id again");
        if (more(kurier::protocol::produce_request::api_key)) deeds.push_back("sends again");
        if (seen.failed > usual.failed) {
            std::string why;
            for (const auto& failure : seen.failures) why += (why.empty() ? "" : ", ") + failure;
            deeds.push_back((seen.failed == seen.sent ? "all records fail: " : "records fail: ") + why);
        }
        if (deeds.empty()) return "ignored";
        std::string all;
        for (const auto& deed : deeds) all += (all.empty() ? "" : "; ") + deed;
        return all;
    }

    // What the broker is the only one to know.
    template <class Response> static bool is_lie(const field& odd)
    {
        using namespace kurier::protocol;
        if constexpr (std::is_same_v<Response, produce_response>) {
            static constexpr std::array<std::string_view, 6> lies{
                "responses.partition_responses",
                "responses.partition_responses.index",
                "responses.partition_responses.error_code",
                "responses.partition_responses.base_offset",
                "responses.partition_responses.log_append_time_ms",
                "responses.partition_responses.log_start_offset"};
            return std::ranges::find(lies, odd.field) != lies.end();
        }
        // An API that isn't offered, or only in versions that are no use: until the next connection.
        return std::is_same_v<Response, api_versions_response> && odd.field.starts_with("api_keys");
    }

    campaign& runs_;
    version_table versions_;
    std::size_t every_ = 1;
    bool refused_ = false;
    std::uint64_t cases_ = 0;
    std::string table_;
};

} // namespace simulation_tests
