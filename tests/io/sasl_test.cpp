// Logins with each mechanism, against a broker that checks them: good ones, bad ones, sessions that end, connections that break
// in the middle.
#include "support/guarded.hpp"

#include <kurier/sasl.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdio>
#include <fstream>
#include <stdexcept>

using namespace kurier;
using namespace kurier::testing;

namespace {

// The error of an engine that can't be made.
template <class... Part> std::string refusal(guarded& net, Part... parts)
{
    try {
        kurier::engine{net.context.get_executor(), net.config, net.log, std::move(parts)...};
    } catch (const config_error& refused) {
        return refused.what();
    }
    return "";
}

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("each mechanism logs in, and records go through")
{
    guarded net;
    net.takes_plain();
    net.takes_scram();
    net.logins().add(token_users{[](std::string_view token) { return token == "good" ? "alice" : ""; }});
    const auto works = [&](auto login) {
        auto producer = net.make_producer(std::move(login));
        CHECK_FALSE(net.send(producer).error);
    };
    SUBCASE("PLAIN")
    {
        works(alice());
    }
    SUBCASE("SCRAM-SHA-256")
    {
        works(scram_sha256{"alice", secret::literal("secret")});
    }
    SUBCASE("SCRAM-SHA-512")
    {
        works(scram_sha512{"alice", secret::literal("secret")});
    }
    SUBCASE("a token")
    {
        works(oauthbearer{[] { return oauth_token{"good"}; }});
    }
    SUBCASE("a token by a coroutine")
    {
        works(oauthbearer{[&]() -> asio::awaitable<oauth_token> {
            co_await asio::post(net.context, asio::use_awaitable);
            co_return oauth_token{"good", 60s};
        }});
    }
    SUBCASE("a token by an operation")
    {
        works(oauthbearer{[&] {
            return [&](auto handler) {
                asio::post(net.context, [handler = std::move(handler)]() mutable {
                    std::move(handler)(error_code{}, oauth_token{"good"});
                });
            };
        }});
    }
    for (const auto* name : {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}) SUBCASE(name)
        {
            net.config.sasl_mechanism = name;
            net.config.sasl_username = "alice";
            net.config.sasl_password = secret::literal("secret");
            works(sasl::from_config{});
        }
    CHECK(net.logins().accepted() >= 1);
    net.expect_no_violation();
    CHECK_FALSE(contains(net.log.all(), "secret"));
}

TEST_CASE("a refused login is logged at once with the broker's words; records wait until their deadline and "
          "say why")
{
    guarded net;
    net.takes_plain();
    net.config.delivery_timeout = 300ms;
    net.config.request_timeout = 100ms;
    net.config.max_block = 300ms;
    auto producer = net.make_producer(plain{"alice", secret::literal("hunter2")});
    const auto failed = net.send(producer);
    CHECK(failed.persisted() == persisted::no);
    CHECK(
        contains(failed.text(), "the broker refuses the login with PLAIN: \"Authentication failed: Invalid"));
    CHECK(net.log.has("error broker.login_failed: the broker refuses the login with PLAIN"));
    CHECK_FALSE(contains(net.log.all() + failed.text(), "hunter2"));
    net.expect_no_violation();
}

TEST_CASE("trouble with a login passes: a password that is put right in its file is read with the next try")
{
    guarded net;
    net.takes_plain();
    std::string path = "/tmp/kurier-sasl-XXXXXX";
    std::fclose(::fdopen(::mkstemp(path.data()), "w"));
    std::ofstream{path} << "wrong\n";
    auto producer = net.make_producer(plain{"alice", secret::from_file(path)});
    outcome result;
    producer.send({.topic = "t", .value = "v"})(result.take());
    REQUIRE(net.until([&] { return net.logins().refused() > 0; }));
    std::ofstream{path} << "secret\n";
    REQUIRE(net.until([&] { return result.told > 0; }));
    CHECK_FALSE(result.error);
    std::remove(path.c_str());
}

TEST_CASE("each way to fail says what is wrong")
{
    guarded net;
    net.config.delivery_timeout = net.config.max_block = 300ms;
    net.config.request_timeout = 100ms;
    const auto story = [&](auto login) {
        auto producer = net.make_producer(std::move(login));
        const auto failed = net.send(producer);
        CHECK(failed.error);
        CHECK(failed.persisted() == persisted::no);
        return failed.text();
    };
    SUBCASE("a listener without SASL")
    {
        CHECK(contains(story(alice()), "this listener has no SASL: use the port of one that has"));
    }
    SUBCASE("another mechanism")
    {
        net.takes_scram();
        CHECK(contains(story(alice()), "the broker does not take PLAIN, but SCRAM-SHA-256, SCRAM-SHA-512"));
    }
    SUBCASE("a wrong SCRAM password")
    {
        net.takes_scram();
        CHECK(contains(story(scram_sha256{"alice", secret::literal("wrong")}), "are kept separately"));
    }
    SUBCASE("an unknown user")
    {
        net.takes_scram();
        CHECK(contains(story(scram_sha512{"eve", secret::literal("secret")}), "invalid credentials"));
    }
    SUBCASE("a refused token")
    {
        net.logins().add(token_users{[](std::string_view) { return ""; }});
        CHECK(contains(story(oauthbearer{[] { return oauth_token{"bad"}; }}), "invalid_token"));
    }
    SUBCASE("a source of tokens that throws")
    {
        net.takes_plain();
        CHECK(contains(story(oauthbearer{[]() -> oauth_token { throw std::runtime_error{"no network"}; }}),
                       "the source of tokens has failed: no network"));
    }
    SUBCASE("a source of tokens that fails")
    {
        net.takes_plain();
        CHECK(contains(story(oauthbearer{[] {
                           return [](auto handler) {
                               handler(make_error_code(asio::error::timed_out), oauth_token{});
                           };
                       }}),
                       "the source of tokens has failed: Connection timed out"));
    }
    SUBCASE("a source of tokens that never answers")
    {
        net.takes_plain();
        CHECK(contains(story(oauthbearer{[] { return [](auto) {}; }}),
                       "the credential for the login can't be had"));
    }
    SUBCASE("a file that isn't there")
    {
        net.takes_plain();
        CHECK(contains(story(plain{"alice", secret::from_file("/nowhere/password")}),
                       "the password can't be had: the file /nowhere/password can't be read: No such file"));
    }
    SUBCASE("a callback that throws something odd")
    {
        net.takes_plain();
        CHECK(contains(story(plain{"alice", secret::from_callback([]() -> std::string { throw 1; })}),
                       "the credential for the login can't be had"));
    }
}

TEST_CASE("an engine whose login and configuration don't agree is not made")
{
    guarded net;
    CHECK(contains(refusal(net), "asks for SASL, which this engine was made without"));
    CHECK(refusal(net, alice()).empty());
    net.config.sasl_mechanism = "SCRAM-SHA-256";
    CHECK(contains(refusal(net, alice()),
                   "sasl.mechanism=SCRAM-SHA-256 contradicts the engine's login, which is with PLAIN"));
    CHECK(contains(refusal(net, sasl::from_config{}), "sasl.mechanism=SCRAM-SHA-256 needs a user"));
    net.config.sasl_username = "bob";
    net.config.sasl_password = secret::literal("secret");
    CHECK(refusal(net, sasl::from_config{}).empty());
    CHECK(contains(refusal(net, scram_sha256{"alice", secret::literal("secret")}),
                   "name a user, and so does the login"));
    net.config.sasl_mechanism = "GSSAPI";
    CHECK(contains(refusal(net, sasl::from_config{}), "sasl.mechanism=GSSAPI is not one that kurier has"));
    net.config.sasl_mechanism = "OAUTHBEARER";
    CHECK(contains(refusal(net, sasl::from_config{}), "needs a source of tokens"));
    net.config.sasl_mechanism.clear();
    CHECK(contains(refusal(net, sasl::from_config{}), "sasl.mechanism is missing"));
    net.config.sasl_username.clear();
    net.config.sasl_password = {};

    net.config.insecure_allow = insecure::nothing;
    CHECK(contains(refusal(net, alice()),
                   "security.protocol=SASL_PLAINTEXT would send the secret of PLAIN in the clear"));
    CHECK(contains(refusal(net, oauthbearer{[] { return oauth_token{}; }}),
                   "kurier.insecure.allow=cleartext-secrets"));
    CHECK(refusal(net, scram_sha512{"alice", secret::literal("secret")}).empty());
    net.config.insecure_allow = insecure::cleartext_secrets;
    CHECK(contains(refusal(net, oauthbearer{unsecured_tokens{"alice"}}),
                   "kurier.insecure.allow=unsecured-tokens"));
    net.config.insecure_allow = insecure::cleartext_secrets | insecure::unsecured_tokens;
    CHECK(refusal(net, oauthbearer{unsecured_tokens{"alice"}}).empty());

    net.config.security_protocol = security_protocol::plaintext;
    CHECK(contains(refusal(net, alice()), "security.protocol=PLAINTEXT has no SASL"));
    CHECK(refusal(net, sasl::from_config{}).empty());
}

TEST_CASE(
    "four fifths of a token's life over, a new one is asked for; while none can be had, the old one serves")
{
    struct clock
    {
        using time_point = std::chrono::steady_clock::time_point;
        static time_point& now()
        {
            static time_point at;
            return at;
        }
    };
    int asked = 0;
    bool fails = false;
    const auto issue = [&] {
        ++asked;
        if (fails) throw std::runtime_error{"no network"};
        return oauth_token{"token-" + std::to_string(asked), 100s};
    };
    using source = io::token_source<std::remove_const_t<decltype(issue)>, clock>;
    const auto tokens =
        std::make_shared<source>(std::make_shared<std::remove_const_t<decltype(issue)>>(issue));
    asio::io_context context;
    const auto obtain = [&] {
        std::string got;
        tokens->obtain(context.get_executor(), [&](io::credential one) {
            got = one.words.empty() ? std::string{as_text(one.bytes.view())} : one.words;
        });
        context.run();
        context.restart();
        return got;
    };
    CHECK(obtain() == "token-1");
    clock::now() += 79s;
    CHECK(obtain() == "token-1");
    CHECK(asked == 1);
    clock::now() += 1s;
    fails = true;
    CHECK(obtain() == "token-1");
    CHECK(asked == 2);
    clock::now() += 20s;
    CHECK(contains(obtain(), "no network"));
    fails = false;
    CHECK(obtain() == "token-4");
    fails = true;
    tokens->refused(); // then it serves nobody any more
    CHECK(contains(obtain(), "no network"));
}

TEST_CASE("one token serves many logins until it is old or refused")
{
    guarded net;
    std::string good = "token1";
    net.logins().add(token_users{[&](std::string_view token) { return token == good ? "alice" : ""; }});
    int asked = 0;
    auto producer =
        net.make_producer(oauthbearer{[&] { return oauth_token{"token" + std::to_string(++asked), 3600s}; }});
    CHECK_FALSE(net.send(producer).error);
    for (int i = 0; i < 3; ++i) {
        net.broker->stop_broker(1);
        net.broker->start_broker(1);
        CHECK_FALSE(net.send(producer).error);
    }
    CHECK(asked == 1);
    good = "token2"; // the first one is revoked
    net.broker->stop_broker(1);
    net.broker->start_broker(1);
    CHECK_FALSE(net.send(producer).error);
    CHECK(asked == 2);
}

TEST_CASE("an engine that goes in the middle of a login leaves nothing behind")
{
    guarded net;
    net.takes_plain();
    int asked = 0;
    outcome result;
    SUBCASE("the engine first")
    {
        {
            auto producer = net.make_producer(oauthbearer{[&] {
                ++asked;
                return [](auto) {};
            }});
            producer.send({.topic = "t", .value = "v"})(result.take());
            REQUIRE(net.until([&] { return asked > 0; }));
        }
        REQUIRE(net.until([&] { return result.told > 0; }));
        CHECK(result.error == errc::aborted);
    }
    SUBCASE("its context first")
    {
        asio::io_context other{1};
        kurier::producer<> producer{
            kurier::engine{other.get_executor(), net.config, net.log, oauthbearer{[&] {
                               ++asked;
                               return [](auto) {};
                           }}}};
        producer.send({.topic = "t", .value = "v"})(result.take());
        const auto end = std::chrono::steady_clock::now() + patience;
        while (asked == 0 && std::chrono::steady_clock::now() < end) {
            net.context.restart();
            net.context.poll();
            other.restart();
            other.poll();
        }
        CHECK(asked == 1);
    }
}
