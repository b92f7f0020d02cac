// What the sockets are told that connections to brokers use.
#include <kurier/io/tcp_transport.hpp>

#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#if defined(__linux__)

namespace kurier::inline KURIER_ABI::io {
namespace {

// The process's socket that is connected to this port; -1: none.
int socket_to(std::uint16_t port)
{
    for (int fd = 0; fd < 1024; ++fd) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && peer.sin_family == AF_INET &&
            ntohs(peer.sin_port) == port)
            return fd;
    }
    return -1;
}

int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

struct opened
{
    void on_done(error_code ec, std::size_t)
    {
        over = true;
        failed = ec;
    }

    bool over = false;
    error_code failed;
};

} // namespace

TEST_CASE("TCP notices a path that swallows packets: user timeout and keepalive")
{
    producer_config config;
    config.request_timeout = std::chrono::milliseconds{12'345};
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    struct alive final : counted
    {};
    boost::intrusive_ptr<alive> loop{new alive};
    handler_memory memory;
    opened result;
    tcp_transport tcp{context.get_executor(), config};
    tcp.open(acceptor.local_endpoint(), "localhost",
             io_handler::to<&opened::on_done>(result, memory, loop.get()));
    context.run();
    REQUIRE(result.over);
    REQUIRE_FALSE(result.failed);
    const int fd = socket_to(acceptor.local_endpoint().port());
    REQUIRE(fd >= 0);
    CHECK(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT) == 12'345);
    CHECK(option_of(fd, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE) <= 60);
    CHECK(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL) * option_of(fd, IPPROTO_TCP, TCP_KEEPCNT) <= 30);
    CHECK(option_of(fd, IPPROTO_TCP, TCP_NODELAY) == 1);
}

} // namespace kurier::inline KURIER_ABI::io

#endif
