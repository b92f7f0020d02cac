// What a setting is: its key, where it lies in producer_config, what is allowed, what it does.
#pragma once

#include <kurier/producer_config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace kurier::inline KURIER_ABI::detail {

enum class setting_kind : unsigned char {
    milliseconds,
    bytes,
    number,
    boolean,
    choice,
    words, // several of the choices, separated by commas
    text,
    secret,            // never shown
    jaas,              // sasl.jaas.config, which is user and password; never shown
    servers,           // bootstrap.servers
    compression_rules, // kurier.compression.topics
};

struct setting_choice
{
    std::string_view text;
    std::int64_t value;
};

inline constexpr std::size_t compression_rules_max = 1000;

// An enable.idempotence that nobody has set.
inline constexpr std::int64_t unset_value = std::numeric_limits<std::int64_t>::min();

struct setting_row
{
    std::string_view key;
    setting_kind kind;
    std::int64_t (*get)(const producer_config&); // null for texts and lists
    void (*set)(producer_config&, std::int64_t);
    std::int64_t min;
    std::int64_t max;
    std::span<const setting_choice>
        choices; // of a choice; of a number: one value outside of min..max that is allowed
    std::string_view doc;
    std::string producer_config::* text = nullptr; // of a text
    secret producer_config::* hidden = nullptr;    // of a secret

    constexpr bool is_secret() const noexcept
    {
        return kind == setting_kind::secret || kind == setting_kind::jaas;
    }
};

template <class> struct member_type;
template <class T> struct member_type<T producer_config::*>
{
    using type = T;
};

template <auto Member> std::int64_t get_member(const producer_config& config)
{
    using type = typename member_type<decltype(Member)>::type;
    const auto& value = config.*Member;
    if constexpr (std::is_same_v<type, std::chrono::milliseconds>) {
        return value.count();
    } else if constexpr (std::is_same_v<type, std::optional<bool>>) {
        return value ? static_cast<std::int64_t>(*value) : unset_value;
    } else if constexpr (std::is_same_v<type, std::size_t>) {
        constexpr auto max = std::numeric_limits<std::int64_t>::max();
        return value > static_cast<std::size_t>(max) ? max : static_cast<std::int64_t>(value);
    } else {
        return static_cast<std::int64_t>(value);
    }
}

template <auto Member> void set_member(producer_config& config, std::int64_t value)
{
    using type = typename member_type<decltype(Member)>::type;
    if constexpr (std::is_same_v<type, std::chrono::milliseconds>) {
        config.*Member = std::chrono::milliseconds{value};
    } else if constexpr (std::is_same_v<type, std::optional<bool>> || std::is_same_v<type, bool>) {
        config.*Member = value != 0;
    } else {
        config.*Member = static_cast<type>(value);
    }
}

inline constexpr std::int64_t int_max = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t long_max = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t memory_max =
    sizeof(std::size_t) > 4 ? std::int64_t{1} << 47 : std::int64_t{int_max};

inline constexpr setting_choice boolean_choices[] = {{"true", 1}, {"false", 0}};

template <auto Member> constexpr setting_row milliseconds_row(std::string_view key, std::int64_t min,
                                                              std::int64_t max, std::string_view doc)
{
    return {key, setting_kind::milliseconds, get_member<Member>, set_member<Member>, min, max, {}, doc};
}

template <auto Member> constexpr setting_row bytes_row(std::string_view key, std::int64_t min,
                                                       std::int64_t max, std::string_view doc)
{
    return {key, setting_kind::bytes, get_member<Member>, set_member<Member>, min, max, {}, doc};
}

template <auto Member>
constexpr setting_row number_row(std::string_view key, std::int64_t min, std::int64_t max,
                                 std::span<const setting_choice> also, std::string_view doc)
{
    return {key, setting_kind::number, get_member<Member>, set_member<Member>, min, max, also, doc};
}

template <auto Member> constexpr setting_row boolean_row(std::string_view key, std::string_view doc)
{
    return {key, setting_kind::boolean, get_member<Member>, set_member<Member>, 0, 1, boolean_choices, doc};
}

template <auto Member> constexpr setting_row
choice_row(std::string_view key, std::span<const setting_choice> choices, std::string_view doc)
{
    return {key, setting_kind::choice, get_member<Member>, set_member<Member>, 0, 0, choices, doc};
}

template <auto Member> constexpr setting_row words_row(std::string_view key,
                                                       std::span<const setting_choice> words,
                                                       std::string_view doc, std::int64_t min = 0)
{
    std::int64_t all = 0;
    for (const auto& word : words) all |= word.value;
    return {key, setting_kind::words, get_member<Member>, set_member<Member>, min, all, words, doc};
}

constexpr setting_row text_row(std::string_view key, setting_kind kind, std::string_view doc)
{
    return {key, kind, nullptr, nullptr, 0, 0, {}, doc};
}

constexpr setting_row text_row(std::string_view key, std::string producer_config::* member,
                               std::string_view doc)
{
    return {key, setting_kind::text, nullptr, nullptr, 0, 0, {}, doc, member};
}

constexpr setting_row secret_row(std::string_view key, secret producer_config::* member, std::string_view doc)
{
    return {key, setting_kind::secret, nullptr, nullptr, 0, 0, {}, doc, nullptr, member};
}

} // namespace kurier::inline KURIER_ABI::detail
