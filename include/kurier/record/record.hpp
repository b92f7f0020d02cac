// What the user sends: a record of views, named field by field.
//
//     co_await producer.send({.topic = "orders", .key = o.id, .value = o});
//
// A record owns nothing; what it refers to must live until send returns, no longer. Keep it trivially
// destructible: g++ 12 copies other aggregates wrongly in a co_await expression.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/record/header.hpp>
#include <kurier/record/timestamp.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kurier::inline KURIER_ABI {

// A reference to a T that a record carries. One pointer, made implicitly from a T.
template <class T> class in
{
public:
    constexpr in(const T& value) noexcept : value_{std::addressof(value)} {}
    constexpr operator const T&() const noexcept { return *value_; }
    constexpr const T& get() const noexcept { return *value_; }

private:
    const T* value_;
};

// What of a T travels in a record: numbers, enumerations and views themselves; a view of strings and byte
// vectors; a reference to anything else. Serializers are called with it.
template <class T> struct argument
{
    using type = in<T>;
};
template <class T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_null_pointer_v<T>
struct argument<T>
{
    using type = T;
};
template <class Allocator> struct argument<std::basic_string<char, std::char_traits<char>, Allocator>>
{
    using type = std::string_view;
};
template <> struct argument<std::string_view>
{
    using type = std::string_view;
};
template <> struct argument<const char*>
{
    using type = std::string_view;
};
template <class T>
    requires std::same_as<std::remove_const_t<T>, std::byte>
struct argument<std::span<T>>
{
    using type = bytes_view;
};
template <class Allocator> struct argument<std::vector<std::byte, Allocator>>
{
    using type = bytes_view;
};
template <> struct argument<nullable_bytes>
{
    using type = nullable_bytes;
};
template <class T> struct argument<std::optional<T>>
{
    using type = std::optional<typename argument<T>::type>;
};

// What of a T travels in a record; see argument.
template <class T> using arg = typename argument<T>::type;

namespace detail {

// Numbers are left to the compiler's own conversions, null has constructors of its own.
template <class U, class Value>
concept becomes =
    std::convertible_to<U&&, Value> && !std::is_arithmetic_v<Value> &&
    !std::same_as<std::remove_cvref_t<U>, Value> && !std::same_as<std::remove_cvref_t<U>, std::nullptr_t> &&
    !std::same_as<std::remove_cvref_t<U>, std::nullopt_t>;

} // namespace detail

// A record's key or value: an arg<T> or null. Null comes from nothing at all, nullptr, nullopt, an empty
// optional or a null pointer to characters.
template <class T> class nullable
{
public:
    using value_type = arg<T>;

    constexpr nullable() noexcept = default;
    template <std::same_as<std::nullptr_t> Null> constexpr nullable(Null) noexcept {}
    constexpr nullable(std::nullopt_t) noexcept {}

    // By value for numbers, so that the compiler warns of a narrowing one where the user wrote it.
    constexpr nullable(value_type value) noexcept : value_{value} {}

    template <class U>
        requires detail::becomes<U, value_type>
    constexpr nullable(U&& value)
    {
        if constexpr (std::is_pointer_v<std::remove_cvref_t<U>>) {
            if (value == nullptr) return;
        }
        value_.emplace(static_cast<value_type>(value));
    }

    template <class U>
        requires(!std::same_as<std::optional<U>, value_type> && std::convertible_to<const U&, value_type>)
    constexpr nullable(const std::optional<U>& value)
    {
        if (value) value_.emplace(static_cast<value_type>(*value));
    }

    constexpr bool is_null() const noexcept { return !value_.has_value(); }
    constexpr const value_type& operator*() const noexcept { return *value_; }

private:
    std::optional<value_type> value_;
};

template <class K, class V> struct record
{
    std::string_view topic{};
    nullable<K> key{};
    nullable<V> value{};                     // null: a tombstone
    std::optional<std::int32_t> partition{}; // none: the partitioner chooses
    std::span<const header_view> headers{};
    record_time time{}; // none: when it is sent
    // How long it may take, if that is less than delivery.timeout.ms; then it fails with errc::record_expired. If it had not
    // left by then it won't be sent, which the failure's `persisted` says.
    std::optional<std::chrono::nanoseconds> timeout{};
};

namespace detail {
struct any_user_type
{
    std::string text;
};
using strings_record = record<std::string, std::string_view>;
using user_record = record<int, any_user_type>;
static_assert(std::is_aggregate_v<strings_record> && std::is_trivially_destructible_v<strings_record>);
static_assert(std::is_aggregate_v<user_record> && std::is_trivially_destructible_v<user_record>);
} // namespace detail

} // namespace kurier::inline KURIER_ABI
