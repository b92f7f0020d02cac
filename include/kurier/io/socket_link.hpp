// The socket of one connection and what is going on with it.
#pragma once

#include <kurier/core/net/connection.hpp>
#include <kurier/io/handler_memory.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <optional>
#include <vector>

namespace kurier::io {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

// A gather list that lives in the link, so that an operation carries two pointers instead of the list.
struct buffer_range
{
    const asio::const_buffer* first = nullptr;
    const asio::const_buffer* last = nullptr;
    const asio::const_buffer* begin() const noexcept { return first; }
    const asio::const_buffer* end() const noexcept { return last; }
};

struct socket_link
{
    socket_link(const asio::any_io_executor& executor, core::connection_id number)
        : id{number}, socket{executor}, resolver{executor}
    {}

    core::connection_id id;
    std::optional<tcp::socket> socket; // nothing: the context has ended
    std::optional<tcp::resolver> resolver;
    std::vector<tcp::endpoint> endpoints;                      // still to be tried, the next one last
    bool connecting = false, reading = false, writing = false; // an operation is under way
    bool closing = false;
    error_code error; // why it closes
    std::array<bytes_view, 32> views;
    std::array<asio::const_buffer, 32> buffers;
    handler_memory read_memory, write_memory;

    bool quiet() const noexcept { return !connecting && !reading && !writing; }
};

} // namespace kurier::io
