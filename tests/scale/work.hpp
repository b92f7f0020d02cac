// Work is counted, not timed: the basic blocks that are entered. The compiler puts a call into each
// (-fsanitize-coverage=trace-pc), and what is allocated, or moved and compared by libc, adds a block for 16 bytes. A
// count is the same in each run, on a busy machine too.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kurier::scale {

std::uint64_t blocks_entered() noexcept;
std::size_t bytes_held() noexcept; // by operator new, with what malloc adds

} // namespace kurier::scale
