// Plain TCP, the only place with a socket.
#pragma once

#include <kurier/io/transport.hpp>
#include <kurier/producer_config.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#if __has_include(<netinet/tcp.h>)
#include <netinet/tcp.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

// An option of TCP's own, for which Asio has no type.
class tcp_option
{
public:
    constexpr tcp_option(int name, int value) noexcept : name_{name}, value_{value} {}

    template <class Protocol> int level(const Protocol&) const noexcept { return IPPROTO_TCP; }
    template <class Protocol> int name(const Protocol&) const noexcept { return name_; }
    template <class Protocol> const int* data(const Protocol&) const noexcept { return &value_; }
    template <class Protocol> std::size_t size(const Protocol&) const noexcept { return sizeof value_; }

private:
    int name_, value_;
};

class tcp_transport final : public transport
{
    using tcp = asio::ip::tcp;

public:
    tcp_transport(const asio::any_io_executor& executor, const producer_config& config)
        : socket_{executor}, send_buffer_{config.send_buffer}, receive_buffer_{config.receive_buffer},
          user_timeout_{static_cast<int>(std::min<std::int64_t>(
              config.request_timeout / std::chrono::milliseconds{1}, std::numeric_limits<int>::max()))}
    {}

    void open(const tcp::endpoint& to, std::string_view, io_handler done) override
    {
        close();
        error_code ec;
        socket_.open(to.protocol(), ec);
        if (!ec) socket_.non_blocking(true, ec);
        if (ec) {
            const auto memory = done.get_allocator();
            asio::post(socket_.get_executor(),
                       asio::bind_allocator(memory, [done = std::move(done), ec] { done(ec); }));
            return;
        }
        set_options();
        socket_.async_connect(to, std::move(done));
    }

    std::size_t write_now(buffer_range bytes, error_code& ec) override
    {
        return socket_.write_some(bytes, ec);
    }

    void write_later(buffer_range bytes, io_handler done) override
    {
        socket_.async_write_some(bytes, std::move(done));
    }

    void read_some(asio::mutable_buffer space, io_handler done) override
    {
        socket_.async_read_some(space, std::move(done));
    }

    void close() noexcept override
    {
        error_code ignored;
        socket_.close(ignored);
    }

private:
    // Before connecting: the TCP handshake negotiates the window scale from the buffer's size.
    void set_options()
    {
        error_code ignored; // an option that is refused costs speed at most
        socket_.set_option(tcp::no_delay{true}, ignored);
        watch_the_path();
        if (send_buffer_ >= 0) socket_.set_option(asio::socket_base::send_buffer_size{send_buffer_}, ignored);
        if (receive_buffer_ >= 0)
            socket_.set_option(asio::socket_base::receive_buffer_size{receive_buffer_}, ignored);
    }

    // A peer that vanished, or a NAT that forgot the connection, says nothing: what isn't acknowledged ends the connection
    // after request.timeout.ms, and one that is idle is asked each half minute whether it is still there, which also
    // keeps a NAT from forgetting it. The defaults of most systems are 15 minutes and two hours.
    void watch_the_path()
    {
        error_code ignored;
        socket_.set_option(asio::socket_base::keep_alive{true}, ignored);
#if defined(TCP_KEEPIDLE)
        socket_.set_option(tcp_option{TCP_KEEPIDLE, idle_seconds}, ignored);
#elif defined(TCP_KEEPALIVE)
        socket_.set_option(tcp_option{TCP_KEEPALIVE, idle_seconds}, ignored);
#endif
#if defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
        socket_.set_option(tcp_option{TCP_KEEPINTVL, probe_seconds}, ignored);
        socket_.set_option(tcp_option{TCP_KEEPCNT, probes}, ignored);
#endif
#if defined(TCP_USER_TIMEOUT)
        socket_.set_option(tcp_option{TCP_USER_TIMEOUT, user_timeout_}, ignored);
#endif
    }

    static constexpr int idle_seconds = 30, probe_seconds = 5, probes = 3;

    tcp::socket socket_;
    int send_buffer_, receive_buffer_; // negative: the system's
    int user_timeout_;                 // ms
};

} // namespace kurier::inline KURIER_ABI::io
