// Plain TCP. The only place that names a socket.
#pragma once

#include <kurier/io/transport.hpp>
#include <kurier/producer_config.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

class tcp_transport final : public transport
{
    using tcp = asio::ip::tcp;

public:
    tcp_transport(const asio::any_io_executor& executor, const producer_config& config)
        : socket_{executor}, send_buffer_{config.send_buffer}, receive_buffer_{config.receive_buffer}
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
    // Before the connection is made: the handshake negotiates the window for the buffer that there is then.
    void set_options()
    {
        error_code ignored; // an option that the system refuses costs speed at most
        socket_.set_option(tcp::no_delay{true}, ignored);
        socket_.set_option(asio::socket_base::keep_alive{true}, ignored);
        if (send_buffer_ >= 0) socket_.set_option(asio::socket_base::send_buffer_size{send_buffer_}, ignored);
        if (receive_buffer_ >= 0)
            socket_.set_option(asio::socket_base::receive_buffer_size{receive_buffer_}, ignored);
    }

    tcp::socket socket_;
    int send_buffer_, receive_buffer_; // negative: the system's
};

} // namespace kurier::inline KURIER_ABI::io
