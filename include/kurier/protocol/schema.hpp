// How a message's members travel, for every version, declared once: a message is a struct with
//
//     using schema = fields<field<&self::index>, nullable<&self::error_message, since(8)>,
//                           tagged<&self::current_leader, 0, since(10)>>;
//     static constexpr versions valid{3, 13}, flexible{9};
//
// and its encoding, decoding and size follow. The list mirrors Kafka's JSON definition of the message line for line.
// Fields are types, not values: the parts that a version range or a missing tag rules out cost nothing to compile.
//
// A member that the version lacks is not written, whether it has its default or not (Kafka's classes throw when it
// isn't "ignorable"; here whoever picks the version knows what it lacks), and has its default after decoding.
#pragma once

#include <kurier/protocol/decoding.hpp>
#include <kurier/protocol/encoding.hpp>
#include <kurier/protocol/fields.hpp>

#include <utility>

namespace kurier::inline KURIER_ABI::protocol {

template <message Message> constexpr how how_of(std::int16_t version) noexcept
{
    return {version, Message::flexible(version)};
}

// The writer is bad afterwards if a text or list is too long for its length field, or null where it mustn't be.
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

// What decoding `size` bytes may allocate. Enough for every message that makes sense; too little for one that consists
// of thousands of empty lists.
template <message Message> constexpr std::size_t decoding_memory_max(std::size_t size) noexcept
{
    if constexpr (requires { Message::memory_per_byte; })
        return Message::memory_per_byte * size + 4096;
    else
        return 8 * size + 4096;
}

// Back to what a new message is, without giving up the memory of its lists.
template <message Message, class... Field> void reset(Message& value, fields<Field...>)
{
    Message fresh;
    const auto one = [&]<class F>(F) {
        if constexpr (detail::is_vector<detail::member_of<Message, F>>)
            F::of(value).clear();
        else
            F::of(value) = std::move(F::of(fresh));
    };
    (one(Field{}), ...);
}

// Views in the message (records) refer to `bytes`. False: not an encoding of this version, or more memory would be
// needed than is granted. `left`: how many bytes are behind the message.
template <message Message> bool decode_front(bytes_view bytes, std::int16_t version, Message& value,
                                             std::size_t memory_max, std::size_t& left)
{
    message_reader in{bytes, memory_max};
    reset(value, typename Message::schema{});
    take(in, value, how_of<Message>(version));
    left = in.left();
    return !in.bad();
}

// The same, and false if bytes are left over.
template <message Message>
bool decode(bytes_view bytes, std::int16_t version, Message& value, std::size_t memory_max)
{
    std::size_t left = 0;
    return decode_front(bytes, version, value, memory_max, left) && left == 0;
}

template <message Message> bool decode(bytes_view bytes, std::int16_t version, Message& value)
{
    return decode(bytes, version, value, decoding_memory_max<Message>(bytes.size()));
}

} // namespace kurier::inline KURIER_ABI::protocol
