// Any text as sasl.jaas.config: ends, with a printable problem that has nothing of what is in quotes.
#include <kurier/config/jaas.hpp>
#include <kurier/properties.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace kurier;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    detail::jaas_entry entry;
    detail::jaas_parser parser{text};
    const bool good = parser.parse(entry);
    if (good == !parser.problem().empty()) std::abort();
    if (!wire::is_printable(parser.problem())) std::abort();

    producer_config config;
    config_problems problems;
    const bool taken = set_property(config, "sasl.jaas.config", text, problems);
    if (taken && !good) std::abort();
    const auto* user = entry.find("username");
    if (taken && !config.sasl_username.empty() && (!user || config.sasl_username != *user)) std::abort();
    for (const auto& problem : problems)
        if (!wire::is_printable(problem.text)) std::abort();
    return 0;
}
