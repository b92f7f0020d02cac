#include <kurier/compression/zstd.hpp>

#include "codec_suite.hpp"

using namespace kurier_test;
using kurier::zstd_codec;
using kurier::zstd_decompressor;

namespace {

// As a streaming producer writes it: no content size in the header.
bytes streamed(const bytes& data, int level, bool checksum)
{
    auto* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum);
    bytes out(ZSTD_compressBound(data.size()) + 64);
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    for (std::size_t at = 0; at < data.size();) {
        const auto size = std::min<std::size_t>(data.size() - at, 5000);
        ZSTD_inBuffer from{data.data() + at, size, 0};
        REQUIRE_FALSE(ZSTD_isError(ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue)));
        at += from.pos;
    }
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    REQUIRE(ZSTD_compressStream2(context, &to, &nothing, ZSTD_e_end) == 0);
    ZSTD_freeCCtx(context);
    out.resize(to.pos);
    return out;
}

} // namespace

TEST_CASE("zstd codec")
{
    check_codec<zstd_codec>();
}

TEST_CASE("zstd levels")
{
    auto levels = range(-7, 22);
    levels.insert(levels.end(), {-131072, -1000, -50});
    check_levels<zstd_codec>(levels);
    CHECK_FALSE(zstd_codec::levels.contains(-131073));
    CHECK_FALSE(zstd_codec::levels.contains(23));
}

TEST_CASE("zstd frames without a content size are read")
{
    zstd_decompressor decompressor;
    for (const auto size : sizes{1, 1000, 131072, 2000000})
        for (const auto& kind : every_kind(size)) {
            CAPTURE(kind.name);
            const auto packed = streamed(kind.data, 3, true);
            bytes out;
            REQUIRE(decompressor.decompress(packed, size, out) == compression_error::none);
            CHECK(same(out, kind.data));
            CHECK(decompressor.decompress(packed, size - 1, out) == compression_error::output_limit);
            auto damaged = packed;
            damaged.back() ^= std::byte{1}; // its checksum
            CHECK(decompressor.decompress(damaged, size, out) == compression_error::corrupt);
        }
}

TEST_CASE("zstd frames may follow each other, skippable ones between them")
{
    zstd_codec codec;
    bytes packed;
    bytes expected;
    for (std::size_t i = 0; i < 3000; ++i) {
        const auto part = json_lines(i % 40, i);
        const auto frame = compressed(codec, part);
        packed.insert(packed.end(), frame.begin(), frame.end());
        const auto skippable = hex("502a4d18 02000000 ffff");
        packed.insert(packed.end(), skippable.begin(), skippable.end());
        expected.insert(expected.end(), part.begin(), part.end());
    }
    bytes out;
    CHECK(zstd_decompressor{}.decompress(packed, expected.size(), out) == compression_error::none);
    CHECK(same(out, expected));
    CHECK(zstd_decompressor{}.decompress(packed, expected.size() - 1, out) ==
          compression_error::output_limit);
    packed.push_back(std::byte{0});
    CHECK(zstd_decompressor{}.decompress(packed, expected.size(), out) != compression_error::none);
}

TEST_CASE("a size or window that a zstd frame only claims gets no memory")
{
    bytes out;
    // single segment, content size 2^40, one empty last block
    CHECK(zstd_decompressor{}.decompress(hex("28b52ffd e0 0000000000010000 010000"), std::size_t{1} << 41,
                                         out) != compression_error::none);
    CHECK(out.capacity() < 100000);
    // window of 2^41 bytes, no content size: nothing to hold in it, so it is only a number
    CHECK(zstd_decompressor{}.decompress(hex("28b52ffd 00 f8 010000"), no_limit, out) !=
          compression_error::output_limit);
    CHECK(out.capacity() < 100000);
    bytes tight;
    // run-length block: 128 KiB out of four bytes, against a limit of 1000
    CHECK(zstd_decompressor{}.decompress(hex("28b52ffd 00 58 030010 61"), 1000, tight) ==
          compression_error::output_limit);
    CHECK(tight.capacity() <= 2000);
}

TEST_CASE("zstd: a frame behind another claims to be empty, and is not: it ends")
{
    constexpr char bytes[] = "\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00\xab\x11\x28\xb5\x2f\xfd\x20"
                             "\x00\x2b\xad\x00\x00\xb5\x2f\xfd\x11\x20\x00\x73\x00\xff\xff\xff"
                             "\xff\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                             "\xff\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                             "\x60\xff\xff\xff\xff\xff\xff\x00\x01";
    kurier::zstd_decompressor decompressor;
    std::vector<std::byte> out;
    const auto in = std::as_bytes(std::span{bytes, sizeof bytes - 1});
    CHECK(decompressor.decompress(in, 1U << 17U, out) != kurier::compression_error::none);
}
