// Prints a table of what the headers know: tables readme | settings | errors | broker_errors | other_broker_errors
#include <kurier/config/print.hpp>
#include <kurier/config/validation.hpp>

#include <kurier/delivery_error.hpp>

#include <iostream>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace kurier;
using namespace kurier::detail;

bool has_choices(const setting_row& row)
{
    return row.kind == setting_kind::choice || row.kind == setting_kind::words;
}

std::string in_code(const std::string& text)
{
    return text.empty() ? "" : '`' + text + '`';
}

void readme()
{
    const producer_config defaults = resolved({}); // what follows from other settings, too
    std::cout << "| setting | default | meaning |\n|---|---|---|\n";
    for (const auto& row : setting_rows) {
        std::cout << "| `" << row.key << "` | " << in_code(print_setting(defaults, row)) << " | " << row.doc;
        if (has_choices(row)) std::cout << " (" << allowed_values(row) << ')';
        std::cout << " |\n";
    }
}

std::string allowed(const setting_row& row)
{
    switch (row.kind) {
    case setting_kind::text:
    case setting_kind::servers:
    case setting_kind::compression_rules:
        return "text";
    case setting_kind::secret:
    case setting_kind::jaas:
        return "a secret";
    case setting_kind::words:
        return "any of " + allowed_values(row);
    default:
        return allowed_values(row);
    }
}

void all_settings()
{
    const producer_config defaults = resolved({});
    std::cout << "| setting | allowed | default | meaning |\n|---|---|---|---|\n";
    for (const auto& row : setting_rows)
        std::cout << "| `" << row.key << "` | " << allowed(row) << " | "
                  << in_code(print_setting(defaults, row)) << " | " << row.doc << " |\n";
}

void errors()
{
    std::cout << "| code | try again? | meaning | what to do |\n|---|---|---|---|\n";
    for (const auto& row : client_error_rows) {
        std::string name = row.name;
        for (char& c : name) c = c == '_' ? c : static_cast<char>(c - 'A' + 'a');
        std::cout << "| `errc::" << name << "` | " << (row.retriable ? "yes" : "no") << " | " << row.text
                  << " | " << row.advice << " |\n";
    }
}

void broker_errors()
{
    std::cout << "| code | try again? | in the log? | meaning | what to do |\n|---|---|---|---|---|\n";
    int number = -1;
    for (const auto& row : broker_error_table::rows) {
        const auto code = static_cast<broker_errc>(number++);
        if (*row.text)
            std::cout << "| `" << row.name << "` (" << static_cast<int>(code) << ") | "
                      << (retriable(code) ? "yes" : "no") << " | " << to_string(what_was_written(code))
                      << " | " << row.text << " | " << row.advice << " |\n";
    }
}

void other_broker_errors()
{
    const char* between = "";
    for (const auto& row : broker_error_table::rows)
        if (!*row.text) std::cout << std::exchange(between, ", ") << '`' << row.name << '`';
    std::cout << '\n';
}

} // namespace

int main(int argc, char** argv)
{
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    if (wanted == "readme") return readme(), 0;
    if (wanted == "settings") return all_settings(), 0;
    if (wanted == "errors") return errors(), 0;
    if (wanted == "broker_errors") return broker_errors(), 0;
    if (wanted == "other_broker_errors") return other_broker_errors(), 0;
    return 2;
}
