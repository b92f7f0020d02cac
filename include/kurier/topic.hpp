// Kafka's rules for topic names (org.apache.kafka.common.internals.Topic).
#pragma once

#include <kurier/error.hpp>

#include <cstddef>
#include <string_view>

namespace kurier::inline KURIER_ABI {

// Kafka's limit, because a partition's folder has the name in its own.
inline constexpr std::size_t topic_name_size_max = 249;

// Letters, digits, dot, underscore, hyphen.
constexpr bool is_topic_character(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

// nullptr when the name is good, else the reason, to be put behind "the topic name ".
constexpr const char* why_not_a_topic(std::string_view name) noexcept
{
    if (name.data() == nullptr) return "is null";
    if (name.empty()) return "is empty";
    if (name == "." || name == "..") return "must not be \".\" or \"..\"";
    if (name.size() > topic_name_size_max) return "is longer than 249 characters";
    for (const char c : name) {
        if (!is_topic_character(c)) return "has a character other than letters, digits, '.', '_' and '-'";
    }
    return nullptr;
}

// errc::invalid_topic if Kafka would refuse the name.
inline error_code check_topic(std::string_view name) noexcept
{
    return why_not_a_topic(name) ? make_error_code(errc::invalid_topic) : error_code{};
}

} // namespace kurier::inline KURIER_ABI
