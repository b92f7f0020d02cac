// nullptr_t: always null; Java's VoidSerializer. For producers that never have a key, or write tombstones
// only.
#pragma once

#include <kurier/serializer.hpp>

#include <cstddef>

namespace kurier::inline KURIER_ABI {

template <> struct serializer<std::nullptr_t>
{
    nullable_bytes view(std::nullptr_t) const noexcept { return nullable_bytes{}; }
};

static_assert(view_serializer_for<serializer<std::nullptr_t>, std::nullptr_t>);

} // namespace kurier::inline KURIER_ABI
