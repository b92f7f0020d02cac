// Kafka's timestamps: milliseconds since 1970.
#pragma once

#include <kurier/config.hpp>

#include <chrono>
#include <optional>

namespace kurier::inline KURIER_ABI {

// As it is in a record.
using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

// A record's time, or none. Made from any system_clock time, which is rounded down: system_clock::now() will do.
class record_time
{
public:
    constexpr record_time() noexcept = default;
    constexpr record_time(std::nullopt_t) noexcept {}
    template <class Duration> constexpr record_time(std::chrono::sys_time<Duration> time) noexcept
        : value_{std::chrono::floor<std::chrono::milliseconds>(time)}
    {}
    template <class Duration>
    constexpr record_time(const std::optional<std::chrono::sys_time<Duration>>& time) noexcept
    {
        if (time) *this = record_time{*time};
    }

    constexpr bool has_value() const noexcept { return value_.has_value(); }
    constexpr explicit operator bool() const noexcept { return has_value(); }
    constexpr const timestamp& operator*() const noexcept { return *value_; }
    constexpr const timestamp* operator->() const noexcept { return &*value_; }

    friend bool operator==(const record_time&, const record_time&) = default;

private:
    std::optional<timestamp> value_;
};

} // namespace kurier::inline KURIER_ABI
