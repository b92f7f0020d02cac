// The Produce path by hand against the declared messages: same bytes out, same meaning in, in every version.
#include <kurier/core/produce/produce_codec.hpp>

#include "../support/random_message.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace kurier;
using namespace kurier::core;

// Topics with partitions, and a batch of random bytes for each.
struct exchange_script
{
    tests::message_maker random;
    std::deque<topic_state> topics;
    std::deque<batch> batches;
    std::deque<std::vector<std::byte>> bodies;
    producer_config config{"localhost:9092"};
    request sent;
    produce_codec exchange;

    exchange_script(std::uint64_t seed, std::int16_t version) : random{seed}
    {
        sent.version = version;
        sent.correlation_id = 77;
        config.client_id = random.chance(4) ? "" : "client";
        config.acks = random.chance(3) ? acks::leader : acks::all;
        std::vector<batch*> taken;
        for (std::size_t t = random.below(4) + 1; t > 0; --t) {
            auto& topic = topics.emplace_back();
            topic.name = topic_name{"topic-" + std::to_string(t)};
            for (auto& byte : topic.id.bytes) byte = static_cast<std::byte>(random.below(256));
            for (std::size_t p = random.below(4) + 1; p > 0; --p) taken.push_back(&add_batch(topic));
        }
        exchange.encode(sent, taken, config);
    }

    batch& add_batch(topic_state& topic)
    {
        auto& partition = topic.partitions.emplace_back();
        partition.topic = &topic;
        partition.index = static_cast<std::int32_t>(topic.partitions.size() * 3);
        auto& body = bodies.emplace_back(61 + random.below(random.chance(5) ? 20'000 : 200));
        for (auto& byte : body) byte = static_cast<std::byte>(random.below(256));
        auto& made = batches.emplace_back();
        made.partition = &partition;
        made.memory = {body.data(), body.size()};
        made.size = body.size();
        return made;
    }

    protocol::produce_request declared() const
    {
        protocol::produce_request message;
        message.acks = static_cast<std::int16_t>(config.acks);
        message.timeout_ms = static_cast<std::int32_t>(config.request_timeout.count());
        const topic_state* last = nullptr;
        for (const auto& made : batches) {
            const auto& topic = *made.partition->topic;
            if (&topic != last)
                message.topic_data.push_back({std::string{std::string_view{topic.name}}, topic.id, {}});
            last = &topic;
            message.topic_data.back().partition_data.push_back(
                {made.partition->index, bytes_view{made.memory.data, made.size}});
        }
        return message;
    }

    // What a socket would be given: the head with the bodies at the cuts.
    std::vector<std::byte> on_the_wire() const
    {
        std::vector<std::byte> bytes;
        auto from = sent.head.begin();
        for (const auto& cut : sent.cuts) {
            const auto to = sent.head.begin() + static_cast<std::ptrdiff_t>(cut.at);
            bytes.insert(bytes.end(), from, to);
            bytes.insert(bytes.end(), cut.body->memory.data, cut.body->memory.data + cut.body->size);
            from = to;
        }
        bytes.insert(bytes.end(), from, sent.head.end());
        return bytes;
    }

    // A random answer: in another order, some partitions left out, some that nobody asked about.
    protocol::produce_response answer()
    {
        auto message = random.make<protocol::produce_response>(sent.version);
        for (const auto& made : batches) {
            if (random.chance(6)) continue;
            const auto& topic = *made.partition->topic;
            auto part = random.make<protocol::produce_response>(sent.version);
            auto& told = message.responses.emplace_back();
            if (sent.version <= 12)
                told.name = std::string_view{topic.name};
            else
                told.topic_id = topic.id;
            for (auto& other : part.responses)
                if (!other.partition_responses.empty() && told.partition_responses.empty())
                    told.partition_responses.push_back(other.partition_responses[0]);
            if (told.partition_responses.empty()) told.partition_responses.emplace_back();
            told.partition_responses[0].index = made.partition->index;
        }
        std::shuffle(message.responses.begin(), message.responses.end(), random.engine());
        return message;
    }

    const protocol::produce_response_partition* told_of(const batch& made,
                                                        const protocol::produce_response& message) const
    {
        const auto& topic = *made.partition->topic;
        for (const auto& told : message.responses)
            if (sent.version <= 12 ? told.name == std::string_view{topic.name} : told.topic_id == topic.id)
                for (const auto& part : told.partition_responses)
                    if (part.index == made.partition->index) return &part;
        return nullptr;
    }
};

void check_part(const produce_result::part& read, const protocol::produce_response_partition& told)
{
    REQUIRE(read.present);
    CHECK(static_cast<std::int16_t>(read.answer.error) == told.error_code);
    CHECK(read.answer.base_offset == told.base_offset);
    CHECK(read.answer.log_append_time == told.log_append_time_ms);
    CHECK(read.answer.log_start_offset == told.log_start_offset);
    CHECK(read.leader_id == told.current_leader.leader_id);
    CHECK(read.leader_epoch == told.current_leader.leader_epoch);
    const auto& note = read.answer.note;
    CHECK((note ? note->broker_message : "") == told.error_message.value_or(""));
    std::size_t known = 0;
    for (const auto& record : told.record_errors)
        if (record.batch_index >= 0) {
            REQUIRE(note);
            REQUIRE(known < note->records.size());
            CHECK(note->records[known].index == static_cast<std::uint32_t>(record.batch_index));
            CHECK(note->records[known].message == record.batch_index_error_message.value_or(""));
            ++known;
        }
    CHECK((note ? note->records.size() : 0) == known);
}

} // namespace

TEST_CASE("a Produce request around its bodies is the declared one")
{
    for (std::int16_t version = 3; version <= 13; ++version)
        for (std::uint64_t seed = 1; seed <= 30; ++seed) {
            CAPTURE(version);
            CAPTURE(seed);
            const exchange_script script{seed, version};
            std::vector<std::byte> expected;
            REQUIRE(protocol::write_request_frame(expected, script.declared(), version, 77,
                                                  script.config.client_id));
            REQUIRE(script.on_the_wire() == expected);
            REQUIRE(script.sent.cuts.size() == script.batches.size());
        }
}

TEST_CASE("a Produce answer is given to the batches it is about, as the declared message says")
{
    for (std::int16_t version = 3; version <= 13; ++version)
        for (std::uint64_t seed = 1; seed <= 60; ++seed) {
            CAPTURE(version);
            CAPTURE(seed);
            exchange_script script{seed, version};
            const auto message = script.answer();
            std::vector<std::byte> frame;
            REQUIRE(protocol::write_response_frame(frame, message, version, 77));
            const auto body = bytes_view{frame}.subspan(8);
            produce_result result;
            REQUIRE(script.exchange.decode(script.sent, body, result));
            REQUIRE(result.partitions.size() == script.batches.size());
            for (std::size_t i = 0; i < script.batches.size(); ++i) {
                const auto* told = script.told_of(script.batches[i], message);
                if (told)
                    check_part(result.partitions[i], *told);
                else
                    CHECK_FALSE((result.partitions[i].present && script.batches.size() > 1));
            }
            CHECK(result.throttle_ms == message.throttle_time_ms);
            REQUIRE(result.nodes.size() == message.node_endpoints.size());
            for (std::size_t i = 0; i < result.nodes.size(); ++i) {
                CHECK(result.nodes[i].id == message.node_endpoints[i].node_id);
                CHECK(result.nodes[i].host == message.node_endpoints[i].host);
                CHECK(result.nodes[i].port == message.node_endpoints[i].port);
            }
            if (seed <= 5)
                for (std::size_t size = 0; size < body.size(); ++size)
                    REQUIRE_FALSE(script.exchange.decode(script.sent, body.first(size), result));
        }
}
