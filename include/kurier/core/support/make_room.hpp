// Room in a vector ahead of time, where adding must not throw.
#pragma once

#include <kurier/config.hpp>

#include <algorithm>
#include <cstddef>

namespace kurier::inline KURIER_ABI::core {

// reserve() takes exactly what it is asked for: asked for one more each time, it copies everything each time.
template <class Vector> void make_room(Vector& items, std::size_t size)
{
    if (items.capacity() < size) items.reserve(std::max(size, 2 * items.capacity()));
}

} // namespace kurier::inline KURIER_ABI::core
