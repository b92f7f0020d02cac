// A warm codec doesn't allocate, neither by operator new nor by malloc inside of its library. Counted by
// replacing both, which sanitizers do too: there the test is left out.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KURIER_TEST_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KURIER_TEST_SANITIZED
#endif
#include <cstdlib>
#if defined(__GLIBC__) && !defined(KURIER_TEST_SANITIZED)

#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>

#include "sample_data.hpp"

#include <doctest/doctest.h>

extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);
extern "C" void* __libc_realloc(void*, std::size_t);

namespace {

long allocations = 0;

} // namespace

extern "C" void* malloc(std::size_t size)
{
    ++allocations;
    return __libc_malloc(size);
}
extern "C" void* calloc(std::size_t count, std::size_t size)
{
    ++allocations;
    return __libc_calloc(count, size);
}
extern "C" void* realloc(void* old, std::size_t size)
{
    ++allocations;
    return __libc_realloc(old, size);
}

using namespace kurier;
using kurier_test::bytes;

namespace {

using every_codec = codecs<gzip_codec, snappy_codec, lz4_codec, zstd_codec>;

struct counted
{
    long compressing = 0;
    long decompressing = 0;
};

counted allocations_of(compression id, int level, std::size_t size)
{
    every_codec list;
    const auto kinds = kurier_test::every_kind(size);
    bytes packed(list.bound(id, size));
    bytes out;
    counted total;
    for (int round = 0; round < 4; ++round)
        for (const auto& kind : kinds) {
            auto before = allocations;
            const auto result = list.compress(id, kind.data, packed, level);
            total.compressing += round > 0 ? allocations - before : 0;
            REQUIRE(result);
            before = allocations;
            const auto error = list.decompress(id, bytes_view{packed}.first(result.size), size, out);
            total.decompressing += round > 0 ? allocations - before : 0;
            REQUIRE(error == compression_error::none);
        }
    return total;
}

} // namespace

TEST_CASE("a warm codec doesn't allocate")
{
    const auto before = allocations;
    delete new int;
    REQUIRE(allocations > before); // the counter counts

    for (const auto id : {compression::gzip, compression::snappy, compression::lz4, compression::zstd})
        for (const auto size : kurier_test::sizes{1000, 16384, 200000, 1048576}) {
            CAPTURE(compression_name(id));
            CAPTURE(size);
            const auto range = kafka_levels(id);
            // from level 10 on liblz4 itself allocates for each block
            for (const int level : {range.preset, id == compression::lz4 ? 8 : std::min(range.max, 12)}) {
                const auto [compressing, decompressing] = allocations_of(id, level, size);
                CHECK(compressing == 0);
                CHECK(decompressing == 0);
            }
        }
}

TEST_CASE("neither does one that changes its level, or whose output doesn't fit")
{
    every_codec list;
    const auto data = kurier_test::json_lines(16384);
    for (const auto id : {compression::gzip, compression::lz4, compression::zstd}) {
        CAPTURE(compression_name(id));
        bytes packed(list.bound(id, data.size()));
        const auto use = [&] {
            for (const int level : {1, 9, 1, 4}) REQUIRE(list.compress(id, data, packed, level));
            CHECK(list.compress(id, data, std::span{packed}.first(100), 1).error ==
                  compression_error::output_full);
        };
        use();
        const auto before = allocations;
        use();
        CHECK(allocations == before);
    }
}

#endif
