// libFuzzer: zstd_decompressor against any bytes.
#include "decompressor.hpp"

#include <kurier/compression/zstd.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    kurier::fuzz::try_decompressor<kurier::zstd_decompressor>({data, size});
    return 0;
}
