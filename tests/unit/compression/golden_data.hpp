// The data behind tests/golden/compression: the same generators are in tests/golden/java/GoldenCompression.java.
#pragma once

#include "sample_data.hpp"

namespace kurier_test {

inline bytes golden_data(std::string_view kind, std::size_t size)
{
    bytes out;
    out.reserve(size + 128);
    std::uint64_t state = 1;
    for (std::uint64_t line = 0; out.size() < size; ++line) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const auto random = state >> 33U;
        if (kind == "noise" || (kind == "mixed" && line / 3000 % 2 == 1)) {
            for (int shift = 0; shift <= 16; shift += 8)
                out.push_back(static_cast<std::byte>(random >> shift & 0xffU));
        } else {
            append(out, "line " + std::to_string(line) + " of a log that tells the same again, status " +
                            std::to_string(random % 3) + "\n");
        }
    }
    out.resize(size);
    return out;
}

} // namespace kurier_test
