// lz4 over liblz4: `kurier::lz4_codec`. CMake: kurier::lz4.
//
// Writes the frame that Kafka's own Lz4BlockOutputStream writes: version 1, independent blocks of 64 KiB, no
// content size, neither block nor content checksums (the batch has its CRC32C), and, as message format v2
// requires, the header checksum of the specification (formats v0 and v1 had a wrong one, KAFKA-3160). Reads
// any frame of the specification.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/compression/bounded_output.hpp>

#include <lz4.h>
#include <lz4frame.h>
#include <lz4hc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI {

class lz4_decompressor
{
public:
    static constexpr compression id = compression::lz4;

    compression_error decompress(bytes_view in, std::size_t max_output, std::vector<std::byte>& out) noexcept
    {
        detail::bounded_output bounded{out, max_output,
                                       in.size() <= max_output / 4 ? in.size() * 4 : max_output};
        return bounded.finish(run(in, bounded));
    }

private:
    struct free_context
    {
        void operator()(LZ4F_dctx* context) const noexcept { ::LZ4F_freeDecompressionContext(context); }
    };

    compression_error run(bytes_view in, detail::bounded_output& out) noexcept
    {
        constexpr std::array magic{std::byte{0x04}, std::byte{0x22}, std::byte{0x4d}, std::byte{0x18}};
        if (in.size() < magic.size()) return compression_error::truncated;
        // the library would skip a "skippable frame" and call it a success
        if (!std::equal(magic.begin(), magic.end(), in.begin())) return compression_error::corrupt;
        if (!start()) return compression_error::out_of_memory;
        while (true) {
            const auto room = out.room();
            if (room.empty()) return out.error();
            std::size_t produced = room.size();
            std::size_t consumed = in.size();
            const auto hint =
                ::LZ4F_decompress(context_.get(), room.data(), &produced, in.data(), &consumed, nullptr);
            if (::LZ4F_isError(hint)) return compression_error::corrupt;
            out.produced(produced);
            in = in.subspan(consumed);
            if (hint == 0) return in.empty() ? compression_error::none : compression_error::corrupt;
            if (produced == 0 && consumed == 0) return compression_error::truncated;
        }
    }

    bool start() noexcept
    {
        if (context_) {
            ::LZ4F_resetDecompressionContext(context_.get()); // also after a failure half-way
            return true;
        }
        LZ4F_dctx* fresh = nullptr;
        if (::LZ4F_isError(::LZ4F_createDecompressionContext(&fresh, LZ4F_VERSION))) return false;
        context_.reset(fresh);
        return true;
    }

    std::unique_ptr<LZ4F_dctx, free_context> context_;
};

class lz4_codec
{
public:
    static constexpr compression id = compression::lz4;
    static constexpr level_range levels = kafka_levels(compression::lz4);
    using decompressor = lz4_decompressor;

    // A block that doesn't shrink is stored as it is, so nothing grows by more than the block headers.
    static constexpr std::size_t bound(std::size_t size) noexcept
    {
        return frame_header.size() + (size / block_size + 1) * block_header_size + size + end_mark_size;
    }

    codec_result compress(bytes_view in, std::span<std::byte> out, int level) noexcept
    {
        if (in.size() > max_codec_input) return {0, compression_error::input_too_large};
        if (!start(level)) return {0, compression_error::out_of_memory};
        if (out.size() < frame_header.size() + end_mark_size) return {0, compression_error::output_full};
        std::copy(frame_header.begin(), frame_header.end(), out.begin());
        auto room = out.subspan(frame_header.size(), out.size() - frame_header.size() - end_mark_size);
        while (!in.empty()) {
            const auto block = in.first(std::min(in.size(), block_size));
            const auto written = put_block(block, room, level);
            if (written == 0) return {0, compression_error::output_full};
            room = room.subspan(written);
            in = in.subspan(block.size());
        }
        put_size(room.data(), 0); // end_mark_size was held back for this
        return {static_cast<std::size_t>(room.data() - out.data()) + end_mark_size, compression_error::none};
    }

private:
    // magic; flags: version 1, independent blocks; 64 KiB blocks; second byte of xxh32 of the two before it
    static constexpr std::array frame_header{std::byte{0x04}, std::byte{0x22}, std::byte{0x4d},
                                             std::byte{0x18}, std::byte{0x60}, std::byte{0x40},
                                             std::byte{0x82}};
    static constexpr std::size_t block_size = 64 * 1024;
    static constexpr std::size_t block_header_size = 4;
    static constexpr std::size_t end_mark_size = 4;
    static constexpr std::uint32_t stored = 0x80000000U;

    struct free_fast
    {
        void operator()(LZ4_stream_t* state) const noexcept { ::LZ4_freeStream(state); }
    };
    struct free_high
    {
        void operator()(LZ4_streamHC_t* state) const noexcept { ::LZ4_freeStreamHC(state); }
    };

    // Kafka's default level stands for the fast compressor; all others, also those below it, for the high
    // compression one (Lz4BlockOutputStream). The library has nothing above 12 and takes it as 12.
    static constexpr bool is_fast(int level) noexcept { return level == levels.preset; }

    bool start(int level) noexcept
    {
        if (is_fast(level)) {
            if (!fast_) fast_.reset(::LZ4_createStream());
            return fast_ != nullptr;
        }
        if (!high_) high_.reset(::LZ4_createStreamHC());
        return high_ != nullptr;
    }

    // The bytes written, 0 if they don't fit.
    std::size_t put_block(bytes_view block, std::span<std::byte> room, int level) noexcept
    {
        if (room.size() <= block_header_size) return 0;
        const auto body = room.subspan(block_header_size);
        const auto* from = reinterpret_cast<const char*>(block.data());
        auto* to = reinterpret_cast<char*>(body.data());
        const auto from_size = static_cast<int>(block.size());
        const auto to_size = static_cast<int>(std::min(body.size(), block.size() - 1));
        const int size = is_fast(level)
                             ? ::LZ4_compress_fast_extState(fast_.get(), from, to, from_size, to_size, 1)
                             : ::LZ4_compress_HC_extStateHC(high_.get(), from, to, from_size, to_size, level);
        if (size > 0) {
            put_size(room.data(), static_cast<std::uint32_t>(size));
            return block_header_size + static_cast<std::size_t>(size);
        }
        if (body.size() < block.size()) return 0;
        put_size(room.data(), stored | static_cast<std::uint32_t>(block.size()));
        std::memcpy(body.data(), block.data(), block.size());
        return block_header_size + block.size();
    }

    static void put_size(std::byte* at, std::uint32_t size) noexcept
    {
        for (int i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(size >> (8 * i) & 0xffU);
    }

    std::unique_ptr<LZ4_stream_t, free_fast> fast_;
    std::unique_ptr<LZ4_streamHC_t, free_high> high_;
};

static_assert(compression_codec<lz4_codec> && decompressor<lz4_decompressor>);

} // namespace kurier::inline KURIER_ABI
