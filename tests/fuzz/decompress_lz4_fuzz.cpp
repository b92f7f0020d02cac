// libFuzzer: lz4_decompressor against any bytes.
#include "decompressor.hpp"

#include <kurier/compression/lz4.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    kurier::fuzz::try_decompressor<kurier::lz4_decompressor>({data, size});
    return 0;
}
