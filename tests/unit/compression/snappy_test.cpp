#include <kurier/compression/snappy.hpp>

#include "codec_suite.hpp"

using namespace kurier_test;
using kurier::snappy_codec;
using kurier::snappy_decompressor;

namespace {

bytes bare(const bytes& data)
{
    std::string packed;
    snappy::Compress(reinterpret_cast<const char*>(data.data()), data.size(), &packed);
    bytes out;
    append(out, packed);
    return out;
}

} // namespace

TEST_CASE("snappy codec")
{
    check_codec<snappy_codec>(false);
}

TEST_CASE("snappy has no levels")
{
    CHECK(snappy_codec::levels.contains(0));
    CHECK_FALSE(snappy_codec::levels.contains(1));
}

TEST_CASE("snappy framing is that of snappy-java")
{
    snappy_codec codec;
    CHECK(same(compressed(codec, {}), hex("82534e41505059 00 00000001 00000001")));
    const auto packed = compressed(codec, random_bytes(70000));
    std::size_t at = 16;
    std::vector<std::size_t> blocks;
    while (at < packed.size()) {
        const std::size_t size = kurier::detail::snappy_java::take_int32(packed.data() + at);
        std::size_t block = 0;
        REQUIRE(snappy::GetUncompressedLength(reinterpret_cast<const char*>(packed.data() + at + 4), size,
                                              &block));
        blocks.push_back(block);
        at += 4 + size;
    }
    CHECK(blocks == std::vector<std::size_t>{32768, 32768, 4464});
}

TEST_CASE("bare snappy is read too")
{
    snappy_decompressor decompressor;
    for (const auto size : sizes{0, 1, 100, 32768, 100000, 3000000})
        for (const auto& kind : every_kind(size)) {
            CAPTURE(kind.name);
            bytes out;
            REQUIRE(decompressor.decompress(bare(kind.data), size, out) == compression_error::none);
            CHECK(same(out, kind.data));
            if (size > 0)
                CHECK(decompressor.decompress(bare(kind.data), size - 1, out) ==
                      compression_error::output_limit);
        }
}

TEST_CASE("framed snappy streams may follow each other, with blocks of any size")
{
    snappy_codec codec;
    auto packed = compressed(codec, json_lines(1000));
    const auto big = bare(json_lines(500000));
    std::byte size[4];
    kurier::detail::snappy_java::put_int32(size, static_cast<std::uint32_t>(big.size()));
    packed.insert(packed.end(), size, size + 4);
    packed.insert(packed.end(), big.begin(), big.end());
    const auto third = compressed(codec, zeros(10));
    packed.insert(packed.end(), third.begin(), third.end());

    auto expected = json_lines(1000);
    const auto more = json_lines(500000);
    expected.insert(expected.end(), more.begin(), more.end());
    expected.resize(501010);
    bytes out;
    CHECK(snappy_decompressor{}.decompress(packed, expected.size(), out) == compression_error::none);
    CHECK(same(out, expected));
}

TEST_CASE("a size that snappy data only claims gets no memory")
{
    bytes out;
    // 2^32 - 1 bytes from five; 1 MiB from six
    CHECK(snappy_decompressor{}.decompress(hex("ffffffff0f 00"), no_limit * 4, out) ==
          compression_error::corrupt);
    CHECK(snappy_decompressor{}.decompress(hex("808040 0000 00"), no_limit, out) ==
          compression_error::corrupt);
    CHECK(out.capacity() == 0);
    const auto header = std::string{"82534e41505059 00 00000001 00000001"};
    CHECK(snappy_decompressor{}.decompress(hex(header + "7fffffff 00"), no_limit, out) ==
          compression_error::truncated);
    CHECK(snappy_decompressor{}.decompress(hex(header + "ffffffff 00"), no_limit, out) ==
          compression_error::corrupt);
    CHECK(snappy_decompressor{}.decompress(hex("82534e41505059 00 00000000 00000000"), 9, out) ==
          compression_error::corrupt);
}
