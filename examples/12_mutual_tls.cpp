// Mutual TLS by settings, as a file for the Java client or for librdkafka has them: the broker wants a certificate of ours,
// and takes nobody without one.
//
//     12_mutual_tls [client.properties]      without an argument: a broker in this program, and certificates made on the
//                                            spot, which stand in the settings themselves
#include "certificate.hpp"

#include <kurier/producer.hpp>
#include <kurier/properties.hpp>
#include <kurier/testing/tls_broker.hpp>
#include <kurier/tls.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

namespace asio = boost::asio;

// Files would do as well: ssl.truststore.location, ssl.keystore.location and ssl.key.location.
kurier::producer_config settings(std::string servers, const certificate& broker, const certificate& own)
{
    kurier::producer_config config{servers};
    config.security_protocol = kurier::security_protocol::ssl;
    config.ssl_truststore_certificates = broker.certificate_pem;
    config.ssl_keystore_certificate_chain = own.certificate_pem;
    config.ssl_keystore_key = kurier::secret::literal(own.key_pem);
    return config;
}

asio::awaitable<void> run(kurier::producer_config config)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<> producer{executor, config, kurier::tls{}};
    const auto where = co_await producer.send({.topic = "events", .value = "you know me"});
    std::cout << "known, and at offset " << where.offset << '\n';
    co_await producer.close();
}

int main(int argc, char** argv)
{
    asio::io_context io{1};
    const auto theirs = make_certificate("a broker"), ours = make_certificate("a client");
    kurier::testing::embedded_broker broker{io.get_executor()};
    asio::ssl::context serving{asio::ssl::context::tls_server};
    serving.use_certificate(asio::buffer(theirs.certificate_pem), asio::ssl::context::pem);
    serving.use_private_key(asio::buffer(theirs.key_pem), asio::ssl::context::pem);
    serving.add_certificate_authority(asio::buffer(ours.certificate_pem));
    serving.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    kurier::testing::serve_tls(broker, std::move(serving));

    auto config = settings(broker.bootstrap_servers(), theirs, ours);
    if (argc > 1) {
        std::stringstream text;
        text << std::ifstream{argv[1]}.rdbuf();
        config = kurier::from_properties(text.str());
    }
    asio::co_spawn(io, run(std::move(config)), [&broker](std::exception_ptr error) {
        broker.stop();
        if (error) std::rethrow_exception(error);
    });
    io.run();
}
