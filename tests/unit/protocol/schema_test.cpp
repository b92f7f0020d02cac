#include <kurier/protocol/schema.hpp>

#include "../../support/bytes_of.hpp"
#include "../../support/random_message.hpp"

#include <doctest/doctest.h>

namespace {

using namespace kurier::protocol;
using kurier::as_bytes;
using kurier::bytes_view;
using kurier::tests::bytes_of;
using kurier::tests::encoded;
using kurier::tests::for_each_version;
using kurier::tests::message_maker;

template <message Message> bool encodes(const Message& value, std::int16_t version)
{
    std::vector<std::byte> bytes;
    kurier::wire::writer out{bytes};
    encode(value, version, out);
    return !out.bad();
}

template <message Message> Message decoded(bytes_view bytes, std::int16_t version)
{
    Message value;
    CHECK(decode(bytes, version, value));
    return value;
}

} // namespace

TEST_CASE("each message in each version: what is decoded is what was encoded, in as many bytes as foretold")
{
    message_maker maker{1};
    for_each_version([&]<class Message>(std::int16_t version) {
        CAPTURE(Message::api_key);
        CAPTURE(version);
        Message reused;
        for (int i = 0; i < 200; ++i) {
            const auto made = maker.make<Message>(version);
            const auto bytes = encoded(made, version);
            REQUIRE(encoded_size(made, version) == bytes.size());
            Message read;
            REQUIRE(decode(bytes, version, read));
            REQUIRE(read == made);
            REQUIRE(decode(bytes, version, reused)); // nothing stays of the message before
            REQUIRE(reused == made);
        }
    });
}

TEST_CASE("each message in each version: no beginning of an encoding is one, nor is one with a byte more")
{
    message_maker maker{2};
    for_each_version([&]<class Message>(std::int16_t version) {
        CAPTURE(Message::api_key);
        CAPTURE(version);
        for (int i = 0; i < 10; ++i) {
            auto bytes = encoded(maker.make<Message>(version), version);
            Message read;
            for (std::size_t size = 0; size < bytes.size(); ++size)
                REQUIRE_FALSE(decode(bytes_view{bytes}.first(size), version, read));
            bytes.push_back(std::byte{});
            REQUIRE_FALSE(decode(bytes, version, read));
        }
    });
}

TEST_CASE("ProduceRequest version 9, byte by byte")
{
    produce_request request;
    request.acks = -1;
    request.timeout_ms = 30'000;
    request.topic_data.push_back({"t", {}, {{7, as_bytes("abc")}}});
    CHECK(encoded(request, 9) ==
          bytes_of({0,                              // transactional id: null
                    0xff, 0xff, 0,   0, 0x75, 0x30, // acks, timeout
                    2,    2,    't',                // one topic, "t"
                    2,    0,    0,   0, 7,    4,    'a',
                    'b',  'c',  0,   0, 0})); // no tagged fields: of the partition, the topic, the request
    CHECK(encoded(request, 3) ==
          bytes_of({0xff, 0xff, 0xff, 0xff, 0, 0, 0x75, 0x30, 0, 0, 0, 1, 0,   1,   't',
                    0,    0,    0,    1,    0, 0, 0,    7,    0, 0, 0, 3, 'a', 'b', 'c'}));
}

TEST_CASE("tagged fields are left out while they have their defaults")
{
    api_versions_response response;
    CHECK(encoded(response, 3) == bytes_of({0, 0, 1, 0, 0, 0, 0, 0}));
    response.finalized_features_epoch = 0; // the default is -1
    CHECK(encoded(response, 3) == bytes_of({0, 0, 1, 0, 0, 0, 0, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 0}));
    response.finalized_features_epoch = -1;
    response.zk_migration_ready = true;
    CHECK(encoded(response, 4) == bytes_of({0, 0, 1, 0, 0, 0, 0, 1, 3, 1, 1}));
    CHECK(encoded(response, 2) == bytes_of({0, 0, 0, 0, 0, 0, 0, 0, 0, 0})); // not flexible: no tags
}

TEST_CASE("a tag that nobody knows is skipped, wherever it stands")
{
    const auto before = bytes_of({0, 0, 1, 0, 0, 0, 0, 2, 99, 3, 1, 2, 3, 3, 1, 1});
    CHECK(decoded<api_versions_response>(before, 3).zk_migration_ready);
    const auto after = bytes_of({0, 0, 1, 0, 0, 0, 0, 2, 3, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0});
    CHECK(decoded<api_versions_response>(after, 3).zk_migration_ready);
    const auto inside = bytes_of({0, 0, 2, 0, 1, 0, 2, 0, 3, 1, 7, 1, 0xaa, 0, 0, 0, 0, 0});
    CHECK(decoded<api_versions_response>(inside, 3).api_keys.at(0).max_version == 3);
    // of a version to come: current_leader (tag 0) is known since version 10 only
    produce_response response;
    response.responses.push_back({"t", {}, {{}}});
    auto tagged_early = encoded(response, 9);
    tagged_early.erase(tagged_early.end() - 7,
                       tagged_early.end()); // tags of partition and topic, throttle time, tags
    for (const int byte : {1, 0, 2, 0xaa, 0xbb, 0, 0, 0, 0, 9, 0})
        tagged_early.push_back(static_cast<std::byte>(byte));
    const auto read = decoded<produce_response>(tagged_early, 9);
    CHECK(read.responses.at(0).partition_responses.at(0).current_leader == leader_id_and_epoch{});
    CHECK(read.throttle_time_ms == 9);
}

TEST_CASE("a known tag whose size is not that of its value is malformed")
{
    api_versions_response response;
    CHECK_FALSE(decode(bytes_of({0, 0, 1, 0, 0, 0, 0, 1, 3, 2, 1, 1}), 3, response)); // too long
    CHECK_FALSE(decode(bytes_of({0, 0, 1, 0, 0, 0, 0, 1, 3, 0}), 3, response));       // too short
    CHECK_FALSE(decode(bytes_of({0, 0, 1, 0, 0, 0, 0, 1, 1, 7, 0, 0, 0, 0, 0, 0, 0}), 3, response));
}

TEST_CASE("null is an error where the version has no null, in both directions")
{
    metadata_response response;
    response.topics.push_back({});
    CHECK(encodes(response, 12));
    CHECK_FALSE(encodes(response, 11));
    CHECK_FALSE(decode(encoded(response, 11), 11, response));

    metadata_request request;
    request.topics = {metadata_request_topic{}};
    CHECK(encodes(request, 10));
    CHECK_FALSE(encodes(request, 9));
    CHECK_FALSE(decode(encoded(request, 9), 9, request));
    request.topics.reset();
    CHECK(encodes(request, 4));

    api_versions_response without_null;
    CHECK_FALSE(decode(bytes_of({0, 0, 0xff, 0xff, 0xff, 0xff}), 0, without_null));
    CHECK_FALSE(decode(bytes_of({0, 0, 0xff, 0xff, 0xff, 0xfe}), 0, without_null));
    CHECK_FALSE(decode(bytes_of({0, 0, 0, 0, 0, 0, 0, 0}), 3, without_null));
}

TEST_CASE("a text that is too long for its length field")
{
    init_producer_id_request request;
    request.transactional_id.emplace(32'767, 'x');
    CHECK(encodes(request, 1));
    CHECK(encodes(request, 2));
    CHECK(decoded<init_producer_id_request>(encoded(request, 2), 2) == request);
    request.transactional_id->push_back('x');
    CHECK_FALSE(encodes(request, 1));
    CHECK_FALSE(encodes(request, 2)); // a compact length could say it, but Kafka refuses it too
    CHECK_FALSE(decode(encoded(request, 2), 2, request));
}

TEST_CASE("what a version lacks is not written, and has its default after decoding")
{
    init_producer_id_request request;
    request.producer_id = 42;
    request.producer_epoch = 7;
    CHECK(decoded<init_producer_id_request>(encoded(request, 3), 3) == request);
    CHECK(decoded<init_producer_id_request>(encoded(request, 2), 2) == init_producer_id_request{});

    produce_request by_id;
    by_id.topic_data.push_back({"name", {}, {}});
    by_id.topic_data[0].topic_id.bytes.fill(std::byte{5});
    CHECK(decoded<produce_request>(encoded(by_id, 12), 12).topic_data[0].topic_id.is_nil());
    CHECK(decoded<produce_request>(encoded(by_id, 13), 13).topic_data[0].name.empty());
}

TEST_CASE("records are not copied: a view in, a view out")
{
    produce_request request;
    request.topic_data.push_back({"t", {}, {{0, as_bytes("records")}, {1, {}}, {2, as_bytes("")}}});
    for (std::int16_t version = 3; version <= 13; ++version) {
        const auto bytes = encoded(request, version);
        const auto read = decoded<produce_request>(bytes, version);
        const auto& partitions = read.topic_data.at(0).partition_data;
        CHECK(partitions.at(0).records == kurier::nullable_bytes{"records"});
        CHECK(partitions.at(0).records.data() > bytes.data());
        CHECK(partitions.at(0).records.data() < bytes.data() + bytes.size());
        CHECK(partitions.at(1).records.is_null());
        CHECK_FALSE(partitions.at(2).records.is_null());
        CHECK(partitions.at(2).records.size() == 0);
    }
}

TEST_CASE("texts of any length; a long one counts as memory, one that a string has room for inside doesn't")
{
    for (const std::size_t size : {0u, 1u, 15u, 16u, 100u, 20'000u}) {
        CAPTURE(size);
        api_versions_request request;
        request.client_software_name = std::string(size, 'x');
        const auto bytes = encoded(request, 3);
        const std::size_t memory = size < 16 ? 0 : size + 16;
        api_versions_request read;
        CHECK(decode(bytes, 3, read, memory));
        CHECK(read.client_software_name == request.client_software_name);
        if (memory > 0) CHECK_FALSE(decode(bytes, 3, read, memory - 1));
    }
}
