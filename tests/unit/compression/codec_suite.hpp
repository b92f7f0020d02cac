// One suite over all codecs; what only one codec has is tested in its own file.
#pragma once

#include "sample_data.hpp"

#include <kurier/compression.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

namespace kurier_test {

using kurier::bytes_view;
using kurier::codec_result;
using kurier::compression_error;

inline constexpr std::size_t no_limit = std::size_t{1} << 30;

template <class Codec> bytes compressed(Codec& codec, bytes_view in, int level = Codec::levels.preset)
{
    bytes out(Codec::bound(in.size()));
    const auto result = codec.compress(in, out, level);
    REQUIRE(result.error == compression_error::none);
    REQUIRE(result.size <= out.size());
    out.resize(result.size);
    return out;
}

inline bool same(const bytes& a, const bytes& b) // doctest would print megabytes
{
    return a == b;
}

template <class Codec> void check_round_trip(Codec& codec, const bytes& data, int level)
{
    CAPTURE(level);
    CAPTURE(data.size());
    const auto packed = compressed(codec, data, level);
    typename Codec::decompressor decompressor;
    bytes unpacked;
    REQUIRE(decompressor.decompress(packed, data.size(), unpacked) == compression_error::none);
    CHECK(same(unpacked, data));
}

template <class Codec> void check_sizes()
{
    Codec codec;
    for (const auto size :
         sizes{0,     1,     2,     3,     7,     15,    16,    64,     255,    1000,   4096,
               16384, 32767, 32768, 32769, 65535, 65536, 65537, 131072, 200000, 1048576})
        for (const auto& kind : every_kind(size)) {
            CAPTURE(kind.name);
            check_round_trip(codec, kind.data, Codec::levels.preset);
        }
}

template <class Codec> void check_ten_megabytes()
{
    Codec codec;
    for (const auto& kind : every_kind(10 * 1024 * 1024)) {
        CAPTURE(kind.name);
        check_round_trip(codec, kind.data, Codec::levels.preset);
    }
}

template <class Codec, class Levels> void check_levels(const Levels& levels)
{
    Codec reused;
    for (const int level : levels) {
        REQUIRE(Codec::levels.contains(level));
        for (const auto& kind : every_kind(100000)) {
            CAPTURE(kind.name);
            check_round_trip(reused, kind.data, level);
            Codec fresh; // a context that has seen other levels and data gives the same bytes as a new one
            CHECK(same(compressed(reused, kind.data, level), compressed(fresh, kind.data, level)));
        }
    }
}

template <class Codec> void check_output_room()
{
    Codec codec;
    for (const auto size : sizes{0, 1, 100, 40000, 70000})
        for (const auto& kind : every_kind(size)) {
            CAPTURE(kind.name);
            CAPTURE(size);
            const auto whole = compressed(codec, kind.data);
            std::vector<std::size_t> rooms{0, 1, 3, 15, 16, 20, whole.size() / 2, whole.size() - 1};
            for (const auto room : rooms) {
                if (room >= whole.size()) continue;
                bytes out(room + 8, std::byte{0xa5});
                const auto result =
                    codec.compress(kind.data, std::span{out}.first(room), Codec::levels.preset);
                CHECK(result.error == compression_error::output_full);
                CHECK(
                    std::all_of(out.end() - 8, out.end(), [](std::byte b) { return b == std::byte{0xa5}; }));
            }
            CHECK(same(compressed(codec, kind.data), whole)); // and a refusal leaves nothing behind
        }
}

template <class Codec> void check_output_limit()
{
    Codec codec;
    typename Codec::decompressor decompressor;
    for (const auto size : sizes{1, 600, 40000, 300000})
        for (const auto& kind : every_kind(size)) {
            CAPTURE(kind.name);
            CAPTURE(size);
            const auto packed = compressed(codec, kind.data);
            bytes out;
            CHECK(decompressor.decompress(packed, size, out) == compression_error::none);
            CHECK(same(out, kind.data));
            for (const auto limit : sizes{size - 1, size / 2, std::size_t{0}}) {
                bytes refused;
                CHECK(decompressor.decompress(packed, limit, refused) == compression_error::output_limit);
                CHECK(refused.empty());
                CHECK(refused.capacity() <= std::max<std::size_t>(2 * limit, 1));
            }
        }
}

template <class Codec> void check_bomb()
{
    Codec codec;
    typename Codec::decompressor decompressor;
    const auto packed = compressed(codec, zeros(64 << 20));
    bytes out;
    constexpr std::size_t limit = 1 << 20;
    CHECK(decompressor.decompress(packed, limit, out) == compression_error::output_limit);
    CHECK(out.empty());
    CHECK(out.capacity() <= 2 * limit);
}

// Every prefix is refused, or, in a format without an end mark, gives the beginning of the data.
template <class Codec> void check_truncation(bool has_end_mark)
{
    Codec codec;
    typename Codec::decompressor decompressor;
    for (const auto& original : {json_lines(3000), mixed(120000)}) {
        const auto packed = compressed(codec, original);
        const auto step = packed.size() / 1500 + 1;
        for (std::size_t size = 0; size < packed.size(); size += step) {
            CAPTURE(size);
            bytes out;
            const auto error = decompressor.decompress(bytes_view{packed}.first(size), no_limit, out);
            if (error != compression_error::none)
                CHECK(out.empty());
            else {
                CHECK_FALSE(has_end_mark);
                CHECK(out.size() < original.size());
                CHECK(std::equal(out.begin(), out.end(), original.begin()));
            }
        }
    }
}

template <class Codec> void check_damage()
{
    Codec codec;
    typename Codec::decompressor decompressor;
    std::mt19937_64 random{7};
    constexpr std::size_t limit = 1 << 20;
    for (const auto& original : {json_lines(2000), small_messages(200), mixed(80000)}) {
        const auto packed = compressed(codec, original);
        for (int i = 0; i < 3000; ++i) {
            auto damaged = packed;
            for (auto flips = 1 + random() % 4; flips > 0; --flips)
                damaged[random() % std::min<std::size_t>(damaged.size(), i % 2 ? 40 : damaged.size())] ^=
                    static_cast<std::byte>(1U << random() % 8);
            bytes out;
            const auto error = decompressor.decompress(damaged, limit, out);
            REQUIRE(out.size() <= limit);
            if (error != compression_error::none) REQUIRE(out.empty());
        }
        bytes out; // and the decompressor still works
        REQUIRE(decompressor.decompress(packed, limit, out) == compression_error::none);
        CHECK(same(out, original));
    }
}

template <class Codec> void check_garbage()
{
    typename Codec::decompressor decompressor;
    for (std::uint64_t seed = 0; seed < 3000; ++seed) {
        bytes out;
        // bare snappy has no magic, so short garbage may be good data
        const auto error = decompressor.decompress(random_bytes(seed % 200, seed), 1 << 20, out);
        if (error != compression_error::none) REQUIRE(out.empty());
    }
    bytes out;
    CHECK(decompressor.decompress({}, 100, out) == compression_error::truncated);
}

template <class Codec> void check_moved()
{
    Codec codec;
    const auto data = json_lines(5000);
    const auto packed = compressed(codec, data, Codec::levels.max);
    Codec target{std::move(codec)};
    CHECK(same(compressed(target, data, Codec::levels.max), packed));
    codec = Codec{};
    CHECK(same(compressed(codec, data, Codec::levels.max), packed));
}

template <class Codec> void check_codec(bool has_end_mark = true)
{
    SUBCASE("sizes and kinds")
    {
        check_sizes<Codec>();
    }
    SUBCASE("10 MiB")
    {
        check_ten_megabytes<Codec>();
    }
    SUBCASE("an output that is too small")
    {
        check_output_room<Codec>();
    }
    SUBCASE("a limit on the decompressed size")
    {
        check_output_limit<Codec>();
    }
    SUBCASE("a bomb")
    {
        check_bomb<Codec>();
    }
    SUBCASE("truncated data")
    {
        check_truncation<Codec>(has_end_mark);
    }
    SUBCASE("damaged data")
    {
        check_damage<Codec>();
    }
    SUBCASE("garbage")
    {
        check_garbage<Codec>();
    }
    SUBCASE("moving")
    {
        check_moved<Codec>();
    }
}

inline std::vector<int> range(int first, int last)
{
    std::vector<int> levels(static_cast<std::size_t>(last - first + 1));
    std::iota(levels.begin(), levels.end(), first);
    return levels;
}

inline bytes hex(std::string_view digits)
{
    bytes data;
    const auto value = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    for (std::size_t i = 0; i + 1 < digits.size();) {
        if (digits[i] == ' ') {
            ++i;
            continue;
        }
        data.push_back(static_cast<std::byte>(value(digits[i]) << 4 | value(digits[i + 1])));
        i += 2;
    }
    return data;
}

} // namespace kurier_test
