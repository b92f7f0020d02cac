// A serialized record on its way into a batch.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/record/header.hpp>

#include <cstdint>
#include <span>

namespace kurier::inline KURIER_ABI::core {

struct batch;

struct record_bytes // views, valid during the call
{
    nullable_bytes key, value;
    std::span<const header_view> headers;
    std::int64_t timestamp = 0;
};

struct place
{
    batch* where = nullptr; // nullptr: no room
    std::uint32_t index = 0;
};

} // namespace kurier::inline KURIER_ABI::core
