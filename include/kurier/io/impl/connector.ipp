// From the name of a broker to an open transport: looks its addresses up and tries them in turn.
#pragma once

#include <kurier/core/net/actions.hpp>
#include <kurier/io/resolver.hpp>
#include <kurier/io/transport.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kurier::io {

class connector
{
    using tcp = asio::ip::tcp;

public:
    // `rotation` is shared by the connections of a loop.
    connector(counted& loop, transport& way, std::unique_ptr<resolver> names, std::size_t& rotation)
        : loop_{loop}, transport_{way}, resolver_{std::move(names)}, rotation_{rotation}
    {}

    // `done` is called when the transport is open, or no address was any good.
    void start(const core::action& wanted, io_handler done)
    {
        host_ = wanted.host;
        done_.emplace(std::move(done));
        error_code ec;
        const auto address = asio::ip::make_address(host_, ec);
        if (!ec) {
            endpoints_ = {{address, wanted.port}};
            open_next({});
        } else if (host_ == "localhost") { // RFC 6761; a look-up would cost a thread
            endpoints_ = {{asio::ip::address_v6::loopback(), wanted.port},
                          {asio::ip::address_v4::loopback(), wanted.port}};
            open_next({});
        } else {
            look_up(wanted.port);
        }
    }

    // What is under way ends soon, if the transport is closed too.
    void stop()
    {
        stopped_ = true;
        resolver_->cancel();
    }

    void context_ended() { resolver_.reset(); }

private:
    void look_up(std::uint16_t port)
    {
        resolver_->look_up(host_, [this, port, kept = boost::intrusive_ptr<counted>{&loop_}](
                                      error_code ec, const std::vector<asio::ip::address>& found) {
            if (ec && ec != asio::error::operation_aborted) ec = errc::resolve_failed;
            for (const auto& address : found) endpoints_.push_back({address, port});
            rotate();
            open_next(ec);
        });
    }

    // Another address first each time, so that a dead one is not met again and again.
    void rotate()
    {
        if (endpoints_.empty()) return;
        const auto shift = rotation_++ % endpoints_.size();
        std::reverse(endpoints_.begin(), endpoints_.end());
        std::rotate(endpoints_.begin(), endpoints_.begin() + static_cast<std::ptrdiff_t>(shift),
                    endpoints_.end());
    }

    void open_next(error_code last)
    {
        if (stopped_ || endpoints_.empty()) {
            (*done_)(last ? last : make_error_code(errc::resolve_failed)); // and may destroy this object
            return;
        }
        const auto endpoint = endpoints_.back();
        endpoints_.pop_back();
        transport_.open(endpoint, host_, io_handler::to<&connector::tried>(*this, memory_, &loop_));
    }

    void tried(error_code ec, std::size_t)
    {
        if (ec || stopped_)
            open_next(ec);
        else
            (*done_)({});
    }

    counted& loop_;
    transport& transport_;
    std::unique_ptr<resolver> resolver_; // nothing: the context has ended
    std::size_t& rotation_;
    std::string host_;
    std::vector<tcp::endpoint> endpoints_; // still to be tried, the next one last
    std::optional<io_handler> done_;
    handler_memory memory_;
    bool stopped_ = false;
};

} // namespace kurier::io
