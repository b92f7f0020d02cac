// How a handler waits in a record's slot, and how it is called with what became of the record: on its own executor,
// with as little in between as that allows.
#pragma once

#include <kurier/io/driver.hpp>
#include <kurier/io/fate_of_record.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>

#include <concepts>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace kurier::io {

// The result of an announced fate; `into` may be any metadata.
inline error_code take_fate(const core::fate& what, record_metadata& into)
{
    auto& machine = *static_cast<driver*>(what.teller);
    if (!what.where) return describe_refusal(*what.refused, into);
    into = machine.metadata();
    if (what.where->error) [[unlikely]] {
        into.failure = machine.explain(*what.where, what.index);
        return into.failure->code;
    }
    describe_delivered(what, into);
    return {};
}

template <bool Throwing, class Handler> void call(Handler& handler, error_code ec, record_metadata metadata)
{
    if constexpr (Throwing) {
        std::exception_ptr error; // made first: the arguments of a call are evaluated in any order
        if (ec) error = std::make_exception_ptr(delivery_error{metadata.failure});
        std::move(handler)(std::move(error), std::move(metadata));
    } else {
        std::move(handler)(ec, std::move(metadata));
    }
}

template <bool Throwing, class Handler>
[[gnu::noinline]] void call_with_own(Handler& handler, const core::fate& what)
{
    record_metadata metadata;
    const auto ec = take_fate(what, metadata);
    call<Throwing>(handler, ec, std::move(metadata));
}

// On the driver's own executor: the metadata of the batch serves all its records, unless the handler wants its own.
template <bool Throwing, class Handler>
[[gnu::always_inline]] inline void call_here(Handler& handler, const core::fate& what)
{
    if constexpr (!Throwing && std::invocable<Handler&&, error_code, const record_metadata&>) {
        auto& machine = *static_cast<driver*>(what.teller);
        if (what.where && !what.where->error) [[likely]] {
            auto& shared = machine.metadata();
            describe_delivered(what, shared);
            std::move(handler)(error_code{}, std::as_const(shared));
            return;
        }
    }
    call_with_own<Throwing>(handler, what);
}

template <bool Throwing, class Handler>
void post_result(driver& machine, Handler handler, error_code ec, record_metadata metadata)
{
    const auto executor = asio::get_associated_executor(handler, machine.executor());
    asio::post(executor, [handler = std::move(handler), ec, metadata = std::move(metadata)]() mutable {
        call<Throwing>(handler, ec, std::move(metadata));
    });
}

// Handlers without an executor of their own (or with system_executor, which means anywhere) run where we are.
template <class Handler> inline constexpr bool runs_anywhere =
    std::same_as<asio::associated_executor_t<Handler, asio::system_executor>, asio::system_executor>;

// A small function object needs no memory but the slot itself.
template <class Handler> inline constexpr bool fits_in_slot =
    runs_anywhere<Handler> && sizeof(Handler) <= sizeof(void*) && std::is_trivially_copyable_v<Handler> &&
    std::is_trivially_destructible_v<Handler> && std::is_default_constructible_v<std::optional<Handler>>;

template <class Handler> void notify_in_slot(void* context, const core::fate& what)
{
    if (!what.teller) return;
    alignas(Handler) std::byte storage[sizeof(Handler)];
    std::memcpy(storage, &context, sizeof(Handler));
    call_here<false>(*std::launder(reinterpret_cast<Handler*>(storage)), what);
}

// A handler with its executor, where that is not the driver's.
template <class Handler> struct bound_handler
{
    using executor_type = asio::associated_executor_t<Handler, asio::any_io_executor>;
    struct nothing
    {};
    using guard = asio::executor_work_guard<executor_type>; // large, and seldom needed
    struct give_back
    {
        operation_pool* pool = nullptr;
        void operator()(guard* over) const noexcept
        {
            over->~guard();
            pool->deallocate(over, sizeof(guard));
        }
    };
    using work_type = std::conditional_t<runs_anywhere<Handler>, nothing, std::unique_ptr<guard, give_back>>;

    bound_handler(driver& machine, Handler&& waiting) : handler{std::move(waiting)}
    {
        if constexpr (!runs_anywhere<Handler>) {
            const auto& executor = asio::get_associated_executor(handler, machine.executor());
            if (is_own(machine, executor)) return;
            auto& pool = machine.operations();
            work = {new (pool.allocate(sizeof(guard))) guard{executor}, {&pool}};
        }
    }

    static bool is_own(driver& machine, const executor_type& executor)
    {
        if constexpr (std::same_as<executor_type, asio::any_io_executor>)
            return executor == machine.executor();
        else {
            const auto* own = machine.executor().template target<executor_type>();
            return own && *own == executor;
        }
    }

    bool runs_here() const noexcept // on the driver's executor
    {
        if constexpr (runs_anywhere<Handler>)
            return true;
        else
            return !work;
    }

    template <bool Throwing> [[gnu::always_inline]] void complete(const core::fate& what)
    {
        if constexpr (!runs_anywhere<Handler>) {
            if (!runs_here()) {
                record_metadata metadata;
                const auto ec = take_fate(what, metadata);
                post_result<Throwing>(*static_cast<driver*>(what.teller), std::move(handler), ec,
                                      std::move(metadata));
                return;
            }
        }
        call_here<Throwing>(handler, what);
    }

    Handler handler;
    [[no_unique_address]] work_type work{};
};

// Of those who wait for a batch's records, the ones soon to be told were not looked at for long: while others are told,
// memory brings them into the cache. How many are told meanwhile, and how much of a frame a coroutine goes on with.
inline constexpr std::uint32_t frames_ahead = 3;
inline constexpr std::ptrdiff_t frame_near = 384; // bytes before and behind where it awaits

// g++ drops calls of functions that do nothing but this, unless they are inlined early.
[[gnu::always_inline]] inline void fetch_frame(const void* place) noexcept
{
    const auto* at = static_cast<const char*>(place);
    for (auto offset = -frame_near; offset < frame_near; offset += 64) __builtin_prefetch(at + offset, 1);
}

// The usual case: nobody can cancel the wait, so all it needs is the handler.
template <bool Throwing, class Handler> class plain_wait
{
public:
    // `awaited` lies in the frame of the coroutine that waits, if one does.
    plain_wait(driver& machine, Handler handler, const void* awaited)
        : producer_{&machine}, awaited_{awaited}, handler_{machine, std::move(handler)}
    {}

    static void notify(void* context, const core::fate& what)
    {
        if constexpr (!runs_anywhere<Handler>) fetch_later_one(what);
        auto* self = static_cast<plain_wait*>(context);
        auto& pool = self->producer_->operations();
        auto handler = std::move(self->handler_);
        self->~plain_wait();
        pool.deallocate(self, sizeof(plain_wait)); // before the handler runs: it may need such memory again
        if (what.teller) handler.template complete<Throwing>(what);
    }

private:
    [[gnu::always_inline]] static void fetch_later_one(const core::fate& what) noexcept
    {
        if (!what.where || what.index + frames_ahead >= static_cast<std::uint32_t>(what.where->accepted))
            return;
        const auto& later = what.where->waiter_of(what.index + frames_ahead);
        if (later.notify == &notify) fetch_frame(static_cast<const plain_wait*>(later.context)->awaited_);
    }

    driver* producer_;
    const void* awaited_;
    bound_handler<Handler> handler_;
};

} // namespace kurier::io
