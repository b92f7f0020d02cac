// Bytes read from a connection and not consumed yet.
#pragma once

#include <kurier/bytes.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

// Grows with what has arrived, never with what a length field says.
class read_buffer
{
public:
    // Room for the next read, at least `least` bytes.
    std::span<std::byte> space(std::size_t least = 2048)
    {
        if (begin_ == end_) begin_ = end_ = 0;
        if (bytes_.size() - end_ < least && begin_ > 0) {
            std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (bytes_.size() - end_ < least)
            bytes_.resize(
                std::max<std::size_t>(bytes_.size() * 2, std::max<std::size_t>(4096, end_ + least)));
        return {bytes_.data() + end_, bytes_.size() - end_};
    }
    void commit(std::size_t bytes) noexcept { end_ += bytes; }
    bytes_view data() const noexcept { return {bytes_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes) noexcept { begin_ += bytes; }
    std::size_t capacity() const noexcept { return bytes_.size(); }

    void shrink_if_empty() noexcept // after a large response
    {
        if (begin_ == end_ && bytes_.size() > 65536) *this = {};
    }

private:
    std::vector<std::byte> bytes_;
    std::size_t begin_ = 0, end_ = 0;
};

} // namespace kurier::inline KURIER_ABI::core
