// snappy over libsnappy: `kurier::snappy_codec`. CMake: kurier::snappy.
//
// Kafka's consumers expect the framing of snappy-java (SnappyOutputStream): a header of 16 bytes, then blocks
// of 32 KiB of input, each behind its compressed size as a big-endian int32. The decompressor reads that, with
// blocks of any size, and also bare snappy, which librdkafka and others write; as SnappyInputStream does.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/compression/snappy_block.hpp>

#include <snappy.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI {

namespace detail::snappy_java {

inline constexpr std::array magic{std::byte{0x82}, std::byte{'S'}, std::byte{'N'}, std::byte{'A'},
                                  std::byte{'P'},  std::byte{'P'}, std::byte{'Y'}, std::byte{0}};
inline constexpr std::size_t header_size = 16; // magic, version, oldest version that can read it
inline constexpr std::size_t block_header_size = 4;
inline constexpr std::size_t block_size = snappy_block::max_input;

inline void put_int32(std::byte* at, std::uint32_t value) noexcept
{
    for (int i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(value >> (24 - 8 * i) & 0xffU);
}

inline std::uint32_t take_int32(const std::byte* at) noexcept
{
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(at[i]);
    return value;
}

inline bool starts_with_magic(bytes_view in) noexcept
{
    return in.size() >= magic.size() && std::equal(magic.begin(), magic.end(), in.begin());
}

} // namespace detail::snappy_java

class snappy_decompressor
{
public:
    static constexpr compression id = compression::snappy;

    compression_error decompress(bytes_view in, std::size_t max_output, std::vector<std::byte>& out) noexcept
    {
        out.clear();
        try {
            const auto error = detail::snappy_java::starts_with_magic(in) ? framed(in, max_output, out)
                                                                          : block(in, max_output, out);
            if (error != compression_error::none) out.clear();
            return error;
        } catch (const std::bad_alloc&) {
            out.clear();
            return compression_error::out_of_memory;
        }
    }

private:
    static compression_error framed(bytes_view in, std::size_t max_output, std::vector<std::byte>& out)
    {
        using namespace detail::snappy_java;
        while (!in.empty()) {
            // streams may follow each other, each with its header
            if (starts_with_magic(in)) {
                if (in.size() < header_size) return compression_error::truncated;
                constexpr std::uint32_t oldest_known = 1;
                if (take_int32(in.data() + magic.size()) < oldest_known) return compression_error::corrupt;
                in = in.subspan(header_size);
                continue;
            }
            if (in.size() < block_header_size) return compression_error::truncated;
            const std::size_t size = take_int32(in.data());
            in = in.subspan(block_header_size);
            if (size > max_codec_input) return compression_error::corrupt;
            if (size > in.size()) return compression_error::truncated;
            if (const auto error = block(in.first(size), max_output, out); error != compression_error::none)
                return error;
            in = in.subspan(size);
        }
        return compression_error::none;
    }

    // Appends one bare block. A block must say its size in front. No element of the format makes more than 64
    // bytes of 3, so a claim beyond that is refused before any memory is given to it.
    static compression_error block(bytes_view in, std::size_t max_output, std::vector<std::byte>& out)
    {
        if (in.empty()) return compression_error::truncated;
        if (in.size() > max_codec_input) return compression_error::input_too_large;
        const auto* from = reinterpret_cast<const char*>(in.data());
        std::size_t size = 0;
        if (!::snappy::GetUncompressedLength(from, in.size(), &size) || size > in.size() * 64 / 3)
            return compression_error::corrupt;
        const auto used = out.size();
        if (size > max_output - used) return compression_error::output_limit;
        if (used + size > out.capacity())
            out.reserve(std::max(used + size, std::min(out.capacity() * 2, max_output)));
        out.resize(used + std::max<std::size_t>(size, 1)); // never null
        const bool good =
            ::snappy::RawUncompress(from, in.size(), reinterpret_cast<char*>(out.data() + used));
        out.resize(used + size);
        return good ? compression_error::none : compression_error::corrupt;
    }
};

class snappy_codec
{
public:
    static constexpr compression id = compression::snappy;
    static constexpr level_range levels = kafka_levels(compression::snappy);
    using decompressor = snappy_decompressor;

    static constexpr std::size_t bound(std::size_t size) noexcept
    {
        using namespace detail::snappy_java;
        const auto whole = size / block_size;
        return header_size + whole * (block_header_size + detail::snappy_block::bound(block_size)) +
               block_header_size + detail::snappy_block::bound(size % block_size);
    }

    codec_result compress(bytes_view in, std::span<std::byte> out, int = 0) noexcept
    {
        using namespace detail::snappy_java;
        if (in.size() > max_codec_input) return {0, compression_error::input_too_large};
        if (!context_) context_.reset(new (std::nothrow) context);
        if (!context_) return {0, compression_error::out_of_memory};
        if (out.size() < header_size) return {0, compression_error::output_full};
        std::copy(magic.begin(), magic.end(), out.begin());
        put_int32(out.data() + 8, 1);
        put_int32(out.data() + 12, 1);
        auto used = header_size;
        for (; !in.empty(); in = in.subspan(std::min(in.size(), block_size))) {
            const auto written = put_block(in.first(std::min(in.size(), block_size)), out.subspan(used));
            if (written == 0) return {0, compression_error::output_full};
            used += written;
        }
        return {used, compression_error::none};
    }

private:
    // What is needed between calls, made at the first.
    struct context
    {
        detail::snappy_block block;
        std::array<std::byte, detail::snappy_block::bound(detail::snappy_java::block_size)> spare;
    };

    // The bytes written, 0 if they don't fit. A block is compressed where its bound fits; at the end of a
    // buffer it may not, and then the block goes by way of a spare one.
    std::size_t put_block(bytes_view block, std::span<std::byte> room) noexcept
    {
        using namespace detail::snappy_java;
        if (room.size() <= block_header_size) return 0;
        const auto body = room.subspan(block_header_size);
        const bool direct = body.size() >= detail::snappy_block::bound(block.size());
        auto* to = direct ? body.data() : context_->spare.data();
        const auto size = context_->block.compress(block.data(), block.size(), to);
        if (size > body.size()) return 0;
        if (!direct) std::memcpy(body.data(), to, size);
        put_int32(room.data(), static_cast<std::uint32_t>(size));
        return block_header_size + size;
    }

    std::unique_ptr<context> context_;
};

static_assert(compression_codec<snappy_codec> && decompressor<snappy_decompressor>);

} // namespace kurier::inline KURIER_ABI
