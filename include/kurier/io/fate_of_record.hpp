// From the core's outcome to what the user gets: metadata, or an error with everything known about it.
#pragma once

#include <kurier/delivery_error.hpp>
#include <kurier/io/driver.hpp>

#include <memory>
#include <string>

namespace kurier::inline KURIER_ABI::io {

// `index`: of the record in `where`, which is done, or the record is.
inline error_code describe_fate(const core::batch& where, std::uint32_t index, std::int64_t created,
                                record_metadata& metadata)
{
    metadata.topic = where.partition->topic->name;
    metadata.partition = where.partition->index;
    if (where.error || !where.done() || where.position_of(index) == core::not_on_wire) [[unlikely]] {
        metadata.failure = driver::explain(where, index);
        return metadata.failure->code;
    }
    metadata.offset = where.offset_of(index);
    metadata.time =
        timestamp{std::chrono::milliseconds{where.log_append_time >= 0 ? where.log_append_time : created}};
    return {};
}

// While it is announced: topic and partition of `metadata` are set already.
[[gnu::always_inline]] inline void describe_delivered(const core::fate& what, record_metadata& metadata)
{
    metadata.offset = what.where->offset_of(what.index);
    metadata.time = timestamp{std::chrono::milliseconds{what.where->timestamp_of(what.time_delta)}};
}

inline error_code describe_refusal(const core::waiting_record& refused, record_metadata& metadata)
{
    metadata.topic = refused.topic->name;
    metadata.partition = refused.partition.value_or(-1);
    metadata.failure = driver::explain(refused);
    return refused.error;
}

} // namespace kurier::inline KURIER_ABI::io
