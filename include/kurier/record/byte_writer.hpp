// What a serializer writes into: appends to a vector that its owner reuses from record to record.
#pragma once

#include <kurier/bytes.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kurier::inline KURIER_ABI {

class byte_writer
{
public:
    explicit byte_writer(std::vector<std::byte>& out) noexcept : out_{&out}, begin_{out.size()} {}

    void put(std::byte b) { out_->push_back(b); }
    void put(bytes_view bytes) { out_->insert(out_->end(), bytes.begin(), bytes.end()); }
    void put(std::string_view text) { put(as_bytes(text)); }

    // Big endian, as everywhere in Kafka.
    template <std::integral Int> void put_int(Int value)
    {
        using word = std::make_unsigned_t<Int>;
        for (std::size_t shift = 8 * sizeof(Int); shift != 0; shift -= 8)
            put(static_cast<std::byte>(static_cast<word>(value) >> (shift - 8)));
    }

    // n more bytes, zero, to be written in place; valid until the next call.
    std::byte* grow(std::size_t n)
    {
        out_->resize(out_->size() + n);
        return out_->data() + out_->size() - n;
    }

    void reserve(std::size_t n) { out_->reserve(out_->size() + n); }

    std::size_t size() const noexcept { return out_->size() - begin_; } // written through this writer
    bytes_view written() const noexcept { return bytes_view{*out_}.subspan(begin_); }

private:
    std::vector<std::byte>* out_;
    std::size_t begin_;
};

} // namespace kurier::inline KURIER_ABI
