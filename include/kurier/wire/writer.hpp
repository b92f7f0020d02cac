// Writes Kafka's primitive types to the end of a vector, or only counts their bytes. A message is encoded by one
// template over either, so its size can't differ from its bytes. The first error sticks: a value that its format can't
// hold makes the writer bad, and what it wrote useless.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace kurier::inline KURIER_ABI::wire {

class writer
{
public:
    explicit writer(std::vector<std::byte>& out) noexcept : out_{out} {}

    bool bad() const noexcept { return bad_; }
    void fail() noexcept { bad_ = true; }

    void put(const void* data, std::size_t size)
    {
        const auto* bytes = static_cast<const std::byte*>(data);
        out_.insert(out_.end(), bytes, bytes + size);
    }

    template <class Int> void put_int(Int value) // big endian
    {
        using bits = std::make_unsigned_t<Int>;
        std::byte bytes[sizeof(Int)]{};
        for (std::size_t i = 0; i < sizeof(Int); ++i)
            bytes[i] = static_cast<std::byte>(static_cast<bits>(value) >> (8 * (sizeof(Int) - 1 - i)));
        put(bytes, sizeof bytes);
    }

    void put_uvarint(std::uint32_t value)
    {
        std::byte bytes[5]{}; // g++ 12 fears for it without a value
        put(bytes, static_cast<std::size_t>(wire::put_uvarint(bytes, value) - bytes));
    }

    void put_varint(std::int32_t value) { put_uvarint(zigzag(value)); }

    std::size_t size() const noexcept { return out_.size(); }

private:
    std::vector<std::byte>& out_;
    bool bad_ = false;
};

class sizer
{
public:
    void fail() noexcept {} // the writer will tell
    void put(const void*, std::size_t size) noexcept { size_ += size; }
    template <class Int> void put_int(Int) noexcept { size_ += sizeof(Int); }
    void put_uvarint(std::uint32_t value) noexcept { size_ += uvarint_size(value); }
    void put_varint(std::int32_t value) noexcept { size_ += varint_size(value); }
    std::size_t size() const noexcept { return size_; }

private:
    std::size_t size_ = 0;
};

} // namespace kurier::inline KURIER_ABI::wire
