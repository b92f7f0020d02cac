// libFuzzer: gzip_decompressor against any bytes.
#include "decompressor.hpp"

#include <kurier/compression/gzip.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    kurier::fuzz::try_decompressor<kurier::gzip_decompressor>({data, size});
    return 0;
}
