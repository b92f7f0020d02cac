// A producer's configuration as text with Kafka's own keys, in the format of Java's .properties files. Typed
// fields and text are the same settings: from_properties(to_properties(config)) == config.
#pragma once

#include <kurier/config/parse.hpp>
#include <kurier/config/print.hpp>
#include <kurier/config/problem.hpp>
#include <kurier/config/properties_reader.hpp>
#include <kurier/config/table.hpp>
#include <kurier/config/validation.hpp>
#include <kurier/producer_config.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI {

// Sets one key, as a command line does. False, with a problem added, when key or value is wrong; the
// configuration is then as before. Contradictions between settings are validate()'s business.
inline bool set_property(producer_config& config, std::string_view key, std::string_view value,
                         config_problems& problems)
{
    return detail::setting_parser{config, problems, 0}.parse(key, value);
}

// Lays a text over a configuration, and says where it has the keys. Like set_property it doesn't validate.
inline std::vector<config_line> apply_properties(producer_config& config, std::string_view text,
                                                 config_problems& problems)
{
    std::vector<config_line> lines;
    auto entries = properties_reader{text}.read(problems);
    for (auto& entry : entries) {
        if (problems.size() >= properties_problems_max) {
            problems.emplace_back(config_severity::error, "", "there are more problems than are shown here");
            break;
        }
        const bool good = detail::setting_parser{config, problems, entry.line}.parse(entry.key, entry.value);
        const auto* row = detail::find_setting(entry.key);
        if (!row || row->is_secret()) wipe(entry.value);
        if (!good) continue;
        if (!row) continue;
        const auto before =
            std::find_if(lines.begin(), lines.end(), [&](auto& line) { return line.key == row->key; });
        if (before == lines.end()) {
            lines.push_back({row->key, entry.line});
            continue;
        }
        problems.emplace_back(config_severity::warning, entry.key,
                              entry.key + " is set twice, in lines " + std::to_string(before->line) +
                                  " and " + std::to_string(entry.line) + "; the last one counts");
        before->line = entry.line;
    }
    return lines;
}

// Reads and validates. The problems are all there are; without errors among them the result can be used.
inline producer_config from_properties(std::string_view text, config_problems& problems)
{
    producer_config config;
    const auto lines = apply_properties(config, text, problems);
    auto found = validate(config, lines);
    // A key whose value was refused has its default now, which must not be blamed as well.
    std::erase_if(found, [&](const config_problem& problem) {
        return std::any_of(problems.begin(), problems.end(), [&](const config_problem& earlier) {
            return earlier.severity == config_severity::error && earlier.key == problem.key;
        });
    });
    problems.insert(problems.end(), std::make_move_iterator(found.begin()),
                    std::make_move_iterator(found.end()));
    return config;
}

// Throws config_error, with all problems, unless the text is a valid configuration.
inline producer_config from_properties(std::string_view text)
{
    config_problems problems;
    auto config = from_properties(text, problems);
    if (has_errors(problems)) throw config_error{std::move(problems)};
    return config;
}

namespace detail {

// Escapes a value so that the reader, Java's included, gives it back.
inline void append_property_value(std::string& out, std::string_view value)
{
    bool leading = true;
    for (const char c : value) {
        leading = leading && c == ' ';
        if (leading || c == '\\') out += '\\';
        if (c == '\n' || c == '\r' || c == '\t' || c == '\f') {
            out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : "\\f";
        } else {
            out += c;
        }
    }
}

} // namespace detail

// Which settings to_properties prints: those that differ from their defaults, or all.
enum class printed_settings : unsigned char { changed, all };

// One "key=value" a line, in the order of the table: the settings that differ from their defaults, or all.
inline std::string to_properties(const producer_config& config,
                                 printed_settings which = printed_settings::changed)
{
    const producer_config defaults;
    std::string out;
    for (const auto& row : detail::setting_rows) {
        const auto value = detail::print_setting(config, row);
        if (which == printed_settings::changed && value == detail::print_setting(defaults, row)) continue;
        if (value.empty() && row.key != "client.id") continue;
        out += row.key;
        out += '=';
        detail::append_property_value(out, value);
        out += '\n';
    }
    return out;
}

} // namespace kurier::inline KURIER_ABI
