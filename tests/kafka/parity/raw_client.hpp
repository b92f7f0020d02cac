// A connection to a broker that sends whatever bytes a test wants, and waits for the answer: blocking, one
// request at a time.
#pragma once

#include "../../support/answer.hpp"

#include <kurier/protocol/frame.hpp>
#include <kurier/protocol/messages.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace kurier::parity {

using bytes = std::vector<std::byte>;

class raw_client
{
public:
    explicit raw_client(std::uint16_t port) : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}
    {
        sockaddr_in broker{};
        broker.sin_family = AF_INET;
        broker.sin_port = htons(port);
        broker.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&broker), sizeof broker) != 0) {
            ::close(socket_);
            throw std::runtime_error("no connection to 127.0.0.1:" + std::to_string(port));
        }
    }
    raw_client(raw_client&& other) noexcept
        : socket_{std::exchange(other.socket_, -1)}, correlation_id_{other.correlation_id_}
    {}
    raw_client& operator=(raw_client&& other) noexcept
    {
        std::swap(socket_, other.socket_);
        std::swap(correlation_id_, other.correlation_id_);
        return *this;
    }
    ~raw_client()
    {
        if (socket_ >= 0) ::close(socket_);
    }

    // False: the broker has hung up.
    bool send(const bytes& frame)
    {
        for (std::size_t sent = 0; sent != frame.size();) {
            const auto n = ::send(socket_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
            if (n <= 0) return false;
            sent += static_cast<std::size_t>(n);
        }
        return true;
    }

    // An answer without its size; nothing if the broker has hung up.
    std::optional<bytes> receive()
    {
        bytes size(4);
        if (!read(size)) return std::nullopt;
        bytes frame(static_cast<std::size_t>(wire::reader{size}.take_int<std::int32_t>()));
        if (!read(frame)) return std::nullopt;
        return frame;
    }

    // Is nothing sent, and the connection kept, for a while?
    bool silent(int milliseconds)
    {
        pollfd wanted{socket_, POLLIN, 0};
        return ::poll(&wanted, 1, milliseconds) == 0;
    }

    template <class Request> bool send(const Request& request, std::int16_t version)
    {
        bytes frame;
        if (!protocol::write_request_frame(frame, request, version, ++correlation_id_, "parity"))
            throw std::logic_error("the request can't be written in this version");
        return send(frame);
    }

    template <class Response> std::optional<Response> receive(std::int16_t version)
    {
        const auto frame = receive();
        if (!frame) return std::nullopt;
        if (testing::correlation_id_of(*frame) != correlation_id_)
            throw std::runtime_error("answer with another correlation id");
        return testing::answer_in<Response>(*frame, version);
    }

    template <class Response, class Request>
    std::optional<Response> ask(const Request& request, std::int16_t version)
    {
        if (!send(request, version)) return std::nullopt;
        return receive<Response>(version);
    }

    std::int32_t correlation_id() const noexcept { return correlation_id_; }

private:
    bool read(bytes& into)
    {
        for (std::size_t got = 0; got != into.size();) {
            if (silent(20'000)) throw std::runtime_error("no answer within 20 seconds");
            const auto n = ::recv(socket_, into.data() + got, into.size() - got, 0);
            if (n <= 0) return false;
            got += static_cast<std::size_t>(n);
        }
        return true;
    }

    int socket_;
    std::int32_t correlation_id_ = 0;
};

} // namespace kurier::parity
