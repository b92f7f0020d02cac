// A broker's response about one batch.
#pragma once

#include <kurier/core/state/batch.hpp>
#include <kurier/error.hpp>

#include <cstdint>
#include <memory>

namespace kurier::core {

struct batch_response
{
    broker_errc error = broker_errc::none;
    std::int64_t base_offset = -1;
    std::int64_t log_append_time = -1;
    std::int64_t log_start_offset = -1;
    std::unique_ptr<failure_note> note;
};

} // namespace kurier::core
