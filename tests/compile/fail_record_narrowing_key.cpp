// expect: narrowing|implicit conversion
#include <kurier/record/record.hpp>

kurier::record<std::int32_t, std::string> wrong(long long big)
{
    return {.topic = "t", .key = {big}, .value = "v"};
}
