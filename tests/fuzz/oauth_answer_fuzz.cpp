// Any answer of an identity provider: a token or a reason, never both, and no end of the stack.
#include <kurier/oauth/answer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const unsigned status = data[0] < 128 ? 200U : 300U + data[0];
    const auto answer =
        kurier::oauth::read_answer(status, {reinterpret_cast<const char*>(data + 1), size - 1});
    if (answer.token.empty() == answer.problem.empty()) std::abort();
    if (answer.problem.size() > 2'000) std::abort();
    return 0;
}
