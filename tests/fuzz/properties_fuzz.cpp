// Any text as a .properties file: ends, in bounded memory, with printable problems; what it accepts survives
// being printed and read again.
#include <kurier/properties.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace kurier;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    config_problems problems;
    const auto config = from_properties(text, problems);
    for (const auto& problem : problems) {
        if (!wire::is_printable(problem.text) || problem.text.empty()) std::abort();
    }
    if (has_errors(problems)) return 0;
    if (resolved(resolved(config)) != resolved(config)) std::abort();
    for (const auto& row : detail::setting_rows) // which is not printed
        if (row.hidden && config.*row.hidden) return 0;
    if (bootstrap_addresses(config).size() != config.bootstrap_servers.size()) std::abort();
    config_problems again;
    if (from_properties(to_properties(config), again) != config || has_errors(again)) std::abort();
    // All settings said outright may contradict each other where defaults would have given way.
    producer_config all;
    again.clear();
    apply_properties(all, to_properties(config, printed_settings::all), again);
    if (all != config || has_errors(again)) std::abort();
    return 0;
}
