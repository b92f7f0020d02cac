#include <kurier/compression/gzip.hpp>

#include "codec_suite.hpp"

using namespace kurier_test;
using kurier::gzip_codec;

TEST_CASE("gzip codec")
{
    check_codec<gzip_codec>();
}

TEST_CASE("gzip levels")
{
    auto levels = range(1, 9);
    levels.push_back(-1);
    check_levels<gzip_codec>(levels);
    CHECK_FALSE(gzip_codec::levels.contains(0));
    CHECK_FALSE(gzip_codec::levels.contains(10));
}

TEST_CASE("gzip members may follow each other")
{
    gzip_codec codec;
    auto packed = compressed(codec, json_lines(1000));
    const auto second = compressed(codec, zeros(70000));
    packed.insert(packed.end(), second.begin(), second.end());
    auto expected = json_lines(1000);
    expected.resize(71000);
    bytes out;
    CHECK(kurier::gzip_decompressor{}.decompress(packed, 71000, out) == compression_error::none);
    CHECK(same(out, expected));
    CHECK(kurier::gzip_decompressor{}.decompress(packed, 70999, out) == compression_error::output_limit);
}

TEST_CASE("gzip refuses what isn't gzip")
{
    gzip_codec codec;
    auto packed = compressed(codec, json_lines(1000));
    packed.push_back(std::byte{0}); // trailing garbage
    bytes out;
    CHECK(kurier::gzip_decompressor{}.decompress(packed, 2000, out) != compression_error::none);
    CHECK(kurier::gzip_decompressor{}.decompress(hex("789c030000000001"), 10, out) ==
          compression_error::corrupt); // zlib
}
