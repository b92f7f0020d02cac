// How a handler waits in a record's slot, and how it is called with the record's fate: on the producer's executor, with
// as little in between as possible.
#pragma once

#include <kurier/io/driver.hpp>
#include <kurier/io/fate_of_record.hpp>
#include <kurier/io/operation.hpp>

#include <concepts>
#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

// The result of an announced fate; `into` is scratch space.
inline error_code take_fate(const core::fate& what, record_metadata& into)
{
    auto& machine = *static_cast<driver*>(what.teller);
    if (!what.where) return describe_refusal(*what.refused, into);
    into = machine.metadata();
    if (what.where->error) [[unlikely]] {
        into.failure = driver::explain(*what.where, what.index);
        return into.failure->code;
    }
    describe_delivered(what, into);
    return {};
}

template <class Handler> [[gnu::noinline]] void call_with_own(Handler& handler, const core::fate& what)
{
    record_metadata metadata;
    const auto ec = take_fate(what, metadata);
    std::move(handler)(ec, std::move(metadata));
}

// All records of a batch share its metadata object, unless the handler wants one of its own.
template <class Handler>
[[gnu::always_inline]] inline void call_here(Handler& handler, const core::fate& what)
{
    if constexpr (std::invocable<Handler&&, error_code, const record_metadata&>) {
        auto& machine = *static_cast<driver*>(what.teller);
        if (what.where && !what.where->error) [[likely]] {
            auto& shared = machine.metadata();
            describe_delivered(what, shared);
            std::move(handler)(error_code{}, std::as_const(shared));
            return;
        }
    }
    call_with_own(handler, what);
}

// A small function object fits into the slot itself.
template <class Handler> inline constexpr bool fits_in_slot =
    runs_anywhere<Handler> && !has_allocator<Handler> && sizeof(Handler) <= sizeof(void*) &&
    std::is_trivially_copyable_v<Handler> && std::is_trivially_destructible_v<Handler> &&
    std::is_default_constructible_v<std::optional<Handler>>;

template <class Handler> void notify_in_slot(void* context, const core::fate& what)
{
    if (!what.teller) return;
    alignas(Handler) std::byte storage[sizeof(Handler)];
    std::memcpy(storage, &context, sizeof(Handler));
    call_here(*std::launder(reinterpret_cast<Handler*>(storage)), what);
}

// The waiters of a batch have dropped out of the cache by the time they are notified, so the next few are prefetched while
// one is notified: how many ahead, and how much of a coroutine frame.
inline constexpr std::uint32_t frames_ahead = 3;
inline constexpr std::ptrdiff_t frame_near = 384; // bytes before and behind where it awaits

// g++ drops calls to functions that only prefetch, unless they are inlined early.
[[gnu::always_inline]] inline void fetch_frame(const void* place) noexcept
{
    const auto* at = static_cast<const char*>(place);
    for (auto offset = -frame_near; offset < frame_near; offset += 64) __builtin_prefetch(at + offset, 1);
}

// The common case: the handler runs on the producer's executor and the wait can't be cancelled, so the handler is all the
// state there is.
template <class Handler> class plain_wait
{
public:
    // `awaited` lies in the frame of the coroutine that waits, if one does.
    static plain_wait* make(driver& machine, Handler handler, const void* awaited)
    {
        void* memory = machine.operations().allocate(sizeof(plain_wait));
        return new (memory) plain_wait{machine, std::move(handler), awaited};
    }

    static void notify(void* context, const core::fate& what)
    {
        if constexpr (!runs_anywhere<Handler>) fetch_later_one(what);
        auto* self = static_cast<plain_wait*>(context);
        auto& pool = self->producer_->operations();
        auto handler = std::move(self->handler_);
        self->~plain_wait();
        pool.deallocate(self, sizeof(plain_wait)); // before the handler runs: it may want the same memory
        if (what.teller) call_here(handler, what);
    }

private:
    plain_wait(driver& machine, Handler&& handler, const void* awaited)
        : producer_{&machine}, awaited_{awaited}, handler_{std::move(handler)}
    {}

    [[gnu::always_inline]] static void fetch_later_one(const core::fate& what) noexcept
    {
        if (!what.where || what.index + frames_ahead >= static_cast<std::uint32_t>(what.where->accepted))
            return;
        const auto& later = what.where->waiter_of(what.index + frames_ahead);
        if (later.notify == &notify) fetch_frame(static_cast<const plain_wait*>(later.context)->awaited_);
    }

    driver* producer_;
    const void* awaited_;
    Handler handler_;
};

} // namespace kurier::inline KURIER_ABI::io
