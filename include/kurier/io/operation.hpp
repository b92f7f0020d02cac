// An operation that waits with its handler: what Asio asks of the handler's associated executor and allocator.
#pragma once

#include <kurier/io/driver.hpp>
#include <kurier/io/hand_over.hpp>
#include <kurier/io/recycling_allocator.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/system_executor.hpp>

#include <concepts>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

// Handlers without an executor of their own (or with system_executor, which means anywhere) run on the producer's.
template <class Handler> inline constexpr bool runs_anywhere =
    std::same_as<asio::associated_executor_t<Handler, asio::system_executor>, asio::system_executor>;

inline bool is_own(const driver& machine, const asio::any_io_executor& executor)
{
    return executor == machine.executor();
}
template <class Executor> bool is_own(const driver& machine, const Executor& executor)
{
    const auto* own = machine.executor().template target<Executor>();
    return own && *own == executor;
}

// Does it run on the producer's executor?
template <class Handler> bool runs_here(const driver& machine, const Handler& handler)
{
    if constexpr (runs_anywhere<Handler>)
        return true;
    else
        return is_own(machine, asio::get_associated_executor(handler, machine.executor()));
}

// Does it queue what is submitted? Not if it runs things inside the call, as use_future's executor does, or can't be
// an any_io_executor.
template <class Executor>
concept may_run_inside = std::same_as<
    std::remove_cvref_t<decltype(asio::query(std::declval<const Executor&>(), asio::execution::blocking))>,
    asio::execution::blocking_t::possibly_t>;
template <class Executor>
concept queueing = std::convertible_to<Executor, asio::any_io_executor> && !may_run_inside<Executor>;

// Memory for handlers without an allocator.
template <class Handler> using allocator_of =
    asio::associated_allocator_t<Handler, recycling_allocator<void>>;
template <class Handler> inline constexpr bool has_allocator =
    !std::same_as<allocator_of<Handler>, recycling_allocator<void>>;

template <class Handler> auto get_allocator(const Handler& handler) noexcept
{
    return asio::get_associated_allocator(handler, recycling_allocator<void>{});
}

template <class Operation, class Allocator> class operation_memory
{
    using traits = std::allocator_traits<Allocator>::template rebind_traits<Operation>;

public:
    explicit operation_memory(const Allocator& from) : from_{from}, memory_{traits::allocate(from_, 1)} {}
    operation_memory(const Allocator& from, Operation& made) : from_{from}, memory_{&made} {}
    operation_memory(const operation_memory&) = delete;
    operation_memory& operator=(const operation_memory&) = delete;
    ~operation_memory()
    {
        if (memory_) traits::deallocate(from_, memory_, 1);
    }

    Operation* get() const noexcept { return memory_; }
    void release() noexcept { memory_ = nullptr; }

private:
    typename traits::allocator_type from_;
    Operation* memory_;
};

// A handler with its results, on its way through an executor.
template <class Handler, class... Results> struct ended_call
{
    void operator()() { std::apply(std::move(handler), std::move(results)); }

    Handler handler;
    std::tuple<Results...> results;
};

// `Self` derives from it. It completes on an executor that queues, or else on the producer's, which dispatches to the
// handler's.
template <class Self, class Handler, class... Results> class operation : public ended_operation
{
public:
    using executor_type = asio::associated_executor_t<Handler, asio::any_io_executor>;

    // If it throws, nothing has happened, and the handler is gone.
    template <class... Args> static Self* make(driver& machine, Handler handler, Args&&... args)
    {
        operation_memory<Self, allocator_of<Handler>> memory{get_allocator(handler)};
        auto* const made = new (memory.get()) Self{machine, std::move(handler), std::forward<Args>(args)...};
        memory.release();
        return made;
    }

    void destroy() noexcept { end(*this, false); }
    void call() { end(*this, true); }

protected:
    operation(const driver& machine, Handler&& handler)
        : ended_operation{&end, elsewhere(machine, handler)}, handler_{std::move(handler)},
          work_{work(handler_)}
    {}
    ~operation() = default;

    Handler handler_;
    std::tuple<Results...> results_;

private:
    static constexpr bool is_queued = !runs_anywhere<Handler> && queueing<executor_type>;
    static constexpr bool is_dispatched = !runs_anywhere<Handler> && !is_queued;

    struct no_work
    {};
    using work_type = std::conditional_t<is_dispatched, asio::executor_work_guard<executor_type>, no_work>;

    static work_type work([[maybe_unused]] const Handler& handler)
    {
        if constexpr (is_dispatched)
            return work_type{asio::get_associated_executor(handler)};
        else
            return {};
    }

    static asio::any_io_executor elsewhere(const driver& machine, const Handler& handler)
    {
        if constexpr (is_queued)
            if (!runs_here(machine, handler))
                return asio::prefer(
                    asio::any_io_executor{asio::get_associated_executor(handler, machine.executor())},
                    asio::execution::outstanding_work.tracked);
        return {};
    }

    static void end(ended_operation& base, bool calls)
    {
        auto& self = static_cast<Self&>(base);
        [[maybe_unused]] const auto work = std::move(self.work_);
        ended_call<Handler, Results...> over{std::move(self.handler_), std::move(self.results_)};
        {
            const operation_memory<Self, allocator_of<Handler>> memory{get_allocator(over.handler), self};
            self.~Self();
        } // freed before the handler runs, which may want the same memory
        if (!calls) return;
        if constexpr (is_dispatched)
            asio::dispatch(std::move(over));
        else
            over();
    }

    [[no_unique_address]] work_type work_;
};

struct destroy_operation
{
    template <class Operation> void operator()(Operation* unused) const noexcept { unused->destroy(); }
};

} // namespace kurier::inline KURIER_ABI::io

template <template <class, class> class Associator, class Handler, class... Results, class Default>
struct boost::asio::associator<Associator, kurier::io::ended_call<Handler, Results...>, Default>
    : Associator<Handler, Default>
{
    using call = kurier::io::ended_call<Handler, Results...>;

    static typename Associator<Handler, Default>::type get(const call& over) noexcept
    {
        return Associator<Handler, Default>::get(over.handler);
    }
    static decltype(auto) get(const call& over, const Default& otherwise) noexcept
    {
        return Associator<Handler, Default>::get(over.handler, otherwise);
    }
};
