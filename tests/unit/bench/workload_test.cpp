#include "../../../bench/producer_perf/workload.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace kurier::bench;

namespace {

perf_options parse(std::vector<std::string> words)
{
    for (const char* word : {"--topic", "t", "--num-records", "10"}) words.emplace_back(word);
    return options_parser{std::move(words)}.parse();
}

} // namespace

TEST_CASE("Kafka's options mean what they mean there")
{
    const perf_options options =
        parse({"--bootstrap-server", "a:1,b:2", "--record-size", "100", "--throughput", "1e3",
               "--command-property", "linger.ms=1", "acks=all", "--command-config", "file",
               "--payload-delimiter", "\\n\\t|", "--warmup-records", "5"});
    CHECK(options.bootstrap_server == "a:1,b:2");
    CHECK(options.record_size == 100);
    CHECK(options.throughput == 1000);
    CHECK(options.limited());
    CHECK(options.command_properties.size() == 2);
    CHECK(options.command_properties[1].first == "acks");
    CHECK(options.command_configs.size() == 1);
    CHECK(options.payload_delimiter == "\n\t|");
    CHECK(options.num_records == 10);
    CHECK(options.warmup_records == 5);
}

TEST_CASE("a command line that makes no sense is refused")
{
    using words = std::vector<std::string>;
    for (const words& wrong :
         {words{"--record-size", "ten"}, words{"--record-size"}, words{"--no-such-option"}, words{},
          words{"--record-size", "1", "--payload-monotonic"}, words{"--record-size", "1", "--api", "x"},
          words{"--record-size", "1", "--record-key-range", "5"},
          words{"--record-size", "1", "--key-distribution", "range"},
          words{"--record-size", "1", "--throughput", "0"},
          words{"--record-size", "1", "--warmup-records", "10"},
          words{"--record-size", "1", "--command-property", "linger.ms"}})
        CHECK_THROWS_AS(parse(wrong), usage_error);
    CHECK(parse({"--help"}).help);
}

TEST_CASE("payloads: random letters, or the number of the record")
{
    workload letters{parse({"--record-size", "20"})};
    const std::string_view first = letters.next_value();
    CHECK(first.size() == 20);
    CHECK(first.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos);
    workload again{parse({"--record-size", "20"})};
    CHECK(again.next_value() == first); // of the same seed
    workload other{parse({"--record-size", "20", "--random-seed", "1"})};
    CHECK(other.next_value() != first);

    workload numbers{parse({"--payload-monotonic"})};
    CHECK(numbers.next_value() == "0");
    CHECK(numbers.next_value() == "1");
}

TEST_CASE("keys: in turn, or each once in random order")
{
    workload range{parse(
        {"--record-size", "1", "--record-key-range", "3", "--key-distribution", "range", "--key-size", "4"})};
    CHECK(range.keyed());
    for (const char* expected : {"0000", "0001", "0002", "0000"}) CHECK(range.next_key() == expected);
    workload random{
        parse({"--record-size", "1", "--record-key-range", "100", "--key-distribution", "random"})};
    std::set<std::string_view> seen;
    for (int i = 0; i < 100; ++i) seen.insert(random.next_key());
    CHECK(seen.size() == 100);
    CHECK(!workload{parse({"--record-size", "1"})}.keyed());
}

TEST_CASE("topics take turns")
{
    workload one{parse({"--record-size", "1"})};
    CHECK(one.next_topic() == "t");
    workload two{parse({"--record-size", "1", "--topics", "2"})};
    CHECK(two.next_topic() == "t-0");
    CHECK(two.next_topic() == "t-1");
    CHECK(two.next_topic() == "t-0");
}
