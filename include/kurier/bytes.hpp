// Views of bytes. A null view and an empty view are different things in Kafka: a null value is a tombstone,
// an empty one is a value of length zero.
#pragma once

#include <kurier/config.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI {

// Bytes that somebody else keeps.
using bytes_view = std::span<const std::byte>;

// The bytes of a text, and a text of bytes: views, nothing is copied.
inline bytes_view as_bytes(std::string_view text) noexcept
{
    return std::as_bytes(std::span{text.data(), text.size()});
}

// See as_bytes.
inline std::string_view as_text(bytes_view bytes) noexcept
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A view of bytes that may be null. Default-constructed it is null.
class nullable_bytes
{
public:
    constexpr nullable_bytes() noexcept = default;
    constexpr nullable_bytes(std::nullptr_t) noexcept {}
    constexpr nullable_bytes(bytes_view bytes) noexcept
        : data_{bytes.data() ? bytes.data() : &empty}, size_{bytes.size()}
    {}
    nullable_bytes(std::string_view text) noexcept : nullable_bytes{as_bytes(text)} {}
    nullable_bytes(const std::string& text) noexcept : nullable_bytes{as_bytes(text)} {}
    nullable_bytes(const char* text) noexcept : nullable_bytes{std::string_view{text}} {}

    constexpr bool is_null() const noexcept { return data_ == nullptr; }
    constexpr const std::byte* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; } // 0 when null
    constexpr bytes_view view() const noexcept { return {data_, size_}; }

    friend bool operator==(nullable_bytes a, nullable_bytes b) noexcept
    {
        return a.is_null() == b.is_null() && a.size_ == b.size_ &&
               (a.size_ == 0 || std::memcmp(a.data_, b.data_, a.size_) == 0);
    }

private:
    static constexpr std::byte empty{}; // what an empty view without storage points at, so that it isn't null
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace kurier::inline KURIER_ABI
