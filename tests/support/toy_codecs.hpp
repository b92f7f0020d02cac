// Codecs for tests of the core: run lengths under other ids, with a price that the test sets instead of CPU time.
#pragma once

#include <kurier/testing/simulation/run_length_codec.hpp>

#include <cstdint>

namespace kurier::inline KURIER_ABI::testing {

inline std::uint64_t toy_time = 0; // what the toy clock shows
inline std::uint64_t toy_clock() noexcept
{
    return toy_time;
}

// Good and dear, or half as good and cheap: `keep` of 256 bytes are left as they are.
template <compression Id, std::uint64_t NanosecondsPerByte, std::size_t Padding> class toy_codec
{
public:
    static constexpr compression id = Id;
    static constexpr level_range levels = kafka_levels(Id);
    static constexpr std::size_t bound(std::size_t size) noexcept
    {
        return run_length_codec::bound(size) + size;
    }

    // What the codec is worse by is written as zeros behind the data.
    codec_result compress(bytes_view in, std::span<std::byte> out, int) noexcept
    {
        toy_time += NanosecondsPerByte * in.size();
        const auto padding = in.size() * Padding / 100;
        if (padding + 4 > out.size()) return {0, compression_error::output_full};
        const auto packed = codec_.compress(in, out.first(out.size() - padding - 4), -1);
        if (!packed) return packed;
        auto at = packed.size;
        for (std::size_t i = 0; i < padding; ++i) out[at++] = std::byte{0};
        for (int i = 0; i < 4; ++i) out[at++] = static_cast<std::byte>(packed.size >> (8 * i) & 0xffu);
        return {at};
    }

    class decompressor
    {
    public:
        static constexpr compression id = Id;
        compression_error decompress(bytes_view in, std::size_t max_output,
                                     std::vector<std::byte>& out) noexcept
        {
            out.clear();
            if (in.size() < 4) return compression_error::truncated;
            std::size_t size = 0;
            for (std::size_t i = 0; i < 4; ++i)
                size |= std::to_integer<std::size_t>(in[in.size() - 4 + i]) << (8 * i);
            if (size > in.size() - 4) return compression_error::corrupt;
            return codec_.decompress(in.first(size), max_output, out);
        }

    private:
        run_length_codec::decompressor codec_;
    };

private:
    run_length_codec codec_;
};

using cheap_codec = toy_codec<compression::lz4, 1, 50>;
using dear_codec = toy_codec<compression::zstd, 10, 0>;
using toy_codecs = codecs<cheap_codec, dear_codec>;

} // namespace kurier::inline KURIER_ABI::testing
