// libFuzzer: what snappy_codec writes, in however much room, reads back as it was.
#include <kurier/compression/snappy.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static kurier::snappy_codec codec;
    static kurier::snappy_decompressor decompressor;
    if (size < 3) return 0;
    const auto in = std::as_bytes(std::span{data, size}).subspan(3);
    // often the bound, else something shorter: exactly allocated, so that writing past it is seen
    const auto room =
        data[0] % 2 ? kurier::snappy_codec::bound(in.size()) : std::size_t{data[1]} << data[2] % 8;
    std::vector<std::byte> packed(room);
    const auto result = codec.compress(in, packed);
    if (!result) return data[0] % 2 ? (std::abort(), 0) : 0;
    std::vector<std::byte> out;
    if (decompressor.decompress(std::span{packed}.first(result.size), in.size(), out) !=
        kurier::compression_error::none)
        std::abort();
    if (!std::equal(out.begin(), out.end(), in.begin(), in.end())) std::abort();
    return 0;
}
