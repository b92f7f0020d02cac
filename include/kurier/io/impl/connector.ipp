// From the name of a broker to an open transport: looks its addresses up and tries them in turn.
#pragma once

#include <kurier/core/net/actions.hpp>
#include <kurier/io/resolver.hpp>
#include <kurier/io/thrown_error.hpp>
#include <kurier/io/transport.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::io {

class connector
{
    using tcp = asio::ip::tcp;

public:
    // `rotation` is shared by the connections of a loop.
    connector(counted& loop, transport& way, std::unique_ptr<resolver> names, std::size_t& rotation)
        : loop_{loop}, transport_{way}, resolver_{std::move(names)}, rotation_{rotation}
    {}

    // `done` is called when the transport is open, or no address was any good. Throws when nothing could be begun.
    void start(const core::action& wanted, io_handler done)
    {
        host_ = wanted.host;
        done_.emplace(std::move(done));
        if (wanted.canonical) return look_up_canonical(wanted.port);
        error_code ec;
        const auto address = asio::ip::make_address(host_, ec);
        if (!ec) {
            candidates_ = {{{address, wanted.port}, host_}};
        } else if (host_ == "localhost") { // RFC 6761; a look-up would cost a thread
            candidates_ = {{{asio::ip::address_v6::loopback(), wanted.port}, host_},
                           {{asio::ip::address_v4::loopback(), wanted.port}, host_}};
        } else {
            look_up(wanted.port);
            return;
        }
        if (!open_next(ec)) throw boost::system::system_error{ec};
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
            looked_up(ec, [&] {
                for (const auto& address : found) candidates_.push_back({{address, port}, host_});
            });
        });
    }

    void look_up_canonical(std::uint16_t port)
    {
        resolver_->look_up_canonical(host_,
                                     [this, port, kept = boost::intrusive_ptr<counted>{&loop_}](
                                         error_code ec, const std::vector<resolver::named_address>& found) {
                                         looked_up(ec, [&] {
                                             for (const auto& one : found)
                                                 candidates_.push_back({{one.address, port}, one.name});
                                         });
                                     });
    }

    template <class Take> void looked_up(error_code ec, Take take)
    {
        if (ec && ec != asio::error::operation_aborted) ec = errc::resolve_failed;
        try {
            if (!ec) take();
            rotate();
        } catch (...) {
            ec = thrown_error();
        }
        if (ec || !open_next(ec)) (*done_)(ec);
    }

    // Another address first each time, so that a dead one is not met again and again.
    void rotate()
    {
        if (candidates_.empty()) return;
        const auto shift = rotation_++ % candidates_.size();
        std::reverse(candidates_.begin(), candidates_.end());
        std::rotate(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(shift),
                    candidates_.end());
    }

    // False: no address is left. `last` is what was wrong with the one before.
    bool open_next(error_code& last)
    {
        while (!stopped_ && !candidates_.empty()) {
            opening_ = std::move(candidates_.back());
            candidates_.pop_back();
            try {
                transport_.open(opening_.at, opening_.name,
                                io_handler::to<&connector::tried>(*this, memory_, &loop_));
                return true;
            } catch (...) {
                last = thrown_error();
            }
        }
        if (!last) last = stopped_ ? make_error_code(asio::error::operation_aborted) : errc::resolve_failed;
        return false;
    }

    void tried(error_code ec, std::size_t)
    {
        const bool open = !ec && !stopped_;
        if (open || !open_next(ec)) (*done_)(ec); // which may destroy this object
    }

    struct candidate
    {
        tcp::endpoint at;
        std::string name;
    };

    counted& loop_;
    transport& transport_;
    std::unique_ptr<resolver> resolver_; // nothing: the context has ended
    std::size_t& rotation_;
    std::string host_;
    std::vector<candidate> candidates_; // still to be tried, the next one last
    candidate opening_;
    std::optional<io_handler> done_;
    handler_memory memory_;
    bool stopped_ = false;
};

} // namespace kurier::inline KURIER_ABI::io
