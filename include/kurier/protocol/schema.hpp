// How a message's members travel, for every version, declared once: a message is a struct with
//
//     using schema = fields<field<&self::index>, field<&self::error_message, since(8)>, field<&self::hint, since(10), 0>>;
//     static constexpr versions valid{3, 13}, flexible{9, 13};
//
// and its encoding, decoding and size follow. The list mirrors Kafka's JSON definition of the message line for line.
// Fields are types, not values: the parts that a version range or a missing tag rules out cost nothing to compile.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/uuid.hpp>
#include <kurier/wire/reader.hpp>
#include <kurier/wire/writer.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace kurier::protocol {

struct versions
{
    std::int16_t lo = 0, hi = 32767;
    constexpr bool operator()(std::int16_t version) const noexcept { return lo <= version && version <= hi; }
};

constexpr versions since(std::int16_t version) noexcept { return {version, 32767}; }
constexpr versions until(std::int16_t version) noexcept { return {0, version}; }

struct how // chosen once per message
{
    std::int16_t version = 0;
    bool flexible = false; // KIP-482: compact lengths and tagged fields
};

// A member that travels in the versions of In; Tag >= 0: as a tagged field, left out while it has its default.
template <auto Member, versions In = versions{}, int Tag = -1> struct field
{
    static constexpr versions in = In;
    static constexpr int tag = Tag;
    static constexpr auto& of(auto& message) noexcept { return message.*Member; }
};

template <class... Field> struct fields
{
};

template <class T>
concept message = requires { typename T::schema; };

// --- encoding --------------------------------------------------------------------------------------------------------

template <class Length> void put_length(auto& out, std::ptrdiff_t length, how h) // -1: null
{
    if (h.flexible) out.put_uvarint(static_cast<std::uint32_t>(length + 1));
    else out.put_int(static_cast<Length>(length));
}

template <class Out> void put(Out& out, bool value, how) { out.put_int(static_cast<std::int8_t>(value)); }
template <class Out, std::integral Int> void put(Out& out, Int value, how) { out.put_int(value); }
template <class Out> void put(Out& out, const uuid& id, how) { out.put(id.bytes.data(), id.bytes.size()); }

template <class Out> void put(Out& out, const std::string& text, how h)
{
    put_length<std::int16_t>(out, std::ssize(text), h);
    out.put(text.data(), text.size());
}

template <class Out> void put(Out& out, nullable_bytes bytes, how h)
{
    put_length<std::int32_t>(out, bytes.is_null() ? -1 : static_cast<std::ptrdiff_t>(bytes.size()), h);
    if (bytes.size() > 0) out.put(bytes.data(), bytes.size());
}

template <class Out, message Message> void put(Out& out, const Message& value, how h);

template <class Out, class T> void put(Out& out, const std::vector<T>& list, how h)
{
    put_length<std::int32_t>(out, std::ssize(list), h);
    for (const auto& element : list) put(out, element, h);
}

template <class Out, class T> void put(Out& out, const std::optional<T>& value, how h)
{
    if (value) put(out, *value, h);
    else if constexpr (std::same_as<T, std::string>) put_length<std::int16_t>(out, -1, h);
    else put_length<std::int32_t>(out, -1, h);
}

// Does a tagged field travel? Not while it has its default.
template <class Field, class Message> bool given(const Message& value, how h)
{
    if constexpr (Field::tag < 0) return false;
    else return Field::in(h.version) && Field::of(value) != Field::of(Message::defaults());
}

template <class Out, class Message, class... Field> void put_fields(Out& out, const Message& value, how h, fields<Field...>)
{
    const auto plain = [&]<class F>(F) {
        if constexpr (F::tag < 0)
            if (F::in(h.version)) put(out, F::of(value), h);
    };
    const auto tagged = [&]<class F>(F) {
        if constexpr (F::tag >= 0)
            if (given<F>(value, h)) {
                wire::sizer body;
                put(body, F::of(value), h);
                out.put_uvarint(static_cast<std::uint32_t>(F::tag));
                out.put_uvarint(static_cast<std::uint32_t>(body.size()));
                put(out, F::of(value), h);
            }
    };
    (plain(Field{}), ...);
    if (h.flexible) {
        out.put_uvarint((0u + ... + static_cast<std::uint32_t>(given<Field>(value, h))));
        (tagged(Field{}), ...);
    }
}

template <class Out, message Message> void put(Out& out, const Message& value, how h)
{
    put_fields(out, value, h, typename Message::schema{});
}

// --- decoding --------------------------------------------------------------------------------------------------------

// The least that an element takes on the wire: n elements need n times as many bytes, which bounds what a length
// field can make us allocate.
template <class T> constexpr std::size_t least_size(how h);

template <class Message, class... Field> constexpr std::size_t least_size(how h, fields<Field...>)
{
    const auto one = [&]<class F>(F) -> std::size_t {
        if constexpr (F::tag >= 0) return 0;
        else return F::in(h.version) ? least_size<std::remove_cvref_t<decltype(F::of(std::declval<Message&>()))>>(h) : 0;
    };
    return (std::size_t{h.flexible ? 1u : 0u} + ... + one(Field{}));
}

template <class T> constexpr std::size_t least_size(how h)
{
    if constexpr (message<T>) return least_size<T>(h, typename T::schema{});
    else if constexpr (std::integral<T>) return sizeof(T);
    else if constexpr (std::same_as<T, uuid>) return 16;
    else if (h.flexible) return 1;
    else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::optional<std::string>>) return 2;
    else return 4;
}

template <class Length> std::int64_t take_length(wire::reader& in, how h)
{
    const auto length = h.flexible ? std::int64_t{in.take_uvarint()} - 1 : std::int64_t{in.take_int<Length>()};
    if (length < -1) in.fail();
    return length;
}

inline void take(wire::reader& in, bool& value, how) { value = in.take_int<std::int8_t>() != 0; }
template <std::integral Int> void take(wire::reader& in, Int& value, how) { value = in.take_int<Int>(); }

inline void take(wire::reader& in, uuid& id, how)
{
    const auto bytes = in.take(16);
    if (!bytes.empty()) std::memcpy(id.bytes.data(), bytes.data(), 16);
}

inline void take_sized(wire::reader& in, std::string& text, std::int64_t length, how)
{
    if (length < 0) in.fail();
    else text = as_text(in.take(static_cast<std::size_t>(length)));
}

inline void take(wire::reader& in, std::string& text, how h) { take_sized(in, text, take_length<std::int16_t>(in, h), h); }

inline void take(wire::reader& in, nullable_bytes& bytes, how h)
{
    const auto length = take_length<std::int32_t>(in, h);
    if (length < 0) bytes = {};
    else bytes = nullable_bytes{in.take(static_cast<std::size_t>(length))};
}

template <message Message> void take(wire::reader& in, Message& value, how h);

template <class T> void take_sized(wire::reader& in, std::vector<T>& list, std::int64_t length, how h)
{
    if (length < 0 || static_cast<std::uint64_t>(length) > in.left() / least_size<T>(h)) {
        in.fail();
        return;
    }
    list.resize(static_cast<std::size_t>(length));
    for (auto& element : list) {
        take(in, element, h);
        if (in.bad()) return;
    }
}

template <class T> void take(wire::reader& in, std::vector<T>& list, how h)
{
    take_sized(in, list, take_length<std::int32_t>(in, h), h);
}

template <class T> void take(wire::reader& in, std::optional<T>& value, how h)
{
    using length_type = std::conditional_t<std::same_as<T, std::string>, std::int16_t, std::int32_t>;
    const auto length = take_length<length_type>(in, h);
    if (length < 0) value.reset();
    else take_sized(in, value.emplace(), length, h);
}

template <class Message, class... Field> void take_fields(wire::reader& in, Message& value, how h, fields<Field...>)
{
    const auto plain = [&]<class F>(F) {
        if constexpr (F::tag < 0)
            if (F::in(h.version)) take(in, F::of(value), h);
    };
    (plain(Field{}), ...);
    if (!h.flexible) return;
    for (auto left = in.take_uvarint(); left > 0 && !in.bad(); --left) {
        const auto tag = in.take_uvarint();
        wire::reader body{in.take(in.take_uvarint())}; // a tag that nobody knows is skipped
        const auto tagged = [&]<class F>(F) {
            if constexpr (F::tag >= 0)
                if (static_cast<std::uint32_t>(F::tag) == tag && F::in(h.version)) take(body, F::of(value), h);
        };
        (tagged(Field{}), ...);
        if (body.bad()) in.fail();
    }
}

template <message Message> void take(wire::reader& in, Message& value, how h)
{
    take_fields(in, value, h, typename Message::schema{});
}

// --- whole messages --------------------------------------------------------------------------------------------------

template <message Message> constexpr how how_of(std::int16_t version) noexcept
{
    return {version, Message::flexible(version)};
}

template <message Message> void encode(const Message& value, std::int16_t version, wire::writer& out)
{
    put(out, value, how_of<Message>(version));
}

template <message Message> std::size_t encoded_size(const Message& value, std::int16_t version)
{
    wire::sizer size;
    put(size, value, how_of<Message>(version));
    return size.size();
}

// Views in the message (records) refer to `bytes`. False: not an encoding of this version, or bytes are left over.
template <message Message> bool decode(bytes_view bytes, std::int16_t version, Message& value)
{
    wire::reader in{bytes};
    take(in, value, how_of<Message>(version));
    return !in.bad() && in.left() == 0;
}

} // namespace kurier::protocol
