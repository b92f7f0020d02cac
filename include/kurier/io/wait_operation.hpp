// Operations that wait for a state of the producer: flush, close, room, metadata.
#pragma once

#include <kurier/io/driver.hpp>
#include <kurier/io/operation.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>

#include <tuple>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

// When a wait is checked: in each turn and at `deadline` at the latest, or in a line, see state_waits.hpp.
struct wait_place
{
    core::nanoseconds deadline = core::never;
    wait_line line = wait_line::none;
    std::uint64_t rank = 0;
};

// over(driver, ec, value...) says whether the wait is over, and with what result.
template <class Handler, class Over, class... Value> class wait_operation final
    : public state_wait,
      public operation<wait_operation<Handler, Over, Value...>, Handler, error_code, Value...>
{
    using base = operation<wait_operation, Handler, error_code, Value...>;

public:
    wait_operation(driver& machine, Handler&& handler, Over over, wait_place where)
        : base{machine, std::move(handler)}, over_{std::move(over)}
    {
        deadline = where.deadline;
        line = where.line;
        rank = where.rank;
    }

    void listen(driver& machine) // for cancellation
    {
        if (auto slot = cancellation(); slot.is_connected())
            slot.assign([this, &machine](asio::cancellation_type) { machine.cancel_wait(*this); });
    }

    bool over(driver& machine, error_code& ec) override
    {
        if (cancelled) ec = asio::error::operation_aborted;
        return cancelled || over_(machine, ec, std::get<Value>(this->results_)...);
    }

    void complete(driver& machine, error_code ec) override
    {
        clear();
        std::get<error_code>(this->results_) = ec;
        machine.end(*this);
    }

    void destroy() noexcept override
    {
        clear();
        base::destroy();
    }

private:
    auto cancellation() const noexcept { return asio::get_associated_cancellation_slot(this->handler_); }
    void clear() noexcept
    {
        if (auto slot = cancellation(); slot.is_connected()) slot.clear();
    }

    Over over_;
};

// Checked at once: what is over already needs no turn of the event loop.
template <class... Value> struct initiate_wait
{
    using executor_type = asio::any_io_executor;
    executor_type get_executor() const noexcept { return producer->executor(); }

    template <class Handler, class Over>
    void operator()(Handler handler, boost::intrusive_ptr<driver> machine, Over over,
                    wait_place where) const // all by value: the caller's frame may resume elsewhere
    {
        using wait = wait_operation<Handler, Over, Value...>;
        auto* const waiting = wait::make(*machine, std::move(handler), std::move(over), where);
        state_wait_ptr made{waiting};
        error_code ec;
        if (made->over(*machine, ec)) {
            made.release()->complete(*machine, ec);
        } else {
            waiting->listen(*machine);
            machine->add_wait(std::move(made));
        }
    }

    driver* producer; // kept alive by the operation that is started
};

template <class Token, class... Value, class Over>
auto wait_until(boost::intrusive_ptr<driver> machine, Token&& token, Over over, wait_place where = {})
{
    auto* const producer = machine.get();
    return asio::async_initiate<Token, void(error_code, Value...)>(
        initiate_wait<Value...>{producer}, token, std::move(machine), std::move(over), where);
}

} // namespace kurier::inline KURIER_ABI::io
