// A record header: a name, which may repeat within a record, and a value, which may be null.
#pragma once

#include <kurier/bytes.hpp>

#include <string_view>

namespace kurier::inline KURIER_ABI {

struct header_view
{
    std::string_view name{};
    nullable_bytes value{};

    friend bool operator==(const header_view&, const header_view&) = default;
};

} // namespace kurier::inline KURIER_ABI
