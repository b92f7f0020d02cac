// The floor's coroutines: a completion handler resumes the coroutine, and nothing stands between them.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <coroutine>
#include <exception>
#include <utility>

namespace kurier::bench {

namespace asio = boost::asio;

// Runs by itself from its first line on.
struct fire_and_forget
{
    struct promise_type
    {
        fire_and_forget get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() { std::terminate(); }
    };
};

// One waiter, woken by the next notify.
class event
{
public:
    struct waiter
    {
        event& awaited;

        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiting) noexcept { awaited.waiting_ = waiting; }
        void await_resume() const noexcept {}
    };

    waiter wait() noexcept { return {*this}; }

    void notify()
    {
        if (waiting_) std::exchange(waiting_, {}).resume();
    }

private:
    std::coroutine_handle<> waiting_;
};

struct write_some
{
    asio::ip::tcp::socket& socket;
    asio::const_buffer bytes;
    std::size_t done = 0;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting)
    {
        socket.async_write_some(bytes, [this, waiting](boost::system::error_code, std::size_t n) {
            done = n;
            waiting.resume();
        });
    }
    std::size_t await_resume() const noexcept { return done; } // 0: the connection has failed
};

struct read_some
{
    asio::ip::tcp::socket& socket;
    asio::mutable_buffer bytes;
    std::size_t done = 0;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting)
    {
        socket.async_read_some(bytes, [this, waiting](boost::system::error_code, std::size_t n) {
            done = n;
            waiting.resume();
        });
    }
    std::size_t await_resume() const noexcept { return done; }
};

struct wait_for
{
    asio::steady_timer& timer;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting)
    {
        timer.async_wait([waiting](boost::system::error_code) { waiting.resume(); });
    }
    void await_resume() const noexcept {}
};

} // namespace kurier::bench
