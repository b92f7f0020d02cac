// libFuzzer: addresses as in bootstrap.servers, one and a list. What is accepted can be connected to, and is the same
// after being printed; what isn't is refused with a reason.
#include "allocation_guard.hpp"

#include <kurier/config/server_address.hpp>
#include <kurier/config/validation.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/wire/escape.hpp>

#include <cstdint>
#include <string_view>

namespace {

using namespace kurier;
using fuzz::require;

void one(std::string_view text)
{
    server_address address{"before", 1};
    const char* reason = parse_server_address(text, address);
    if (reason) {
        require(*reason != 0);
        require(address == server_address{"before", 1});
        return;
    }
    require(!address.host.empty() && address.host.size() <= 255 && address.port != 0);
    require(wire::is_printable(address.host));
    require(address.host.find_first_of(" []/\"'") == std::string::npos);
    server_address again;
    require(parse_server_address(to_string(address), again) == nullptr && again == address);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    fuzz::within_allocation_bound(size, 8, [&] { one(text); });
    const producer_config config{text};
    for (const auto& server : config.bootstrap_servers) one(server);
    for (const auto& problem : validate(config))
        require(wire::is_printable(problem.text) && !problem.text.empty());
    return 0;
}

KURIER_FUZZ_COUNTS_HEAP
