// A setting's value as the text that would set it.
#pragma once

#include <kurier/config/table.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::detail {

inline std::string print_rules(const std::vector<compression_rule>& rules)
{
    std::string out;
    for (const auto& rule : rules) {
        if (!out.empty()) out += ',';
        out += rule.topic;
        out += ':';
        out += compression_name(rule.type);
        if (rule.level) out += ':' + std::to_string(*rule.level);
    }
    return out;
}

inline std::string print_words(const setting_row& row, std::int64_t value)
{
    std::string out;
    for (const auto& word : row.choices)
        if ((value & word.value) != 0) out += (out.empty() ? "" : ",") + std::string{word.text};
    return out;
}

inline std::string print_number(const setting_row& row, std::int64_t value)
{
    if (row.kind == setting_kind::words) return print_words(row, value);
    if (row.kind == setting_kind::choice || row.kind == setting_kind::boolean) {
        if (value == unset_value) return "";
        for (const auto& choice : row.choices) {
            if (choice.value == value) return std::string{choice.text};
        }
    }
    return std::to_string(value);
}

inline std::string print_setting(const producer_config& config, const setting_row& row)
{
    switch (row.kind) {
    case setting_kind::servers: {
        std::string out;
        for (const auto& server : config.bootstrap_servers) {
            if (&server != config.bootstrap_servers.data()) out += ',';
            out += server;
        }
        return out;
    }
    case setting_kind::text:
        return config.*row.text;
    case setting_kind::secret:
    case setting_kind::jaas:
        return "";
    case setting_kind::compression_rules:
        return print_rules(config.compression_topics);
    default:
        return print_number(row, row.get(config));
    }
}

// "at least 0", "1 to 9, or -1", "all, -1, 0 or 1"
inline std::string allowed_values(const setting_row& row)
{
    std::string out;
    if (row.kind == setting_kind::choice || row.kind == setting_kind::boolean ||
        row.kind == setting_kind::words) {
        auto shown = row.choices;
        while (shown.back().text.empty())
            shown = shown.first(shown.size() - 1); // an empty value goes without saying
        for (std::size_t i = 0; i < shown.size(); ++i) {
            if (i > 0) out += i + 1 == shown.size() ? " or " : ", ";
            out += shown[i].text;
        }
        return out;
    }
    out = row.max == long_max ? "at least " + std::to_string(row.min)
                              : std::to_string(row.min) + " to " + std::to_string(row.max);
    for (const auto& also : row.choices) {
        out += ", or ";
        out += also.text;
    }
    if (row.kind == setting_kind::milliseconds) out += " ms";
    if (row.kind == setting_kind::bytes) out += " bytes";
    return out;
}

inline bool is_allowed(const setting_row& row, std::int64_t value)
{
    if (row.kind == setting_kind::boolean) return true;
    if (row.kind != setting_kind::choice && value >= row.min && value <= row.max) return true;
    for (const auto& choice : row.choices) {
        if (choice.value == value) return true;
    }
    return false;
}

} // namespace kurier::inline KURIER_ABI::detail
