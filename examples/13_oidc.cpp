// Logs in with tokens from an identity provider. With a properties file it uses yours:
//
//     13_oidc client.properties
//
// Without one, provider and broker are in this program.
#include <kurier/oidc.hpp>
#include <kurier/producer.hpp>
#include <kurier/properties.hpp>
#include <kurier/sasl.hpp>
#include <kurier/testing/embedded_broker.hpp>
#include <kurier/tls.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

// Whoever knows the secret gets a token that is good for an hour.
asio::awaitable<void> provide_tokens(tcp::acceptor& acceptor)
{
    auto peer = co_await acceptor.async_accept(asio::use_awaitable);
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> asked;
    co_await http::async_read(peer, buffer, asked, asio::use_awaitable);
    std::cout << "asked for a token: " << asked.body() << '\n';
    http::response<http::string_body> answer{http::status::ok, 11};
    if (asked[http::field::authorization] == "Basic b3JkZXJzOnNlY3JldA==") // orders:secret
        answer.body() = R"({"access_token":"orders-token","token_type":"Bearer","expires_in":3600})";
    else
        answer.result(http::status::unauthorized);
    answer.prepare_payload();
    co_await http::async_write(peer, answer, asio::use_awaitable);
}

asio::awaitable<void> run(kurier::engine engine)
{
    co_await engine.connect(); // tells at once when a login can't work
    kurier::producer<> producer{std::move(engine)};
    const auto where = co_await producer.send({.topic = "visits", .value = "one"});
    std::cout << "logged in, and delivered to offset " << where.offset << '\n';
    co_await producer.close();
}

int main(int argc, char** argv)
{
    asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor()};
    broker.cluster().logins().add(kurier::testing::token_users{
        [](std::string_view token) { return token == "orders-token" ? "orders" : ""; }});
    tcp::acceptor provider{context, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    asio::co_spawn(context, provide_tokens(provider), asio::detached);

    std::string properties = "bootstrap.servers=" + broker.bootstrap_servers() + R"(
security.protocol=SASL_PLAINTEXT
sasl.mechanism=OAUTHBEARER
sasl.oauthbearer.client.credentials.client.id=orders
sasl.oauthbearer.client.credentials.client.secret=secret
# yours is https://, and your brokers have TLS
kurier.insecure.allow=cleartext-secrets,http-endpoints
sasl.oauthbearer.token.endpoint.url=http://127.0.0.1:)" +
                             std::to_string(provider.local_endpoint().port()) + "/token\n";
    if (argc > 1) {
        std::ifstream file{argv[1]};
        properties.assign(std::istreambuf_iterator<char>{file}, {});
    }
    kurier::engine engine{context.get_executor(), kurier::from_properties(properties), kurier::tls{},
                          kurier::sasl::from_config{kurier::oidc{}}};
    asio::co_spawn(context, run(std::move(engine)), [&](std::exception_ptr error) {
        broker.stop();
        provider.close();
        if (error) std::rethrow_exception(error);
    });
    context.run();
}
