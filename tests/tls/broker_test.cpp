// A producer and a broker over TLS: what they say to each other, and what is said when they can't.
#include "support/certificates.hpp"
#include "support/loopback.hpp"

#include <kurier/testing/tls_broker.hpp>
#include <kurier/tls.hpp>

#include <filesystem>
#include <fstream>

#include <unistd.h>

using namespace kurier;
using namespace kurier::testing;

namespace {

const certificate& authority()
{
    static const auto made = make_authority("kurier test authority");
    return made;
}

void present(asio::ssl::context& context, const certificate& own)
{
    SSL_CTX_use_certificate(context.native_handle(), own.x509.get());
    SSL_CTX_use_PrivateKey(context.native_handle(), own.key.get());
}

asio::ssl::context serve(const certificate& own)
{
    asio::ssl::context context{asio::ssl::context::tls_server};
    present(context, own);
    return context;
}

asio::ssl::context trust(const certificate& other)
{
    asio::ssl::context context{asio::ssl::context::tls_client};
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.native_handle()), other.x509.get());
    return context;
}

struct tls_loopback : loopback
{
    explicit tls_loopback(cluster_options options = {}) : loopback{std::move(options)}
    {
        broker->create_topic("t");
        config.security_protocol = security_protocol::ssl;
    }

    kurier::engine engine_with(asio::ssl::context client)
    {
        return {context.get_executor(), config, log, kurier::tls{std::move(client)}};
    }

    // A record arrives, and the engine closes.
    void delivers(asio::ssl::context client)
    {
        auto engine = engine_with(std::move(client));
        kurier::producer<> producer{engine};
        run([&]() -> asio::awaitable<void> {
            co_await producer.send({.topic = "t", .value = "v"});
            co_await engine.close();
        });
        CHECK(broker->log("t").size() == 1);
    }

    // What is said about the broker to whom no connection can be made.
    std::string refusal(asio::ssl::context client) { return refusal(engine_with(std::move(client))); }
    std::string refusal(kurier::engine engine)
    {
        kurier::producer<> producer{engine};
        auto sent = producer.send({.topic = "t", .value = "v"});
        REQUIRE(until([&] { return log.has("broker.un"); }));
        return log.all();
    }
};

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

std::string broker_with(const certificate_order& order)
{
    tls_loopback net;
    serve_tls(*net.broker, serve(make_certificate(order)));
    return net.refusal(trust(authority()));
}

} // namespace

TEST_CASE("Records arrive over TLS: small ones, large ones, and many")
{
    tls_loopback net;
    serve_tls(*net.broker, serve(make_certificate({.issuer = &authority()})));
    auto engine = net.engine_with(trust(authority()));
    kurier::producer<> producer{engine};
    const std::string large(700'000, 'x');
    net.run([&]() -> asio::awaitable<void> {
        co_await producer.send({.topic = "t", .value = "small"});
        co_await producer.send({.topic = "t", .value = large});
        for (int i = 0; i < 2000; ++i) {
            const auto value = std::to_string(i);
            auto one = producer.send({.topic = "t", .value = value});
            if (i % 100 == 99) co_await std::move(one);
        }
        co_await engine.close();
    });
    const auto log = net.broker->log("t");
    REQUIRE(log.size() == 2002);
    CHECK(log[0].value == "small");
    CHECK(log[1].value == large);
    for (std::size_t i = 0; i < 2000; ++i) CHECK(log[i + 2].value == std::to_string(i));
    CHECK(net.log.has("broker.connected"));
}

TEST_CASE("Mutual TLS")
{
    const auto own = make_certificate({.name = "client", .issuer = &authority()});
    auto server = serve(make_certificate({.issuer = &authority()}));
    X509_STORE_add_cert(SSL_CTX_get_cert_store(server.native_handle()), authority().x509.get());
    server.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    tls_loopback net;
    SUBCASE("our certificate is good")
    {
        serve_tls(*net.broker, std::move(server));
        auto client = trust(authority());
        present(client, own);
        net.delivers(std::move(client));
    }
    SUBCASE("we have none")
    {
        SUBCASE("TLS 1.3") {}
        SUBCASE("TLS 1.2")
        {
            SSL_CTX_set_max_proto_version(server.native_handle(), TLS1_2_VERSION);
        }
        serve_tls(*net.broker, std::move(server));
        const auto text = net.refusal(trust(authority()));
        INFO(text);
        CHECK(has(text, "a certificate of this client"));
        CHECK(has(text, "ssl.keystore.location"));
        CHECK_FALSE(net.log.has("INFO broker.connected"));
    }
    SUBCASE("ours is of an authority that the broker doesn't know")
    {
        serve_tls(*net.broker, std::move(server));
        const auto stranger = make_authority("stranger");
        auto client = trust(authority());
        present(client, make_certificate({.name = "client", .issuer = &stranger}));
        const auto text = net.refusal(std::move(client));
        INFO(text);
        CHECK(has(text, "refuses this client's certificate CN=client (issued by CN=stranger, valid until"));
        CHECK(has(text, "\"unknown CA\" (TLS alert 48)"));
    }
}

TEST_CASE("What is wrong with the broker's certificate is said")
{
    std::string text;
    SUBCASE("expired")
    {
        text = broker_with({.issuer = &authority(), .from_days = -10, .until_days = -1});
        CHECK(has(text, "the broker's certificate expired on 2"));
        CHECK(has(text, "and the clock here says 2"));
    }
    SUBCASE("not yet valid")
    {
        text = broker_with({.issuer = &authority(), .from_days = 1});
        CHECK(has(text, "is valid from 2"));
    }
    SUBCASE("for another name and address")
    {
        text = broker_with({.hosts = "DNS:other.example.com,IP:10.0.0.1", .issuer = &authority()});
        CHECK(has(text, "is for other.example.com, 10.0.0.1, not for 127.0.0.1; use one of its names"));
    }
    SUBCASE("for no host")
    {
        text = broker_with({.hosts = "", .issuer = &authority()});
        CHECK(has(text, "is for no host at all, not for 127.0.0.1"));
    }
    SUBCASE("of an authority that nobody knows")
    {
        const auto stranger = make_authority("stranger");
        text = broker_with({.issuer = &stranger});
        CHECK(has(text, "was issued by CN=stranger, which is not among the 1 authorities of the context that "
                        "the program gave"));
    }
    SUBCASE("signed by itself")
    {
        text = broker_with({});
        CHECK(has(text, "is signed by itself"));
    }
    SUBCASE("not for servers")
    {
        text = broker_with({.issuer = &authority(), .usage = "clientAuth"});
        CHECK(has(text, "is not for servers"));
    }
    SUBCASE("another authority of the same name")
    {
        const auto twin = make_authority("kurier test authority");
        text = broker_with({.issuer = &twin});
        CHECK((has(text, "with another key") || has(text, "is not among")));
    }
    SUBCASE("a key that is too short")
    {
        tls_loopback net;
        asio::ssl::context server{asio::ssl::context::tls_server};
        SSL_CTX_set_security_level(server.native_handle(), 0);
        present(server, make_certificate({.issuer = &authority(), .rsa_bits = 1024}));
        serve_tls(*net.broker, std::move(server));
        text = net.refusal(trust(authority()));
        CHECK(has(text, "has a key that is too short"));
    }
    INFO(text);
    CHECK(has(text, "(certificate CN="));
    CHECK(has(text, "UNTRUSTED_BROKER"));
}

TEST_CASE("The chain that the broker sends, or leaves out")
{
    const auto middle = make_authority("middle", &authority());
    const auto leaf = make_certificate({.issuer = &middle});
    tls_loopback net;
    auto server = serve(leaf);
    SUBCASE("without its intermediate certificate")
    {
        serve_tls(*net.broker, std::move(server));
        const auto text = net.refusal(trust(authority()));
        INFO(text);
        CHECK(has(text, "was issued by CN=middle, which is not among"));
        CHECK(has(text, "came alone"));
        CHECK(has(text, "to the broker's keystore"));
    }
    SUBCASE("with it, and a root that isn't trusted")
    {
        X509_up_ref(middle.x509.get());
        SSL_CTX_add_extra_chain_cert(server.native_handle(), middle.x509.get());
        X509_up_ref(authority().x509.get());
        SSL_CTX_add_extra_chain_cert(server.native_handle(), authority().x509.get());
        serve_tls(*net.broker, std::move(server));
        const auto stranger = make_authority("stranger");
        const auto text = net.refusal(trust(stranger));
        INFO(text);
        CHECK(has(text, "the broker's certificate belongs to a chain that ends in the authority CN=kurier "
                        "test authority, which is not among"));
    }
}

TEST_CASE("A callback of the program may refuse more, not less")
{
    tls_loopback net;
    SUBCASE("more")
    {
        serve_tls(*net.broker, serve(make_certificate({.issuer = &authority()})));
        auto client = trust(authority());
        client.set_verify_callback([](bool, asio::ssl::verify_context&) { return false; });
        CHECK(has(net.refusal(std::move(client)), "is refused: "));
    }
    SUBCASE("less")
    {
        serve_tls(*net.broker, serve(make_certificate({})));
        auto client = trust(authority());
        client.set_verify_callback([](bool, asio::ssl::verify_context&) { return true; });
        const auto text = net.refusal(std::move(client));
        CHECK(has(text, "is signed by itself"));
        CHECK(has(text, "needs kurier.insecure.allow=unchecked-certificates"));
    }
}

TEST_CASE("TLS on one side only is named")
{
    tls_loopback net;
    SUBCASE("we speak TLS, the listener doesn't")
    {
        const auto text = net.refusal(trust(authority()));
        INFO(text);
        CHECK(has(text, "PLAINTEXT_PEER"));
        CHECK(has(text, "without TLS"));
    }
    SUBCASE("the listener speaks TLS, we don't")
    {
        serve_tls(*net.broker, serve(make_certificate({.issuer = &authority()})));
        net.config.security_protocol = security_protocol::plaintext;
        const auto text = net.refusal(net.make_engine());
        INFO(text);
        CHECK(has(text, "TLS_PEER"));
        CHECK(has(text, "set security.protocol=SSL or SASL_SSL"));
    }
}

TEST_CASE("A record that waited for a broker without TLS fails with the reason")
{
    tls_loopback net;
    net.config.max_block = 2s;
    auto engine = net.engine_with(trust(authority()));
    kurier::producer<> producer{engine};
    outcome sent;
    producer.send({.topic = "t", .value = "v"})(sent.take());
    REQUIRE(net.until([&] { return sent.told > 0; }));
    CHECK(sent.persisted() == persisted::no);
    CHECK(has(sent.text(), "probably a listener without TLS; set security.protocol"));
    CHECK(has(sent.text(), "last error: the listener does not speak TLS"));
}

TEST_CASE("No TLS version in common")
{
    tls_loopback net;
    auto server = serve(make_certificate({.issuer = &authority()}));
    SSL_CTX_set_min_proto_version(server.native_handle(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(server.native_handle(), TLS1_1_VERSION);
    SSL_CTX_set_security_level(server.native_handle(), 0);
    serve_tls(*net.broker, std::move(server));
    auto client = trust(authority());
    SSL_CTX_set_min_proto_version(client.native_handle(), TLS1_2_VERSION);
    const auto text = net.refusal(std::move(client));
    INFO(text);
    CHECK(has(text, "no TLS version in common"));
}

TEST_CASE("A context of one's own is not given in vain")
{
    loopback net;
    const auto make = [&] {
        return kurier::engine{net.context.get_executor(), net.config, net.log,
                              kurier::tls{trust(authority())}};
    };
    CHECK_THROWS_WITH_AS(make(), doctest::Contains("a TLS context was given"), config_error);
    const kurier::engine plain{net.context.get_executor(), net.config, net.log, kurier::tls{}};
}

TEST_CASE("TLS from the configuration: the broker is checked, less of it only if that is allowed")
{
    tls_loopback net;
    net.config.ssl_truststore_certificates = authority().pem();
    const auto deliver = [&] {
        kurier::engine engine{net.context.get_executor(), net.config, net.log, kurier::tls{}};
        kurier::producer<> producer{engine};
        net.run([&]() -> asio::awaitable<void> {
            co_await producer.send({.topic = "t", .value = "v"});
            co_await engine.close();
        });
        return net.broker->log("t").size() == 1;
    };
    SUBCASE("all is well")
    {
        serve_tls(*net.broker, serve(make_certificate({.issuer = &authority()})));
        CHECK(deliver());
    }
    SUBCASE("a certificate for another host")
    {
        serve_tls(*net.broker, serve(make_certificate({.hosts = "DNS:elsewhere", .issuer = &authority()})));
        net.config.ssl_endpoint_identification_algorithm = endpoint_identification::none;
        CHECK_THROWS_WITH_AS(deliver(), doctest::Contains("add kurier.insecure.allow=unchecked-names"),
                             config_error);
        net.config.insecure_allow = insecure::unchecked_names;
        CHECK(deliver());
        CHECK(net.log.has("warning config: ssl.endpoint.identification.algorithm=none: any host"));
    }
    SUBCASE("a certificate of nobody")
    {
        serve_tls(*net.broker, serve(make_certificate({})));
        net.config.enable_ssl_certificate_verification = false;
        CHECK_THROWS_WITH_AS(deliver(), doctest::Contains("add kurier.insecure.allow=unchecked-certificates"),
                             config_error);
        net.config.insecure_allow = insecure::unchecked_certificates;
        CHECK(deliver());
        CHECK(net.log.has("warning config: enable.ssl.certificate.verification=false: anybody"));
    }
    SUBCASE("a file that isn't there")
    {
        net.config.ssl_truststore_certificates.clear();
        net.config.ssl_truststore_location = "/nowhere/ca.pem";
        CHECK_THROWS_WITH_AS(deliver(), doctest::Contains("/nowhere/ca.pem can't be read"), config_error);
    }
}

TEST_CASE("A callback of the program may refuse less if that is allowed")
{
    tls_loopback net;
    serve_tls(*net.broker, serve(make_certificate({})));
    net.config.insecure_allow = insecure::unchecked_certificates;
    auto client = trust(authority());
    client.set_verify_callback([](bool, asio::ssl::verify_context&) { return true; });
    net.delivers(std::move(client));
}

TEST_CASE("Files that change are read again for new connections; what can't be used changes nothing")
{
    const auto file =
        std::filesystem::temp_directory_path() / ("kurier-ca-" + std::to_string(::getpid()) + ".pem");
    const auto put = [&](const std::string& content) { std::ofstream{file} << content; };
    const auto second = make_authority("the second authority");
    tls_loopback net;
    net.config.ssl_truststore_location = file.string();
    put(authority().pem());
    serve_tls(*net.broker, serve(make_certificate({.issuer = &authority()})));
    kurier::engine engine{net.context.get_executor(), net.config, net.log, kurier::tls{}};
    kurier::producer<> producer{engine};
    const auto deliver = [&] {
        net.run([&]() -> asio::awaitable<void> { co_await producer.send({.topic = "t", .value = "v"}); });
    };
    deliver();

    serve_tls(*net.broker, serve(make_certificate({.issuer = &second})));
    put("half a file");
    net.broker->stop_broker(1);
    net.broker->start_broker(1);
    producer.send({.topic = "t", .value = "v"});
    REQUIRE(net.until([&] { return net.log.has("error=UNTRUSTED_BROKER"); }));
    CHECK(net.log.has("warning tls.reload_failed: ssl.truststore.location=" + file.string() +
                      " has no certificate"));
    CHECK(net.log.has("which is not among the 1 authorities of " + file.string()));

    put(second.pem());
    deliver();
    CHECK(net.log.has("info tls.reloaded: certificates were read again"));
    CHECK(net.broker->log("t").size() == 3);
    std::filesystem::remove(file);
}
