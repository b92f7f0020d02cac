// Signed integers of 2, 4 and 8 bytes, big endian; Java's ShortSerializer, IntegerSerializer and
// LongSerializer.
#pragma once

#include <kurier/record/big_endian.hpp>
#include <kurier/serializer.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace kurier::inline KURIER_ABI {

template <std::signed_integral Int>
    requires(sizeof(Int) == 2 || sizeof(Int) == 4 || sizeof(Int) == 8) && (!std::same_as<Int, wchar_t>)
struct serializer<Int>
{
    static constexpr std::size_t size(Int) noexcept { return sizeof(Int); }
    static void write(Int value, std::byte* at) noexcept { detail::put_big_endian(at, value); }
};

static_assert(sized_serializer_for<serializer<std::int16_t>, std::int16_t>);
static_assert(sized_serializer_for<serializer<std::int32_t>, std::int32_t>);
static_assert(sized_serializer_for<serializer<std::int64_t>, std::int64_t>);

} // namespace kurier::inline KURIER_ABI
