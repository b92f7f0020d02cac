// Data of the kinds that topics carry, the same on every run.
#pragma once

#include <kurier/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace kurier_test {

using bytes = std::vector<std::byte>;
using sizes = std::initializer_list<std::size_t>;

inline void append(bytes& to, std::string_view text)
{
    const auto view = kurier::as_bytes(text);
    to.insert(to.end(), view.begin(), view.end());
}

inline bytes zeros(std::size_t size)
{
    return bytes(size);
}

inline bytes random_bytes(std::size_t size, std::uint64_t seed = 1)
{
    std::mt19937_64 random{seed};
    bytes data(size);
    for (auto& byte : data) byte = static_cast<std::byte>(random() & 0xffU);
    return data;
}

inline bytes json_lines(std::size_t size, std::uint64_t seed = 1)
{
    static constexpr std::string_view paths[] = {"/cart", "/checkout", "/search?q=shoes", "/login",
                                                 "/item/4711"};
    std::mt19937_64 random{seed};
    bytes data;
    data.reserve(size + 256);
    for (std::uint64_t time = 1700000000000; data.size() < size; time += random() % 50) {
        append(data, R"({"time":)" + std::to_string(time) + R"(,"level":"info","service":"shop-)" +
                         std::to_string(random() % 9) + R"(","path":")");
        append(data, paths[random() % std::size(paths)]);
        append(data, R"(","user":")" + std::to_string(random()) + R"(","status":200,"micros":)" +
                         std::to_string(random() % 90000) + "}\n");
    }
    data.resize(size);
    return data;
}

// Tag, varint and fixed fields: few repeats longer than some bytes.
inline bytes small_messages(std::size_t size, std::uint64_t seed = 1)
{
    std::mt19937_64 random{seed};
    bytes data;
    data.reserve(size + 64);
    while (data.size() < size) {
        const auto push = [&](std::uint64_t value) { data.push_back(static_cast<std::byte>(value & 0xffU)); };
        push(0x08), push(random() % 100), push(0x15);
        for (int i = 0; i < 4; ++i) push(i < 2 ? random() : 0x40U);
        push(0x1a), push(6);
        append(data, random() % 2 ? "sensor" : "engine");
        push(0x20), push(random() | 0x80U), push(random() % 4);
    }
    data.resize(size);
    return data;
}

// Runs of compressible and incompressible bytes, so that blocks of both sorts meet in one input.
inline bytes mixed(std::size_t size)
{
    bytes data;
    for (std::uint64_t i = 0; data.size() < size; ++i) {
        const auto part = i % 2 ? random_bytes(70000, i) : json_lines(50000, i);
        data.insert(data.end(), part.begin(), part.end());
    }
    data.resize(size);
    return data;
}

struct named_data
{
    std::string_view name;
    bytes data;
};

inline std::vector<named_data> every_kind(std::size_t size)
{
    return {{"zeros", zeros(size)},
            {"random", random_bytes(size)},
            {"json", json_lines(size)},
            {"messages", small_messages(size)},
            {"mixed", mixed(size)}};
}

} // namespace kurier_test
