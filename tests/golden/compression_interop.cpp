// kurier's side of tests/golden/run_compression:
//   compression_interop write DIR   a file CODEC.LEVEL.KIND.SIZE for many sizes and levels
//   compression_interop check DIR   reads every such file and compares with the data
#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>

#include "../unit/compression/golden_data.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

namespace {

using kurier::compression;
using kurier_test::bytes;
using kurier_test::golden_data;

using every_codec =
    kurier::codecs<kurier::gzip_codec, kurier::snappy_codec, kurier::lz4_codec, kurier::zstd_codec>;

std::vector<int> levels_of(compression id)
{
    switch (id) {
    case compression::gzip:
        return {-1, 1, 5, 9};
    case compression::lz4:
        return {9, 1, 3, 12, 17};
    case compression::zstd:
        return {3, -131072, -5, 1, 9, 19};
    default:
        return {0};
    }
}

int write(const std::filesystem::path& directory)
{
    every_codec codecs;
    int count = 0;
    for (const auto id : {compression::gzip, compression::snappy, compression::lz4, compression::zstd})
        for (const int level : levels_of(id))
            for (const auto* kind : {"text", "noise", "mixed"})
                for (const auto size : kurier_test::sizes{0, 1, 15, 1000, 32767, 32768, 32769, 65535, 65536,
                                                          65537, 1000000, 10485760}) {
                    bytes out(codecs.bound(id, size));
                    const auto result = codecs.compress(id, golden_data(kind, size), out, level);
                    if (!result) {
                        std::cerr << describe(result.error) << '\n';
                        return 1;
                    }
                    std::ostringstream name;
                    name << compression_name(id) << '.' << level << '.' << kind << '.' << size;
                    std::ofstream{directory / name.str(), std::ios::binary}.write(
                        reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(result.size));
                    ++count;
                }
    std::cout << "kurier wrote " << count << " files\n";
    return 0;
}

int check(const std::filesystem::path& directory)
{
    every_codec codecs;
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
        std::istringstream name{entry.path().filename().string()};
        std::string codec, level, kind, size;
        std::getline(std::getline(std::getline(std::getline(name, codec, '.'), level, '.'), kind, '.'), size);
        std::ifstream file{entry.path(), std::ios::binary};
        bytes packed;
        kurier_test::append(packed, std::string{std::istreambuf_iterator<char>{file}, {}});
        const auto expected = golden_data(kind, std::stoul(size));
        bytes out;
        const auto error =
            codecs.decompress(kurier::compression_from_name(codec).value(), packed, expected.size(), out);
        if (error != kurier::compression_error::none || out != expected) {
            std::cerr << entry.path() << ": " << describe(error) << '\n';
            return 1;
        }
        ++count;
    }
    std::cout << "kurier read " << count << " files of Java's\n";
    return count == 0;
}

} // namespace

int main(int argc, char** argv)
{
    const std::string_view mode = argc == 3 ? argv[1] : "";
    if (mode == "write") return write(argv[2]);
    if (mode == "check") return check(argv[2]);
    std::cerr << "usage: compression_interop write|check DIR\n";
    return 2;
}
