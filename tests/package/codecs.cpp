// A consumer that asked for every codec
#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>

#include <cstdio>

int main()
{
    std::puts("codecs found");
}
