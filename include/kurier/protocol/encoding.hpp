// Encoding by schema, to wire::writer or wire::sizer.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/protocol/fields.hpp>
#include <kurier/uuid.hpp>
#include <kurier/wire/writer.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::protocol {

// Of a text (int16) or of anything else (int32). -1: null. The compact form knows no other bounds.
template <class Length> void put_length(auto& out, std::ptrdiff_t length, how h)
{
    if (length > std::numeric_limits<Length>::max()) out.fail();
    if (h.flexible)
        out.put_uvarint(static_cast<std::uint32_t>(length + 1));
    else
        out.put_int(static_cast<Length>(length));
}

template <class Out> void put(Out& out, bool value, how)
{
    out.put_int(static_cast<std::int8_t>(value));
}
template <class Out, std::integral Int> void put(Out& out, Int value, how)
{
    out.put_int(value);
}
template <class Out> void put(Out& out, const uuid& id, how)
{
    out.put(id.bytes.data(), id.bytes.size());
}

template <class Out> void put(Out& out, const std::string& text, how h)
{
    put_length<std::int16_t>(out, std::ssize(text), h);
    out.put(text.data(), text.size());
}

template <class Out> void put(Out& out, nullable_bytes bytes, how h)
{
    put_length<std::int32_t>(out, bytes.is_null() ? -1 : static_cast<std::ptrdiff_t>(bytes.size()), h);
    out.put(bytes.data(), bytes.size());
}

template <class Out, message Message> void put(Out& out, const Message& value, how h);

template <class Out, class T> void put(Out& out, const std::vector<T>& list, how h)
{
    put_length<std::int32_t>(out, std::ssize(list), h);
    for (const auto& element : list) put(out, element, h);
}

template <class Out, class T> void put(Out& out, const std::optional<T>& value, how h)
{
    if (value)
        put(out, *value, h);
    else if constexpr (std::same_as<T, std::string>)
        put_length<std::int16_t>(out, -1, h);
    else
        put_length<std::int32_t>(out, -1, h);
}

template <class Field, class Out, class Message> void put_plain(Out& out, const Message& value, how h)
{
    if constexpr (Field::tag < 0)
        if (Field::in(h.version)) {
            const auto& member = Field::of(value);
            if constexpr (detail::is_optional<detail::member_of<Message, Field>>)
                if (!member && !Field::null_in(h.version)) out.fail();
            put(out, member, h);
        }
}

// Does a tagged field travel? Not while it has its default.
template <class Field, class Message> bool given(const Message& value, how h)
{
    if constexpr (Field::tag < 0) {
        return false;
    } else {
        using member = detail::member_of<Message, Field>;
        if (!Field::in(h.version)) return false;
        if constexpr (detail::is_vector<member>) return !Field::of(value).empty();
        const Message fresh{};
        return Field::of(value) != Field::of(fresh);
    }
}

template <class Field, class Out, class Message> void put_tagged(Out& out, const Message& value, how h)
{
    if constexpr (Field::tag >= 0)
        if (given<Field>(value, h)) {
            wire::sizer body;
            put(body, Field::of(value), h);
            out.put_uvarint(static_cast<std::uint32_t>(Field::tag));
            out.put_uvarint(static_cast<std::uint32_t>(body.size()));
            put(out, Field::of(value), h);
        }
}

template <class Out, class Message, class... Field>
void put_fields(Out& out, const Message& value, how h, fields<Field...> schema)
{
    static_assert(detail::complete<Message>(schema), "a member of this message is not in its schema");
    (put_plain<Field>(out, value, h), ...);
    if (h.flexible) {
        out.put_uvarint((0u + ... + static_cast<std::uint32_t>(given<Field>(value, h))));
        (put_tagged<Field>(out, value, h), ...);
    }
}

template <class Out, message Message> void put(Out& out, const Message& value, how h)
{
    put_fields(out, value, h, typename Message::schema{});
}

} // namespace kurier::inline KURIER_ABI::protocol
