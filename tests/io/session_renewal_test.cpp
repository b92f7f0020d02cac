// Sessions that end, and connections that break in the middle of a login: no record is lost or doubled by it.
#include "support/guarded.hpp"

#include <kurier/oauthbearer.hpp>

using namespace kurier;
using namespace kurier::testing;

namespace {

// Sends records one batch after another until `enough`; each has to be delivered.
template <class Enough>
std::vector<std::string> send_until(guarded& net, kurier::producer<>& producer, Enough enough)
{
    std::vector<std::string> sent;
    std::size_t delivered = 0;
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!enough() && std::chrono::steady_clock::now() < end) {
        for (int i = 0; i < 10; ++i) {
            sent.push_back(std::to_string(sent.size()));
            producer.send({.topic = "t", .value = sent.back()})([&](error_code ec, const record_metadata&) {
                CHECK_FALSE(ec);
                ++delivered;
            });
        }
        const bool all = net.until([&] { return delivered == sent.size(); });
        REQUIRE(all);
    }
    CHECK(enough());
    return sent;
}

} // namespace

TEST_CASE(
    "sessions that end all the time, under load: nothing is lost, doubled or reordered, and nobody notices")
{
    guarded net;
    net.takes_plain();
    net.logins().session_lifetime = 2s;
    auto producer = net.make_producer(alice());
    const auto sent = send_until(net, producer, [&] { return net.logins().accepted() >= 3; });
    CHECK(net.logins().refused() == 0);
    CHECK(net.values("t") == sent);
    net.expect_no_violation();
    CHECK_FALSE(net.log.has("disconnected"));
}

TEST_CASE("a renewal that is refused, or gets no answer, costs a connection and no record")
{
    guarded net;
    net.takes_plain();
    net.logins().session_lifetime = 2s;
    fault trouble;
    trouble.api_key = protocol::sasl_authenticate_request::api_key;
    trouble.skip = 1; // of the first login
    SUBCASE("refused")
    {
        trouble.error = broker_errc::sasl_authentication_failed;
    }
    SUBCASE("cut")
    {
        trouble.close_after_answer_bytes = 3;
    }
    SUBCASE("before it is read")
    {
        trouble.close_after_request_bytes = 3;
    }
    SUBCASE("refused to begin")
    {
        trouble.api_key = protocol::sasl_handshake_request::api_key;
        trouble.error = broker_errc::illegal_sasl_state;
    }
    net.cluster().inject(trouble);
    auto producer = net.make_producer(alice());
    const auto sent = send_until(net, producer, [&] { return net.logins().accepted() >= 3; });
    CHECK(net.values("t") == sent);
    net.expect_no_violation();
}

TEST_CASE("somebody else's token doesn't renew a session: a new connection takes it")
{
    guarded net;
    net.logins().add(token_users{[](std::string_view token) { return std::string{token}; }});
    net.logins().session_lifetime = 2s;
    int asked = 0;
    auto producer = net.make_producer(
        oauthbearer{[&] { return oauth_token{"user" + std::string(1, static_cast<char>('a' + asked++))}; }});
    const auto sent = send_until(net, producer, [&] { return net.logins().accepted() >= 2; });
    CHECK(net.logins().refused() >= 1);
    CHECK(net.values("t") == sent);
    net.expect_no_violation();
}

TEST_CASE(
    "a session whose every message is cut at each byte, in either direction: each record is written once")
{
    using namespace protocol;
    const std::int16_t apis[]{api_versions_request::api_key,      sasl_handshake_request::api_key,
                              sasl_authenticate_request::api_key, metadata_request::api_key,
                              init_producer_id_request::api_key,  produce_request::api_key};
    for (const auto api : apis)
        for (const bool answer : {false, true})
            for (int skip = 0; skip < (api == sasl_authenticate_request::api_key ? 2 : 1); ++skip)
                for (std::size_t cut = 1;; cut += 3) {
                    guarded net;
                    net.takes_scram();
                    fault broken;
                    broken.api_key = api;
                    broken.skip = skip;
                    (answer ? broken.close_after_answer_bytes : broken.close_after_request_bytes) = cut;
                    net.cluster().inject(broken);
                    auto producer = net.make_producer(scram_sha256{"alice", secret::literal("secret")});
                    CAPTURE(api);
                    CAPTURE(answer);
                    CAPTURE(cut);
                    REQUIRE_FALSE(net.send(producer).error);
                    REQUIRE(net.values("t").size() == 1);
                    if (cut > 130) break; // behind the end of the longest
                }
}

TEST_CASE("no text has anything of a secret: log, failure, dump, configuration")
{
    guarded net;
    net.takes_plain();
    net.config.delivery_timeout = net.config.max_block = 200ms;
    net.config.request_timeout = 100ms;
    net.config.sasl_username.clear();
    auto producer = net.make_producer(plain{"alice", secret::literal("hunter2")});
    const auto failed = net.send(producer);
    const auto all = net.log.all() + failed.text() + producer.engine().dump();
    CHECK(failed.error);
    CHECK(all.find("hunter2") == std::string::npos);
    CHECK(all.find("refuses the login") != std::string::npos);
}

TEST_CASE("a refused credential is tried with one broker at a time, and everywhere once it is right")
{
    cluster_options three;
    three.brokers = 3;
    guarded net{three};
    std::string good = "nobody knows";
    net.logins().add(token_users{[&](std::string_view token) { return token == good ? "alice" : ""; }});
    auto producer = net.make_producer(oauthbearer{[] { return oauth_token{"token"}; }});
    outcome result;
    producer.send({.topic = "t", .value = "v"})(result.take());
    REQUIRE(net.until([&] { return net.logins().refused() >= 2; }));
    good = "token";
    REQUIRE(net.until([&] { return result.told > 0; }));
    CHECK_FALSE(result.error);
}
