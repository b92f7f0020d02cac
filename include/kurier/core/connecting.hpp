// Whether a cluster can be used at all: it has answered with its brokers, or what stands in the way won't pass by itself.
#pragma once

#include <kurier/core/cluster/broker_health.hpp>
#include <kurier/core/cluster/metadata_exchange.hpp>
#include <kurier/core/port.hpp>

#include <utility>

namespace kurier::inline KURIER_ABI::core {

// True: it is over, well if there is no error.
inline bool try_cluster(connect_attempt& attempt, metadata_exchange& metadata, const broker_health& health)
{
    if (!std::exchange(attempt.begun, true)) {
        attempt.answers_before = metadata.answers();
        metadata.ask_soon();
    }
    if (metadata.answers() != attempt.answers_before) return true;
    if (health.hopeless()) attempt.error = health.last_trouble()->code;
    attempt.words = health.story();
    return attempt.error.failed();
}

} // namespace kurier::inline KURIER_ABI::core
