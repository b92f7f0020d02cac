// A fuzzer's bytes as a row of choices; after the last one all choices are zero.
#pragma once

#include <kurier/bytes.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kurier::fuzz {

class input
{
public:
    input(const std::uint8_t* data, std::size_t size) : left_{std::as_bytes(std::span{data, size})} {}

    bool empty() const noexcept { return left_.empty(); }

    std::uint8_t byte() noexcept
    {
        const auto taken = bytes(1);
        return taken.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(taken[0]);
    }
    std::size_t below(std::size_t limit) noexcept { return byte() % limit; }
    template <class Int> Int number() noexcept
    {
        Int value = 0;
        for (std::size_t i = 0; i < sizeof(Int); ++i) value = static_cast<Int>((value << 8) | Int{byte()});
        return value;
    }
    bytes_view bytes(std::size_t most) noexcept
    {
        const auto taken = left_.first(std::min(most, left_.size()));
        left_ = left_.subspan(taken.size());
        return taken;
    }
    bytes_view rest() noexcept { return bytes(left_.size()); }

private:
    bytes_view left_;
};

} // namespace kurier::fuzz
