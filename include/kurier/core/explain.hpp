// What is known about a record that failed, in the words of delivery_failure: from its batch, or from the waiting room
// when it never got into one.
#pragma once

#include <kurier/core/produce/failure_text.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/delivery_error.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

inline std::string size_of_refused(const batch& where)
{
    const auto what = where.record_count == 1 ? std::string{"the batch of this record alone"}
                                              : "a batch of " + std::to_string(where.record_count) +
                                                    " records that cannot be split";
    return what + " has " + std::to_string(where.wire_size()) +
           " bytes; the limit is max.message.bytes of the topic, or message.max.bytes of the broker";
}

// What the broker said about the batch, and about this record (KIP-467): those that it does not name failed with them.
inline void blame(delivery_failure& failure, const failure_note& note, std::uint32_t position)
{
    failure.broker_message = note.broker_message;
    bool blamed = note.records.empty();
    for (const auto& record : note.records)
        if (record.index == position) {
            blamed = true;
            failure.record_index = static_cast<std::int32_t>(position);
            if (!record.message.empty()) failure.broker_message = record.message;
        }
    if (!blamed) failure.code = errc::batch_failed_with_other_record;
}

// A record whose own time was over before its batch was, or that was taken out of its batch for that.
inline std::shared_ptr<delivery_failure> explain_expiry(const batch& where, bool taken_out)
{
    auto failure = std::make_shared<delivery_failure>();
    auto why = delay_of(where, nullptr);
    failure->code = errc::record_expired;
    failure->topic = std::string_view{where.partition->topic->name};
    failure->partition = where.partition->index;
    failure->attempts = where.attempts;
    if (where.last_broker) failure->last_broker = *where.last_broker;
    failure->last_error = where.last_error ? where.last_error : why.code;
    failure->text = std::move(why.text);
    failure->persisted = taken_out ? persisted::no : persisted::possibly;
    failure->retriable = retriable(failure->code);
    if (taken_out) failure->attempts = 0; // it has been in none
    return failure;
}

// Is the record in none of the batch's requests? Only its timeout takes one out whose delivery is still there.
inline bool was_taken_out(const batch& done, std::uint32_t index) noexcept
{
    return done.error == errc::withdrawn || done.position_of(index) == not_on_wire;
}

// `index`: of the record in `where`, which has failed.
inline std::shared_ptr<delivery_failure> explain(const batch& where, std::uint32_t index)
{
    if (!where.done()) return explain_expiry(where, where.slot_of(index).withdrawn());
    if (was_taken_out(where, index)) return explain_expiry(where, true);
    auto failure = std::make_shared<delivery_failure>();
    const auto& partition = *where.partition;
    failure->code = where.error;
    failure->topic = std::string_view{partition.topic->name};
    failure->partition = partition.index;
    failure->attempts = where.attempts;
    if (where.last_broker) failure->last_broker = *where.last_broker;
    failure->last_error = where.last_error;
    failure->persisted = where.written;
    if (where.error == broker_errc::message_too_large) failure->text = size_of_refused(where);
    if (where.outside && where.last_error == errc::disconnected)
        failure->text = "the broker closed the connection on a request of more than " +
                        std::to_string(where.wire_size()) +
                        " bytes; its limit may be lower (socket.request.max.bytes)";
    if (where.note && !where.note->text.empty()) failure->text = where.note->text;
    if (where.note) blame(*failure, *where.note, where.position_of(index));
    failure->retriable = retriable(failure->code);
    return failure;
}

inline std::shared_ptr<delivery_failure> explain(const waiting_record& refused)
{
    if (refused.where)
        return explain_expiry(*refused.where, refused.where->slot_of(refused.index).withdrawn());
    auto failure = std::make_shared<delivery_failure>();
    failure->code = refused.error;
    failure->topic = std::string_view{refused.topic->name};
    failure->partition = refused.partition.value_or(-1);
    failure->text = refused.text;
    failure->last_error = refused.last_error ? refused.last_error : refused.topic->error;
    failure->retriable = retriable(refused.error);
    return failure;
}

} // namespace kurier::inline KURIER_ABI::core
