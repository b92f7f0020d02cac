#include <kurier/compression/lz4.hpp>

#include "codec_suite.hpp"

using namespace kurier_test;
using kurier::lz4_codec;
using kurier::lz4_decompressor;

namespace {

// A frame as another producer may write it.
bytes frame_of(const bytes& data, const LZ4F_preferences_t& preferences)
{
    bytes out(LZ4F_compressFrameBound(data.size(), &preferences));
    const auto size = LZ4F_compressFrame(out.data(), out.size(), data.data(), data.size(), &preferences);
    REQUIRE_FALSE(LZ4F_isError(size));
    out.resize(size);
    return out;
}

} // namespace

TEST_CASE("lz4 codec")
{
    check_codec<lz4_codec>();
}

TEST_CASE("lz4 levels")
{
    check_levels<lz4_codec>(range(1, 17));
    CHECK_FALSE(lz4_codec::levels.contains(0));
    CHECK_FALSE(lz4_codec::levels.contains(18));

    // 9 is Kafka's default and means the fast compressor, so even 1 packs tighter
    lz4_codec codec;
    const auto data = json_lines(100000);
    CHECK(compressed(codec, data, 1).size() < compressed(codec, data, 9).size());
    CHECK(compressed(codec, data, 12).size() < compressed(codec, data, 3).size());
    CHECK(compressed(codec, data, 17) == compressed(codec, data, 12));
}

TEST_CASE("lz4 frames are as Kafka writes them")
{
    lz4_codec codec;
    CHECK(same(compressed(codec, {}), hex("04224d18 60 40 82 00000000")));
    // one stored block: nothing shorter than its bytes
    bytes digits;
    append(digits, "0123456789");
    CHECK(same(compressed(codec, digits), hex("04224d18 60 40 82 0a000080 30313233343536373839 00000000")));
    // nothing grows by more than the frame
    CHECK(compressed(codec, random_bytes(65536 * 2)).size() == 7 + 2 * (4 + 65536) + 4);
}

TEST_CASE("lz4 frames of other producers are read")
{
    lz4_decompressor decompressor;
    const auto data = mixed(700000);
    for (const auto block : {LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB})
        for (const auto linked : {LZ4F_blockIndependent, LZ4F_blockLinked})
            for (const bool checksums : {false, true})
                for (const bool content_size : {false, true}) {
                    LZ4F_preferences_t preferences{};
                    preferences.frameInfo.blockSizeID = block;
                    preferences.frameInfo.blockMode = linked;
                    preferences.frameInfo.contentChecksumFlag =
                        static_cast<LZ4F_contentChecksum_t>(checksums);
                    preferences.frameInfo.blockChecksumFlag = static_cast<LZ4F_blockChecksum_t>(checksums);
                    preferences.frameInfo.contentSize = content_size ? data.size() : 0;
                    const auto packed = frame_of(data, preferences);
                    bytes out;
                    REQUIRE(decompressor.decompress(packed, data.size(), out) == compression_error::none);
                    CHECK(same(out, data));
                    if (checksums) {
                        auto damaged = packed;
                        damaged.back() ^= std::byte{1};
                        CHECK(decompressor.decompress(damaged, data.size(), out) ==
                              compression_error::corrupt);
                    }
                }
}

TEST_CASE("lz4 refuses wrong headers, skippable frames and what follows a frame")
{
    lz4_decompressor decompressor;
    bytes out;
    CHECK(decompressor.decompress(hex("04224d18 60 40 83 00000000"), 10, out) == compression_error::corrupt);
    CHECK(decompressor.decompress(hex("502a4d18 00000000"), 10, out) == compression_error::corrupt);
    CHECK(decompressor.decompress(hex("04224d18 60 40 82 00000000 00"), 10, out) ==
          compression_error::corrupt);
    CHECK(decompressor.decompress(hex("04224d18 60 40 82 ffffff7f 00000000"), 10, out) ==
          compression_error::corrupt);
    CHECK(decompressor.decompress(hex("04224d18 60 40 82 00000000"), 10, out) == compression_error::none);
}
