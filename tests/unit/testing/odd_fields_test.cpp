#include <kurier/protocol/messages.hpp>
#include <kurier/testing/odd_fields.hpp>

#include <doctest/doctest.h>

#include <set>

using namespace kurier;
using namespace kurier::testing;

namespace {

protocol::metadata_response sample()
{
    protocol::metadata_response made;
    made.brokers = {{1, "a", 9092, {}}, {2, "b", 9092, {}}};
    made.cluster_id = "cluster";
    auto& topic = made.topics.emplace_back();
    topic.name = "t";
    topic.partitions.resize(2);
    topic.partitions[1].partition_index = 1;
    topic.partitions[1].leader_id = 2;
    topic.partitions[0].isr_nodes = topic.partitions[1].isr_nodes = {1, 2};
    return made;
}

protocol::metadata_response with(std::string_view field, std::string_view value)
{
    auto made = sample();
    for (const auto& odd : odd_fields<protocol::metadata_response>())
        if (odd.field == field && odd.value == value) {
            CHECK(put(odd, made));
            return made;
        }
    FAIL("no such field and value");
    return made;
}

} // namespace

TEST_CASE("each field of a message is found by its schema, in nested messages and lists too")
{
    std::set<std::string> fields;
    for (const auto& odd : odd_fields<protocol::produce_response>()) fields.insert(odd.field);
    CHECK(fields ==
          std::set<std::string>{"responses",
                                "responses.name",
                                "responses.topic_id",
                                "responses.partition_responses",
                                "responses.partition_responses.index",
                                "responses.partition_responses.error_code",
                                "responses.partition_responses.base_offset",
                                "responses.partition_responses.log_append_time_ms",
                                "responses.partition_responses.log_start_offset",
                                "responses.partition_responses.record_errors",
                                "responses.partition_responses.record_errors.batch_index",
                                "responses.partition_responses.record_errors.batch_index_error_message",
                                "responses.partition_responses.error_message",
                                "responses.partition_responses.current_leader.leader_id",
                                "responses.partition_responses.current_leader.leader_epoch",
                                "throttle_time_ms",
                                "node_endpoints",
                                "node_endpoints.node_id",
                                "node_endpoints.host",
                                "node_endpoints.port",
                                "node_endpoints.rack"});
}

TEST_CASE("a field gets its odd value wherever it is")
{
    const auto leaders = with("topics.partitions.leader_id", "largest").topics[0].partitions;
    CHECK(leaders[0].leader_id == 2147483647);
    CHECK(leaders[1].leader_id == 2147483647);
    CHECK(with("topics.error_code", "smallest").topics[0].error_code == -32768);
    CHECK(with("topics.is_internal", "the other").topics[0].is_internal);
    CHECK(with("cluster_id", "null").cluster_id == std::nullopt);
    CHECK(with("brokers.host", "binary").brokers[1].host.size() == 4);
    CHECK_FALSE(with("topics.topic_id", "another").topics[0].topic_id.is_nil());
}

TEST_CASE("lists lose, repeat and gain elements")
{
    const auto ids = [](std::string_view value) {
        std::vector<std::int32_t> found;
        for (const auto& broker : with("brokers", value).brokers) found.push_back(broker.node_id);
        return found;
    };
    using list = std::vector<std::int32_t>;
    CHECK(ids("empty") == list{});
    CHECK(ids("the first is missing") == list{2});
    CHECK(ids("the last is missing") == list{1});
    CHECK(ids("reversed") == list{2, 1});
    CHECK(ids("each twice") == list{1, 1, 2, 2});
    CHECK(ids("one more") == list{1, 2, 0});
    CHECK(ids("1000 more").size() == 1002);
    CHECK(with("topics.partitions.isr_nodes", "reversed").topics[0].partitions[1].isr_nodes == list{2, 1});
}

TEST_CASE("a value that a field has already changes nothing")
{
    auto made = sample();
    for (const auto& odd : odd_fields<protocol::metadata_response>())
        if (odd.field == "throttle_time_ms" && odd.value == "0") CHECK_FALSE(put(odd, made));
    CHECK(made == sample());
}
