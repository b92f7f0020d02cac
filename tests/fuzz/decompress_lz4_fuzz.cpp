// libFuzzer: whatever the bytes, lz4_decompressor gives at most the limit or an error, and nothing after an error.
#include <kurier/compression/lz4.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static kurier::lz4_decompressor decompressor; // used again, also after a failure
    const auto in = std::as_bytes(std::span{data, size});
    // the first byte chooses the limit, so that limits in the middle of the data are met too
    const std::size_t limit = size == 0 ? 0 : std::size_t{1} << (data[0] % 22);
    std::vector<std::byte> out;
    const auto error = decompressor.decompress(in.subspan(size == 0 ? 0 : 1), limit, out);
    if (error != kurier::compression_error::none && !out.empty()) std::abort();
    if (out.size() > limit || out.capacity() > 2 * limit + 4096) std::abort();
    return 0;
}
