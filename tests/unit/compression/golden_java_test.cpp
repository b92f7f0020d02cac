// tests/golden/compression/from_java.txt, written by tests/golden/run_compression --update (Kafka 4.3.1):
// what Kafka's Java classes made of known data.
#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>

#include "codec_suite.hpp"
#include "golden_data.hpp"

#include <fstream>
#include <map>
#include <sstream>

using namespace kurier;
using namespace kurier_test;

namespace {

struct vector_of_java
{
    compression codec;
    int level;
    std::string kind;
    std::size_t size;
    bytes packed;
};

std::vector<vector_of_java> read_vectors()
{
    std::ifstream file{"tests/golden/compression/from_java.txt"};
    std::vector<vector_of_java> vectors;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words{line};
        std::string name, digits;
        vector_of_java v{};
        words >> name >> v.level >> v.kind >> v.size >> digits;
        v.codec = compression_from_name(name).value();
        v.packed = hex(digits);
        vectors.push_back(std::move(v));
    }
    return vectors;
}

using every_codec = codecs<gzip_codec, snappy_codec, lz4_codec, zstd_codec>;

} // namespace

TEST_CASE("what Java compressed is read")
{
    every_codec list;
    std::map<compression, int> read;
    for (const auto& v : read_vectors()) {
        CAPTURE(compression_name(v.codec));
        CAPTURE(v.level);
        CAPTURE(v.kind);
        CAPTURE(v.size);
        bytes out;
        CHECK(list.decompress(v.codec, v.packed, v.size, out) == compression_error::none);
        CHECK(same(out, golden_data(v.kind, v.size)));
        ++read[v.codec];
    }
    CHECK(read[compression::gzip] == 18);
    CHECK(read[compression::snappy] == 6);
    CHECK(read[compression::lz4] == 24);
    CHECK(read[compression::zstd] == 24);
}

TEST_CASE("frames and blocks are cut as Java cuts them")
{
    every_codec list;
    for (const auto& v : read_vectors()) {
        if (v.codec != compression::lz4 && v.codec != compression::snappy) continue;
        CAPTURE(compression_name(v.codec));
        CAPTURE(v.level);
        CAPTURE(v.size);
        const auto data = golden_data(v.kind, v.size);
        bytes ours(list.bound(v.codec, data.size()));
        const auto result = list.compress(v.codec, data, ours, v.level);
        REQUIRE(result);
        ours.resize(result.size);
        const std::size_t header = v.codec == compression::lz4 ? 7 : 16;
        CHECK(std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(header), v.packed.begin()));
        // the searches for matches may differ in taste, not in skill
        CHECK(ours.size() <= v.packed.size() + v.packed.size() / 10 + 8);
        if (v.size <= 1) CHECK(same(ours, v.packed));
    }
}
