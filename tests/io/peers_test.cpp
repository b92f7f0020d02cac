// What is not a Kafka broker, or a broken one: each ends in a message that names the address and what was found, in
// the log and in the failure of the record; nothing hangs.
#include "support/loopback.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <functional>

using namespace kurier;
using namespace kurier::testing;
using asio::ip::tcp;

namespace {

// A listener on a loopback port that answers the first bytes of each connection with what `answer` makes of them;
// nothing: it stays silent.
class stranger
{
public:
    using answer_function = std::function<std::optional<std::string>(std::string_view)>;

    stranger(asio::io_context& context, answer_function answer)
        : acceptor_{context, {asio::ip::address_v4::loopback(), 0}}, answer_{std::move(answer)}
    {
        accept();
    }

    std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
    bool closes_at_once = false;
    int accepted = 0;

private:
    struct visitor
    {
        explicit visitor(tcp::socket accepted) : socket{std::move(accepted)} {}
        tcp::socket socket;
        std::array<char, 4096> input{};
        std::string output;
    };

    void accept()
    {
        acceptor_.async_accept([this](error_code ec, tcp::socket socket) {
            if (ec) return;
            ++accepted;
            if (!closes_at_once) read(std::make_shared<visitor>(std::move(socket)));
            accept();
        });
    }

    void read(std::shared_ptr<visitor> from)
    {
        auto& socket = from->socket;
        socket.async_read_some(asio::buffer(from->input), [this, from](error_code ec, std::size_t size) {
            if (ec) return;
            if (auto text = answer_({from->input.data(), size})) {
                from->output = std::move(*text);
                asio::async_write(from->socket, asio::buffer(from->output),
                                  [this, from](error_code failed, std::size_t) {
                                      if (!failed) read(from);
                                  });
            } else {
                read(from);
            }
        });
    }

    tcp::acceptor acceptor_;
    answer_function answer_;
};

struct result
{
    outcome told;
    std::string text;
    std::string logged;
};

// Sends one record to `servers` until max.block.ms is over.
result try_to_send(asio::io_context& context, const std::string& servers, std::chrono::milliseconds max_block)
{
    auto config = quick_config(servers);
    config.max_block = max_block;
    config.request_timeout = 20ms;
    kept_log log;
    result seen;
    {
        kurier::producer<> producer{kurier::engine{context.get_executor(), config, log}};
        producer.send({.topic = "t", .value = "v"})(seen.told.take());
        REQUIRE(run_until(context, [&] { return seen.told.told == 1; }));
    }
    CHECK(seen.told.error == errc::max_block_exceeded);
    CHECK(seen.told.persisted() == persisted::no);
    seen.text = seen.told.text();
    seen.logged = log.all();
    return seen;
}

// In which something is found out about them: on a busy machine, or from a slow resolver, that takes longer.
result try_to_send(asio::io_context& context, const std::string& servers)
{
    auto seen = try_to_send(context, servers, 80ms);
    for (auto longer = 800ms; longer < 10s && seen.text.find(servers) == std::string::npos; longer *= 10)
        seen = try_to_send(context, servers, longer);
    return seen;
}

// `code`: the failure's last error, which brings the advice.
void expect(const result& seen, std::string_view address, error_code found, errc code)
{
    CAPTURE(seen.text);
    CAPTURE(seen.logged);
    CHECK(seen.told.where.failure->last_error == code);
    CHECK(seen.text.find(advice(code)) != std::string::npos);
    for (const auto* text : {&seen.text, &seen.logged}) {
        CHECK(text->find(address) != std::string::npos);
        CHECK(text->find(found.message()) != std::string::npos);
    }
}

void expect(const result& seen, std::string_view address, errc found)
{
    expect(seen, address, found, found);
}

std::string frame(std::string_view body)
{
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(body.size() >> shift);
    return out += body;
}

} // namespace

TEST_CASE("A port that nobody listens on")
{
    asio::io_context context{1};
    std::string address;
    {
        const tcp::acceptor closed{context, {asio::ip::address_v4::loopback(), 0}};
        address = "127.0.0.1:" + std::to_string(closed.local_endpoint().port());
    }
    expect(try_to_send(context, address), address, asio::error::connection_refused, errc::connect_failed);
}

TEST_CASE("A name that does not resolve")
{
    asio::io_context context{1};
    const std::string address = "no-such-host.invalid:9092"; // RFC 6761: never exists
    expect(try_to_send(context, address), address, errc::resolve_failed);
}

TEST_CASE("localhost has two addresses, and one of them answers")
{
    loopback net;
    net.broker->create_topic("t");
    net.config.bootstrap_servers = {"localhost:" + std::to_string(net.broker->port())};
    auto producer = net.make_producer();
    outcome told;
    producer.send({.topic = "t", .value = "v"})(told.take());
    REQUIRE(net.until([&] { return told.told == 1; }));
    CHECK_FALSE(told.error);
}

TEST_CASE("The second server of the list answers")
{
    loopback net;
    net.broker->create_topic("t");
    stranger silent{net.context, [](std::string_view) { return std::nullopt; }};
    net.config.request_timeout = 20ms;
    net.config.bootstrap_servers = {silent.address(), "no-such-host.invalid:9092",
                                    net.broker->bootstrap_servers()};
    auto producer = net.make_producer();
    outcome told;
    producer.send({.topic = "t", .value = "v"})(told.take());
    REQUIRE(net.until([&] { return told.told == 1; }));
    CHECK_FALSE(told.error);
}

TEST_CASE("An HTTP server")
{
    asio::io_context context{1};
    stranger http{context,
                  [](std::string_view) { return "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"; }};
    expect(try_to_send(context, http.address()), http.address(), errc::http_peer);
}

TEST_CASE("A TLS listener: an alert comes back")
{
    asio::io_context context{1};
    stranger tls{context, [](std::string_view) { return std::string("\x15\x03\x03\x00\x02\x02\x0a", 7); }};
    expect(try_to_send(context, tls.address()), tls.address(), errc::tls_peer);
}

TEST_CASE("A server that says nothing")
{
    asio::io_context context{1};
    stranger silent{context, [](std::string_view) { return std::nullopt; }};
    expect(try_to_send(context, silent.address()), silent.address(), errc::request_timed_out);
    CHECK(silent.accepted >= 2); // it was tried again
}

TEST_CASE("Garbage in a frame of the right size")
{
    asio::io_context context{1};
    stranger garbage{context, [](std::string_view request) {
                         return frame(std::string{request.substr(8, 4)} + std::string(40, '\xa5'));
                     }};
    expect(try_to_send(context, garbage.address()), garbage.address(), errc::protocol_error);
}

TEST_CASE("A frame that is shorter than its own header")
{
    asio::io_context context{1};
    stranger tiny{context, [](std::string_view) { return frame("ab"); }};
    expect(try_to_send(context, tiny.address()), tiny.address(), errc::protocol_error);
}

TEST_CASE("An answer to another request")
{
    asio::io_context context{1};
    stranger mixed{context, [](std::string_view) {
                       return frame(std::string("\x7f\0\0\x01", 4) + std::string(20, '\0'));
                   }};
    expect(try_to_send(context, mixed.address()), mixed.address(), errc::correlation_mismatch);
}

TEST_CASE("A frame that is too large is refused before it arrives")
{
    asio::io_context context{1};
    stranger large{context, [](std::string_view) { return std::string("\x7f\xff\xff\xff", 4); }};
    expect(try_to_send(context, large.address()), large.address(), errc::response_too_large);
}

TEST_CASE("A server that closes each connection")
{
    asio::io_context context{1};
    stranger closing{context, [](std::string_view) { return std::nullopt; }};
    closing.closes_at_once = true;
    auto seen = try_to_send(context, closing.address());
    if (closing.accepted < 2) seen = try_to_send(context, closing.address(), 2s);
    CAPTURE(seen.text);
    CHECK(seen.text.find(closing.address()) !=
          std::string::npos); // which of disconnected and reset is the system's choice
    CHECK(seen.told.where.failure->last_error == errc::disconnected);
    CHECK(seen.text.find("compare security.protocol") != std::string::npos);
    CHECK(seen.logged.find("warning broker.unreachable") != std::string::npos);
    CHECK(closing.accepted >= 2);
}

TEST_CASE("A broker that begins to answer nonsense: the record is sent again over a new connection")
{
    for (const auto kind : {answer_fault::garbage, answer_fault::wrong_correlation_id, answer_fault::twice}) {
        CAPTURE(static_cast<int>(kind));
        loopback net;
        auto producer = net.make_producer();
        net.warm_up(producer, "t");
        fault strange;
        strange.api_key = protocol::produce_request::api_key;
        strange.answer = kind;
        net.cluster().inject(strange);
        outcome first, second;
        producer.send({.topic = "t", .value = "1"})(first.take());
        REQUIRE(net.until([&] { return first.told == 1; }));
        producer.send({.topic = "t", .value = "2"})(second.take());
        REQUIRE(net.until([&] { return second.told == 1; }));
        CHECK_FALSE(first.error);
        CHECK_FALSE(second.error);
        CHECK(net.values("t") == std::vector<std::string>{"warm up", "1", "2"});
        const error_code found = kind == answer_fault::garbage ? make_error_code(errc::protocol_error)
                                 : kind == answer_fault::twice ? make_error_code(errc::unexpected_response)
                                                               : make_error_code(errc::correlation_mismatch);
        CAPTURE(net.log.all());
        CHECK(net.log.has("broker.disconnected"));
        CHECK(net.log.has("host=127.0.0.1 port=" + std::to_string(net.broker->port())));
        if (kind != answer_fault::twice) CHECK(net.log.has(found.message()));
    }
}

TEST_CASE("A broker that is too old says which requests it lacks")
{
    loopback net;
    version_table old = version_table::newest();
    old.remove(protocol::produce_request::api_key);
    net.cluster().set_versions(1, old);
    const auto seen = try_to_send(net.context, net.broker->bootstrap_servers());
    CAPTURE(seen.text);
    CAPTURE(seen.logged);
    CHECK(seen.text.find(net.broker->bootstrap_servers()) != std::string::npos);
    CHECK(seen.logged.find("broker.unsupported") != std::string::npos);
}
