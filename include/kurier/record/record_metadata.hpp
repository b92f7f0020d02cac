// Where a delivered record is.
#pragma once

#include <kurier/record/timestamp.hpp>
#include <kurier/record/topic_name.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace kurier::inline KURIER_ABI {

struct delivery_failure;

// It owns memory, so it is no aggregate: g++ 12 copies such temporaries wrongly in a co_await expression.
struct record_metadata
{
    record_metadata() = default;
    record_metadata(topic_name record_topic, std::int32_t record_partition, std::int64_t record_offset,
                    timestamp record_time) noexcept
        : topic{std::move(record_topic)}, partition{record_partition}, offset{record_offset},
          time{record_time}
    {}

    bool has_offset() const noexcept { return offset >= 0; }

    friend bool operator==(const record_metadata&, const record_metadata&) = default;

    topic_name topic;
    std::int32_t partition = -1;
    std::int64_t offset = -1; // -1: unknown, with acks=0 or when the broker had the batch already
    timestamp time{};         // the record's own, or the broker's if the topic is set to LogAppendTime
    std::shared_ptr<const delivery_failure>
        failure; // with an error: what is known about it (delivery_error.hpp)
};

} // namespace kurier::inline KURIER_ABI
