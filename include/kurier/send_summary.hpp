// What became of many records that were sent together.
#pragma once

#include <kurier/delivery_error.hpp>

#include <cstddef>
#include <memory>

namespace kurier {

struct send_summary
{
    send_summary() = default; // not an aggregate: g++ 12 mishandles those in co_await expressions

    std::size_t delivered = 0;
    std::size_t failed = 0;
    std::size_t possibly_written = 0; // of the failed ones
    std::size_t withdrawn = 0;        // of the failed ones: cancelled before they were sent
    std::shared_ptr<const delivery_failure> first_failure;
};

} // namespace kurier
