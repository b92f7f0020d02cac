// libFuzzer: which names are a topic's, against Kafka's rule written in another way.
#include "allocation_guard.hpp"

#include <kurier/topic.hpp>

#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace kurier;
    const std::string_view name{reinterpret_cast<const char*>(data), size};
    const char* reason = why_not_a_topic(name);
    const bool legal =
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
        std::string_view::npos;
    const bool good = legal && size >= 1 && size <= 249 && name != "." && name != "..";
    fuzz::require(good == (reason == nullptr));
    fuzz::require(!check_topic(name) == good);
    fuzz::require(good || std::string_view{reason}.size() > 3);
    return 0;
}
