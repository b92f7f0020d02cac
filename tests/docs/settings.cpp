// Prints the settings as the table of README.md
#include <kurier/config/print.hpp>
#include <kurier/config/validation.hpp>

#include <iostream>

int main()
{
    using namespace kurier::detail;
    const kurier::producer_config defaults = kurier::resolved({}); // what follows from other settings, too
    std::cout << "| setting | default | meaning |\n|---|---|---|\n";
    for (const auto& row : setting_rows) {
        const std::string value = print_setting(defaults, row);
        std::cout << "| `" << row.key << "` | " << (value.empty() ? "" : '`' + value + '`') << " | "
                  << row.doc;
        if (row.kind == setting_kind::choice || row.kind == setting_kind::words)
            std::cout << " (" << allowed_values(row) << ')';
        std::cout << " |\n";
    }
}
