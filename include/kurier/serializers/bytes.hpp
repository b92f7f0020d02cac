// Bytes, as they are; Java's ByteArraySerializer.
#pragma once

#include <kurier/serializer.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI {

template <> struct serializer<bytes_view>
{
    nullable_bytes view(bytes_view bytes) const noexcept { return nullable_bytes{bytes}; }
};
template <> struct serializer<std::span<std::byte>> : serializer<bytes_view>
{};
template <class Allocator> struct serializer<std::vector<std::byte, Allocator>> : serializer<bytes_view>
{};
template <std::size_t Size> struct serializer<std::array<std::byte, Size>>
{
    nullable_bytes view(const std::array<std::byte, Size>& bytes) const noexcept
    {
        return nullable_bytes{bytes_view{bytes}};
    }
};
template <> struct serializer<nullable_bytes>
{
    nullable_bytes view(nullable_bytes bytes) const noexcept { return bytes; }
};

static_assert(view_serializer_for<serializer<bytes_view>, bytes_view>);
static_assert(view_serializer_for<serializer<std::vector<std::byte>>, std::vector<std::byte>>);
static_assert(view_serializer_for<serializer<std::array<std::byte, 3>>, std::array<std::byte, 3>>);
static_assert(view_serializer_for<serializer<nullable_bytes>, nullable_bytes>);

} // namespace kurier::inline KURIER_ABI
