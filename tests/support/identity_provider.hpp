// An identity provider for tests, in this process: each request gets what the script says, over TLS if it has a context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace kurier::testing_support {

namespace asio = boost::asio;
namespace beast = boost::beast;

class identity_provider
{
public:
    using request = beast::http::request<beast::http::string_body>;
    // The bytes of the answer; empty: the connection is closed, "never": it stays silent.
    using script = std::function<std::string(const request&)>;

    identity_provider(asio::io_context& context, script answer, std::shared_ptr<asio::ssl::context> tls = {})
        : acceptor_{context, {asio::ip::address_v4::loopback(), 0}}, answer_{std::move(answer)},
          tls_{std::move(tls)}
    {
        asio::co_spawn(context, accept(), asio::detached);
    }

    std::string url() const
    {
        return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") +
               std::to_string(acceptor_.local_endpoint().port()) + "/token";
    }
    int asked() const { return asked_; }

    // Stops listening, as if it had never been there.
    void stop() { acceptor_.close(); }

    static std::string reply(int status, const std::string& body, const std::string& headers = {})
    {
        return "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Type: application/json\r\n" + headers +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

private:
    using socket = asio::basic_stream_socket<asio::ip::tcp, asio::any_io_executor>;

    asio::awaitable<void> accept()
    {
        for (;;) {
            boost::system::error_code closed;
            auto peer = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, closed));
            if (closed) co_return;
            asio::co_spawn(acceptor_.get_executor(), serve(std::move(peer)), asio::detached);
        }
    }

    asio::awaitable<void> serve(socket peer)
    {
        boost::system::error_code failed;
        if (!tls_) {
            co_await converse(peer);
            co_return;
        }
        asio::ssl::stream<socket> stream{std::move(peer), *tls_};
        co_await stream.async_handshake(asio::ssl::stream_base::server,
                                        asio::redirect_error(asio::use_awaitable, failed));
        if (!failed) co_await converse(stream);
    }

    template <class Stream> asio::awaitable<void> converse(Stream& stream)
    {
        boost::system::error_code failed;
        beast::flat_buffer buffer;
        request got;
        co_await beast::http::async_read(stream, buffer, got,
                                         asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return;
        ++asked_;
        const auto bytes = answer_(got);
        if (bytes == "never")
            co_await beast::http::async_read(stream, buffer, got,
                                             asio::redirect_error(asio::use_awaitable, failed));
        else if (!bytes.empty())
            co_await asio::async_write(stream, asio::buffer(bytes),
                                       asio::redirect_error(asio::use_awaitable, failed));
    }

    asio::ip::tcp::acceptor acceptor_;
    script answer_;
    std::shared_ptr<asio::ssl::context> tls_;
    int asked_ = 0;
};

} // namespace kurier::testing_support
