// What decoding may allocate, whatever the bytes say: counted at operator new.
#include <kurier/protocol/schema.hpp>

#include "../../support/random_message.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

std::size_t allocated = 0;

} // namespace

// Not inline, where g++ 12 takes malloc and free for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size)
{
    allocated += size;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept
{
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}

namespace {

using namespace kurier::protocol;
using kurier::bytes_view;
using kurier::tests::encoded;
using kurier::tests::for_each_version;
using kurier::tests::message_maker;

// The bound that a message has, stated here once more on purpose.
template <message Message> constexpr std::size_t bound(std::size_t size)
{
    return (std::is_same_v<Message, metadata_request> ? 32 : 8) * size + 4096;
}

template <message Message> bool decode_within_bound(bytes_view bytes, std::int16_t version)
{
    const auto before = allocated;
    bool good = false;
    {
        Message read;
        good = decode(bytes, version, read);
    }
    const auto used = allocated - before;
    if (used > bound<Message>(bytes.size())) {
        CAPTURE(Message::api_key);
        CAPTURE(version);
        CAPTURE(bytes.size());
        CHECK(used <= bound<Message>(bytes.size()));
    }
    return good;
}

void put_big(std::vector<std::byte>& bytes, std::size_t at, std::uint32_t value)
{
    for (std::size_t i = 0; i < 4 && at + i < bytes.size(); ++i)
        bytes[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

// Bits, bytes, or what may be a length: changed, inserted or taken out.
void damage(std::vector<std::byte>& bytes, message_maker& maker)
{
    if (bytes.empty()) return;
    const auto at = maker.below(bytes.size());
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (maker.below(6)) {
    case 0:
        *place ^= static_cast<std::byte>(1u << maker.below(8));
        break;
    case 1:
        *place = static_cast<std::byte>(maker.below(256));
        break;
    case 2:
        put_big(bytes, at, static_cast<std::uint32_t>(maker.below(1u << maker.below(32))));
        break;
    case 3:
        put_big(bytes, at, 0x7fffffff);
        break;
    case 4:
        bytes.erase(place);
        break;
    default:
        bytes.insert(place, maker.below(8), static_cast<std::byte>(maker.below(256)));
    }
}

// A list of `count` elements of `element` bytes each, all of them `filler`.
std::vector<std::byte> list_of(std::vector<std::byte> head, std::size_t count, std::size_t element,
                               bool flexible, std::byte filler = std::byte{})
{
    if (flexible) {
        std::byte length[5];
        const auto* end = kurier::wire::put_uvarint(length, static_cast<std::uint32_t>(count + 1));
        head.insert(head.end(), static_cast<const std::byte*>(length), end);
    } else {
        head.resize(head.size() + 4);
        put_big(head, head.size() - 4, static_cast<std::uint32_t>(count));
    }
    head.resize(head.size() + count * element, filler);
    return head;
}

} // namespace

TEST_CASE("messages that make sense decode within the bound")
{
    message_maker maker{3};
    for_each_version([&]<class Message>(std::int16_t version) {
        CAPTURE(Message::api_key);
        CAPTURE(version);
        for (int i = 0; i < 50; ++i)
            REQUIRE(decode_within_bound<Message>(encoded(maker.make<Message>(version), version), version));
    });
}

TEST_CASE("damaged messages and random bytes stay within the bound")
{
    message_maker maker{4};
    std::size_t good = 0, bad = 0;
    for_each_version([&]<class Message>(std::int16_t version) {
        for (int i = 0; i < 600; ++i) {
            auto bytes = encoded(maker.make<Message>(version), version);
            for (auto times = maker.below(4); times < 4; ++times) damage(bytes, maker);
            ++(decode_within_bound<Message>(bytes, version) ? good : bad);
        }
        for (int i = 0; i < 200; ++i) {
            std::vector<std::byte> bytes(maker.below(300));
            for (auto& byte : bytes) byte = static_cast<std::byte>(maker.below(maker.chance(2) ? 4 : 256));
            ++(decode_within_bound<Message>(bytes, version) ? good : bad);
        }
    });
    CHECK(good > 500);
    CHECK(bad > 10'000);
}

TEST_CASE("lists of nothing but empty elements are refused before they take more memory than the bound")
{
    for (const std::size_t count : {std::size_t{50}, std::size_t{10'000}, std::size_t{1'000'000}}) {
        // topics without a name and without partitions: 3 bytes each, 72 in memory
        const bool many = count > 50;
        CHECK(decode_within_bound<produce_response>(list_of({}, count, 3, true, std::byte{1}), 9) == false);
        auto topics = list_of({}, count, 3, true, std::byte{1});
        for (std::size_t at = topics.size() - count * 3 + 2; at < topics.size(); at += 3)
            topics[at] = std::byte{};
        topics.resize(topics.size() + 5); // throttle time, tags
        CHECK(decode_within_bound<produce_response>(topics, 9) == !many);
        produce_response anyway;
        CHECK(decode(topics, 9, anyway, std::size_t{1} << 30));
        CHECK(anyway.responses.size() == count);
        topics = list_of({}, count, 6, false);
        topics.resize(topics.size() + 4);
        CHECK(decode_within_bound<produce_response>(topics, 3) == !many);
    }
}

TEST_CASE("counts that the bytes can't hold cost nothing")
{
    for (const std::uint32_t count : {1u << 20, 1u << 30, 0x7fffffffu}) {
        std::vector<std::byte> bytes(400);
        put_big(bytes, 0, count);
        const auto before = allocated;
        produce_response read;
        CHECK_FALSE(decode(bytes, 3, read));
        CHECK(allocated == before);
    }
}

TEST_CASE("real shapes at full size: 10,000 partitions, long names, many topics asked for by short names")
{
    metadata_response metadata;
    metadata.brokers = {
        {1, "localhost", 9092, {}}, {2, "localhost", 9093, "rack"}, {3, "localhost", 9094, {}}};
    for (int t = 0; t < 100; ++t) {
        auto& topic = metadata.topics.emplace_back();
        topic.name = std::string(static_cast<std::size_t>(1 + t * 2), 't');
        for (int p = 0; p < 100; ++p) topic.partitions.push_back({0, p, 1, 5, {1, 2, 3}, {1, 2, 3}, {}});
    }
    for (std::int16_t version = 4; version <= 13; ++version)
        CHECK(decode_within_bound<metadata_response>(encoded(metadata, version), version));
    for (auto& topic : metadata.topics) { // unknown ones have no partitions
        topic.name = std::string(1, 't');
        topic.partitions.clear();
    }
    for (std::int16_t version = 4; version <= 13; ++version)
        CHECK(decode_within_bound<metadata_response>(encoded(metadata, version), version));

    metadata_request names;
    names.topics.emplace(10'000, metadata_request_topic{{}, "t"});
    for (std::int16_t version = 4; version <= 13; ++version)
        CHECK(decode_within_bound<metadata_request>(encoded(names, version), version));

    produce_response produced;
    for (int t = 0; t < 1'000; ++t) produced.responses.push_back({"t", {}, {{}}});
    for (std::int16_t version = 3; version <= 13; ++version)
        CHECK(decode_within_bound<produce_response>(encoded(produced, version), version));
}
