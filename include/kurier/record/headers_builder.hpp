// The headers of a record on its way: those the user gave, by reference, and those that serializers add,
// which are copied. Reused from record to record; without additions it neither copies nor allocates.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/record/header.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI {

class headers_builder
{
public:
    headers_builder() = default;
    explicit headers_builder(std::span<const header_view> given) noexcept : given_{given} {}

    // Starts over for another record.
    void reset(std::span<const header_view> given) noexcept
    {
        given_ = given;
        added_.clear();
        storage_.clear();
    }

    // Behind what is there; names may repeat.
    void add(std::string_view name, nullable_bytes value)
    {
        added_.push_back({name.size(), value.size(), value.is_null()});
        const bytes_view name_bytes = as_bytes(name);
        storage_.insert(storage_.end(), name_bytes.begin(), name_bytes.end());
        storage_.insert(storage_.end(), value.view().begin(), value.view().end());
    }

    std::span<const header_view> given() const noexcept { return given_; }

    // All of them, until the next change.
    std::span<const header_view> view()
    {
        if (added_.empty()) [[likely]]
            return given_;
        return join();
    }

private:
    std::span<const header_view> join()
    {
        joined_.assign(given_.begin(), given_.end());
        const std::byte* at = storage_.data();
        for (const added_header& header : added_) {
            const bytes_view name{at, header.name_size};
            const bytes_view value{at + header.name_size, header.value_size};
            at += header.name_size + header.value_size;
            joined_.push_back({as_text(name), header.value_null ? nullable_bytes{} : nullable_bytes{value}});
        }
        return joined_;
    }

    struct added_header
    {
        std::size_t name_size;
        std::size_t value_size;
        bool value_null;
    };

    std::span<const header_view> given_;
    std::vector<added_header> added_;
    std::vector<std::byte> storage_; // name, value, name, value, ... of added_
    std::vector<header_view> joined_;
};

} // namespace kurier::inline KURIER_ABI
