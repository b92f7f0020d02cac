// Operations that wait for a state of the producer: flush, close, room, metadata.
#pragma once

#include <kurier/io/driver.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <new>
#include <utility>

namespace kurier::io {

struct no_value
{};

template <class Value, class Handler, class Over> class wait_operation final : public state_wait
{
public:
    using executor_type = asio::associated_executor_t<Handler, asio::any_io_executor>;

    wait_operation(driver& machine, Handler handler, Over over, core::nanoseconds at)
        : memory_{&machine.operations()}, handler_{std::move(handler)}, over_{std::move(over)},
          work_{asio::get_associated_executor(handler_, machine.executor())}
    {
        deadline = at;
        if (auto slot = asio::get_associated_cancellation_slot(handler_); slot.is_connected())
            slot.assign([this, &machine](asio::cancellation_type) {
                cancelled_ = true;
                machine.wake();
            });
    }

    bool over(driver& machine, error_code& ec) override
    {
        if (cancelled_) ec = asio::error::operation_aborted;
        return cancelled_ || over_(machine, ec, value_);
    }

    void complete(error_code ec) override
    {
        if (auto slot = asio::get_associated_cancellation_slot(handler_); slot.is_connected()) slot.clear();
        const auto executor = work_.get_executor();
        if constexpr (std::same_as<Value, no_value>)
            asio::post(executor, [handler = std::move(handler_), ec]() mutable { std::move(handler)(ec); });
        else
            asio::post(executor, [handler = std::move(handler_), ec, value = std::move(value_)]() mutable {
                std::move(handler)(ec, std::move(value));
            });
    }

    void destroy() noexcept override
    {
        auto& memory = *memory_;
        this->~wait_operation();
        memory.deallocate(this, sizeof(wait_operation));
    }

private:
    operation_pool* memory_;
    Handler handler_;
    Over over_;
    asio::executor_work_guard<executor_type> work_;
    Value value_{};
    bool cancelled_ = false;
};

// Asked at once: what is over already needs no turn of the event loop.
template <class Operation, class Handler, class Over>
void start_wait(driver& machine, Handler handler, Over over, core::nanoseconds at)
{
    void* memory = machine.operations().allocate(sizeof(Operation));
    state_wait_ptr made{new (memory) Operation{machine, std::move(handler), std::move(over), at}};
    error_code ec;
    if (made->over(machine, ec))
        made->complete(ec);
    else
        machine.add_wait(std::move(made));
}

// over(driver, ec) says whether the wait is over, and with which error; it is asked at `deadline` at the latest.
template <class Token, class Over> auto wait_until(boost::intrusive_ptr<driver> machine, Token&& token,
                                                   Over over, core::nanoseconds deadline = core::never)
{
    auto with_value = [over](driver& state, error_code& ec, no_value&) mutable { return over(state, ec); };
    return asio::async_initiate<Token, void(error_code)>(
        [](auto handler, boost::intrusive_ptr<driver> self, auto until, core::nanoseconds at) {
            using operation = wait_operation<no_value, decltype(handler), decltype(until)>;
            start_wait<operation>(*self, std::move(handler), std::move(until), at);
        },
        token, std::move(machine), std::move(with_value), deadline);
}

template <class Value, class Token, class Over> auto
wait_for_value(boost::intrusive_ptr<driver> machine, Token&& token, Over over, core::nanoseconds deadline)
{
    return asio::async_initiate<Token, void(error_code, Value)>(
        [](auto handler, boost::intrusive_ptr<driver> self, auto until, core::nanoseconds at) {
            using operation = wait_operation<Value, decltype(handler), decltype(until)>;
            start_wait<operation>(*self, std::move(handler), std::move(until), at);
        },
        token, std::move(machine), std::move(over), deadline);
}

} // namespace kurier::io
