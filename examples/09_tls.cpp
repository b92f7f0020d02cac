// TLS with a context of your own: what it trusts and which ciphers it takes. Files can be said more simply, by the
// settings ssl.truststore.location and so on; 12_mutual_tls.cpp has some of these.
//
//     09_tls [BROKER:PORT CA.pem]      without arguments: a broker in this program, with a certificate made on the spot
#include "certificate.hpp"

#include <kurier/producer.hpp>
#include <kurier/testing/tls_broker.hpp>
#include <kurier/tls.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;

asio::awaitable<void> run(std::string servers, asio::ssl::context context)
{
    kurier::producer_config config{servers};
    config.security_protocol = kurier::security_protocol::ssl;

    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> producer{executor, config, kurier::tls{std::move(context)}};
    const auto where = co_await producer.send({.topic = "events", .value = "nobody else can read this"});
    std::cout << "sealed, and at offset " << where.offset << '\n';
    co_await producer.close();
}

int main(int argc, char** argv)
{
    asio::io_context io{1};
    asio::ssl::context trusting{asio::ssl::context::tls_client};
    SSL_CTX_set_min_proto_version(trusting.native_handle(), TLS1_3_VERSION);

    kurier::testing::embedded_broker broker{io.get_executor()};
    const auto own = make_certificate("a broker");
    asio::ssl::context serving{asio::ssl::context::tls_server};
    serving.use_certificate(asio::buffer(own.certificate_pem), asio::ssl::context::pem);
    serving.use_private_key(asio::buffer(own.key_pem), asio::ssl::context::pem);
    kurier::testing::serve_tls(broker, std::move(serving));

    if (argc > 2)
        trusting.load_verify_file(argv[2]);
    else
        trusting.add_certificate_authority(asio::buffer(own.certificate_pem));
    asio::co_spawn(io, run(argc > 2 ? argv[1] : broker.bootstrap_servers(), std::move(trusting)),
                   [&broker](std::exception_ptr error) {
                       broker.stop();
                       if (error) std::rethrow_exception(error);
                   });
    io.run();
}
