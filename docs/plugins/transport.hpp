// TCP that counts what it writes at once. A transport of your own has the same five functions.
#pragma once
#include <kurier/engine_parts.hpp>
#include <kurier/io/tcp_transport.hpp>

namespace shop {
using namespace kurier::io;
using endpoint = boost::asio::ip::tcp::endpoint;

class counting_transport final : public transport
{
public:
    counting_transport(std::unique_ptr<transport> tcp, std::size_t& n) : tcp_{std::move(tcp)}, written_{&n} {}
    void open(const endpoint& to, std::string_view host, io_handler h) override { tcp_->open(to, host, h); }
    void write_later(buffer_range b, io_handler h) override { tcp_->write_later(b, std::move(h)); }
    void read_some(boost::asio::mutable_buffer b, io_handler h) override { tcp_->read_some(b, std::move(h)); }
    void close() noexcept override { tcp_->close(); }
    std::size_t write_now(buffer_range bytes, kurier::error_code& ec) override
    {
        const auto accepted = tcp_->write_now(bytes, ec);
        *written_ += accepted;
        return accepted;
    }

private:
    std::unique_ptr<transport> tcp_;
    std::size_t* written_;
};

struct counting_tcp // given to the engine, asked for each connection
{
    std::size_t* written;
    auto make_transport(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
    {
        auto tcp = std::make_unique<tcp_transport>(executor, config);
        return std::unique_ptr<transport>{std::make_unique<counting_transport>(std::move(tcp), *written)};
    }
};
static_assert(kurier::transport_factory<counting_tcp>);
} // namespace shop
