// With co_await, use_awaitable and use_future a failed delivery throws delivery_error, which says more than the
// system_error that Asio would make of the error code.
#pragma once

#include <kurier/delivery_error.hpp>
#include <kurier/record/record_metadata.hpp>

#include <boost/asio/associator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <exception>
#include <type_traits>
#include <utility>

namespace boost::asio {
template <class Executor> struct use_awaitable_t;
template <class Allocator> class use_future_t;
} // namespace boost::asio

namespace kurier::inline KURIER_ABI::io {

struct told
{
    error_code error;
    record_metadata* metadata;
};

// Turns what a delivery completes with into the (exception_ptr, result) that such tokens take.
template <class Handler> struct with_exception
{
    void operator()(error_code error, record_metadata metadata)
    {
        std::exception_ptr thrown; // made first: the arguments of a call are evaluated in any order
        if (error) thrown = std::make_exception_ptr(delivery_error{metadata.failure});
        std::move(handler)(std::move(thrown), std::move(metadata));
    }

    Handler handler;
};

template <class Initiation> struct initiate_with_exception
{
    using executor_type = boost::asio::associated_executor_t<Initiation>;
    executor_type get_executor() const noexcept { return boost::asio::get_associated_executor(initiation); }

    template <class Handler, class... Args> void operator()(Handler&& handler, Args&&... args) &&
    {
        std::move(initiation)(with_exception<std::decay_t<Handler>>{std::forward<Handler>(handler)},
                              std::forward<Args>(args)...);
    }

    Initiation initiation;
};

struct throwing_result
{
    // Declared return type: the body compiles only for tokens that are really used.
    template <class Initiation, class RawToken, class... Args>
    static auto initiate(Initiation&& initiation, RawToken&& token, Args&&... args)
        -> decltype(boost::asio::async_initiate<RawToken, void(std::exception_ptr, record_metadata)>(
            std::declval<initiate_with_exception<std::decay_t<Initiation>>>(), token,
            std::forward<Args>(args)...))
    {
        return boost::asio::async_initiate<RawToken, void(std::exception_ptr, record_metadata)>(
            initiate_with_exception<std::decay_t<Initiation>>{std::forward<Initiation>(initiation)}, token,
            std::forward<Args>(args)...);
    }
};

} // namespace kurier::inline KURIER_ABI::io

namespace boost::asio {

template <template <class, class> class Associator, class Handler, class Default>
struct associator<Associator, kurier::io::with_exception<Handler>, Default> : Associator<Handler, Default>
{
    using wrapped = kurier::io::with_exception<Handler>;

    static typename Associator<Handler, Default>::type get(const wrapped& outer) noexcept
    {
        return Associator<Handler, Default>::get(outer.handler);
    }
    static decltype(auto) get(const wrapped& outer, const Default& otherwise) noexcept
    {
        return Associator<Handler, Default>::get(outer.handler, otherwise);
    }
};

template <class Executor>
class async_result<use_awaitable_t<Executor>, void(kurier::error_code, kurier::record_metadata)>
    : public kurier::io::throwing_result
{};

template <class Allocator>
class async_result<use_future_t<Allocator>, void(kurier::error_code, kurier::record_metadata)>
    : public kurier::io::throwing_result
{};

namespace detail {

// `co_await delivery` without a token, recognised by its signature. Everything else is as Asio does it for operations
// with one result.
template <class Executor>
class awaitable_async_op_handler<void(kurier::error_code, kurier::record_metadata), Executor>
    : public awaitable_async_op_handler<void(kurier::io::told), Executor>
{
    using base = awaitable_async_op_handler<void(kurier::io::told), Executor>;

public:
    using base::base;

    void operator()(kurier::error_code error, kurier::record_metadata metadata)
    {
        base::operator()(kurier::io::told{error, &metadata}); // resumes the coroutine
    }

    static kurier::record_metadata resume(typename base::result_type& result)
    {
        const auto what = base::resume(result);
        if (what.error) throw kurier::delivery_error{what.metadata->failure};
        return std::move(*what.metadata);
    }
};

} // namespace detail
} // namespace boost::asio
