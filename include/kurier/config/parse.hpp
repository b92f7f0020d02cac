// One setting from text. A value that doesn't fit is told with what was probably meant.
#pragma once

#include <kurier/config/foreign_keys.hpp>
#include <kurier/config/jaas.hpp>
#include <kurier/config/print.hpp>
#include <kurier/config/problem.hpp>
#include <kurier/config/table.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/wire/escape.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::detail {

constexpr std::string_view trim(std::string_view text)
{
    const auto blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

struct unit
{
    std::string_view name;
    std::int64_t factor;
};

inline constexpr unit time_units[] = {
    {"ms", 1},           {"millis", 1},       {"milliseconds", 1}, {"s", 1000},          {"sec", 1000},
    {"second", 1000},    {"seconds", 1000},   {"m", 60'000},       {"min", 60'000},      {"minute", 60'000},
    {"minutes", 60'000}, {"h", 3'600'000},    {"hour", 3'600'000}, {"hours", 3'600'000}, {"d", 86'400'000},
    {"day", 86'400'000}, {"days", 86'400'000}};
inline constexpr unit byte_units[] = {{"b", 1},
                                      {"bytes", 1},
                                      {"k", 1024},
                                      {"kb", 1024},
                                      {"kib", 1024},
                                      {"m", 1024 * 1024},
                                      {"mb", 1024 * 1024},
                                      {"mib", 1024 * 1024},
                                      {"g", 1024 * 1024 * 1024},
                                      {"gb", 1024 * 1024 * 1024},
                                      {"gib", 1024 * 1024 * 1024}};

// "5ms" -> 5, "64 KiB" -> 65536: what the number would be without its unit.
inline std::optional<std::int64_t> without_unit(std::string_view text, setting_kind kind)
{
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number < 0) return std::nullopt;
    const auto name = trim(text.substr(static_cast<std::size_t>(end - text.data())));
    const auto find = [&](const auto& units) -> std::optional<std::int64_t> {
        for (const auto& known : units) {
            if (!same_letters(known.name, name)) continue;
            if (number > long_max / known.factor) return std::nullopt;
            return number * known.factor;
        }
        return std::nullopt;
    };
    if (kind == setting_kind::milliseconds) return find(time_units);
    if (kind == setting_kind::bytes) return find(byte_units);
    return std::nullopt;
}

// Parses one key; problems carry the line when it is known.
class setting_parser
{
public:
    setting_parser(producer_config& config, config_problems& problems, int line)
        : config_{config}, problems_{problems}, line_{line}
    {}

    bool parse(std::string_view key, std::string_view text)
    {
        key_ = key;
        text_ = trim(text);
        const auto* row = find_setting(key);
        if (!row) return reject_key();
        switch (row->kind) {
        case setting_kind::servers:
            config_.bootstrap_servers = producer_config{text_}.bootstrap_servers;
            return true;
        case setting_kind::text:
            config_.*row->text = text_;
            return true;
        case setting_kind::secret: // blanks around it are part of it
            config_.*row->hidden = text.empty() ? secret{} : secret::literal(std::string{text});
            return true;
        case setting_kind::jaas:
            return parse_jaas();
        case setting_kind::compression_rules:
            return parse_rules();
        case setting_kind::boolean:
        case setting_kind::choice:
            return parse_choice(*row);
        case setting_kind::words:
            return parse_words(*row);
        default:
            return parse_number(*row);
        }
    }

private:
    std::string place() const { return line_ > 0 ? " (line " + std::to_string(line_) + ")" : ""; }

    // key=value (line n), the value without what could spoil a log
    std::string mention() const { return std::string{key_} + '=' + wire::escape(text_, 60) + place(); }

    bool fail(std::string text)
    {
        problems_.emplace_back(config_severity::error, wire::escape(key_, 80), std::move(text));
        return false;
    }

    // Values of foreign keys are never shown: they may be passwords.
    bool reject_key()
    {
        if (key_ == "partitioner.class") {
            return fail("partitioner.class" + place() + ": " + explain_partitioner_class(text_));
        }
        const auto name = wire::escape(key_, 80) + place();
        if (const auto* foreign = find_foreign_key(key_)) {
            if (is_harmless(*foreign, text_)) return true;
            if (foreign->ignored) {
                problems_.emplace_back(config_severity::warning, std::string{key_},
                                       name + ' ' + std::string{foreign->sentence});
                return true;
            }
            return fail(name + ' ' + std::string{foreign->sentence});
        }
        if (key_.empty()) return fail("a value without a key" + place() + "; write key=value");
        const auto meant = nearest_key(key_);
        if (meant.empty()) return fail(name + " is not a setting of kurier; remove it");
        key_ = meant;
        return fail(name + " is not a setting of kurier; did you mean " + std::string{meant} + '?');
    }

    bool parse_number(const setting_row& row)
    {
        auto digits = text_;
        if (digits.starts_with('+')) digits.remove_prefix(1);
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        const bool signed_twice = digits.size() < text_.size() && digits.starts_with('-');
        const bool whole = !digits.empty() && end == digits.data() + digits.size() && !signed_twice;
        if (whole && error == std::errc{} && is_allowed(row, value)) {
            row.set(config_, value);
            return true;
        }
        const auto allowed = "allowed: " + allowed_values(row);
        const auto usual = "; the default is " + print_number(row, row.get(producer_config{}));
        if (whole && (error == std::errc{} || error == std::errc::result_out_of_range)) {
            return fail(mention() + " is out of range; " + allowed + usual);
        }
        if (text_.empty()) return fail(std::string{key_} + place() + " has no value; " + allowed + usual);
        if (const auto meant = without_unit(digits, row.kind)) {
            return fail(mention() + " has a unit; write the plain number: " + std::string{key_} + '=' +
                        std::to_string(*meant));
        }
        return fail(mention() + " is not a whole number" + hint() + "; " + allowed + usual);
    }

    bool parse_jaas()
    {
        const auto name = std::string{key_} + place();
        jaas_entry entry;
        jaas_parser parser{text_};
        if (!parser.parse(entry)) return fail(name + ' ' + parser.problem());
        const auto module = std::string_view{entry.module}.substr(entry.module.rfind('.') + 1);
        if (module == "OAuthBearerLoginModule") return take_oauth(entry);
        if (module != "PlainLoginModule" && module != "ScramLoginModule")
            return fail(name + " names " + wire::escape(module, 80) +
                        std::string{explain_login_module(module)});
        auto* user = entry.find("username");
        auto* password = entry.find("password");
        if (!user || !password)
            return fail(name + " has no " + (user ? "password" : "username") + "; write " +
                        std::string{module} + " required username=\"...\" password=\"...\";");
        const auto* token = entry.find("tokenauth");
        config_.sasl_username = *user;
        config_.sasl_password = secret::literal(std::move(*password));
        config_.sasl_scram_token = token && same_letters(*token, "true");
        return true;
    }

    // Kafka before 4.1 had the client's id and secret there and nowhere else; settings of their own count more.
    bool take_oauth(jaas_entry& entry)
    {
        for (const auto& [option, value] : entry.options)
            if (option.starts_with("unsecuredLogin"))
                return fail(
                    std::string{key_} + place() + " asks for unsecured tokens by " +
                    wire::escape(option, 80) +
                    "; give the engine a kurier::oauthbearer{kurier::unsecured_tokens{...}}, and remove it");
        auto* id = entry.find("clientId");
        auto* hidden = entry.find("clientSecret");
        auto* scope = entry.find("scope");
        if (id && config_.sasl_oauthbearer_client_id.empty()) config_.sasl_oauthbearer_client_id = *id;
        if (hidden && !config_.sasl_oauthbearer_client_secret)
            config_.sasl_oauthbearer_client_secret = secret::literal(std::move(*hidden));
        if (scope && config_.sasl_oauthbearer_scope.empty()) config_.sasl_oauthbearer_scope = *scope;
        auto& extensions = config_.sasl_oauthbearer_extensions;
        if (!extensions.empty()) return true;
        constexpr std::string_view prefix = "extension_";
        for (const auto& [option, value] : entry.options) {
            if (!option.starts_with(prefix)) continue;
            if (!extensions.empty()) extensions += ',';
            extensions += option.substr(prefix.size()) + '=' + value;
        }
        return true;
    }

    bool parse_choice(const setting_row& row)
    {
        // Kafka takes true and false, and these two, in any letters; the rest as written.
        const bool any_letters = row.kind == setting_kind::boolean || key_ == "metadata.recovery.strategy" ||
                                 key_ == "security.protocol" ||
                                 key_ == "ssl.endpoint.identification.algorithm";
        for (const auto& choice : row.choices) {
            if (choice.text == text_ || (any_letters && same_letters(choice.text, text_))) {
                row.set(config_, choice.value);
                return true;
            }
        }
        const auto allowed = "allowed: " + allowed_values(row);
        if (text_.empty()) return fail(std::string{key_} + place() + " has no value; " + allowed);
        if (const auto meant = nearest_choice(row.choices, text_); !meant.empty()) {
            return fail(mention() + " is unknown; did you mean " + std::string{meant} + '?');
        }
        return fail(mention() + " is unknown" + hint() + "; " + allowed + choice_hint());
    }

    bool parse_words(const setting_row& row)
    {
        std::int64_t value = 0;
        for (auto rest = text_; !rest.empty();) {
            const auto comma = rest.find(',');
            const auto word = trim(rest.substr(0, comma));
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
            const auto found = std::ranges::find(row.choices, word, &setting_choice::text);
            if (found == row.choices.end()) return reject_word(row, word);
            value |= found->value;
        }
        if (value < row.min)
            return fail(std::string{key_} + place() + " has no value; allowed: " + allowed_values(row));
        row.set(config_, value);
        return true;
    }

    bool reject_word(const setting_row& row, std::string_view word)
    {
        const auto which = mention() + ": \"" + wire::escape(word, 60) + '"';
        if (const auto meant = nearest_choice(row.choices, word); !meant.empty())
            return fail(which + " is unknown; did you mean " + std::string{meant} + '?');
        return fail(which + " is unknown; allowed: " + allowed_values(row));
    }

    // What the text looks like, when that is a common mistake.
    const char* hint() const
    {
        if (text_.find('#') != std::string_view::npos) return " (a comment needs a line of its own)";
        if (text_.starts_with('"') || text_.starts_with('\'')) return " (write it without quotes)";
        if (text_.ends_with(';') || text_.ends_with(',')) return " (nothing follows the value)";
        if (text_.starts_with("${")) return " (placeholders are not replaced)";
        return "";
    }

    const char* choice_hint() const
    {
        if (key_ == "acks" && (text_ == "2" || text_ == "3")) {
            return "; for a number of replicas use acks=all and min.insync.replicas of the topic";
        }
        if (key_ == "compression.type" && (text_ == "producer" || text_ == "uncompressed")) {
            return "; this word is for topics, a producer says none";
        }
        if (key_ == "client.dns.lookup" && text_ == "default") return "; default was removed in Kafka 3";
        if (find_setting(key_)->kind != setting_kind::boolean) return "";
        for (const std::string_view yes : {"yes", "on", "1", "y", "t"}) {
            if (same_letters(text_, yes)) return "; write true";
        }
        for (const std::string_view no : {"no", "off", "0", "n", "f"}) {
            if (same_letters(text_, no)) return "; write false";
        }
        return "";
    }

    bool parse_rules()
    {
        std::vector<compression_rule> rules;
        auto rest = text_;

        for (std::size_t number = 1; !text_.empty(); ++number) {
            if (number > compression_rules_max) {
                return fail(std::string{key_} + place() +
                            " has more than 1000 rules; let prefixes name many topics");
            }
            const auto comma = rest.find(',');
            if (!parse_rule(trim(rest.substr(0, comma)), number, rules)) return false;
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
        config_.compression_topics = std::move(rules);
        return true;
    }

    bool parse_rule(std::string_view rule, std::size_t number, std::vector<compression_rule>& rules)
    {
        const auto which = std::string{key_} + place() + ": rule " + std::to_string(number) + ", \"" +
                           wire::escape(rule, 80) + "\", ";
        const auto colon = rule.find(':');
        if (rule.empty()) return fail(which + "is empty; remove the superfluous comma");
        if (colon == std::string_view::npos) {
            return fail(which + "has no codec; write topic:codec, for instance logs-*:lz4");
        }
        auto codec = rule.substr(colon + 1);
        std::optional<int> level;
        if (const auto second = codec.find(':'); second != std::string_view::npos) {
            const auto digits = trim(codec.substr(second + 1));
            int value = 0;
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            if (error != std::errc{} || end != digits.data() + digits.size()) {
                return fail(which + "has a level that is not a whole number");
            }
            level = value;
            codec = codec.substr(0, second);
        }
        const auto type = compression_from_name(trim(codec));
        if (!type)
            return fail(which + "names an unknown codec; allowed: none, gzip, snappy, lz4, zstd or auto");
        rules.emplace_back(std::string{trim(rule.substr(0, colon))}, *type, level);
        return true;
    }

    producer_config& config_;
    config_problems& problems_;
    int line_;
    std::string_view key_;
    std::string_view text_;
};

} // namespace kurier::inline KURIER_ABI::detail
