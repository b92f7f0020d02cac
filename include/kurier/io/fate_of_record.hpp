// From the core's outcome to what the user is told: metadata, or an error with everything that is known about it.
#pragma once

#include <kurier/core/producer_core.hpp>
#include <kurier/delivery_error.hpp>

#include <memory>
#include <string>

namespace kurier::io {

inline std::shared_ptr<const delivery_failure> explain(const core::producer_core& core, const core::batch& where,
                                                       std::uint32_t index)
{
    auto failure = std::make_shared<delivery_failure>();
    const auto& partition = *where.partition;
    failure->code = where.error;
    failure->topic = std::string_view{partition.topic->name};
    failure->partition = partition.index;
    failure->attempts = where.attempts;
    failure->last_error = where.last_error;
    failure->persisted = where.written;
    if (const auto* broker = core.view().node(where.last_attempt_leader))
        failure->last_broker = broker->host + ":" + std::to_string(broker->port) + " (id " + std::to_string(broker->id) + ")";
    if (where.error == broker_errc::message_too_large)
        failure->text = "the batch of this record alone has " + std::to_string(where.size) +
                        " bytes; the limit is max.message.bytes of the topic, or message.max.bytes of the broker";
    if (!where.last_error && !where.attempts && !core.last_trouble().empty()) failure->text = core.last_trouble();
    if (where.note) {
        failure->broker_message = where.note->broker_message;
        bool blamed = where.note->records.empty();
        for (const auto& record : where.note->records)
            if (record.index == index) {
                blamed = true;
                failure->record_index = static_cast<std::int32_t>(index);
                if (!record.message.empty()) failure->broker_message = record.message;
            }
        if (!blamed) failure->code = errc::batch_failed_with_other_record;
    }
    failure->retriable = retriable(failure->code);
    return failure;
}

// `index`: of the record in `where`, which is done.
inline error_code describe_fate(const core::producer_core& core, const core::batch& where, std::uint32_t index,
                                std::int64_t created, record_metadata& metadata)
{
    metadata.topic = where.partition->topic->name;
    metadata.partition = where.partition->index;
    if (where.error) [[unlikely]] {
        metadata.failure = explain(core, where, index);
        return metadata.failure->code;
    }
    metadata.offset = where.offset_of(index);
    metadata.time = timestamp{std::chrono::milliseconds{where.log_append_time >= 0 ? where.log_append_time : created}};
    return {};
}

// While the slots still exist: the record's create time is in its slot. `metadata` has topic and partition already.
inline error_code describe_announced(const core::producer_core& core, const core::batch& where, std::uint32_t index,
                                     record_metadata& metadata)
{
    if (where.error) [[unlikely]] {
        metadata.failure = explain(core, where, index);
        return metadata.failure->code;
    }
    metadata.offset = where.offset_of(index);
    metadata.time = timestamp{std::chrono::milliseconds{where.timestamp_of(where.waiter_of(index).time_delta)}};
    return {};
}

inline error_code describe_refusal(const core::waiting_record& refused, record_metadata& metadata)
{
    auto failure = std::make_shared<delivery_failure>();
    failure->code = refused.error;
    failure->topic = std::string_view{refused.topic->name};
    failure->partition = refused.partition.value_or(-1);
    failure->text = refused.text;
    failure->last_error = refused.topic->error;
    failure->retriable = retriable(refused.error);
    metadata.topic = refused.topic->name;
    metadata.failure = std::move(failure);
    return refused.error;
}

} // namespace kurier::io
