#include <kurier/compression/snappy_block.hpp>

#include "sample_data.hpp"

#include <doctest/doctest.h>

#include <snappy.h>

#include <memory>

using namespace kurier_test;
using kurier::detail::snappy_block;

namespace {

void check(snappy_block& block, const bytes& data)
{
    CAPTURE(data.size());
    bytes packed(snappy_block::bound(data.size()) + 8, std::byte{0xa5});
    const auto size = block.compress(data.data(), data.size(), packed.data());
    REQUIRE(size <= snappy_block::bound(data.size()));
    for (std::size_t i = packed.size() - 8; i < packed.size(); ++i) REQUIRE(packed[i] == std::byte{0xa5});
    std::string out;
    REQUIRE(snappy::Uncompress(reinterpret_cast<const char*>(packed.data()), size, &out));
    REQUIRE(out.size() == data.size());
    CHECK(kurier::as_text(data) == out);
}

} // namespace

TEST_CASE("libsnappy reads blocks of every small size")
{
    const auto block = std::make_unique<snappy_block>();
    for (std::size_t size = 0; size < 700; ++size)
        for (const auto& kind : every_kind(size)) {
            CAPTURE(kind.name);
            check(*block, kind.data);
        }
}

TEST_CASE("libsnappy reads blocks of every kind up to the largest")
{
    const auto block = std::make_unique<snappy_block>();
    for (const auto size : sizes{1023, 1024, 1025, 4000, 16383, 16384, 16385, 32000, 32767, 32768})
        for (const auto& kind : every_kind(size)) {
            CAPTURE(kind.name);
            check(*block, kind.data);
        }
}

TEST_CASE("repeats of every length at near and far distances")
{
    const auto block = std::make_unique<snappy_block>();
    for (const auto distance : sizes{1, 2, 3, 4, 7, 8, 63, 2047, 2048, 2049, 30000})
        for (std::size_t length = 1; length < 300; ++length) {
            auto data = random_bytes(distance, distance);
            for (std::size_t i = 0; i < length; ++i) data.push_back(data[data.size() - distance]);
            const auto tail = random_bytes(40, length);
            data.insert(data.end(), tail.begin(), tail.end());
            check(*block, data);
        }
}

TEST_CASE("literals of every length class")
{
    const auto block = std::make_unique<snappy_block>();
    for (const auto literal : sizes{1, 15, 16, 17, 59, 60, 61, 62, 255, 256, 257, 258, 1000, 32000}) {
        auto data = random_bytes(literal, literal);
        data.resize(data.size() + 64); // then a run
        const auto more = random_bytes(literal / 2, 5);
        data.insert(data.end(), more.begin(), more.end());
        data.resize(std::min(data.size(), snappy_block::max_input));
        check(*block, data);
    }
}

TEST_CASE("it packs about as tight as libsnappy")
{
    const auto block = std::make_unique<snappy_block>();
    for (const auto size : sizes{1000, 8000, 32768})
        for (const auto& kind : every_kind(size)) {
            CAPTURE(kind.name);
            CAPTURE(size);
            bytes packed(snappy_block::bound(size));
            const auto ours = block->compress(kind.data.data(), size, packed.data());
            std::string theirs;
            snappy::Compress(reinterpret_cast<const char*>(kind.data.data()), size, &theirs);
            CHECK(ours <= theirs.size() + theirs.size() / 20 + 16);
        }
}

TEST_CASE("what was compressed before leaves no trace")
{
    const auto block = std::make_unique<snappy_block>();
    const auto data = json_lines(20000);
    bytes first(snappy_block::bound(data.size()));
    first.resize(block->compress(data.data(), data.size(), first.data()));
    check(*block, random_bytes(32768));
    bytes second(snappy_block::bound(data.size()));
    second.resize(block->compress(data.data(), data.size(), second.data()));
    CHECK(first == second);
}
