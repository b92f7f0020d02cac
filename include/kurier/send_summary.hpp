// Many records that are sent together: what they come in, and what became of them.
#pragma once

#include <kurier/delivery_error.hpp>

#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <type_traits>

namespace kurier::inline KURIER_ABI {

struct send_summary
{
    send_summary() = default; // not an aggregate: g++ 12 mishandles those in co_await expressions

    std::size_t delivered = 0;
    std::size_t failed = 0;
    std::size_t possibly_written = 0; // of the failed ones
    std::size_t withdrawn = 0;        // of the failed ones: cancelled before they were sent
    std::shared_ptr<const delivery_failure> first_failure;
};

// What send_all takes.
template <class Range, class Record>
concept records_of = requires(std::remove_reference_t<Range>& range) {
    { *std::begin(range) } -> std::convertible_to<const Record&>;
    std::end(range);
};

} // namespace kurier::inline KURIER_ABI
