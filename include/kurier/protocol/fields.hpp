// The words of a message's schema (schema.hpp): version ranges, and members that travel in them.
#pragma once

#include <kurier/config.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::protocol {

struct versions
{
    std::int16_t lo = 0, hi = 32767;
    constexpr bool operator()(std::int16_t version) const noexcept { return lo <= version && version <= hi; }
};

consteval versions since(std::int16_t version) noexcept
{
    return {version, 32767};
}
consteval versions until(std::int16_t version) noexcept
{
    return {0, version};
}
inline constexpr versions always{0, 32767}, never{1, 0};

struct how // chosen once per message
{
    std::int16_t version = 0;
    bool flexible = false; // KIP-482: compact lengths and tagged fields
};

template <auto Member, versions In, versions NullIn, int Tag> struct basic_field
{
    static constexpr versions in = In, null_in = NullIn;
    static constexpr int tag = Tag;
    static constexpr auto& of(auto& message) noexcept { return message.*Member; }
};

// A member that travels in the versions of In.
template <auto Member, versions In = always> using field = basic_field<Member, In, never, -1>;

// One that may be null in the versions of NullIn; anywhere else null is an error, in both directions.
template <auto Member, versions In = always, versions NullIn = In> using nullable =
    basic_field<Member, In, NullIn, -1>;

// A tagged field: left out while it has its default.
template <auto Member, int Tag, versions In> using tagged = basic_field<Member, In, never, Tag>;

template <class... Field> struct fields
{};

template <class T>
concept message = requires { typename T::schema; };

namespace detail {

template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;
template <class T> inline constexpr bool is_vector = false;
template <class T> inline constexpr bool is_vector<std::vector<T>> = true;

struct anything
{
    template <class T> operator T() const;
};
template <class> using anything_for = anything;
template <class T, class... A>
concept made_of = requires { T{A{}...}; };

// Is each member of the aggregate in its schema? As many members as fields, and none more.
template <class Message, class... Field> consteval bool complete(fields<Field...>)
{
    return made_of<Message, anything_for<Field>...> && !made_of<Message, anything_for<Field>..., anything>;
}

template <class Message, class Field> using member_of =
    std::remove_cvref_t<decltype(Field::of(std::declval<Message&>()))>;

} // namespace detail

} // namespace kurier::inline KURIER_ABI::protocol
