// Kafka's timestamps: milliseconds since 1970.
#pragma once

#include <chrono>

namespace kurier {

using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

} // namespace kurier
