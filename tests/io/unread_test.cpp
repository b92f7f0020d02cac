// With acks=0 a record is delivered once it is written; until the broker has read it, closing must not lose it.
#include "../support/loopback.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <cstddef>

namespace {

using namespace kurier::testing;
using tcp = asio::ip::tcp;

// Stands between a producer and the embedded broker, and can be slow: then it reads nothing from the producer, and what
// the broker says stays here.
class slow_path
{
public:
    slow_path(asio::io_context& context, std::uint16_t broker_port)
        : acceptor_{context, {asio::ip::address_v4::loopback(), 0}}, producer_{context}, broker_{context}
    {
        acceptor_.set_option(asio::socket_base::receive_buffer_size{4096}); // the rest waits at the producer
        broker_.connect({asio::ip::address_v4::loopback(), broker_port});
        acceptor_.async_accept(producer_, [this](kurier::error_code ec) {
            if (ec) return;
            acceptor_.close();
            read_producer();
            read_broker();
        });
    }

    std::uint16_t port() const { return port_; }
    bool held() const { return !held_.empty(); }
    bool ended() const { return ended_; }

    void slow_down() { slow_ = true; }
    void go_on()
    {
        slow_ = false;
        kurier::error_code ignored;
        asio::write(producer_, asio::buffer(held_), ignored);
        held_.clear();
        if (!reading_) read_producer();
    }

private:
    void read_producer()
    {
        reading_ = true;
        producer_.async_wait(tcp::socket::wait_read, [this](kurier::error_code ec) {
            reading_ = false;
            if (ec || (slow_ && held())) return; // go_on reads
            const auto size = producer_.read_some(asio::buffer(up_), ec);
            if (ec) {
                ended_ = true;
                return;
            }
            asio::write(broker_, asio::buffer(up_, size));
            read_producer();
        });
    }

    void read_broker()
    {
        broker_.async_read_some(asio::buffer(down_), [this](kurier::error_code ec, std::size_t size) {
            if (ec) return;
            if (slow_)
                held_.append(down_.data(), size);
            else
                asio::write(producer_, asio::buffer(down_, size), ec);
            read_broker();
        });
    }

    tcp::acceptor acceptor_;
    tcp::socket producer_, broker_;
    const std::uint16_t port_ = acceptor_.local_endpoint().port();
    std::array<char, 65536> up_, down_;
    std::string held_;
    bool slow_ = false, reading_ = false, ended_ = false;
};

} // namespace

TEST_CASE("acks=0: what was sent before close reaches a broker that reads slowly and still owes a response")
{
    loopback net;
    net.cluster().create_topic("t");
    net.config.acks = kurier::acks::none;
    net.config.enable_idempotence = false;
    net.config.send_buffer = 200'000;
    slow_path path{net.context, net.broker->port(1)};
    net.config.bootstrap_servers = {"127.0.0.1:" + std::to_string(path.port())};
    net.cluster().state().set_endpoint(1, "127.0.0.1", path.port());
    auto producer = net.make_producer();
    net.warm_up(producer, "t");

    path.slow_down();
    producer.partitions_for("another")(asio::detached);
    REQUIRE(net.until([&] { return path.held(); })); // its response
    int sent = 0;
    const std::string value(1000, 'x');
    for (int i = 0; i < 100; ++i)
        producer.send({.topic = "t", .value = value})(
            [&](kurier::error_code ec, const kurier::record_metadata&) { sent += ec ? 0 : 1; });
    REQUIRE(net.until([&] { return sent == 100; }));

    bool closed = false;
    producer.close()([&](kurier::error_code) { closed = true; });
    net.settle();
    path.go_on();
    CHECK(net.until([&] { return path.ended(); }));
    CHECK(net.until([&] { return closed && net.cluster().log("t").size() >= 101; }));
}
