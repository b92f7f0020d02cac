// Where a decompressor writes: doubles with what was produced, never past the limit by more than one byte.
// That byte tells "exactly at the limit" from "more than the limit" without asking the codec.
#pragma once

#include <kurier/compression.hpp>

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <stdexcept>
#include <vector>

namespace kurier::inline KURIER_ABI::detail {

class bounded_output
{
public:
    bounded_output(std::vector<std::byte>& out, std::size_t limit, std::size_t first_guess) noexcept
        : out_{out}, limit_{limit}, next_size_{std::max<std::size_t>(first_guess, 512)}
    {
        out_.clear();
    }
    bounded_output(const bounded_output&) = delete;
    bounded_output& operator=(const bounded_output&) = delete;

    // Room to write into, not empty unless memory ran out or the limit has been passed: see error().
    std::span<std::byte> room() noexcept
    {
        if (used_ > limit_)
            error_ = compression_error::output_limit;
        else if (used_ == out_.size() && used_ < limit_)
            grow();
        if (error_ != compression_error::none) return {};
        return used_ < out_.size() ? std::span{out_}.subspan(used_) : std::span{&beyond_, 1};
    }

    void produced(std::size_t size) noexcept { used_ += size; }
    compression_error error() const noexcept { return error_; }

    // Trims the output to what was produced, or empties it after an error.
    compression_error finish(compression_error error) noexcept
    {
        if (error == compression_error::none && used_ > limit_) error = compression_error::output_limit;
        out_.resize(error == compression_error::none ? used_ : 0);
        return error;
    }

private:
    void grow() noexcept
    {
        try {
            out_.resize(std::min(std::max(next_size_, out_.capacity()), limit_));
            next_size_ = out_.size() <= limit_ / 2 ? out_.size() * 2 : limit_;
        } catch (const std::bad_alloc&) {
            error_ = compression_error::out_of_memory;
        } catch (const std::length_error&) {
            error_ = compression_error::out_of_memory;
        }
    }

    std::vector<std::byte>& out_;
    std::size_t limit_;
    std::size_t next_size_;
    std::size_t used_ = 0;
    compression_error error_ = compression_error::none;
    std::byte beyond_{};
};

} // namespace kurier::inline KURIER_ABI::detail
