// A TLS transport over a wire whose every byte the test decides about, and a broker's end that runs in memory.
#pragma once

#include "support/certificates.hpp"

#include <kurier/tls/context.hpp>
#include <kurier/tls/transport.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

namespace asio = boost::asio;

inline std::shared_ptr<asio::ssl::context> server_context(const certificate& own)
{
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX_use_certificate(context->native_handle(), own.x509.get());
    SSL_CTX_use_PrivateKey(context->native_handle(), own.key.get());
    return context;
}

inline std::shared_ptr<openssl::setup> client_setup(const certificate& trusted)
{
    auto setup = std::make_shared<openssl::setup>();
    setup->context = openssl::make_context();
    X509_STORE_add_cert(SSL_CTX_get_cert_store(setup->context->native_handle()), trusted.x509.get());
    setup->trusted = "the authorities of the test";
    return setup;
}

// The broker's end of one connection.
class tls_peer
{
public:
    explicit tls_peer(std::shared_ptr<asio::ssl::context> context)
        : context_{std::move(context)}, session{context_->native_handle(), openssl::session::side::server}
    {}

    void receive(const std::byte* data, std::size_t size)
    {
        while (size > 0) {
            const auto space = session.input_space();
            const auto some = std::min(size, space.size());
            std::memcpy(space.data(), data, some);
            session.received(some);
            data += some;
            size -= some;
            run();
        }
    }
    void run()
    {
        last = openssl::outcome::done;
        if (!session.established()) last = session.handshake();
        std::array<std::byte, 4096> space;
        while (session.established() && last == openssl::outcome::done) {
            std::size_t more = 0;
            last = session.read(space, more);
            got.append(reinterpret_cast<const char*>(space.data()), more);
        }
        if (last == openssl::outcome::closed) said_goodbye = true;
        drain();
    }
    void say(std::string_view text)
    {
        const asio::const_buffer one{text.data(), text.size()};
        for (std::size_t at = 0; at < text.size(); at += openssl::record_max) {
            const std::array pieces{asio::buffer(one + at, openssl::record_max)};
            REQUIRE(session.seal(pieces));
        }
        drain();
    }
    void drain()
    {
        const auto output = session.output();
        out.insert(out.end(), output.begin(), output.end());
        if (damage_at >= said && damage_at - said < output.size())
            out[out.size() - output.size() + damage_at - said] ^= std::byte{0x40};
        said += output.size();
        session.written(output.size());
    }

private:
    std::shared_ptr<asio::ssl::context> context_;

public:
    openssl::session session;
    std::string got;            // plaintext
    std::vector<std::byte> out; // ciphertext, on its way to the client
    openssl::outcome last = openssl::outcome::starved;
    bool said_goodbye = false;
    std::size_t said = 0, damage_at = SIZE_MAX; // of the broker's stream
};

struct wire_script
{
    std::size_t at_once = SIZE_MAX; // bytes that one operation moves
    bool congested = false; // each write_now moves nothing, or what there is room for, and would block
    std::size_t block_at = SIZE_MAX; // the byte of the client's stream before which a write would block, once
    std::size_t fail_at = SIZE_MAX;  // the byte that can't be written
    error_code failure = asio::error::connection_reset;
};

// What lies between: keeps to the contract of io/transport.hpp, and complains about who doesn't.
class scripted_wire final : public io::transport
{
public:
    scripted_wire(asio::io_context& context, tls_peer& peer, wire_script& script)
        : context_{context}, peer_{peer}, script_{script}
    {}

    void open(const asio::ip::tcp::endpoint&, std::string_view, io::io_handler done) override
    {
        asio::post(context_, [done = std::move(done)] { done({}); });
    }

    std::size_t write_now(io::buffer_range bytes, error_code& ec) override
    {
        CHECK_FALSE(writer_);
        CHECK(blocked_.empty());
        ++writes;
        auto room = script_.congested ? std::size_t{0} : script_.at_once;
        if (const auto left = script_.block_at - moved_;
            script_.block_at != SIZE_MAX && left < asio::buffer_size(bytes)) {
            room = std::min(room, left);
            script_.block_at = SIZE_MAX;
            ec = asio::error::would_block;
        }
        if (script_.congested) ec = asio::error::would_block;
        const auto size = move(bytes, room, ec);
        if (ec == asio::error::would_block) block(bytes, size);
        return size;
    }

    void write_later(io::buffer_range bytes, io::io_handler done) override
    {
        CHECK_FALSE(writer_);
        ++writes;
        const auto all = copy(bytes);
        if (!blocked_.empty()) {
            CHECK(blocked_at_ == bytes.begin()->data());
            CHECK(all.size() >= blocked_.size());
            CHECK(std::equal(blocked_.begin(), blocked_.end(), all.begin()));
        }
        blocked_.clear();
        writer_.emplace(std::move(done));
        offered_ = bytes;
        lent_ = all;
        if (!stuck) finish_write();
    }

    void read_some(asio::mutable_buffer space, io::io_handler done) override
    {
        CHECK_FALSE(reader_);
        reader_.emplace(std::move(done));
        space_ = space;
        pass_on();
    }

    void close() noexcept override
    {
        if (std::exchange(closed_, true)) return;
        pass_on();
        if (stuck && writer_) finish_write();
    }

    // Gives the reader what the peer has said.
    void pass_on()
    {
        if (!reader_ || passing_ || muted || (peer_.out.empty() && !ended && !closed_)) return;
        passing_ = true;
        asio::post(context_, [this] {
            passing_ = false;
            const auto size = closed_ ? 0 : std::min({peer_.out.size(), space_.size(), script_.at_once});
            std::copy_n(peer_.out.begin(), size, static_cast<std::byte*>(space_.data()));
            peer_.out.erase(peer_.out.begin(), peer_.out.begin() + static_cast<std::ptrdiff_t>(size));
            error_code ec;
            if (closed_)
                ec = asio::error::operation_aborted;
            else if (size == 0)
                ec = *ended;
            const auto done = *std::exchange(reader_, std::nullopt);
            done(ec, size);
        });
    }

    std::optional<error_code> ended; // the peer is gone: what a read says when all is read
    bool stuck = false;              // write_later waits
    bool muted = false;              // nothing is read
    int writes = 0;
    std::size_t moved() const { return moved_; }

    void finish_write()
    {
        asio::post(context_, [this] {
            error_code ec;
            if (closed_) ec = asio::error::operation_aborted;
            CHECK(copy(offered_) == lent_);
            const auto size = closed_ ? 0 : move(offered_, script_.at_once, ec);
            const auto done = *std::exchange(writer_, std::nullopt);
            done(ec, size);
        });
    }

private:
    std::size_t move(io::buffer_range bytes, std::size_t most, error_code& ec)
    {
        const auto all = copy(bytes);
        auto size = std::min(most, all.size());
        if (moved_ + size > script_.fail_at) {
            size = script_.fail_at > moved_ ? script_.fail_at - moved_ : 0;
            ec = script_.failure;
        }
        moved_ += size;
        peer_.receive(all.data(), size);
        pass_on();
        return size;
    }
    void block(io::buffer_range bytes, std::size_t moved)
    {
        blocked_ = copy(bytes);
        blocked_.erase(blocked_.begin(), blocked_.begin() + static_cast<std::ptrdiff_t>(moved));
        blocked_at_ = static_cast<const std::byte*>(bytes.begin()->data()) + moved;
    }
    static std::vector<std::byte> copy(io::buffer_range bytes)
    {
        std::vector<std::byte> all(asio::buffer_size(bytes));
        asio::buffer_copy(asio::buffer(all), bytes);
        return all;
    }

    asio::io_context& context_;
    tls_peer& peer_;
    wire_script& script_;
    std::optional<io::io_handler> writer_, reader_;
    io::buffer_range offered_;
    asio::mutable_buffer space_;
    std::vector<std::byte> blocked_, lent_;
    const void* blocked_at_ = nullptr;
    std::size_t moved_ = 0;
    bool closed_ = false, passing_ = false;
};

// Writes and reads through the transport as a connection does (io/impl/connection.ipp).
class tls_client
{
public:
    explicit tls_client(std::shared_ptr<const openssl::setup> setup,
                        std::shared_ptr<asio::ssl::context> server)
        : peer{std::move(server)}
    {
        auto made = std::make_unique<scripted_wire>(context, peer, script);
        wire = made.get();
        way = std::make_unique<openssl::transport>(context.get_executor(), std::move(made), std::move(setup));
    }

    void open(std::string_view host = "localhost")
    {
        opening = true;
        way->open({}, host, io::io_handler::to<&tls_client::was_opened>(*this, write_memory_, nullptr));
        run();
    }
    // A request is a header and a body, as produce requests are.
    void send(std::string header, std::string body)
    {
        pieces_.push_back(std::move(header));
        pieces_.push_back(std::move(body));
        if (!writing && !closing) write();
    }
    void run()
    {
        context.restart();
        while (context.poll() > 0) {
        }
    }
    void read()
    {
        reading = true;
        way->read_some(asio::buffer(space_),
                       io::io_handler::to<&tls_client::was_read>(*this, read_memory_, nullptr));
    }
    void close()
    {
        closing = true;
        way->close();
    }

    std::string sent() const
    {
        std::string all;
        for (const auto& piece : pieces_) all += piece;
        return all;
    }

    asio::io_context context;
    wire_script script;
    tls_peer peer;
    std::unique_ptr<openssl::transport> way;
    scripted_wire* wire;
    std::size_t accepted = 0;
    std::string got;
    bool opening = false, opened = false, reading = false, writing = false, closing = false;
    bool muted_when_open = false;
    error_code open_error, read_error, write_error;

private:
    void was_opened(error_code ec, std::size_t)
    {
        REQUIRE(std::exchange(opening, false));
        opened = !ec;
        open_error = ec;
        wire->muted = muted_when_open;
        if (opened) read();
    }
    void was_read(error_code ec, std::size_t size)
    {
        REQUIRE(std::exchange(reading, false));
        got.append(space_.data(), size);
        read_error = ec;
        if (ec)
            close();
        else if (!closing)
            read();
    }
    void write()
    {
        while (!closing && accepted < sent().size()) {
            error_code ec;
            const auto range = gather();
            promised_ =
                accepted + std::min(asio::buffer_size(range), openssl::record_max * openssl::records_at_once);
            const auto size = way->write_now(range, ec);
            take(size);
            if (ec == asio::error::would_block) {
                writing = true;
                way->write_later(gather(),
                                 io::io_handler::to<&tls_client::was_written>(*this, write_memory_, nullptr));
                return;
            }
            if (ec) {
                write_error = ec;
                close();
            }
        }
    }
    void was_written(error_code ec, std::size_t size)
    {
        REQUIRE(std::exchange(writing, false));
        take(size);
        CHECK((ec || size > 0));
        CHECK((ec || accepted >= promised_)); // what is sealed is not offered again: something else might be
        if (ec) {
            write_error = ec;
            close();
        }
        if (!closing) write();
    }
    void take(std::size_t size)
    {
        accepted += size;
        CHECK(accepted <= sent().size());
    }
    io::buffer_range gather()
    {
        buffers_.clear();
        auto skip = accepted;
        for (const auto& piece : pieces_) {
            const auto passed = std::min(skip, piece.size());
            skip -= passed;
            if (passed < piece.size()) buffers_.emplace_back(piece.data() + passed, piece.size() - passed);
        }
        return {buffers_.data(), buffers_.data() + buffers_.size()};
    }

    std::deque<std::string> pieces_;
    std::size_t promised_ = 0;
    std::vector<asio::const_buffer> buffers_;
    std::array<char, 1024> space_;
    io::handler_memory read_memory_, write_memory_;
};

} // namespace kurier::inline KURIER_ABI::testing
