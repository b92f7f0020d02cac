// float and double in IEEE 754, big endian; Java's FloatSerializer and DoubleSerializer.
#pragma once

#include <kurier/record/big_endian.hpp>
#include <kurier/serializer.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace kurier::inline KURIER_ABI {

template <> struct serializer<float>
{
    static_assert(std::numeric_limits<float>::is_iec559);
    static constexpr std::size_t size(float) noexcept { return 4; }
    static void write(float value, std::byte* at) noexcept
    {
        detail::put_big_endian(at, std::bit_cast<std::uint32_t>(value));
    }
};
template <> struct serializer<double>
{
    static_assert(std::numeric_limits<double>::is_iec559);
    static constexpr std::size_t size(double) noexcept { return 8; }
    static void write(double value, std::byte* at) noexcept
    {
        detail::put_big_endian(at, std::bit_cast<std::uint64_t>(value));
    }
};

static_assert(sized_serializer_for<serializer<float>, float>);
static_assert(sized_serializer_for<serializer<double>, double>);

} // namespace kurier::inline KURIER_ABI
