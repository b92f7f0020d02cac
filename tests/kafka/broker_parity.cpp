// Does the embedded broker answer as Kafka does?
//
//     broker_parity                  prints what the embedded broker answers
//     broker_parity PORT             asks it and the Kafka broker on 127.0.0.1:PORT, and tells the differences
//     broker_parity PORT --print     prints what Kafka answers
//
// Options: --only WORD, cases with that word in their names; --except WORD; --before-kip-360, for brokers
// before 2.5, which speak few of the versions that the other cases need: `--only sequences --except anew
// --before-kip-360`.
#include "parity/idempotence_cases.hpp"
#include "parity/protocol_cases.hpp"
#include "parity/transaction_cases.hpp"
#include "parity/validation_cases.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

namespace {

using namespace kurier::parity;

constexpr std::string_view ended = "ended by: ";

std::vector<std::string> perform(const named_case& what, target& on, const std::string& prefix)
{
    run to{on, prefix};
    std::vector<std::string> lines;
    try {
        what.function(to);
        lines = to.lines();
    } catch (const std::exception& error) {
        lines = to.lines();
        lines.push_back(std::string{ended} + error.what());
    }
    return lines;
}

std::size_t print_differences(const std::string& name, const std::vector<std::string>& kafka,
                              const std::vector<std::string>& embedded)
{
    std::size_t different = 0;
    for (std::size_t i = 0; i < std::max(kafka.size(), embedded.size()); ++i) {
        const std::string k = i < kafka.size() ? kafka[i] : "-";
        const std::string e = i < embedded.size() ? embedded[i] : "-";
        if (k == e && !k.starts_with(ended)) continue; // that both failed alike is no rule of theirs
        ++different;
        std::printf("different: %s\n   Kafka:    %s\n   embedded: %s\n", name.c_str(), k.c_str(), e.c_str());
    }
    return different;
}

struct settings
{
    int port = 0;
    bool print = false;
    bool before_kip_360 = false;
    std::string only, except;
};

bool wanted(const settings& chosen, const std::string& name)
{
    return name.find(chosen.only) != std::string::npos &&
           (chosen.except.empty() || name.find(chosen.except) == std::string::npos);
}

} // namespace

int main(int argc, char** argv)
{
    settings chosen;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--before-kip-360")
            chosen.before_kip_360 = true;
        else if (argument == "--print")
            chosen.print = true;
        else if (argument == "--only" && i + 1 < argc)
            chosen.only = argv[++i];
        else if (argument == "--except" && i + 1 < argc)
            chosen.except = argv[++i];
        else
            chosen.port = std::stoi(argv[i]);
    }
    std::vector<named_case> cases = idempotence_cases();
    for (auto& more : validation_cases()) cases.push_back(std::move(more));
    for (auto& more : protocol_cases()) cases.push_back(std::move(more));
    for (auto& more : transaction_cases()) cases.push_back(std::move(more));

    if (chosen.before_kip_360) usual_produce_version = 7;
    embedded_target embedded{chosen.before_kip_360};
    kafka_target kafka{static_cast<std::uint16_t>(chosen.port)};
    const std::string prefix = "parity-" + std::to_string(wall_ms()) + "-";
    std::size_t answers = 0, different = 0, number = 0;
    for (const named_case& what : cases) {
        const std::string names = prefix + std::to_string(++number) + "-";
        if (!wanted(chosen, what.name)) continue;
        const bool both = chosen.port != 0 && !chosen.print;
        target& first = chosen.port != 0 ? static_cast<target&>(kafka) : embedded;
        const auto lines = perform(what, first, names);
        answers += lines.size();
        if (both) {
            different += print_differences(what.name, lines, perform(what, embedded, names));
        } else {
            for (const std::string& line : lines) std::printf("%s | %s\n", what.name.c_str(), line.c_str());
        }
    }
    if (chosen.port != 0 && !chosen.print)
        std::printf("parity: %zu answers compared, %zu different\n", answers, different);
    return different == 0 ? 0 : 1;
}
