// One batch of a Produce request and what became of it.
#pragma once

#include <kurier/broker_errc.hpp>
#include <kurier/testing/cluster_options.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace kurier::inline KURIER_ABI::testing {

struct produced_batch
{
    broker_id broker = -1;
    const std::string& topic;
    std::int32_t partition = -1;
    batch_header header{}; // zero if the batch was not looked at
    broker_errc error = broker_errc::none;
    std::int64_t base_offset = -1;
    bool appended = false;
    bool duplicate = false;
};

using produce_observer = std::function<void(const produced_batch&)>;

} // namespace kurier::inline KURIER_ABI::testing
