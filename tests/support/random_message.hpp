// Messages with random contents, made by their schemas: what a version lacks keeps its default, so that a message can
// be compared with what is decoded of its encoding.
#pragma once

#include <kurier/protocol/messages.hpp>
#include <kurier/protocol/schema.hpp>

#include <concepts>
#include <cstdint>
#include <deque>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace kurier::tests {

class message_maker
{
public:
    explicit message_maker(std::uint64_t seed) : random_{seed} {}

    template <protocol::message Message> Message make(std::int16_t version)
    {
        Message made;
        fill(made, version, typename Message::schema{});
        return made;
    }

    bool chance(unsigned one_in) { return random_() % one_in == 0; }
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
    std::mt19937_64& engine() noexcept { return random_; }

private:
    template <class Message, class... Field>
    void fill(Message& made, std::int16_t version, protocol::fields<Field...>)
    {
        (fill_field<Field>(made, version), ...);
    }

    template <class Field, class Message> void fill_field(Message& made, std::int16_t version)
    {
        if (!Field::in(version) || (Field::tag >= 0 && chance(2))) return;
        using member = protocol::detail::member_of<Message, Field>;
        if constexpr (protocol::detail::is_optional<member>)
            if (Field::null_in(version) && chance(4)) {
                Field::of(made).reset();
                return;
            }
        set(Field::of(made), version);
        if constexpr (std::same_as<member, nullable_bytes>)
            if (!Field::null_in(version) && Field::of(made).is_null()) Field::of(made) = bytes_view{};
    }

    void set(bool& value, std::int16_t) { value = chance(2); }

    template <std::integral Int> void set(Int& value, std::int16_t)
    {
        static constexpr Int edges[]{0, 1, static_cast<Int>(-1), std::numeric_limits<Int>::min(),
                                     std::numeric_limits<Int>::max()};
        value = chance(3) ? edges[below(5)] : static_cast<Int>(random_());
    }

    void set(uuid& id, std::int16_t)
    {
        if (chance(4)) return;
        for (auto& byte : id.bytes) byte = static_cast<std::byte>(random_());
    }

    // Valid UTF-8, as Kafka's classes hold texts decoded: of one, two, three and four bytes a character.
    void set(std::string& text, std::int16_t)
    {
        static constexpr const char* characters[]{"a",  "Z", "0", "-", "_",  ".", " ",
                                                  "\t", "é", "Ж", "€", "漢", "😀"};
        text.clear();
        const auto size = chance(20) ? 200 + below(200) : below(24);
        for (std::size_t i = 0; i < size; ++i)
            text += chance(2) ? "x" : characters[below(std::size(characters))];
    }

    void set(nullable_bytes& bytes, std::int16_t)
    {
        bytes = {};
        if (chance(4)) return;
        auto& kept = kept_.emplace_back(below(200));
        for (auto& byte : kept) byte = static_cast<std::byte>(random_());
        bytes = bytes_view{kept};
    }

    template <class T> void set(std::vector<T>& list, std::int16_t version)
    {
        list.resize(below(5));
        for (auto& element : list) set(element, version);
    }

    template <class T> void set(std::optional<T>& value, std::int16_t version)
    {
        set(value.emplace(), version);
    }

    template <protocol::message Message> void set(Message& value, std::int16_t version)
    {
        fill(value, version, typename Message::schema{});
    }

    std::mt19937_64 random_;
    std::deque<std::vector<std::byte>> kept_; // what views in messages refer to
};

template <class Function, class... Message>
void for_each_message(Function function, protocol::type_list<Message...>)
{
    (function.template operator()<Message>(), ...);
}

// Calls function.operator()<Message>(version) for all messages in all their versions.
template <class Function> void for_each_version(Function function)
{
    const auto versions = [&]<class Message>() {
        for (std::int16_t version = Message::valid.lo; version <= Message::valid.hi; ++version)
            function.template operator()<Message>(version);
    };
    for_each_message(versions, protocol::requests{});
    for_each_message(versions, protocol::responses{});
}

template <protocol::message Message>
std::vector<std::byte> encoded(const Message& message, std::int16_t version)
{
    std::vector<std::byte> bytes;
    wire::writer out{bytes};
    protocol::encode(message, version, out);
    return bytes;
}

} // namespace kurier::tests
