// A codec for simulations: it shrinks repetitions and nothing else, needs no library, and does the same everywhere. It
// goes by the id of gzip, since Kafka's ids are all there is.
#pragma once

#include <kurier/compression.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

// 0xfe, byte, count: so many of the byte. Other bytes stand for themselves.
class run_length_codec
{
public:
    static constexpr compression id = compression::gzip;
    static constexpr level_range levels{-1, 9, -1};
    static constexpr std::size_t bound(std::size_t size) noexcept { return 3 * size; }

    codec_result compress(bytes_view in, std::span<std::byte> out, int) noexcept
    {
        std::size_t used = 0;
        for (std::size_t i = 0; i < in.size();) {
            std::size_t run = 1;
            while (run < 255 && i + run < in.size() && in[i + run] == in[i]) ++run;
            const bool packed = run > 3 || in[i] == mark;
            if (used + (packed ? 3 : run) > out.size()) return {0, compression_error::output_full};
            if (packed) {
                out[used++] = mark;
                out[used++] = in[i];
                out[used++] = static_cast<std::byte>(run);
            } else {
                for (std::size_t k = 0; k < run; ++k) out[used++] = in[i];
            }
            i += run;
        }
        return {used};
    }

    class decompressor
    {
    public:
        static constexpr compression id = compression::gzip;

        compression_error decompress(bytes_view in, std::size_t max_output,
                                     std::vector<std::byte>& out) noexcept
        {
            out.clear();
            for (std::size_t i = 0; i < in.size();) {
                const bool packed = in[i] == mark;
                if (packed && i + 2 >= in.size()) return give_up(out, compression_error::truncated);
                const auto run = packed ? std::to_integer<std::size_t>(in[i + 2]) : 1;
                if (out.size() + run > max_output) return give_up(out, compression_error::output_limit);
                try {
                    out.insert(out.end(), run, packed ? in[i + 1] : in[i]);
                } catch (...) {
                    return give_up(out, compression_error::out_of_memory);
                }
                i += packed ? 3 : 1;
            }
            return compression_error::none;
        }

    private:
        static compression_error give_up(std::vector<std::byte>& out, compression_error why) noexcept
        {
            out.clear();
            return why;
        }
    };

private:
    static constexpr std::byte mark{0xfe};
};

} // namespace kurier::inline KURIER_ABI::testing
