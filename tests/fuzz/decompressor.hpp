// Whatever the bytes, a decompressor gives at most the limit or an error, and nothing after an error.
#pragma once

#include <kurier/compression.hpp>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace kurier::fuzz {

template <class Decompressor> void try_decompressor(std::span<const std::uint8_t> input)
{
    static Decompressor decompressor; // used again, also after a failure
    const auto in = std::as_bytes(input);
    // the first byte chooses the limit, so that limits in the middle of the data are met too
    const std::size_t limit = in.empty() ? 0 : std::size_t{1} << (input[0] % 22);
    std::vector<std::byte> out;
    const auto error = decompressor.decompress(in.subspan(in.empty() ? 0 : 1), limit, out);
    if (error != compression_error::none && !out.empty()) std::abort();
    if (out.size() > limit || out.capacity() > 2 * limit + 4096) std::abort();
}

} // namespace kurier::fuzz
