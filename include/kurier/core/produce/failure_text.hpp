// What a failed delivery says in words, beside its error codes.
#pragma once

#include <kurier/core/state/topic.hpp>
#include <kurier/error.hpp>

#include <memory>
#include <new>
#include <string>
#include <utility>

namespace kurier::core {

// If memory runs out, the failure goes without its text.
template <class... Text> void put_text(batch& about, const Text&... text) noexcept
{
    try {
        std::string joined;
        (joined.append(text), ...);
        if (!about.note) about.note = std::make_unique<failure_note>();
        about.note->text = std::move(joined);
    } catch (const std::bad_alloc&) {
    }
}

// Time is up: what kept the batch from being sent, or from being acknowledged.
inline void explain_delay(batch& about, const broker_trouble* blocked) noexcept
{
    const auto* leader = about.partition->leader;
    const auto* trouble = leader && leader->trouble ? &leader->trouble : blocked;
    if (!about.last_error && trouble) about.last_error = trouble->code;
    if (!about.last_error && !leader) about.last_error = broker_errc::leader_not_available;
    if (trouble)
        put_text(about, trouble->text);
    else if (leader && leader->throttled_last > about.created)
        put_text(about, *leader->name, " throttled this client, which exceeded a quota");
}

} // namespace kurier::core
