// gzip over zlib: `kurier::gzip_codec`. CMake: kurier::gzip.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/compression/bounded_output.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI {

class gzip_decompressor
{
public:
    static constexpr compression id = compression::gzip;

    // Members may follow each other, as java.util.zip.GZIPInputStream reads them.
    compression_error decompress(bytes_view in, std::size_t max_output, std::vector<std::byte>& out) noexcept
    {
        detail::bounded_output bounded{out, max_output,
                                       in.size() <= max_output / 4 ? in.size() * 4 : max_output};
        return bounded.finish(run(in, bounded));
    }

private:
    struct end
    {
        void operator()(z_stream* stream) const noexcept
        {
            ::inflateEnd(stream);
            delete stream;
        }
    };

    compression_error run(bytes_view in, detail::bounded_output& out) noexcept
    {
        if (in.size() > max_codec_input) return compression_error::input_too_large;
        if (!start()) return compression_error::out_of_memory;
        // zlib's interface isn't const-correct; it doesn't write through next_in
        stream_->next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
        stream_->avail_in = static_cast<uInt>(in.size());
        while (true) {
            const auto room = out.room();
            if (room.empty()) return out.error();
            stream_->next_out = reinterpret_cast<Bytef*>(room.data());
            const auto size = std::min(room.size(), max_codec_input);
            stream_->avail_out = static_cast<uInt>(size);
            const int status = ::inflate(stream_.get(), Z_NO_FLUSH);
            out.produced(size - stream_->avail_out);
            if (status == Z_STREAM_END) {
                if (stream_->avail_in == 0) return compression_error::none;
                ::inflateReset(stream_.get());
            } else if (status == Z_MEM_ERROR) {
                return compression_error::out_of_memory;
            } else if (status != Z_OK && status != Z_BUF_ERROR) {
                return compression_error::corrupt;
            } else if (stream_->avail_in == 0 && stream_->avail_out != 0) {
                return compression_error::truncated;
            }
        }
    }

    bool start() noexcept
    {
        if (stream_) return ::inflateReset(stream_.get()) == Z_OK;
        std::unique_ptr<z_stream> fresh{new (std::nothrow) z_stream{}};
        constexpr int gzip_only = 16 + MAX_WBITS;
        if (!fresh || ::inflateInit2(fresh.get(), gzip_only) != Z_OK) return false;
        stream_.reset(fresh.release());
        return true;
    }

    std::unique_ptr<z_stream, end> stream_;
};

class gzip_codec
{
public:
    static constexpr compression id = compression::gzip;
    static constexpr level_range levels = kafka_levels(compression::gzip);
    using decompressor = gzip_decompressor;

    static std::size_t bound(std::size_t size) noexcept
    {
        constexpr std::size_t header_and_trailer = 18; // compressBound counts zlib's 6
        return ::compressBound(static_cast<uLong>(size)) + header_and_trailer;
    }

    codec_result compress(bytes_view in, std::span<std::byte> out, int level) noexcept
    {
        if (in.size() > max_codec_input) return {0, compression_error::input_too_large};
        if (!start(level)) return {0, compression_error::out_of_memory};
        const auto room = std::min(out.size(), max_codec_input);
        stream_->next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
        stream_->avail_in = static_cast<uInt>(in.size());
        stream_->next_out = reinterpret_cast<Bytef*>(out.data());
        stream_->avail_out = static_cast<uInt>(room);
        switch (room == 0 ? Z_BUF_ERROR : ::deflate(stream_.get(), Z_FINISH)) {
        case Z_STREAM_END:
            return {room - stream_->avail_out, compression_error::none};
        case Z_OK:
        case Z_BUF_ERROR:
            return {0, compression_error::output_full};
        default:
            return {0, compression_error::failed};
        }
    }

private:
    struct end
    {
        void operator()(z_stream* stream) const noexcept
        {
            ::deflateEnd(stream);
            delete stream;
        }
    };

    bool start(int level) noexcept
    {
        if (stream_) {
            // right after a reset nothing is pending, so the level changes without writing anything
            if (::deflateReset(stream_.get()) != Z_OK) return false;
            if (level != level_ && ::deflateParams(stream_.get(), level, Z_DEFAULT_STRATEGY) != Z_OK)
                return false;
            level_ = level;
            return true;
        }
        std::unique_ptr<z_stream> fresh{new (std::nothrow) z_stream{}};
        constexpr int gzip_format = 16 + MAX_WBITS;
        constexpr int default_memory = 8;
        if (!fresh || ::deflateInit2(fresh.get(), level, Z_DEFLATED, gzip_format, default_memory,
                                     Z_DEFAULT_STRATEGY) != Z_OK)
            return false;
        stream_.reset(fresh.release());
        level_ = level;
        return true;
    }

    std::unique_ptr<z_stream, end> stream_;
    int level_ = levels.preset;
};

static_assert(compression_codec<gzip_codec> && decompressor<gzip_decompressor>);

} // namespace kurier::inline KURIER_ABI
