#include <kurier/compression.hpp>

#include "sample_data.hpp"

#include <doctest/doctest.h>

using namespace kurier;
using kurier_test::bytes;
using kurier_test::sizes;

namespace {

// A codec of a user's own: bytes as they are, behind one byte.
struct plain_decompressor
{
    static constexpr compression id = compression::gzip;
    compression_error decompress(bytes_view in, std::size_t max_output, bytes& out) noexcept
    {
        out.clear();
        if (in.empty()) return compression_error::truncated;
        if (in.size() - 1 > max_output) return compression_error::output_limit;
        out.assign(in.begin() + 1, in.end());
        return compression_error::none;
    }
};

struct plain_codec
{
    static constexpr compression id = compression::gzip;
    static constexpr level_range levels{2, 5, 3};
    using decompressor = plain_decompressor;

    static constexpr std::size_t bound(std::size_t size) noexcept { return size + 1; }
    codec_result compress(bytes_view in, std::span<std::byte> out, int level) noexcept
    {
        if (out.size() < in.size() + 1) return {0, compression_error::output_full};
        out[0] = static_cast<std::byte>(level);
        std::copy(in.begin(), in.end(), out.begin() + 1);
        return {in.size() + 1, compression_error::none};
    }
};

struct without_bound : plain_codec
{
    static std::size_t bound(std::size_t) = delete;
};
struct may_throw : plain_codec
{
    codec_result compress(bytes_view, std::span<std::byte>, int);
};

static_assert(compression_codec<plain_codec>);
static_assert(!compression_codec<without_bound>);
static_assert(!compression_codec<may_throw>);
static_assert(!compression_codec<plain_decompressor>);
static_assert(!compression_codec<int>);
static_assert(decompressor<plain_decompressor>);
static_assert(!decompressor<plain_codec>);
static_assert(codecs<plain_codec>::contains(compression::gzip));
static_assert(!codecs<>::contains(compression::gzip));

} // namespace

TEST_CASE("names are those of compression.type")
{
    for (const auto id : all_compressions) CHECK(compression_from_name(compression_name(id)) == id);
    CHECK(compression_name(compression::zstd) == "zstd");
    CHECK(compression_name(static_cast<compression>(5)) == "unknown");
    CHECK_FALSE(compression_from_name("ZSTD"));
    CHECK_FALSE(compression_from_name("unknown"));
    CHECK_FALSE(compression_from_name(""));
}

TEST_CASE("levels are Kafka's")
{
    CHECK(kafka_levels(compression::gzip) == level_range{1, 9, -1});
    CHECK(kafka_levels(compression::lz4) == level_range{1, 17, 9});
    CHECK(kafka_levels(compression::zstd) == level_range{-131072, 22, 3});
    CHECK(kafka_levels(compression::snappy) == level_range{});
    CHECK(kafka_levels(compression::gzip).contains(-1));
    CHECK_FALSE(kafka_levels(compression::gzip).contains(0));
}

TEST_CASE("zstd needs Produce v7")
{
    CHECK(min_produce_version(compression::zstd) == 7);
    CHECK(min_produce_version(compression::lz4) == 3);
    CHECK(broker_too_old_message(compression::zstd, "2 (kafka-2:9092)", 5) ==
          "compression.type=zstd: broker 2 (kafka-2:9092) takes Produce requests up to version 5, zstd needs "
          "version 7 (Kafka 2.1)");
}

TEST_CASE("a codec that isn't compiled in is named with its header")
{
    using none_at_all = codecs<>;
    CHECK(none_at_all::check(compression::none) == "");
    CHECK(none_at_all::check(compression::zstd) ==
          "compression.type=zstd: include <kurier/compression/zstd.hpp> and add kurier::zstd_codec to the "
          "producer's codecs");
    CHECK(codecs<plain_codec>::check(compression::gzip) == "");
    CHECK(codecs<plain_codec>::check(compression::lz4, "compression.type of topic orders")
              .starts_with("compression.type of topic orders=lz4: include <kurier/compression/lz4.hpp>"));
}

TEST_CASE("a list finds its codecs by id")
{
    codecs<plain_codec> list;
    CHECK(list.levels(compression::gzip) == plain_codec::levels);
    CHECK(list.levels(compression::lz4) == level_range{});
    CHECK(list.bound(compression::gzip, 10) == 11);
    CHECK(list.bound(compression::lz4, 10) == 0);

    const auto data = kurier_test::json_lines(100);
    bytes packed(101);
    CHECK(list.compress(compression::gzip, data, packed, 4).size == 101);
    CHECK(packed[0] == std::byte{4});
    CHECK(list.compress(compression::gzip, data, packed, 6).error == compression_error::invalid_level);
    CHECK(list.compress(compression::zstd, data, packed, 3).error == compression_error::not_compiled_in);

    bytes out;
    CHECK(list.decompress(compression::gzip, packed, 100, out) == compression_error::none);
    CHECK(out == data);
    CHECK(list.decompress(compression::snappy, packed, 100, out) == compression_error::not_compiled_in);
    CHECK(out.empty());

    codecs_ref ref{list};
    CHECK(ref.contains(compression::gzip));
    CHECK_FALSE(ref.contains(compression::zstd));
    CHECK(ref.bound(compression::gzip, 1) == 2);
    CHECK(ref.levels(compression::gzip) == plain_codec::levels);
    CHECK(ref.compress(compression::gzip, data, packed, 5).size == 101);
    CHECK(ref.decompress(compression::gzip, packed, 99, out) == compression_error::output_limit);
}

TEST_CASE("none decompresses by copying, within the limit")
{
    codecs<> list;
    bytes out;
    for (const auto size : sizes{0, 1, 511, 512, 513, 100000}) {
        const auto data = kurier_test::json_lines(size);
        CHECK(list.decompress(compression::none, data, size, out) == compression_error::none);
        CHECK(out == data);
        if (size > 0)
            CHECK(list.decompress(compression::none, data, size - 1, out) == compression_error::output_limit);
    }
}

TEST_CASE("errors have a category and words")
{
    const boost::system::error_code ec = compression_error::output_limit;
    CHECK(ec.category().name() == std::string_view{"kurier.compression"});
    CHECK(ec.message() == "decompressed data exceeds the limit");
    CHECK_FALSE(boost::system::error_code{compression_error::none});
    for (int value = 0; value <= static_cast<int>(compression_error::failed); ++value)
        CHECK_FALSE(describe(static_cast<compression_error>(value)).empty());
}
