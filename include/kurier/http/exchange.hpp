// One request to an HTTP server and its response, over a connection of its own: bounded in time and size, without redirects,
// and overwritten afterwards.
#pragma once

#include <kurier/http/url.hpp>
#include <kurier/http/wiped_text.hpp>
#include <kurier/tls/failure.hpp>
#include <kurier/tls/peer_check.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include <openssl/ssl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::http {

namespace asio = boost::asio;
namespace beast = boost::beast;

using body = beast::http::basic_string_body<char, std::char_traits<char>, wiping_allocator<char>>;
using fields = beast::http::basic_fields<wiping_allocator<char>>;
using request = beast::http::request<body, fields>;
using response = beast::http::response<body, fields>;

struct limits
{
    std::chrono::milliseconds time{10'000}; // for all of it
    std::size_t body = 64 * 1024;
    std::uint32_t header = 16 * 1024;
};

// Whose certificates are taken, and how that is called in texts.
struct trust
{
    std::shared_ptr<asio::ssl::context> context;
    std::string authorities;
};

// What came, or why nothing did, in a sentence about the server that was asked.
struct outcome
{
    std::optional<response> answer;
    std::string problem;
};

namespace detail {

inline std::string explain(const boost::system::error_code& why, const limits& bounds)
{
    if (why == beast::error::timeout)
        return "had no answer within " + std::to_string(bounds.time.count()) + " ms";
    if (why == beast::http::error::body_limit)
        return "sends more than " + std::to_string(bounds.body) + " bytes, and is not listened to any longer";
    if (why == beast::http::error::header_limit)
        return "sends headers of more than " + std::to_string(bounds.header) +
               " bytes, and is not listened to any longer";
    if (why == beast::http::error::end_of_stream) return "closed the connection without an answer";
    if (why == beast::http::error::partial_message)
        return "closed the connection in the middle of its answer";
    if (why.category() == beast::http::make_error_code(beast::http::error::bad_version).category())
        return "answered with what is not HTTP: " + why.message();
    return "can't be asked: " + why.message();
}

// The certificate's fault, in the words that brokers' certificates have.
inline std::string explain_handshake(const boost::system::error_code& why, const openssl::peer_check& check,
                                     const trust& trusted, const limits& bounds)
{
    const auto& found = check.found();
    if (found.code == X509_V_OK)
        return why == beast::error::timeout ? explain(why, bounds)
                                            : "can't be asked over TLS: " + why.message();
    return "has a certificate that is not accepted: " + found.certificate.subject + " (" + found.detail +
           "), checked against " + trusted.authorities + " and the name " + check.name();
}

template <class Stream> asio::awaitable<boost::system::error_code>
converse(Stream& stream, const request& asked, const limits& bounds, outcome& result)
{
    boost::system::error_code failed;
    co_await beast::http::async_write(stream, asked, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return failed;
    beast::http::response_parser<body, wiping_allocator<char>> parser;
    parser.body_limit(bounds.body);
    parser.header_limit(bounds.header);
    beast::basic_flat_buffer<wiping_allocator<char>> buffer;
    co_await beast::http::async_read(stream, buffer, parser,
                                     asio::redirect_error(asio::use_awaitable, failed));
    if (!failed) result.answer = parser.release();
    co_return failed;
}

inline asio::awaitable<boost::system::error_code> over_tls(beast::tcp_stream tcp, const url& where,
                                                           const request& asked, const trust& trusted,
                                                           const limits& bounds, outcome& result)
{
    openssl::peer_check check; // outlives the stream
    beast::ssl_stream<beast::tcp_stream> stream{std::move(tcp), *trusted.context};
    SSL_set_options(stream.native_handle(), SSL_OP_CLEANSE_PLAINTEXT);
    check.attach(stream.native_handle(), where.host, {});
    boost::system::error_code failed;
    co_await stream.async_handshake(asio::ssl::stream_base::client,
                                    asio::redirect_error(asio::use_awaitable, failed));
    if (failed) {
        result.problem = explain_handshake(failed, check, trusted, bounds);
        co_return failed;
    }
    co_return co_await converse(stream, asked, bounds, result);
}

} // namespace detail

// Completes always, and throws only what memory does. `asked` and the rest outlive it.
inline asio::awaitable<outcome> exchange(const url& where, const request& asked, const trust& trusted,
                                         const limits& bounds)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto until = std::chrono::steady_clock::now() + bounds.time;
    outcome result;
    boost::system::error_code failed;
    asio::ip::tcp::resolver resolver{executor};
    const auto found = co_await resolver.async_resolve(where.host, where.port,
                                                       asio::redirect_error(asio::use_awaitable, failed));
    if (!failed) {
        beast::tcp_stream tcp{executor};
        tcp.expires_at(until);
        co_await tcp.async_connect(found, asio::redirect_error(asio::use_awaitable, failed));
        if (!failed && where.secure)
            failed = co_await detail::over_tls(std::move(tcp), where, asked, trusted, bounds, result);
        else if (!failed)
            failed = co_await detail::converse(tcp, asked, bounds, result);
    }
    if (failed) {
        result.answer.reset();
        if (result.problem.empty()) result.problem = detail::explain(failed, bounds);
        result.problem.insert(0, where.origin() + ' ');
    }
    co_return result;
}

} // namespace kurier::inline KURIER_ABI::http
