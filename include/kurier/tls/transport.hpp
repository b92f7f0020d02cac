// TLS over any transport, by its contract (io/transport.hpp): plaintext is accepted once the transport below has its whole
// record, so that what failed to leave is never counted as sent.
//
// Each operation below belongs to one that was asked for above, so that nothing refers to this object when those have
// ended. What TLS itself has to say, the answer to a key update for one, goes out at once if there is room and with the
// next record otherwise.
#pragma once

#include <kurier/io/thrown_error.hpp>
#include <kurier/io/transport.hpp>
#include <kurier/tls/failure.hpp>
#include <kurier/tls/peer_check.hpp>
#include <kurier/tls/session.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::openssl {

namespace asio = boost::asio;

// What connections of one engine have in common.
struct setup : check_rules
{
    std::shared_ptr<asio::ssl::context> context;
    std::string trusted; // for texts: "3 authorities of /etc/kafka/ca.pem"
    std::string own;     // our certificate; empty: none
};

class transport final : public io::transport
{
public:
    transport(asio::any_io_executor executor, std::unique_ptr<io::transport> below,
              std::shared_ptr<const setup> common)
        : executor_{std::move(executor)}, below_{std::move(below)}, setup_{std::move(common)}
    {}

    void open(const asio::ip::tcp::endpoint& to, std::string_view host, io::io_handler done) override
    {
        words_.clear();
        session_ = std::make_unique<session>(setup_->context->native_handle(), session::side::client);
        check_.attach(session_->native(), host, *setup_);
        blocked_ = closed_ = answered_ = ending_ = false;
        write_error_ = {};
        below_->open(to, host, done.on_behalf<&transport::opened>(*this));
        opener_.emplace(std::move(done));
    }

    std::size_t write_now(io::buffer_range bytes, error_code& ec) override
    {
        if (blocked_ || write_error_) {
            ec = asio::error::would_block;
            return 0;
        }
        if (!session_->seal(bytes)) {
            ec = broken();
            return 0;
        }
        const auto size = push(ec);
        if (waits_for_last_words(ec)) {
            write_error_ = ec;
            ec = asio::error::would_block;
        }
        return size;
    }

    void write_later(io::buffer_range bytes, io::io_handler done) override
    {
        offered_ = bytes;
        accepted_ = 0;
        if (write_error_) {
            writer_.emplace(std::move(done));
            if (!reader_) end_writer_later(write_error_, 0);
            return;
        }
        if (session_->output().empty() && !session_->seal(bytes)) {
            writer_.emplace(std::move(done));
            end_writer_later(broken(), 0);
            return;
        }
        write_below(done);
        writer_.emplace(std::move(done));
    }

    void read_some(asio::mutable_buffer space, io::io_handler done) override
    {
        space_ = space;
        std::size_t size = 0;
        error_code ec;
        if (take(ec, size)) {
            const auto memory = done.get_allocator();
            asio::post(executor_, asio::bind_allocator(memory, [this, ec, size] { end_reader(ec, size); }));
            reader_.emplace(std::move(done));
            return;
        }
        read_below(done);
        reader_.emplace(std::move(done));
    }

    // Says goodbye if that can be said at once.
    void close() noexcept override
    {
        if (std::exchange(closed_, true)) return;
        if (session_ && !writing_ && !blocked_ && !write_error_ && session_->output().empty()) {
            session_->close();
            error_code ignored;
            push(ignored);
        }
        below_->close();
        if (!writer_ || writing_ || reader_ || ending_) return; // or else it ends with them
        try {
            end_writer_later(write_error_, accepted_);
        } catch (...) { // without memory for a handler
        }
    }

    std::string_view words() const noexcept override { return words_; }

private:
    // --- handshake ---------------------------------------------------------------------------------------------------

    void opened(error_code ec, std::size_t)
    {
        if (ec)
            end(opener_, ec);
        else
            shake();
    }

    void shake(error_code lost = {})
    {
        const auto result = session_->handshake();
        error_code ec;
        push(ec); // an alert too
        if (closed_) return end(opener_, asio::error::operation_aborted);
        if (result == outcome::failed) return end(opener_, broken());
        if (result == outcome::closed) return end(opener_, ended_by(asio::error::eof));
        if (ec && ec != asio::error::would_block) {
            if (write_error_ || !is_hangup(ec)) return end(opener_, ended_by(ec));
            write_error_ = ec; // what the peer said before it hung up is there to be read
        } else if (result == outcome::starved && lost) {
            return end(opener_, ended_by(lost));
        }
        try {
            if (blocked_)
                write_below(*opener_);
            else if (result == outcome::starved || write_error_)
                read_below(*opener_);
            else
                return end(opener_, {});
        } catch (...) {
            end(opener_, io::thrown_error());
        }
    }

    // --- writing -----------------------------------------------------------------------------------------------------

    // As much as the transport below takes without waiting. Returns how much plaintext has gone with it.
    std::size_t push(error_code& ec) noexcept
    {
        std::size_t plain = 0;
        while (!ec && !blocked_ && !session_->output().empty()) {
            lend();
            std::size_t size = 0;
            try {
                size = below_->write_now({&lent_, &lent_ + 1}, ec);
                blocked_ = ec == asio::error::would_block;
                plain += session_->written(size);
                if (!blocked_) session_->take_back();
            } catch (...) {
                ec = io::thrown_error();
            }
        }
        return plain;
    }

    void lend() noexcept
    {
        const auto output = session_->output();
        lent_ = {output.data(), output.size()};
        session_->lend();
    }

    void write_below(const io::io_handler& above)
    {
        lend();
        below_->write_later({&lent_, &lent_ + 1}, above.on_behalf<&transport::was_written>(*this));
        writing_ = true;
    }

    void was_written(error_code ec, std::size_t size)
    {
        writing_ = blocked_ = false;
        accepted_ += session_->written(size);
        try {
            session_->take_back();
            if (opener_) return ec ? end(opener_, ended_by(ec)) : shake();
            if (go_on(ec)) return;
        } catch (...) {
            ec = io::thrown_error();
        }
        if (waits_for_last_words(ec))
            write_error_ = ec;
        else
            end(writer_, ec, accepted_);
    }

    // Until everything that is sealed has gone: nobody has to offer it again. True: that needs to wait once more.
    bool go_on(error_code& ec)
    {
        while (!ec && !closed_) {
            accepted_ += push(ec);
            if (blocked_) {
                ec = {};
                if (session_->sealed() == 0 && accepted_ > 0) return false;
                write_below(*writer_);
                return true;
            }
            if (ec || accepted_ > 0) return false;
            if (!session_->seal(offered_)) ec = broken(); // only TLS's own bytes were in the way
        }
        if (!ec) ec = asio::error::operation_aborted;
        return false;
    }

    // A peer that refuses us says why and hangs up. What it said is read first, and then tells more than our write.
    bool waits_for_last_words(error_code ec) const noexcept { return is_hangup(ec) && reader_ && !closed_; }

    static bool is_hangup(error_code ec) noexcept
    {
        return ec == asio::error::broken_pipe || ec == asio::error::connection_reset;
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    void read_below(const io::io_handler& above)
    {
        const auto space = session_->input_space();
        below_->read_some({space.data(), space.size()}, above.on_behalf<&transport::was_read>(*this));
    }

    void was_read(error_code ec, std::size_t size)
    {
        session_->received(size);
        if (opener_) return shake(ec);
        std::size_t plain = 0;
        error_code result;
        if (!take(result, plain)) {
            if (!ec) {
                try {
                    return read_below(*reader_);
                } catch (...) {
                    result = io::thrown_error();
                }
            } else {
                result = ended_by(ec);
            }
        }
        end_reader(result, plain);
    }

    // Then a writer that waited for the peer's last words has waited long enough.
    void end_reader(error_code ec, std::size_t size)
    {
        const bool both = (ec || closed_) && writer_ && !writing_ && !ending_;
        ending_ |= both;
        end(reader_, ec, size); // this object lives as long as somebody waits
        if (both) end(writer_, write_error_, accepted_);
    }

    // What the session has for the reader. False: nothing.
    bool take(error_code& ec, std::size_t& size) noexcept
    {
        const auto result = session_->read({static_cast<std::byte*>(space_.data()), space_.size()}, size);
        answered_ |= size > 0;
        if (result == outcome::failed) ec = broken();
        if (result == outcome::closed) ec = ended_by(asio::error::eof);
        error_code later; // is met again by the next write
        if (!writing_ && !write_error_) push(later);
        return size > 0 || ec;
    }

    // --- ends --------------------------------------------------------------------------------------------------------

    error_code broken() noexcept
    {
        return explain(errc::tls_failed, [](const circumstances& seen) { return session_failure(seen); });
    }
    error_code ended_by(error_code why) noexcept
    {
        return explain(why, [why](const circumstances& seen) { return lost_failure(why, seen); });
    }

    template <class How> error_code explain(error_code otherwise, How how) noexcept
    {
        try {
            auto found = how(circumstances{*session_, check_, setup_->trusted, setup_->own, answered_});
            words_ = std::move(found.text);
            return found.code;
        } catch (...) {
            return otherwise;
        }
    }

    // May destroy this object.
    static void end(std::optional<io::io_handler>& waiting, error_code ec, std::size_t size = 0)
    {
        const auto done = *std::exchange(waiting, std::nullopt);
        done(ec, size);
    }

    void end_writer_later(error_code ec, std::size_t size)
    {
        const auto memory = writer_->get_allocator();
        asio::post(executor_, asio::bind_allocator(memory, [this, ec, size] { end(writer_, ec, size); }));
        ending_ = true;
    }

    asio::any_io_executor executor_;
    std::unique_ptr<io::transport> below_;
    std::shared_ptr<const setup> setup_;
    peer_check check_;
    std::unique_ptr<session> session_;
    std::optional<io::io_handler> opener_, writer_, reader_; // who waits
    io::buffer_range offered_;                               // to the writer
    std::size_t accepted_ = 0;                               // of it
    asio::mutable_buffer space_;                             // of the reader
    asio::const_buffer lent_;
    error_code write_error_; // that is told when the peer's last words are read
    std::string words_;
    bool writing_ = false; // an operation below is under way
    bool blocked_ = false; // the transport below has no room, and has seen what comes next
    bool answered_ = false, closed_ = false;
    bool ending_ = false; // the writer is about to be told that it is over
};

} // namespace kurier::inline KURIER_ABI::openssl
