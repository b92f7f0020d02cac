// The outer half of a connection: what the core wants written and read goes through a transport. The inner half, with
// frames, requests and deadlines, is core/net/connection.hpp.
#pragma once

#include <kurier/io/impl/connector.ipp>
#include <kurier/io/impl/turn_loop.ipp>
#include <kurier/io/thrown_error.hpp>
#include <kurier/io/transport.hpp>

#include <boost/asio/error.hpp>

#include <array>
#include <memory>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

class connection
{
public:
    connection(turn_loop& loop, core::connection_id id, std::unique_ptr<transport> way)
        : loop_{loop}, id_{id}, transport_{std::move(way)}
    {}

    // Throws when it could not be begun: then nothing is under way.
    void connect(const core::action& wanted, std::unique_ptr<resolver> names, std::size_t& rotation)
    {
        connector_ = std::make_unique<connector>(loop_, *transport_, std::move(names), rotation);
        connector_->start(wanted, io_handler::to<&connection::connected>(*this, write_memory_, nullptr));
    }

    // Right now as much as the transport takes, nearly always everything: an operation would complete in a turn of its own.
    // Only the rest waits.
    void write()
    {
        if (writing_ || connector_ || closing_) return;
        for (auto range = gather(); !range.empty(); range = gather()) {
            error_code ec;
            const auto size = write_now(range, ec);
            if (size > 0) loop_.core().written(id_, size, loop_.now());
            if (ec == asio::error::would_block) {
                write_later(size > 0 ? gather() : range);
                return;
            }
            if (ec) {
                close(ec);
                return;
            }
        }
    }

    // May destroy the connection, and so may every caller.
    void close(error_code why)
    {
        if (!std::exchange(closing_, true)) {
            error_ = why;
            if (why) keep_words();
            if (connector_) connector_->stop();
            transport_->close();
        }
        finish();
    }

    // The memory stays, because pending operations live in it.
    void context_ended()
    {
        if (connector_) connector_->context_ended();
        transport_.reset();
    }

private:
    void connected(error_code ec, std::size_t)
    {
        auto& loop = loop_; // the connection may end here
        const auto now = loop.read_clock();
        connector_.reset();
        if (ec || closing_) {
            close(ec);
        } else {
            loop.core().connected(id_, now);
            read();
        }
        loop.turn();
    }

    // Starts an operation. If that throws (no memory, say), the connection is lost.
    template <class Operation> void start(bool& under_way, Operation operation)
    {
        try {
            under_way = true;
            operation();
        } catch (...) {
            under_way = false;
            close(thrown_error());
        }
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    void read()
    {
        const auto space = loop_.core().read_space(id_);
        if (space.empty() && loop_.core().closing())
            loop_.wake(); // out of memory: the core closes the connection
        if (space.empty() || closing_) return;
        start(reading_, [&] {
            transport_->read_some(asio::buffer(space.data(), space.size()),
                                  io_handler::to<&connection::was_read>(*this, read_memory_, &loop_));
        });
    }

    void was_read(error_code ec, std::size_t size)
    {
        auto& loop = loop_;
        const auto now = loop.read_clock();
        reading_ = false;
        if (size > 0 && !closing_) loop.core().read(id_, size, now);
        if (ec)
            close(ec == asio::error::eof ? make_error_code(errc::disconnected) : ec);
        else if (closing_)
            finish();
        else
            read(); // before a user's handler can throw
        loop.turn();
    }

    // --- writing -----------------------------------------------------------------------------------------------------

    buffer_range gather()
    {
        const auto count = loop_.core().gather(id_, views_);
        for (std::size_t i = 0; i < count; ++i) buffers_[i] = {views_[i].data(), views_[i].size()};
        return {buffers_.data(), buffers_.data() + count};
    }

    std::size_t write_now(buffer_range range, error_code& ec)
    {
        try {
            return transport_->write_now(range, ec);
        } catch (...) {
            ec = thrown_error();
            return 0;
        }
    }

    void write_later(buffer_range range)
    {
        start(writing_, [&] {
            transport_->write_later(range,
                                    io_handler::to<&connection::was_written>(*this, write_memory_, &loop_));
        });
    }

    void was_written(error_code ec, std::size_t size)
    {
        auto& loop = loop_;
        const auto now = loop.read_clock();
        writing_ = false;
        if (size > 0)
            loop.core().written(id_, size, now); // also while closing: it decides what may have arrived
        if (ec)
            close(ec);
        else if (closing_)
            finish();
        else
            write();
        loop.turn();
    }

    // --- the end -----------------------------------------------------------------------------------------------------

    // The connection is over once no operation refers to its memory.
    void finish()
    {
        if (!connector_ && !reading_ && !writing_)
            loop_.connection_over(id_, error_, std::move(words_)); // destroys it
    }

    void keep_words() noexcept
    {
        try {
            words_ = transport_->words();
        } catch (...) { // the error code remains
        }
    }

    turn_loop& loop_;
    core::connection_id id_;
    std::unique_ptr<transport> transport_;
    std::unique_ptr<connector> connector_;   // while it is being made
    bool reading_ = false, writing_ = false; // an operation is under way
    bool closing_ = false;
    error_code error_;  // why it closes
    std::string words_; // the transport's, about why
    std::array<bytes_view, 32> views_;
    std::array<asio::const_buffer, 32> buffers_;
    handler_memory read_memory_, write_memory_;
};

} // namespace kurier::inline KURIER_ABI::io
