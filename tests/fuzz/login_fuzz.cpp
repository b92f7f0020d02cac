// A hostile broker in the middle of a login: whatever it says to SCRAM and OAUTHBEARER, they end, in bounded memory, with a
// printable problem, and never believe a broker that hasn't proven itself. The first byte chooses the mechanism; texts are
// separated by zeros.
#include <kurier/sasl/oauthbearer.hpp>
#include <kurier/sasl/scram.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace kurier;
using sasl::progress;

constexpr std::string_view nonce = "AAAAAAAAAAAAAAAAAAAA"; // of zeros, which the fuzzer can guess

bool zeros(std::span<std::byte> out)
{
    std::ranges::fill(out, std::byte{0});
    return true;
}

// With few iterations, so that it is quick.
const sasl::scram_sha256& scram()
{
    static const sasl::scram_sha256 mechanism{
        "user", {.iterations_min = 1, .iterations_max = 8, .nonce_bytes = 15}, &zeros};
    return mechanism;
}

template <class Login> void talk(Login&& login, std::string_view said, bool believes)
{
    auto now = login.start(secret_bytes{std::string_view{"pencil"}});
    for (int steps = 0; steps < 100; ++steps) {
        if (now == progress::compute) {
            if constexpr (requires { login.proceed(); }) now = login.proceed();
            continue;
        }
        if (now != progress::send) break;
        if (login.message().size() > 65536) std::abort();
        const auto end = std::min(said.find('\0'), said.size());
        now = login.step(as_bytes(said.substr(0, end)));
        said.remove_prefix(std::min(end + 1, said.size()));
    }
    if (now == progress::send || now == progress::compute) std::abort();
    if (now == progress::done && !believes) std::abort();
    if (now == progress::fail && (login.problem().empty() || !wire::is_printable(login.problem())))
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const std::string_view said{reinterpret_cast<const char*>(data) + 1, size - 1};
    switch (data[0] % 3) {
    case 0:
        talk(scram().begin(), said, false); // a fuzzer doesn't find the signature
        break;
    case 1: // behind a nonce that is right, so that the rest is read
        talk(scram().begin(), "r=" + std::string{nonce} + std::string{said}, false);
        break;
    default:
        talk(sasl::oauthbearer{}.begin(), said, true);
    }
    return 0;
}
