// uuid as text, 8-4-4-4-12 hexadecimal digits: what Java's UUIDSerializer writes, and not the 16 bytes.
#pragma once

#include <kurier/serializer.hpp>
#include <kurier/uuid.hpp>

#include <cstddef>

namespace kurier::inline KURIER_ABI {

template <> struct serializer<uuid>
{
    static constexpr std::size_t size(const uuid&) noexcept { return 36; }

    static void write(const uuid& id, std::byte* at) noexcept
    {
        static constexpr char digits[] = "0123456789abcdef";
        for (std::size_t i = 0; i < id.bytes.size(); ++i) {
            if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = std::byte{'-'};
            *at++ = static_cast<std::byte>(digits[std::to_integer<unsigned>(id.bytes[i]) >> 4]);
            *at++ = static_cast<std::byte>(digits[std::to_integer<unsigned>(id.bytes[i]) & 15]);
        }
    }
};

static_assert(sized_serializer_for<serializer<uuid>, uuid>);

} // namespace kurier::inline KURIER_ABI
