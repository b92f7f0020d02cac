// What is known about a record that was not confirmed, and the exception that carries it.
#pragma once

#include <kurier/error.hpp>
#include <kurier/wire/escape.hpp>

#include <boost/system/system_error.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI {

// Owns its texts, so it outlives the record and the producer.
struct delivery_failure
{
    delivery_failure() = default; // not an aggregate: g++ 12 mishandles those in co_await expressions

    error_code code;
    std::string topic;
    std::int32_t partition = -1; // -1: none was chosen yet
    std::int32_t attempts = 0;   // how often the record was sent to a broker
    std::string last_broker;     // "host:port (id n)", the broker of the last attempt
    // What stood in the way, when code says only that time or the retries were up: why the last attempt failed, or, with
    // no attempt, why there could be none. describe() gives the advice that belongs to this.
    error_code last_error;
    kurier::persisted persisted = kurier::persisted::no;
    bool retriable = false; // may the record be sent again? When persisted is possibly, that may double it.
    std::int32_t record_index = -1; // the record in its batch that the broker complained of (KIP-467)
    std::string broker_message;     // the broker's words for the batch or the record, as it sent them
    std::string text; // what kurier saw, when the code doesn't say it: sizes, host names, settings
};

// "no", "possibly", "yes".
constexpr std::string_view to_string(persisted state) noexcept
{
    switch (state) {
    case persisted::no:
        return "no";
    case persisted::yes:
        return "yes";
    default:
        return "possibly";
    }
}

namespace detail {

constexpr std::string_view fate(persisted state)
{
    switch (state) {
    case persisted::no:
        return "it was not written";
    case persisted::yes:
        return "it was written";
    default:
        return "it may have been written";
    }
}

} // namespace detail

// One sentence for humans: where to, what happened, how often, who, what is written, what to do. Texts from
// the network are escaped.
inline std::string describe(const delivery_failure& failure)
{
    std::string out = "record for ";
    out += failure.topic.empty() ? std::string{"an unnamed topic"} : wire::escape(failure.topic);
    if (failure.partition >= 0) out += "-" + std::to_string(failure.partition);
    out += " was not delivered: " + failure.code.message();
    if (!failure.text.empty()) out += ": " + wire::escape(failure.text);
    if (!failure.broker_message.empty())
        out += "; the broker says \"" + wire::escape(failure.broker_message) + '"';
    if (failure.record_index >= 0)
        out += " about record " + std::to_string(failure.record_index) + " of the batch";
    if (failure.last_error && failure.last_error != failure.code) {
        out += failure.attempts > 0 ? "; the last attempt failed: " : "; last error: ";
        out += failure.last_error.message();
    }
    if (failure.attempts > 0) {
        out += "; " + std::to_string(failure.attempts) + (failure.attempts == 1 ? " attempt" : " attempts");
        if (!failure.last_broker.empty()) out += ", the last at " + wire::escape(failure.last_broker);
    }
    out += "; ";
    out += detail::fate(failure.persisted);
    // What to change follows from the last attempt's error, when there is one, and not from time being up.
    const auto& cause = advice(failure.last_error).empty() ? failure.code : failure.last_error;
    if (const auto what_to_do = advice(cause); !what_to_do.empty()) {
        out += "; ";
        out += what_to_do;
    }
    return out;
}

// Thrown by a send that is awaited plainly.
class delivery_error : public boost::system::system_error
{
public:
    explicit delivery_error(std::shared_ptr<const delivery_failure> failure)
        : boost::system::system_error{failure->code}, failure_{std::move(failure)},
          what_{std::make_shared<const std::string>(describe(*failure_))}
    {}

    const char* what() const noexcept override { return what_->c_str(); }
    const delivery_failure& failure() const noexcept { return *failure_; }
    const std::shared_ptr<const delivery_failure>& shared_failure() const noexcept { return failure_; }

private:
    std::shared_ptr<const delivery_failure> failure_;
    std::shared_ptr<const std::string> what_; // shared, so that copying the exception can't throw
};

} // namespace kurier::inline KURIER_ABI
