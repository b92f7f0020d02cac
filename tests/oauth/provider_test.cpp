// A producer that logs in with tokens of an identity provider: over HTTPS, in this process.
#include "support/certificates.hpp"
#include "support/identity_provider.hpp"
#include "support/loopback.hpp"

#include <kurier/oidc.hpp>
#include <kurier/sasl.hpp>

#include <boost/asio/steady_timer.hpp>

#include <filesystem>
#include <fstream>

#include <unistd.h>

using namespace kurier;
using namespace kurier::testing;
using testing_support::identity_provider;

namespace {

const certificate& authority()
{
    static const auto made = make_authority("identity authority");
    return made;
}

std::shared_ptr<asio::ssl::context> serve(const char* hosts = "IP:127.0.0.1")
{
    certificate_order order;
    order.name = "provider";
    order.hosts = hosts;
    order.issuer = &authority();
    const auto own = make_certificate(order);
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX_use_certificate(context->native_handle(), own.x509.get());
    SSL_CTX_use_PrivateKey(context->native_handle(), own.key.get());
    return context;
}

const std::string token_body = R"({"access_token":"alice-token","token_type":"Bearer","expires_in":3600})";

struct with_provider : loopback
{
    with_provider()
    {
        broker->create_topic("t");
        cluster().logins().add(
            token_users{[](std::string_view token) { return token == "alice-token" ? "alice" : ""; }});
        config.security_protocol = security_protocol::sasl_plaintext;
        config.insecure_allow = insecure::cleartext_secrets;
        options.client_id = "svc";
        options.client_secret = secret::literal("hunter2");
        options.ca_pem = authority().pem();
        options.timeout = 5s;
    }

    void listen(identity_provider::script script, std::shared_ptr<asio::ssl::context> tls = serve())
    {
        provider = std::make_unique<identity_provider>(context, std::move(script), std::move(tls));
        options.token_endpoint_url = provider->url();
    }

    kurier::engine engine() { return {context.get_executor(), config, log, oauthbearer{oidc{options}}}; }

    void delivers(kurier::engine made)
    {
        kurier::producer<> producer{made};
        run([&]() -> asio::awaitable<void> {
            co_await producer.send({.topic = "t", .value = "v"});
            co_await made.close();
        });
        CHECK(broker->log("t").size() == 1);
    }

    // What is said about the login that can't be had.
    std::string refusal()
    {
        auto made = engine();
        kurier::producer<> producer{made};
        auto sent = producer.send({.topic = "t", .value = "v"});
        REQUIRE(until([&] { return log.has("broker.login_failed"); }));
        CHECK(log.all().find("hunter2") == std::string::npos);
        return log.all();
    }

    oidc_options options;
    std::unique_ptr<identity_provider> provider;
};

bool has(const std::string& text, std::string_view part)
{
    const bool found = text.find(part) != std::string::npos;
    CHECK_MESSAGE(found, text);
    return found;
}

} // namespace

TEST_CASE("a producer logs in with a token that it fetches over HTTPS, once for all connections")
{
    with_provider net;
    std::string seen;
    net.listen([&](const identity_provider::request& asked) {
        seen = std::string{asked.method_string()} + ' ' + std::string{asked.target()} + ' ' +
               std::string{asked[boost::beast::http::field::authorization]} + ' ' + asked.body();
        return identity_provider::reply(200, token_body);
    });
    net.delivers(net.engine());
    CHECK(seen == "POST /token Basic c3ZjOmh1bnRlcjI= grant_type=client_credentials");
    CHECK(net.provider->asked() == 1);
    CHECK_FALSE(net.log.has("hunter2"));
    CHECK_FALSE(net.log.has("alice-token"));
}

TEST_CASE("the configuration alone is enough, by the login that it names")
{
    with_provider net;
    net.listen([](const auto&) { return identity_provider::reply(200, token_body); });
    net.config.sasl_mechanism = "OAUTHBEARER";
    net.config.sasl_oauthbearer_token_endpoint_url = net.options.token_endpoint_url;
    net.config.sasl_oauthbearer_client_id = "svc";
    net.config.sasl_oauthbearer_client_secret = secret::literal("hunter2");
    net.config.https_ca_pem = authority().pem();
    net.delivers({net.context.get_executor(), net.config, net.log, sasl::from_config{oidc{}}});
    CHECK(net.provider->asked() == 1);
}

TEST_CASE("a provider that is overloaded is asked again; one that refuses is quoted")
{
    with_provider net;
    SUBCASE("overloaded, silent and cut off at first")
    {
        net.listen([&](const auto&) -> std::string {
            switch (net.provider->asked()) {
            case 1:
                return identity_provider::reply(503, "busy");
            case 2:
                return {};
            case 3:
                return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
            default:
                return identity_provider::reply(200, token_body);
            }
        });
        net.delivers(net.engine());
        CHECK(net.provider->asked() == 4);
    }
    SUBCASE("refuses")
    {
        net.listen([](const auto&) {
            return identity_provider::reply(
                401, R"({"error":"invalid_client","error_description":"no such client"})");
        });
        const auto text = net.refusal();
        has(text, "HTTP status 401, invalid_client (no such client); check the client's id and secret");
        has(text, "https://127.0.0.1:");
    }
    SUBCASE("redirects")
    {
        net.listen(
            [](const auto&) { return identity_provider::reply(302, "", "Location: http://elsewhere/\r\n"); });
        has(net.refusal(), "a redirect, which is not followed");
    }
    SUBCASE("sends without end")
    {
        net.options.timeout = 300ms;
        net.listen([](const auto&) {
            return "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + std::string(100'000, 'x');
        });
        has(net.refusal(), "sends more than 65536 bytes");
    }
    SUBCASE("sends headers without end")
    {
        net.options.timeout = 300ms;
        net.listen([](const auto&) { return "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'); });
        has(net.refusal(), "headers of more than 16384 bytes");
    }
    SUBCASE("is no HTTP server")
    {
        net.options.timeout = 300ms;
        net.listen([](const auto&) { return std::string{"SSH-2.0-OpenSSH_9.2\r\n\r\n"}; });
        has(net.refusal(), "answered with what is not HTTP");
    }
    SUBCASE("never answers")
    {
        net.options.timeout = 300ms;
        net.config.socket_connection_setup_timeout = 30s;
        net.listen([](const auto&) { return "never"; });
        has(net.refusal(), "had no answer within ");
    }
    SUBCASE("is not there")
    {
        net.options.timeout = 300ms;
        net.listen([](const auto&) { return ""; });
        net.provider->stop();
        has(net.refusal(), "can't be asked: ");
    }
}

TEST_CASE("a provider's certificate is verified, with its name")
{
    with_provider net;
    net.options.timeout = 300ms;
    const auto answer = [](const auto&) { return identity_provider::reply(200, token_body); };
    SUBCASE("of another host")
    {
        net.listen(answer, serve("DNS:other.example.com"));
        has(net.refusal(), "has a certificate that is not accepted: CN=provider (IP address mismatch)");
    }
    SUBCASE("of an unknown authority")
    {
        net.options.ca_pem = make_authority("another").pem();
        net.listen(answer);
        has(net.refusal(), "has a certificate that is not accepted");
    }
    SUBCASE("without TLS")
    {
        net.listen(answer, nullptr);
        net.options.token_endpoint_url.replace(0, 4, "https");
        has(net.refusal(), "can't be asked over TLS");
    }
    CHECK(net.provider->asked() == 0);
}

TEST_CASE("a token in a file is read anew for each login")
{
    with_provider net;
    std::string path = "/tmp/kurier-token-XXXXXX";
    std::fclose(::fdopen(::mkstemp(path.data()), "w"));
    std::ofstream{path} << "alice-token\n";
    net.options.token_endpoint_url = "file:" + path;
    net.delivers(net.engine());
    std::filesystem::remove(path);
    has(net.refusal(), "the file " + path + " can't be read");
}
