// The command line of producer_perf: that of kafka-producer-perf-test, and what kurier adds.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::bench {

struct usage_error : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

enum class key_distribution { none, range, random };
enum class sending_api { callback, coroutine, batch };

struct perf_options
{
    std::string bootstrap_server;
    std::string topic;
    std::uint64_t num_records = 0;
    std::optional<std::size_t> record_size;
    std::string payload_file;
    std::string payload_delimiter = "\n";
    bool payload_monotonic = false;
    double throughput = -1;
    std::vector<std::pair<std::string, std::string>> command_properties;
    std::vector<std::string> command_configs;
    bool print_metrics = false;
    std::uint64_t warmup_records = 0;
    std::uint64_t reporting_interval_ms = 5000;
    std::size_t record_key_range = 0;
    key_distribution keys = key_distribution::none;
    std::uint64_t random_seed = 0;

    // Beyond Kafka's tool
    sending_api api = sending_api::callback;
    std::size_t producers = 1;
    std::size_t coroutines = 1000;
    std::uint64_t burst = 1;
    std::size_t key_size = 0;
    std::size_t headers = 0;
    std::size_t topics = 1;
    std::string known_topics; // PREFIX:COUNT
    std::uint64_t timed_of = 64;
    bool json = false;
    bool help = false;

    bool limited() const noexcept { return throughput > 0; }
};

inline constexpr std::string_view perf_usage =
    R"(usage: producer_perf --topic TOPIC --num-records N PAYLOAD [OPTION]...

As kafka-producer-perf-test:
  --bootstrap-server HOST:PORT,...    the servers to connect to first
  --topic TOPIC                       where the records go
  --num-records N                     how many
  --record-size BYTES                 payload: random capital letters
  --payload-file FILE                 payload: the parts of a file, chosen at random
  --payload-delimiter TEXT            between those parts (a line feed, \n)
  --payload-monotonic                 payload: the number of the record
  --throughput N                      records a second at most; -1: no limit (-1)
  --command-property NAME=VALUE...    the producer's settings, by Kafka's names
  --command-config FILE               the same from a file
  --print-metrics                     each producer's metrics at the end
  --warmup-records N                  these first ones don't count for the steady state (0)
  --reporting-interval MS             between two progress reports (5000)
  --record-key-range N                how many distinct keys
  --key-distribution none|range|random  in turn, or at random (none)
  --random-seed N                     for payloads and keys (0)
  --producer-props, --producer.config the older names

Beyond it:
  --api callback|coroutine|batch      how records are sent (callback)
  --coroutines N                      of --api coroutine: so many, each awaiting one record at a time (1000)
  --producers N                       so many producers, each in a thread of its own (1)
  --burst N                           of --throughput: so many records at once (1)
  --key-size BYTES                    keys get leading zeros up to this size
  --headers N                         of each record
  --topics N                          records go in turn to TOPIC-0, TOPIC-1, ...
  --known-topics PREFIX:N             the producer also knows PREFIX-0, ... and sends nothing there
  --timed-of N                        without --throughput, one record in N is timed; 0: none (64)
  --json                              the result as one line of JSON, and nothing else
)";

namespace detail {

inline std::uint64_t parse_count(std::string_view name, std::string_view text)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        throw usage_error{std::string{name} + " needs a number, not '" + std::string{text} + "'"};
    return value;
}

inline double parse_rate(std::string_view name, const std::string& text)
{
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0')
        throw usage_error{std::string{name} + " needs a number, not '" + text + "'"};
    return value;
}

template <class Value> Value parse_name(std::string_view name, std::string_view text,
                                        std::initializer_list<std::pair<std::string_view, Value>> known)
{
    std::string choices;
    for (const auto& [known_text, value] : known) {
        if (known_text == text) return value;
        choices += (choices.empty() ? "" : ", ") + std::string{known_text};
    }
    throw usage_error{std::string{name} + " is one of " + choices + ", not '" + std::string{text} + "'"};
}

// "\n" typed in a shell is two characters.
inline std::string unescape(std::string_view text)
{
    static const std::map<char, char> escapes{
        {'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'0', '\0'}, {'\\', '\\'}};
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto escape =
            text[i] == '\\' && i + 1 < text.size() ? escapes.find(text[i + 1]) : escapes.end();
        plain += escape == escapes.end() ? text[i] : (++i, escape->second);
    }
    return plain;
}

} // namespace detail

// Reads one command line; throws usage_error.
class options_parser
{
public:
    explicit options_parser(std::vector<std::string> words) : words_{std::move(words)} {}

    perf_options parse()
    {
        while (at_ < words_.size() && !options_.help) parse_option(words_[at_++]);
        if (!options_.help) check();
        return std::move(options_);
    }

private:
    void parse_option(const std::string& name)
    {
        if (parse_flag(name) || parse_kafka(name) || parse_own(name)) return;
        throw usage_error{"unknown option " + name};
    }

    bool parse_flag(std::string_view name)
    {
        const std::map<std::string_view, bool*> flags{{"--payload-monotonic", &options_.payload_monotonic},
                                                      {"--print-metrics", &options_.print_metrics},
                                                      {"--json", &options_.json},
                                                      {"--help", &options_.help},
                                                      {"-h", &options_.help}};
        const auto flag = flags.find(name);
        if (flag == flags.end()) return false;
        return *flag->second = true;
    }

    bool parse_kafka(std::string_view name)
    {
        using detail::parse_count;
        if (name == "--bootstrap-server")
            options_.bootstrap_server = value(name);
        else if (name == "--topic")
            options_.topic = value(name);
        else if (name == "--num-records")
            options_.num_records = parse_count(name, value(name));
        else if (name == "--record-size")
            options_.record_size = parse_count(name, value(name));
        else if (name == "--payload-file")
            options_.payload_file = value(name);
        else if (name == "--payload-delimiter")
            options_.payload_delimiter = detail::unescape(value(name));
        else if (name == "--throughput")
            options_.throughput = detail::parse_rate(name, value(name));
        else if (name == "--command-property" || name == "--producer-props")
            properties(name);
        else if (name == "--command-config" || name == "--producer.config")
            options_.command_configs.push_back(value(name));
        else if (name == "--warmup-records")
            options_.warmup_records = parse_count(name, value(name));
        else if (name == "--reporting-interval")
            options_.reporting_interval_ms = parse_count(name, value(name));
        else if (name == "--record-key-range")
            options_.record_key_range = parse_count(name, value(name));
        else if (name == "--random-seed")
            options_.random_seed = parse_count(name, value(name));
        else if (name == "--key-distribution")
            options_.keys = detail::parse_name<key_distribution>(name, value(name),
                                                                 {{"none", key_distribution::none},
                                                                  {"range", key_distribution::range},
                                                                  {"random", key_distribution::random}});
        else
            return false;
        return true;
    }

    bool parse_own(std::string_view name)
    {
        using detail::parse_count;
        if (name == "--coroutines")
            options_.coroutines = parse_count(name, value(name));
        else if (name == "--producers")
            options_.producers = parse_count(name, value(name));
        else if (name == "--burst")
            options_.burst = parse_count(name, value(name));
        else if (name == "--key-size")
            options_.key_size = parse_count(name, value(name));
        else if (name == "--headers")
            options_.headers = parse_count(name, value(name));
        else if (name == "--topics")
            options_.topics = parse_count(name, value(name));
        else if (name == "--timed-of")
            options_.timed_of = parse_count(name, value(name));
        else if (name == "--known-topics")
            options_.known_topics = value(name);
        else if (name == "--api")
            options_.api = detail::parse_name<sending_api>(name, value(name),
                                                           {{"callback", sending_api::callback},
                                                            {"coroutine", sending_api::coroutine},
                                                            {"batch", sending_api::batch}});
        else
            return false;
        return true;
    }

    const std::string& value(std::string_view name)
    {
        if (at_ == words_.size()) throw usage_error{std::string{name} + " needs a value"};
        return words_[at_++];
    }

    // One or more NAME=VALUE, up to the next option
    void properties(std::string_view name)
    {
        do {
            const std::string& pair = value(name);
            const std::size_t equals = pair.find('=');
            if (equals == std::string::npos)
                throw usage_error{std::string{name} + " needs NAME=VALUE, not '" + pair + "'"};
            options_.command_properties.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
        } while (at_ < words_.size() && !words_[at_].starts_with("--"));
    }

    void check() const
    {
        const int payloads = int{options_.record_size.has_value()} + int{!options_.payload_file.empty()} +
                             int{options_.payload_monotonic};
        if (options_.topic.empty()) throw usage_error{"--topic is needed"};
        if (options_.num_records == 0) throw usage_error{"--num-records is needed, and more than 0"};
        if (payloads != 1)
            throw usage_error{
                "exactly one of --record-size, --payload-file and --payload-monotonic is needed"};
        if (options_.warmup_records >= options_.num_records)
            throw usage_error{"--warmup-records must be fewer than --num-records"};
        if (options_.throughput == 0)
            throw usage_error{"--throughput 0 would never send anything; -1 is no limit"};
        if ((options_.keys == key_distribution::none) != (options_.record_key_range == 0))
            throw usage_error{"--record-key-range and --key-distribution range or random belong together"};
        for (const std::uint64_t positive :
             {std::uint64_t{options_.producers}, std::uint64_t{options_.coroutines}, options_.burst,
              std::uint64_t{options_.topics}, options_.reporting_interval_ms}) {
            if (positive == 0)
                throw usage_error{
                    "--producers, --coroutines, --burst, --topics and --reporting-interval are at least 1"};
        }
    }

    std::vector<std::string> words_;
    std::size_t at_ = 0;
    perf_options options_;
};

} // namespace kurier::bench
