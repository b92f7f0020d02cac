// What carries the bytes of one connection: plain TCP (io/tcp_transport.hpp) unless the engine is given another one.
// A transport opens, moves bytes and closes; io/impl/connection.ipp decides when and what.
//
// Contract:
// - Everything runs on the executor the transport was made with. A handler runs there, later: never inside the call
//   that was given it. At most one open, one write_later and one read_some are pending at a time.
// - A function that throws has started nothing, and its handler is never called.
// - Bytes are *accepted* once write_now or the handler of write_later has counted them. They belong to the transport
//   from then on and are never offered again. Whatever may have left the machine must be counted, even along with an
//   error: from bytes that were not counted, the producer concludes that no broker has seen them.
// - After write_now has failed with would_block, the next bytes offered are the same, in the same memory, and go to
//   write_later: an encrypting transport may have sealed them into a record already (SSL_write has to be repeated with
//   what it was first given). More may follow behind them. After any other result the caller may offer anything.
// - The buffers stay valid until the bytes in them are accepted or the connection has ended.
// - close() may be called at any time, more than once. Pending operations then complete with an error, and only
//   after that is the transport destroyed; unless the execution context is destroyed, which destroys the handlers without
//   calling them.
#pragma once

#include <kurier/error.hpp>
#include <kurier/io/counted.hpp>
#include <kurier/io/handler_memory.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

namespace asio = boost::asio;

// A gather list that lives in the connection, so that an operation carries two pointers instead of a list.
struct buffer_range
{
    const asio::const_buffer* first = nullptr;
    const asio::const_buffer* last = nullptr;
    const asio::const_buffer* begin() const noexcept { return first; }
    const asio::const_buffer* end() const noexcept { return last; }
    bool empty() const noexcept { return first == last; }
};

// The completion handler of a transport's operations. It allocates from its owner's memory, so that operations that are
// started over and over allocate nothing, and it keeps the event loop alive.
class io_handler
{
public:
    using allocator_type = handler_allocator<void>;

    // Calls owner.Member(ec, bytes). Owner and memory must live until the operation has ended, for which `loop` is kept.
    template <auto Member, class Owner>
    static io_handler to(Owner& owner, handler_memory& memory, counted* loop)
    {
        return {&owner,
                [](void* whom, error_code ec, std::size_t bytes) {
                    (static_cast<Owner*>(whom)->*Member)(ec, bytes);
                },
                memory, loop};
    }

    // For an operation that a transport starts on behalf of another one: it uses the same memory, which outlives the
    // transport when the execution context is destroyed.
    template <auto Member, class Owner> io_handler on_behalf(Owner& owner) const
    {
        return to<Member>(owner, *memory_, loop_.get());
    }

    void operator()(error_code ec, std::size_t bytes = 0) const { call_(owner_, ec, bytes); }
    allocator_type get_allocator() const noexcept { return allocator_type{*memory_}; }

private:
    using function = void (*)(void* owner, error_code ec, std::size_t bytes);

    io_handler(void* owner, function call, handler_memory& memory, counted* loop)
        : owner_{owner}, call_{call}, memory_{&memory}, loop_{loop}
    {}

    void* owner_;
    function call_;
    handler_memory* memory_;
    boost::intrusive_ptr<counted> loop_;
};

class transport
{
public:
    transport() = default;
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;
    virtual ~transport() = default;

    // Connects. `host` is the name or address the broker is known by, which TLS sends (SNI) and verifies. After a
    // failure it may be called again, with another address.
    virtual void open(const asio::ip::tcp::endpoint& to, std::string_view host, io_handler done) = 0;

    // Writes what can be written without waiting and returns how many bytes were accepted. would_block, along with any
    // number of them, says that the rest must wait.
    virtual std::size_t write_now(buffer_range bytes, error_code& ec) = 0;

    // Waits until something can be written, and accepts at least one byte unless it fails.
    virtual void write_later(buffer_range bytes, io_handler done) = 0;

    virtual void read_some(asio::mutable_buffer space, io_handler done) = 0;

    virtual void close() noexcept = 0;

    // Why the last operation failed, if more is known than its error code says: a sentence, with what to do about it.
    virtual std::string_view words() const noexcept { return {}; }
};

} // namespace kurier::inline KURIER_ABI::io
