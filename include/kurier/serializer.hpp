// How a T becomes the bytes of a key or a value.
//
// For a type of your own specialise kurier::serializer<T>, as one specialises std::formatter, or pass an
// object of a class of your own to the producer; it may have state. It has one of three forms:
//
//   view    nullable_bytes view(const T&) const noexcept                   the bytes exist already
//   sized   std::size_t size(const T&); void write(const T&, std::byte*)   the size is known beforehand
//   general error_code serialize(const T&, byte_writer&)                   anything else
//
// A general one may return void, may throw, and may take a third argument, a const serialize_context&, to see
// the topic and to add headers. With the sized and general forms bool is_null(const T&) tells which values
// are null.
//
// Strings and byte vectors come as views: T is then std::string_view or bytes_view (see arg in record.hpp).
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/record/byte_writer.hpp>
#include <kurier/record/headers_builder.hpp>
#include <kurier/record/record.hpp>

#include <boost/system/error_code.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kurier::inline KURIER_ABI {

// A type for which nobody has said how it becomes bytes.
template <class T> struct serializer
{
    serializer() = delete;
    using not_specialised = T;
};

// Of a record.
enum class serialized_part : std::uint8_t { key, value };

// What a general serializer may ask for as its third argument.
struct serialize_context
{
    std::string_view topic;
    serialized_part part;
    headers_builder& headers; // of the record; a serializer may add some
};

// What a serializer for T is called with.
template <class T> using serialized_argument =
    std::conditional_t<std::same_as<arg<T>, in<T>>, const T&, const arg<T>&>;

// The bytes exist already.
template <class S, class T>
concept view_serializer_for = requires(S& s, serialized_argument<T> v) {
    { s.view(v) } noexcept -> std::same_as<nullable_bytes>;
};

// The size is known beforehand.
template <class S, class T>
concept sized_serializer_for = requires(S& s, serialized_argument<T> v, std::byte* at) {
    { s.size(v) } -> std::same_as<std::size_t>;
    { s.write(v, at) } -> std::same_as<void>;
};

namespace detail {

template <class R>
concept nothing_or_error_code = std::same_as<R, void> || std::same_as<R, boost::system::error_code>;

template <class S, class T>
concept serializes_plainly = requires(S& s, serialized_argument<T> v, byte_writer& out) {
    { s.serialize(v, out) } -> nothing_or_error_code;
};

template <class S, class T>
concept serializes_in_context =
    requires(S& s, serialized_argument<T> v, byte_writer& out, const serialize_context& context) {
        { s.serialize(v, out, context) } -> nothing_or_error_code;
    };

template <class S, class T>
concept tests_for_null = requires(S& s, serialized_argument<T> v) {
    { s.is_null(v) } -> std::same_as<bool>;
};

template <class S>
concept not_specialised = requires { typename S::not_specialised; };
template <class S>
concept has_view = requires { &S::view; };
template <class S>
concept has_size = requires { &S::size; };
template <class S>
concept has_write = requires { &S::write; };
template <class S>
concept has_serialize = requires { &S::serialize; };

} // namespace detail

// Anything else.
template <class S, class T>
concept general_serializer_for = detail::serializes_plainly<S, T> || detail::serializes_in_context<S, T>;

// One of the three.
template <class S, class T>
concept serializer_for =
    std::move_constructible<S> &&
    (view_serializer_for<S, T> || sized_serializer_for<S, T> || general_serializer_for<S, T>);

// Fails to compile with the reason why S is no serializer for T. Use: static_assert(check_serializer<S,
// T>()).
template <class S, class T> consteval bool check_serializer()
{
    using namespace detail;
    if constexpr (!serializer_for<S, T>) {
        static_assert(!not_specialised<S>,
                      "kurier: no serializer for this type: specialise kurier::serializer<T> "
                      "with one of view, size and write, or serialize");
        if constexpr (!not_specialised<S>) {
            static_assert(std::move_constructible<S>, "kurier: a serializer must be movable");
            static_assert(!has_view<S>, "kurier: the serializer's view must be callable as: "
                                        "nullable_bytes view(const T&) const noexcept");
            static_assert(has_view<S> || has_size<S> || !has_write<S>,
                          "kurier: the serializer has write but no size: std::size_t size(const T&) const");
            static_assert(
                has_view<S> || !has_size<S> || has_write<S>,
                "kurier: the serializer has size but no write: void write(const T&, std::byte*) const");
            static_assert(
                has_view<S> || !has_size<S> || !has_write<S>,
                "kurier: the serializer's size and write must be callable as: std::size_t size(const T&) "
                "const; void write(const T&, std::byte*) const");
            static_assert(
                has_view<S> || has_size<S> || has_write<S> || !has_serialize<S>,
                "kurier: the serializer's serialize must be callable as: error_code serialize(const T&, "
                "byte_writer&) const, or with a const serialize_context& behind");
            static_assert(
                has_view<S> || has_size<S> || has_write<S> || has_serialize<S>,
                "kurier: this is no serializer for the type: it has none of view, size and write, or "
                "serialize that takes a const T&");
        }
        return false;
    }
    return true;
}

namespace detail {

// Numbers, strings and bytes with the serializers that kurier has for them: no code of the user's runs.
template <class T> inline constexpr bool is_plain =
    std::is_arithmetic_v<T> || std::is_null_pointer_v<T> || std::same_as<arg<T>, std::string_view> ||
    std::same_as<arg<T>, bytes_view> || std::same_as<T, nullable_bytes>;
template <class T> inline constexpr bool is_plain<std::optional<T>> = is_plain<T>;

template <class S, class T> inline constexpr bool is_own_serializer =
    std::same_as<S, serializer<T>> && is_plain<T>;

template <class T, class S> boost::system::error_code
call_serialize(S& s, serialized_argument<T> value, byte_writer& out, const serialize_context& context)
{
    const auto call = [&]() -> decltype(auto) {
        if constexpr (serializes_in_context<S, T>)
            return s.serialize(value, out, context);
        else
            return s.serialize(value, out);
    };
    if constexpr (std::is_void_v<decltype(call())>) {
        call();
        return {};
    } else {
        return call();
    }
}

} // namespace detail

// Makes the bytes of `value`: `bytes` is then a view of the value itself or of `scratch`, whose content is
// replaced and whose storage is reused. On an error, as on an exception of the serializer, `bytes` is left as
// it was.
template <class T, class S>
    requires serializer_for<S, T>
boost::system::error_code serialize_to(S& s, serialized_argument<T> value, std::vector<std::byte>& scratch,
                                       const serialize_context& context, nullable_bytes& bytes)
{
    if constexpr (view_serializer_for<S, T>) {
        bytes = s.view(value);
    } else {
        if constexpr (detail::tests_for_null<S, T>) {
            if (s.is_null(value)) {
                bytes = nullable_bytes{};
                return {};
            }
        }
        if constexpr (sized_serializer_for<S, T>) {
            scratch.resize(s.size(value));
            s.write(value, scratch.data());
        } else {
            scratch.clear();
            byte_writer out{scratch};
            if (const auto error = detail::call_serialize<T>(s, value, out, context)) return error;
        }
        bytes = nullable_bytes{bytes_view{scratch}};
    }
    return {};
}

// The same for a record's field; a null field is null bytes, and the serializer isn't asked.
template <class T, class S>
    requires serializer_for<S, T>
boost::system::error_code serialize_field(S& s, const nullable<T>& field, std::vector<std::byte>& scratch,
                                          const serialize_context& context, nullable_bytes& bytes)
{
    if (!field.is_null()) return serialize_to<T>(s, *field, scratch, context, bytes);
    bytes = nullable_bytes{};
    return {};
}

} // namespace kurier::inline KURIER_ABI
