#include <kurier/protocol/produce_fast.hpp>

#include "../../support/random_message.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace {

using namespace kurier::protocol;
using kurier::bytes_view;
using kurier::uuid;
using kurier::tests::encoded;
using kurier::tests::message_maker;

std::optional<std::string> owned(std::optional<std::string_view> text)
{
    return text ? std::optional<std::string>{*text} : std::nullopt;
}

// Builds the declared message of what it is told.
struct builder
{
    produce_response built;

    void topic(std::string_view name, const uuid& id)
    {
        built.responses.push_back({std::string{name}, id, {}});
    }

    void partition(const produce_partition_view& answer)
    {
        auto& made = built.responses.back().partition_responses.emplace_back();
        made.index = answer.index;
        made.error_code = answer.error_code;
        made.base_offset = answer.base_offset;
        made.log_append_time_ms = answer.log_append_time_ms;
        made.log_start_offset = answer.log_start_offset;
        for (const auto& record : answer.record_errors)
            made.record_errors.push_back({record.batch_index, owned(record.batch_index_error_message)});
        CHECK(made.record_errors.size() == answer.record_errors.size());
        made.error_message = owned(answer.error_message);
        made.current_leader = answer.current_leader;
    }

    void end(std::int32_t throttle_time_ms, node_endpoints_view leaders)
    {
        built.throttle_time_ms = throttle_time_ms;
        for (const auto& node : leaders)
            built.node_endpoints.push_back(
                {node.node_id, std::string{node.host}, node.port, owned(node.rack)});
        CHECK(built.node_endpoints.size() == leaders.size());
    }
};

constexpr std::size_t without_bound = std::size_t{1} << 30;

void damage_lightly(std::vector<std::byte>& bytes, message_maker& maker)
{
    if (bytes.empty()) return;
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(maker.below(bytes.size()));
    switch (maker.below(4)) {
    case 0:
        *place ^= static_cast<std::byte>(1u << maker.below(8));
        break;
    case 1:
        *place = static_cast<std::byte>(maker.below(4));
        break;
    case 2:
        bytes.erase(place);
        break;
    default:
        bytes.insert(place, 1 + maker.below(4), static_cast<std::byte>(maker.below(4)));
    }
}

} // namespace

TEST_CASE("a Produce answer read by hand is the declared message, in all versions")
{
    message_maker maker{5};
    for (std::int16_t version = produce_response::valid.lo; version <= produce_response::valid.hi;
         ++version) {
        CAPTURE(version);
        for (int i = 0; i < 500; ++i) {
            const auto made = maker.make<produce_response>(version);
            const auto bytes = encoded(made, version);
            builder read;
            REQUIRE(decode_produce_response(bytes, version, read));
            REQUIRE(read.built == made);
            if (i < 20)
                for (std::size_t size = 0; size < bytes.size(); ++size) {
                    builder cut;
                    REQUIRE_FALSE(decode_produce_response(bytes_view{bytes}.first(size), version, cut));
                }
        }
    }
}

TEST_CASE("of damaged bytes both accept the same, and read the same")
{
    message_maker maker{6};
    std::size_t good = 0, bad = 0;
    for (std::int16_t version = produce_response::valid.lo; version <= produce_response::valid.hi;
         ++version) {
        CAPTURE(version);
        for (int i = 0; i < 3'000; ++i) {
            auto bytes = encoded(maker.make<produce_response>(version), version);
            for (auto times = maker.below(3); times < 3; ++times) damage_lightly(bytes, maker);
            produce_response declared;
            builder by_hand;
            std::size_t behind = 0;
            const auto accepted = decode_front(bytes, version, declared, without_bound, behind);
            REQUIRE(decode_produce_response(bytes, version, by_hand) == accepted);
            if (accepted) REQUIRE(by_hand.built == declared);
            ++(accepted ? good : bad);
        }
    }
    CHECK(good > 1'000);
    CHECK(bad > 10'000);
}

TEST_CASE("bytes behind a Produce response are ignored, as Kafka's Java client does")
{
    message_maker maker{7};
    for (std::int16_t version = produce_response::valid.lo; version <= produce_response::valid.hi;
         ++version) {
        CAPTURE(version);
        const auto made = maker.make<produce_response>(version);
        auto bytes = encoded(made, version);
        bytes.insert(bytes.end(), 5, std::byte{0xff});
        builder read;
        REQUIRE(decode_produce_response(bytes, version, read));
        CHECK(read.built == made);
    }
}

TEST_CASE("a tagged field that is there twice: the last one counts, as in Kafka")
{
    produce_response response;
    response.node_endpoints = {{1, "a", 9092, {}}};
    auto bytes = encoded(response, 10);
    const std::vector<std::byte> field(bytes.end() - 15, bytes.end());
    auto twice = bytes;
    auto& count = twice[twice.size() - field.size() - 1];
    REQUIRE(count == std::byte{1});
    count = std::byte{2};
    twice.insert(twice.end(), field.begin(), field.end());
    twice[twice.size() - 7] = std::byte{'b'}; // behind it: the port, no rack, no tags
    builder by_hand;
    produce_response declared;
    CHECK(decode(twice, 10, declared));
    CHECK(decode_produce_response(twice, 10, by_hand));
    CHECK(by_hand.built == declared);
    REQUIRE(declared.node_endpoints.size() == 1);
    CHECK(declared.node_endpoints[0].host == "b");
}
