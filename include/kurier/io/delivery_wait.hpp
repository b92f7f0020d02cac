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
    using work_type = std::conditional_t<runs_anywhere<Handler>, nothing,
                                         std::optional<asio::executor_work_guard<executor_type>>>;

    bound_handler(driver& machine, Handler&& waiting) : handler{std::move(waiting)}
    {
        if constexpr (!runs_anywhere<Handler>) {
            const auto& executor = asio::get_associated_executor(handler, machine.executor());
            if (!is_own(machine, executor)) work.emplace(executor);
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

// The usual case: nobody can cancel the wait, so all it needs is the handler.
template <bool Throwing, class Handler> class plain_wait
{
public:
    plain_wait(driver& machine, Handler handler) : producer_{&machine}, handler_{machine, std::move(handler)}
    {}

    static void notify(void* context, const core::fate& what)
    {
        auto* self = static_cast<plain_wait*>(context);
        auto& pool = self->producer_->operations();
        auto handler = std::move(self->handler_);
        self->~plain_wait();
        pool.deallocate(self, sizeof(plain_wait)); // before the handler runs: it may need such memory again
        if (what.teller) handler.template complete<Throwing>(what);
    }

private:
    driver* producer_;
    bound_handler<Handler> handler_;
};

} // namespace kurier::io
