#include <kurier/testing/embedded_broker.hpp>

#include "../../support/answer.hpp"
#include "batch_builder.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

using namespace kurier;
using namespace kurier::testing;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using frame_bytes = std::vector<std::byte>;

namespace {

// A blocking client beside a broker on the same thread: the event loop runs while it waits.
struct socket_fixture
{
    boost::asio::io_context context;
    cluster_options options;
    std::optional<embedded_broker> broker;

    explicit socket_fixture(std::int32_t brokers = 1)
    {
        options.brokers = brokers;
        broker.emplace(context.get_executor(), options);
        broker->create_topic("t");
    }

    tcp::socket connect(broker_id to = 1)
    {
        tcp::socket socket{context};
        socket.connect({boost::asio::ip::address_v4::loopback(), broker->port(to)});
        return socket;
    }

    template <class Done> bool run_until(Done done, std::chrono::milliseconds longest = 10s)
    {
        const auto end = std::chrono::steady_clock::now() + longest;
        context.restart();
        while (!done() && std::chrono::steady_clock::now() < end) context.run_one_for(10ms);
        return done();
    }

    void send(tcp::socket& socket, const frame_bytes& sent)
    {
        std::optional<error_code> result;
        boost::asio::async_write(socket, boost::asio::buffer(sent),
                                 [&](error_code ec, std::size_t) { result = ec; });
        REQUIRE(run_until([&] { return result.has_value(); }));
    }

    // What arrives until `size` bytes are there or the broker hangs up.
    frame_bytes receive(tcp::socket& socket, std::size_t size)
    {
        frame_bytes got(size);
        std::optional<std::size_t> read;
        boost::asio::async_read(socket, boost::asio::buffer(got),
                                [&](error_code, std::size_t n) { read = n; });
        REQUIRE(run_until([&] { return read.has_value(); }));
        got.resize(*read);
        return got;
    }

    bool is_closed(tcp::socket& socket) { return receive(socket, 1).empty(); }

    template <class Response> std::optional<Response> answer(tcp::socket& socket, std::int16_t version)
    {
        const frame_bytes size = receive(socket, 4);
        if (size.size() != 4) return std::nullopt;
        const auto length = static_cast<std::size_t>(wire::reader{size}.take_int<std::int32_t>());
        return answer_in<Response>(receive(socket, length), version);
    }

    frame_bytes produce_frame(int records = 1, std::int32_t correlation_id = 1)
    {
        const frame_bytes batch = batch_builder{1'700'000'000'000}.records(records);
        protocol::produce_request request;
        request.acks = -1;
        auto& topic = request.topic_data.emplace_back();
        topic.name = "t";
        topic.partition_data.push_back({0, nullable_bytes{bytes_view{batch}}});
        frame_bytes frame;
        REQUIRE(protocol::write_request_frame(frame, request, 9, correlation_id, "test"));
        return frame;
    }

    broker_errc produce(tcp::socket& socket)
    {
        send(socket, produce_frame());
        const auto told = answer<protocol::produce_response>(socket, 9);
        if (!told) return broker_errc::unknown_server_error;
        return static_cast<broker_errc>(told->responses.at(0).partition_responses.at(0).error_code);
    }
};

struct three_brokers : socket_fixture
{
    three_brokers() : socket_fixture{3} {}
};

} // namespace

TEST_CASE_FIXTURE(socket_fixture, "a record goes over a socket into the log")
{
    CHECK(broker->bootstrap_servers() == "127.0.0.1:" + std::to_string(broker->port()));
    tcp::socket socket = connect();
    CHECK(produce(socket) == broker_errc::none);
    CHECK(produce(socket) == broker_errc::none);
    CHECK(broker->log("t").size() == 2);
    CHECK(broker->partition_count("t") == 1);
    CHECK(broker->partition_count("other") == 0);
}

TEST_CASE_FIXTURE(three_brokers, "metadata tells where the brokers listen")
{
    tcp::socket socket = connect(2);
    frame_bytes frame;
    REQUIRE(protocol::write_request_frame(frame, protocol::metadata_request{}, 9, 1, "test"));
    send(socket, frame);
    const auto told = answer<protocol::metadata_response>(socket, 9);
    REQUIRE(told);
    REQUIRE(told->brokers.size() == 3);
    for (const auto& known : told->brokers) {
        CHECK(known.host == "127.0.0.1");
        CHECK(known.port == broker->port(known.node_id));
    }
}

TEST_CASE_FIXTURE(socket_fixture, "a broker that is stopped hangs up and refuses, and is back on its port")
{
    tcp::socket socket = connect();
    REQUIRE(produce(socket) == broker_errc::none);
    const auto port = broker->port();
    broker->stop_broker(1);
    CHECK(is_closed(socket));
    tcp::socket other{context};
    error_code refused;
    other.connect({boost::asio::ip::address_v4::loopback(), port}, refused);
    CHECK(refused == boost::asio::error::connection_refused);
    broker->start_broker(1);
    tcp::socket again = connect();
    CHECK(produce(again) == broker_errc::none);
    CHECK(broker->log("t").size() == 2);
}

TEST_CASE_FIXTURE(socket_fixture, "late answers come by the clock")
{
    tcp::socket socket = connect();
    broker->cluster().inject({.delay = 60ms});
    const auto begin = std::chrono::steady_clock::now();
    CHECK(produce(socket) == broker_errc::none);
    CHECK(std::chrono::steady_clock::now() - begin >= 60ms);

    broker->cluster().inject({.delay = 1h});
    broker->cluster().inject({.delay = 30ms});
    send(socket, produce_frame()); // for ever
    run_until([&] { return broker->log("t").size() == 2; });
    tcp::socket other = connect();
    CHECK(produce(other) == broker_errc::none); // an earlier time than the one that is waited for
}

TEST_CASE_FIXTURE(socket_fixture, "an answer that is cut short")
{
    tcp::socket socket = connect();
    broker->cluster().inject({.close_after_answer_bytes = 9});
    send(socket, produce_frame());
    CHECK(receive(socket, 100).size() == 9);
    CHECK(broker->log("t").size() == 1);
}

TEST_CASE_FIXTURE(socket_fixture, "peers that aren't Kafka clients are hung up on")
{
    const auto as_vector = [](std::string_view text) {
        const bytes_view view = as_bytes(text);
        return frame_bytes(view.begin(), view.end());
    };
    for (const std::string_view text :
         {std::string_view{"GET / HTTP/1.1\r\n\r\n"}, std::string_view{"\x16\x03\x01\x02\0\x01", 6},
          std::string_view{"\xff\xff\xff\xff", 4}, std::string_view{"\0\0\0\x08\0\0\0\0\0\0\0\0", 12}}) {
        tcp::socket socket = connect();
        send(socket, as_vector(text));
        CHECK(is_closed(socket));
    }
    tcp::socket quiet = connect();
    tcp::socket half = connect();
    send(half, as_vector("\0"));
    half.close();
    tcp::socket good = connect();
    CHECK(produce(good) == broker_errc::none);
}

TEST_CASE_FIXTURE(socket_fixture,
                  "a client that never reads, or sends more than is handled, is not listened to for ever")
{
    tcp::socket socket = connect();
    broker->cluster().inject({.answer = answer_fault::never});
    const frame_bytes frame = produce_frame(2000);
    frame_bytes many;
    while (many.size() < 1024 * 1024) many.insert(many.end(), frame.begin(), frame.end());
    std::size_t sent = 0;
    bool blocked = false;
    std::function<void()> write = [&] {
        boost::asio::async_write(socket, boost::asio::buffer(many), [&](error_code ec, std::size_t n) {
            sent += n;
            if (!ec && !blocked) write();
        });
    };
    write();
    run_until([&] { return sent > 256 * many.size(); }, 1s);
    blocked = true;
    CHECK(sent < 64 * many.size());
    broker->stop();
    socket.close();
    run_until([] { return false; }, 50ms);
}

TEST_CASE_FIXTURE(socket_fixture, "a request of many megabytes arrives")
{
    topic_options large;
    large.max_message_bytes = 64 * 1024 * 1024;
    broker->cluster().state().set_topic_options("t", large);
    const std::string value(20 * 1024 * 1024, 'x');
    const frame_bytes batch = batch_builder{1'700'000'000'000}.record("k", std::string_view{value});
    protocol::produce_request request;
    request.acks = 1;
    auto& topic = request.topic_data.emplace_back();
    topic.name = "t";
    topic.partition_data.push_back({0, nullable_bytes{bytes_view{batch}}});
    frame_bytes frame;
    REQUIRE(protocol::write_request_frame(frame, request, 9, 1, "test"));
    tcp::socket socket = connect();
    send(socket, frame);
    REQUIRE(answer<protocol::produce_response>(socket, 9));
    CHECK(broker->log("t").at(0).value == value);
}

TEST_CASE("destroying a broker ends all that it does")
{
    boost::asio::io_context context;
    {
        embedded_broker broker{context.get_executor()};
        tcp::socket socket{context};
        socket.connect({boost::asio::ip::address_v4::loopback(), broker.port()});
        context.poll();
    }
    CHECK(context.run_for(5s) > 0);
    CHECK(context.stopped()); // nothing is left to wait for
}

TEST_CASE("a client that connects just before its broker is stopped")
{
    for (int clients = 1; clients < 4; ++clients)
        for (int turns = 0; turns < 8; ++turns)
            for (const bool starts_again : {false, true}) {
                boost::asio::io_context context, other;
                embedded_broker broker{context.get_executor()};
                context.poll();
                std::vector<tcp::socket> sockets;
                for (int i = 0; i < clients; ++i) sockets.emplace_back(other);
                // So many handlers of the event loop later the connection waits in it to be accepted, or was accepted
                // and its handler is next.
                std::function<void(int)> stop_after = [&](int left) {
                    if (left > 0) return boost::asio::post(context, [&, left] { stop_after(left - 1); });
                    broker.stop_broker(1);
                    if (starts_again) broker.start_broker(1);
                };
                boost::asio::post(context, [&] {
                    for (auto& socket : sockets)
                        socket.connect({boost::asio::ip::address_v4::loopback(), broker.port(1)});
                    stop_after(turns);
                });
                CAPTURE(clients);
                CAPTURE(turns);
                REQUIRE_NOTHROW(context.poll());
                if (!starts_again) continue;
                tcp::socket late{other};
                REQUIRE_NOTHROW(late.connect({boost::asio::ip::address_v4::loopback(), broker.port(1)}));
                context.poll();
                CHECK(broker.cluster().connections() >= 1);
            }
}
