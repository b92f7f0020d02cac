// zstd over libzstd: `kurier::zstd_codec`. CMake: kurier::zstd. Brokers take it from Kafka 2.1 on (KIP-110).
#pragma once

#include <kurier/compression.hpp>

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <vector>

namespace kurier::inline KURIER_ABI {

// Decompresses frame by frame straight into the output. A stream's window buffer would be allocated as large as
// the frame's header claims, up to 128 MiB for twenty bytes of input; this way there is none. Where the output
// turns out too small it is doubled and the frame begun anew.
class zstd_decompressor
{
public:
    static constexpr compression id = compression::zstd;

    compression_error decompress(bytes_view in, std::size_t max_output, std::vector<std::byte>& out) noexcept
    {
        out.clear();
        const auto error = run(in, max_output, out);
        if (error != compression_error::none) out.clear();
        return error;
    }

private:
    struct free_context
    {
        void operator()(ZSTD_DCtx* context) const noexcept { ::ZSTD_freeDCtx(context); }
    };

    compression_error run(bytes_view in, std::size_t max_output, std::vector<std::byte>& out) noexcept
    {
        if (in.empty()) return compression_error::truncated;
        if (!context_) context_.reset(::ZSTD_createDCtx());
        if (!context_) return compression_error::out_of_memory;
        std::size_t used = 0;
        while (!in.empty()) {
            const auto size = ::ZSTD_findFrameCompressedSize(in.data(), in.size());
            if (::ZSTD_isError(size)) return translate(size);
            const auto frame = in.first(size);
            in = in.subspan(size);
            if (is_skippable(frame)) continue;
            // the library may read formats from before zstd 1.0, which nobody writes and few have tested
            if (!has_magic(frame, ZSTD_MAGICNUMBER)) return compression_error::corrupt;
            const auto produced = decompress_frame(frame, used, max_output, out);
            if (!produced) return produced.error;
            used += produced.size;
        }
        out.resize(used);
        return compression_error::none;
    }

    codec_result decompress_frame(bytes_view frame, std::size_t used, std::size_t max_output,
                                  std::vector<std::byte>& out) noexcept
    {
        auto room = first_guess(frame, max_output - used);
        while (true) {
            if (!make_room(out, used + room, max_output)) return {0, compression_error::out_of_memory};
            const auto size = ::ZSTD_decompressDCtx(context_.get(), out.data() + used, out.size() - used,
                                                    frame.data(), frame.size());
            if (!::ZSTD_isError(size)) return {size, compression_error::none};
            if (::ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall) return {0, translate(size)};
            if (out.size() >= max_output) return {0, compression_error::output_limit};
            const auto left = max_output - used, tried = out.size() - used;
            // Not 0: a frame may claim to be empty, and not be
            room = std::min(left, std::max<std::size_t>(tried * 2, 64));
        }
    }

    // The frame's own word on its size is taken only as far as usual data would go; beyond that it has to be
    // earned by producing output.
    static std::size_t first_guess(bytes_view frame, std::size_t limit) noexcept
    {
        const auto usual = frame.size() * 8 + 4096;
        const auto plausible = frame.size() * 32 + 4096;
        const auto claimed = ::ZSTD_getFrameContentSize(frame.data(), frame.size());
        const bool known = claimed != ZSTD_CONTENTSIZE_UNKNOWN && claimed != ZSTD_CONTENTSIZE_ERROR;
        const auto guess =
            known ? static_cast<std::size_t>(std::min<unsigned long long>(claimed, plausible)) : usual;
        return std::min(guess, limit);
    }

    static bool make_room(std::vector<std::byte>& out, std::size_t size, std::size_t limit) noexcept
    {
        try {
            // doubling, so that many small frames don't move the output at each of them; not zero, because
            // data() would be null and the library doesn't like that
            if (size > out.capacity() || out.capacity() == 0)
                out.reserve(std::max({size, std::min(out.capacity() * 2, limit), std::size_t{1}}));
            out.resize(std::max(out.size(), std::min(out.capacity(), limit)));
            return true;
        } catch (const std::bad_alloc&) {
            return false;
        } catch (const std::length_error&) {
            return false;
        }
    }

    static bool has_magic(bytes_view frame, std::uint32_t magic) noexcept
    {
        return frame.size() >= 4 && little_endian(frame) == magic;
    }
    static bool is_skippable(bytes_view frame) noexcept
    {
        return frame.size() >= 8 && (little_endian(frame) & 0xfffffff0U) == ZSTD_MAGIC_SKIPPABLE_START;
    }
    static std::uint32_t little_endian(bytes_view bytes) noexcept
    {
        std::uint32_t value = 0;
        for (std::size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(bytes[i]);
        return value;
    }

    static compression_error translate(std::size_t code) noexcept
    {
        switch (::ZSTD_getErrorCode(code)) {
        case ZSTD_error_memory_allocation:
            return compression_error::out_of_memory;
        case ZSTD_error_srcSize_wrong:
            return compression_error::truncated;
        default:
            return compression_error::corrupt;
        }
    }

    std::unique_ptr<ZSTD_DCtx, free_context> context_;
};

class zstd_codec
{
public:
    static constexpr compression id = compression::zstd;
    static constexpr level_range levels = kafka_levels(compression::zstd);
    using decompressor = zstd_decompressor;

    static std::size_t bound(std::size_t size) noexcept { return ::ZSTD_compressBound(size); }

    // The size is known in front, so the tables are made for it: a batch of 16 KiB doesn't pay for clearing
    // those of a 2 MiB window.
    codec_result compress(bytes_view in, std::span<std::byte> out, int level) noexcept
    {
        if (in.size() > max_codec_input) return {0, compression_error::input_too_large};
        if (!start(level)) return {0, compression_error::out_of_memory};
        const auto size = ::ZSTD_compress2(context_.get(), out.data(), out.size(), in.data(), in.size());
        if (!::ZSTD_isError(size)) return {size, compression_error::none};
        ::ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_only);
        switch (::ZSTD_getErrorCode(size)) {
        case ZSTD_error_dstSize_tooSmall:
        case ZSTD_error_dstBuffer_null:
            return {0, compression_error::output_full};
        case ZSTD_error_memory_allocation:
            return {0, compression_error::out_of_memory};
        default:
            return {0, compression_error::failed};
        }
    }

private:
    struct free_context
    {
        void operator()(ZSTD_CCtx* context) const noexcept { ::ZSTD_freeCCtx(context); }
    };

    bool start(int level) noexcept
    {
        const bool fresh = !context_;
        if (fresh) context_.reset(::ZSTD_createCCtx());
        if (!context_) return false;
        if (fresh || level != level_) // a level outside of the library's range is brought into it
            ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
        level_ = level;
        return true;
    }

    std::unique_ptr<ZSTD_CCtx, free_context> context_;
    int level_ = levels.preset;
};

static_assert(compression_codec<zstd_codec> && decompressor<zstd_decompressor>);

} // namespace kurier::inline KURIER_ABI
