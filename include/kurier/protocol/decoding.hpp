// Decoding by schema, from bytes that nobody vouches for: each length is checked against what is left, and what a
// message may take in memory is bounded.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/protocol/fields.hpp>
#include <kurier/uuid.hpp>
#include <kurier/wire/reader.hpp>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace kurier::inline KURIER_ABI::protocol {

// A reader that also counts the memory which a message's texts and lists take. Bytes from the network can be made up of
// nothing but empty elements, and those are larger in memory than on the wire.
class message_reader : public wire::reader
{
public:
    message_reader(bytes_view bytes, std::size_t& memory_left) noexcept
        : reader{bytes}, memory_left_{memory_left}
    {}

    // False, and bad: the message takes more than it may.
    bool grant(std::size_t size) noexcept
    {
        if (size > memory_left_) {
            fail();
            return false;
        }
        memory_left_ -= size;
        return true;
    }
    message_reader part(bytes_view bytes) const noexcept { return {bytes, memory_left_}; }

private:
    std::size_t& memory_left_;
};

// The least that an element takes on the wire: n elements need n times as many bytes, which tells an absurd count
// before anything is allocated for it.
template <class T> constexpr std::size_t least_size(how h);

template <class Message, class... Field> constexpr std::size_t least_size(how h, fields<Field...>)
{
    const auto one = [&]<class F>(F) -> std::size_t {
        if constexpr (F::tag >= 0)
            return 0;
        else
            return F::in(h.version) ? least_size<detail::member_of<Message, F>>(h) : 0;
    };
    return (std::size_t{h.flexible ? 1u : 0u} + ... + one(Field{}));
}

template <class T> constexpr std::size_t least_size(how h)
{
    if constexpr (message<T>)
        return least_size<T>(h, typename T::schema{});
    else if constexpr (std::integral<T>)
        return sizeof(T);
    else if constexpr (std::same_as<T, uuid>)
        return 16;
    else if (h.flexible)
        return 1;
    else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::optional<std::string>>)
        return 2;
    else
        return 4;
}

template <class Length> std::int64_t take_length(wire::reader& in, how h)
{
    const auto length =
        h.flexible ? std::int64_t{in.take_uvarint()} - 1 : std::int64_t{in.take_int<Length>()};
    if (length < -1 || length > std::numeric_limits<Length>::max()) in.fail();
    return in.bad() ? -1 : length;
}

inline void take(wire::reader& in, bool& value, how)
{
    value = in.take_int<std::int8_t>() != 0;
}
template <std::integral Int> void take(wire::reader& in, Int& value, how)
{
    value = in.take_int<Int>();
}

inline void take(wire::reader& in, uuid& id, how)
{
    const auto bytes = in.take(16);
    if (!bytes.empty()) std::memcpy(id.bytes.data(), bytes.data(), 16);
}

inline void take(wire::reader& in, nullable_bytes& bytes, how h)
{
    const auto length = take_length<std::int32_t>(in, h);
    if (length < 0)
        bytes = {};
    else
        bytes = nullable_bytes{in.take(static_cast<std::size_t>(length))};
}

inline void take_sized(message_reader& in, std::string& text, std::int64_t length, how)
{
    if (length < 0) return in.fail();
    const auto read = as_text(in.take(static_cast<std::size_t>(length)));
    if (in.grant(read.size() < 16 ? 0
                                  : read.size() + 16)) // short ones are inside; long ones may be rounded up
        text = std::string{read};
}

template <message Message> void take(message_reader& in, Message& value, how h);

template <class T> void take_sized(message_reader& in, std::vector<T>& list, std::int64_t length, how h)
{
    const auto count = static_cast<std::size_t>(length);
    if (length < 0 || count > in.left() / least_size<T>(h) || !in.grant(count * sizeof(T))) return in.fail();
    list.clear();
    list.resize(count);
    for (auto& element : list) {
        take(in, element, h);
        if (in.bad()) return;
    }
}

inline void take(message_reader& in, std::string& text, how h)
{
    take_sized(in, text, take_length<std::int16_t>(in, h), h);
}

template <class T> void take(message_reader& in, std::vector<T>& list, how h)
{
    take_sized(in, list, take_length<std::int32_t>(in, h), h);
}

template <class T> void take(message_reader& in, std::optional<T>& value, how h)
{
    using length_type = std::conditional_t<std::same_as<T, std::string>, std::int16_t, std::int32_t>;
    const auto length = take_length<length_type>(in, h);
    if (length < 0)
        value.reset();
    else
        take_sized(in, value.emplace(), length, h);
}

template <class Field, class Message> void take_plain(message_reader& in, Message& value, how h)
{
    if constexpr (Field::tag < 0)
        if (Field::in(h.version)) {
            auto& member = Field::of(value);
            take(in, member, h);
            if constexpr (detail::is_optional<detail::member_of<Message, Field>>)
                if (!member && !Field::null_in(h.version)) in.fail();
        }
}

template <class Field, class Message>
void take_tagged(message_reader& in, Message& value, how h, std::uint32_t tag)
{
    if constexpr (Field::tag >= 0)
        if (static_cast<std::uint32_t>(Field::tag) == tag && Field::in(h.version)) {
            take(in, Field::of(value), h);
            if (in.left() > 0) in.fail(); // the tag's size says something else
        }
}

template <class Message, class... Field>
void take_fields(message_reader& in, Message& value, how h, fields<Field...>)
{
    (take_plain<Field>(in, value, h), ...);
    if (!h.flexible) return;
    for (auto left = in.take_uvarint(); left > 0 && !in.bad(); --left) {
        const auto tag = in.take_uvarint();
        auto body = in.part(in.take(in.take_uvarint())); // a tag that nobody knows is skipped
        if (in.bad()) return;
        (take_tagged<Field>(body, value, h, tag), ...);
        if (body.bad()) in.fail();
    }
}

template <message Message> void take(message_reader& in, Message& value, how h)
{
    take_fields(in, value, h, typename Message::schema{});
}

// The same for a part of a message that nobody looks into.
inline void skip_tagged_fields(wire::reader& in)
{
    for (auto left = in.take_uvarint(); left > 0 && !in.bad(); --left) {
        in.take_uvarint();
        in.take(in.take_uvarint());
    }
}

} // namespace kurier::inline KURIER_ABI::protocol
