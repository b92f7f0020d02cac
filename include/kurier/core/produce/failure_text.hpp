// What a failed delivery says in words, beside its error codes.
#pragma once

#include <kurier/core/state/topic.hpp>
#include <kurier/error.hpp>

#include <memory>
#include <new>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

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

// What keeps a batch from being sent, or from being acknowledged; nothing, as far as is known.
inline broker_trouble delay_of(const batch& about, const broker_trouble* blocked)
{
    const auto* leader = about.partition->leader;
    if (leader && leader->trouble) return leader->trouble;
    if (blocked) return *blocked;
    if (!leader) return {broker_errc::leader_not_available, {}};
    if (leader->throttled_last > about.created)
        return {{}, *leader->name + " throttled this client, which exceeded a quota"};
    return {};
}

// Time is up.
inline void explain_delay(batch& about, const broker_trouble* blocked) noexcept
{
    try {
        const auto why = delay_of(about, blocked);
        if (!about.last_error) about.last_error = why.code;
        if (!why.text.empty()) put_text(about, why.text);
    } catch (const std::bad_alloc&) {
    }
}

} // namespace kurier::inline KURIER_ABI::core
