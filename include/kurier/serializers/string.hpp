// Texts, as they are; Java's StringSerializer for UTF-8.
#pragma once

#include <kurier/serializer.hpp>

#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI {

template <> struct serializer<std::string_view>
{
    nullable_bytes view(std::string_view text) const noexcept { return nullable_bytes{text}; }
};
template <class Allocator> struct serializer<std::basic_string<char, std::char_traits<char>, Allocator>>
    : serializer<std::string_view>
{};
template <> struct serializer<const char*> : serializer<std::string_view>
{};

static_assert(view_serializer_for<serializer<std::string_view>, std::string_view>);
static_assert(view_serializer_for<serializer<std::string>, std::string>);
static_assert(view_serializer_for<serializer<const char*>, const char*>);

} // namespace kurier::inline KURIER_ABI
