// Every field of a message by its schema, those of nested messages and list elements included, and values for it that whoever
// reads the message may not expect: what a careless broker could send, well-formed all the same.
//
//     for (const odd_field& odd : odd_fields<protocol::metadata_response>()) put(odd, response);
#pragma once

#include <kurier/protocol/fields.hpp>
#include <kurier/uuid.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

struct odd_field
{
    std::string field; // "topics.partitions.leader_id": in each topic and partition
    std::string_view value;
    std::size_t number = 0; // of the value
};

namespace detail {

template <class T> struct odd_values // nothing is known about other types
{
    static constexpr std::array<std::string_view, 0> names{};
    static void put(T&, std::size_t) noexcept {}
};

template <std::signed_integral Int> struct odd_values<Int>
{
    static constexpr std::array<std::string_view, 5> names{"-1", "0", "1", "largest", "smallest"};
    static void put(Int& to, std::size_t number) noexcept
    {
        using limits = std::numeric_limits<Int>;
        constexpr std::array<Int, names.size()> values{Int{-1}, Int{0}, Int{1}, limits::max(), limits::min()};
        to = values[number];
    }
};

template <> struct odd_values<bool>
{
    static constexpr std::array<std::string_view, 1> names{"the other"};
    static void put(bool& to, std::size_t) noexcept { to = !to; }
};

template <> struct odd_values<std::string>
{
    static constexpr std::array<std::string_view, 4> names{"empty", "another", "long", "binary"};
    static void put(std::string& to, std::size_t number)
    {
        const std::array<std::string, names.size()> values{"", "another", std::string(300, 'x'),
                                                           std::string{"\xff\0\n\x80", 4}};
        to = values[number];
    }
};

template <> struct odd_values<std::optional<std::string>>
{
    static constexpr std::array<std::string_view, 5> names{"empty", "another", "long", "binary", "null"};
    static void put(std::optional<std::string>& to, std::size_t number)
    {
        if (number == 4)
            to.reset();
        else
            odd_values<std::string>::put(to.emplace(), number);
    }
};

template <> struct odd_values<uuid>
{
    static constexpr std::array<std::string_view, 2> names{"nil", "another"};
    static void put(uuid& to, std::size_t number) noexcept
    {
        to.bytes.fill(number == 0 ? std::byte{0} : std::byte{0x77});
    }
};

template <class T> struct odd_values<std::vector<T>>
{
    static constexpr std::array<std::string_view, 7> names{
        "empty",    "the first is missing", "the last is missing", "reversed", "each twice", "one more",
        "1000 more"};
    static void put(std::vector<T>& to, std::size_t number)
    {
        switch (number) {
        case 0:
            return to.clear();
        case 1:
            if (!to.empty()) to.erase(to.begin());
            return;
        case 2:
            if (!to.empty()) to.pop_back();
            return;
        case 3:
            std::ranges::reverse(to);
            return;
        case 4:
            for (std::size_t i = to.size(); i-- > 0;)
                to.insert(to.begin() + static_cast<std::ptrdiff_t>(i), T{to[i]});
            return;
        default:
            to.resize(to.size() + (number == 5 ? 1 : 1000));
        }
    }
};

template <auto Member, protocol::versions In, protocol::versions NullIn, int Tag>
consteval std::string_view name_of_field(protocol::basic_field<Member, In, NullIn, Tag>)
{
    // ends in "Message::name; ..." or "Message::name, ..." or "Message::name]"
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_prefix(text.find("Member = ") + 9);
    text = text.substr(0, text.find_first_of(";,]"));
    return text.substr(text.rfind(':') + 1);
}

template <class Message, class Visit>
void each_field(Message& message, const std::string& path, Visit& visit);

template <class T, class Visit> void each_field_of(T& member, const std::string& path, Visit& visit)
{
    if constexpr (protocol::message<T>) {
        each_field(member, path + '.', visit);
    } else {
        visit(member, path);
        if constexpr (protocol::detail::is_vector<T>)
            if constexpr (protocol::message<typename T::value_type>)
                for (auto& element : member) each_field(element, path + '.', visit);
    }
}

template <class Message, class Visit, class... Field>
void each_field(Message& message, const std::string& path, Visit& visit, protocol::fields<Field...>)
{
    (each_field_of(Field::of(message), path + std::string{name_of_field(Field{})}, visit), ...);
}

template <class Message, class Visit> void each_field(Message& message, const std::string& path, Visit& visit)
{
    each_field(message, path, visit, typename Message::schema{});
}

// One element in each list, so that its fields are seen.
template <class Message, class... Field> void fill_lists(Message& message, protocol::fields<Field...>)
{
    const auto one = [](auto& member) {
        using member_type = std::remove_cvref_t<decltype(member)>;
        if constexpr (protocol::message<member_type>) {
            fill_lists(member, typename member_type::schema{});
        } else if constexpr (protocol::detail::is_vector<member_type>) {
            auto& element = member.emplace_back();
            if constexpr (protocol::message<typename member_type::value_type>)
                fill_lists(element, typename member_type::value_type::schema{});
        }
    };
    (one(Field::of(message)), ...);
}

} // namespace detail

template <class Message> std::vector<odd_field> odd_fields()
{
    Message sample;
    detail::fill_lists(sample, typename Message::schema{});
    std::vector<odd_field> all;
    auto visit = [&]<class T>(T&, const std::string& path) {
        const auto& names = detail::odd_values<T>::names;
        for (std::size_t i = 0; i < names.size(); ++i) all.push_back({path, names[i], i});
    };
    detail::each_field(sample, {}, visit);
    return all;
}

// False: nothing has changed by it.
template <class Message> bool put(const odd_field& odd, Message& message)
{
    const Message before = message;
    auto visit = [&]<class T>(T& member, const std::string& path) {
        if (path == odd.field) detail::odd_values<T>::put(member, odd.number);
    };
    detail::each_field(message, {}, visit);
    return !(before == message);
}

} // namespace kurier::inline KURIER_ABI::testing
