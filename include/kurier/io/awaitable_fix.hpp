// Boost 1.81 has a handler for `co_await` of operations that complete with (std::exception_ptr, T), but it does not
// compile (its resume tests the struct of its results instead of the exception). This one takes its place for the
// operation that kurier needs; later versions are not touched.
#pragma once

#include <kurier/record/record_metadata.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/detail/config.hpp>
#include <boost/asio/version.hpp>

#if BOOST_ASIO_VERSION < 102800

#include <exception>
#include <utility>

namespace boost::asio::detail {

template <class Executor>
class awaitable_async_op_handler<void(std::exception_ptr, kurier::record_metadata), Executor>
    : public awaitable_thread<Executor>
{
public:
    struct result_type
    {
        std::exception_ptr* error = nullptr;
        kurier::record_metadata* value = nullptr;
    };

    awaitable_async_op_handler(awaitable_thread<Executor>* resumed, result_type& result)
        : awaitable_thread<Executor>(std::move(*resumed)), result_(result)
    {}

    void operator()(std::exception_ptr error, kurier::record_metadata value)
    {
        result_ = {&error, &value};
        this->entry_point()->top_of_stack_->attach_thread(this);
        this->entry_point()->top_of_stack_->clear_cancellation_slot();
        this->pump();
    }

    static kurier::record_metadata resume(result_type& result)
    {
        if (*result.error) std::rethrow_exception(std::exchange(*result.error, nullptr));
        return std::move(*result.value);
    }

private:
    result_type& result_;
};

} // namespace boost::asio::detail

#endif
