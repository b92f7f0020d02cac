// What fits into a Produce request, and into buffer.memory.
#pragma once

#include <kurier/core/state/batch.hpp>
#include <kurier/producer_config.hpp>

#include <algorithm>
#include <cstddef>

namespace kurier::inline KURIER_ABI::core {

// A frame's size goes over the wire as an int32.
inline constexpr std::size_t frame_size_max = 0x7fffffff;

// Upper bound of what a Produce request has around one partition's batch, its topic included.
inline constexpr std::size_t partition_frame_max = 512;

// Upper bound of the rest of a Produce request.
inline std::size_t request_frame_max(const producer_config& config) noexcept
{
    return config.client_id.size() + 128;
}

// The batches of one request: at most max.request.size together, except that a single one always fits.
class request_room
{
public:
    explicit request_room(const producer_config& config) noexcept
        : bytes_left_{config.max_request_size}, frame_left_{frame_size_max - request_frame_max(config)}
    {}

    bool take(std::size_t batch_size) noexcept
    {
        const auto framed = batch_size + partition_frame_max;
        if (!empty_ && (batch_size > bytes_left_ || framed > frame_left_)) return false;
        empty_ = false;
        bytes_left_ -= std::min(bytes_left_, batch_size);
        frame_left_ -= std::min(frame_left_, framed);
        return true;
    }

private:
    std::size_t bytes_left_, frame_left_;
    bool empty_ = true;
};

static_assert(alignof(slot) <= buffer_pool::alignment);

// How large a record may be, as the only one of its batch: `size_alone` in accumulator.hpp.
struct record_limits
{
    std::size_t request; // of the whole record
    std::size_t buffer;  // of what is copied: all of it but a large value

    explicit record_limits(const producer_config& config) noexcept
        : request{std::min(config.max_request_size,
                           frame_size_max - request_frame_max(config) - partition_frame_max)},
          buffer{less(config.buffer_memory / buffer_pool::alignment * buffer_pool::alignment,
                      batch_margin + sizeof(slot))}
    {}

    std::size_t both() const noexcept { return std::min(request, buffer); }

private:
    static std::size_t less(std::size_t whole, std::size_t part) noexcept
    {
        return whole < part ? 0 : whole - part;
    }
};

} // namespace kurier::inline KURIER_ABI::core
