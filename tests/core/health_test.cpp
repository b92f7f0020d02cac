// What records and the log say about brokers in trouble: the cause and not only the timeout, a line for a change and not
// for each attempt.
#include "support/core_script.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace kurier;
using namespace kurier::core;
using namespace kurier::core::script;
using enum broker_errc;

namespace {

// The lines that begin so; debug ones are steps on the way.
std::vector<std::string> lines(const core_script& s, std::string_view begin)
{
    std::vector<std::string> found;
    std::copy_if(s.log.begin(), s.log.end(), std::back_inserter(found),
                 [&](const std::string& line) { return line.starts_with(begin); });
    return found;
}

std::vector<std::string> news(const core_script& s)
{
    std::vector<std::string> found;
    std::copy_if(s.log.begin(), s.log.end(), std::back_inserter(found),
                 [](const std::string& line) { return !line.starts_with("debug "); });
    return found;
}

// Whose bootstrap server is broker 1, so that there is no other connection.
producer_config only_broker_1()
{
    producer_config config{"broker:9001"};
    config.linger = 0ms;
    return config;
}

error_code refused()
{
    return boost::system::errc::make_error_code(boost::system::errc::connection_refused);
}

// Nobody listens on any port for so long.
void stay_down(core_script& s, nanoseconds time)
{
    s.accept_connections = false;
    const auto end = s.now.steady + time;
    while (s.now.steady < end) {
        s.step();
        std::vector<connection_id> attempts;
        for (const auto& [id, one] : s.peers)
            if (!one.connected) attempts.push_back(id);
        for (const auto id : attempts) s.drop(id, refused());
        s.step(std::min<nanoseconds>(100ms, end - s.now.steady));
    }
    s.accept_connections = true;
}

// A listener that wants SASL answers ApiVersions and hangs up on anything else.
void hang_up_on_metadata(core_script& s, nanoseconds time)
{
    s.answer_metadata = false;
    const auto end = s.now.steady + time;
    while (s.now.steady < end) {
        s.step();
        while (!s.held.empty()) s.drop(s.held.front().first);
        s.step(std::min<nanoseconds>(100ms, end - s.now.steady));
    }
    s.answer_metadata = true;
}

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

// --- the log ---------------------------------------------------------------------------------------------------------

TEST_CASE("A broker that stays out of reach is one line, a cluster of which none is left another, and the "
          "return a third")
{
    core_script s{only_broker_1()};
    s.warm_up();
    s.log.clear();
    s.lose_for_good(9001);
    stay_down(s, 600s);
    REQUIRE(news(s).size() == 3);
    CHECK(news(s)[0] == "info broker.disconnected: the connection was lost broker=1 host=broker port=9001 "
                        "error=DISCONNECTED");
    CHECK(news(s)[1].starts_with("warning broker.unreachable: Connection refused; check "));
    CHECK(news(s)[1].ends_with(" host=broker port=9001 error=CONNECT_FAILED"));
    CHECK(news(s)[2].starts_with(
        "error brokers.down: 1 of 1 brokers are down; the last was broker:9001 (id 1): "));
    CHECK(lines(s, "debug broker.unreachable").size() > 500); // each attempt, for who looks closely

    s.log.clear();
    s.send("t", "a");
    s.step(2s);
    s.answer_all();
    CHECK(news(s) == // for metadata and for records
          std::vector<std::string>{"info broker.connected: connected again host=broker port=9001",
                                   "info broker.connected: connected again broker=1 host=broker port=9001"});
    s.log.clear();
    s.accept_connections = false;
    while (!s.peers.empty()) s.drop(s.peers.begin()->first);
    stay_down(s, 10s);
    CHECK(lines(s, "warning broker.unreachable").size() == 1); // the next outage is told anew
    CHECK(lines(s, "error brokers.down").size() == 1);
}

TEST_CASE("Another kind of trouble with the same broker is another line")
{
    core_script s{only_broker_1()};
    s.warm_up();
    s.lose_for_good(9001);
    stay_down(s, 10s);
    s.log.clear();
    s.answer_versions = false;
    for (int i = 0; i < 3; ++i) {
        s.step(2s); // past reconnect.backoff.max.ms
        REQUIRE_FALSE(s.held.empty());
        const auto link = s.held.front().first;
        s.held.clear();
        s.receive(link, "HTTP/1.1 400 Bad Request\r\n\r\n");
    }
    stay_down(s, 10s);
    REQUIRE(news(s).size() == 1);
    CHECK(news(s)[0].starts_with(
        "warning broker.unreachable: an HTTP server answered, not Kafka; correct the port"));
}

TEST_CASE("One of several brokers that is down leaves the others")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{.leader = 1}, {.leader = 2}};
    s.warm_up();
    s.log.clear();
    s.drop(s.link_to(9002));
    s.accept_connections = false;
    s.send("t", "a", 1);
    stay_down(s, 60s);
    CHECK(lines(s, "warning broker.unreachable").size() == 1);
    CHECK(lines(s, "error").empty());
}

TEST_CASE("Bootstrap servers of which none answers")
{
    producer_config config{"one:1,two:2"};
    core_script s{config};
    stay_down(s, 60s);
    CHECK(news(s).size() == 3);
    CHECK(lines(s, "warning broker.unreachable").size() == 2);
    CHECK(lines(s, "error brokers.down: 2 of 2 bootstrap servers are down").size() == 1);
}

TEST_CASE(
    "A listener that hangs up on the first real request (SASL) is a warning with the setting to look at")
{
    core_script s;
    hang_up_on_metadata(s, 60s);
    REQUIRE(news(s).size() == 3);
    CHECK(news(s)[0].starts_with("info broker.connected: connected host=boot port=9000"));
    CHECK(news(s)[1].starts_with(
        "warning broker.unusable: the broker closed the connection on the first request, as a listener does "
        "that wants a login (SASL); when it repeats right after connecting, compare security.protocol with "
        "the listener"));
    CHECK(news(s)[2].starts_with("error brokers.down"));
    CHECK(s.connects.size() > 30); // it tries on
    s.log.clear();
    s.step(2s);
    CHECK(lines(s, "info broker.connected: connected again").size() == 1);
}

TEST_CASE("What a transport says about the end of a connection goes in place of the error's text and advice")
{
    core_script s;
    s.warm_up();
    s.log.clear();
    const auto link = s.link_to(9001);
    s.core.closed(link, errc::tls_failed, s.now, "a damaged record came; look between here and there");
    s.step();
    CHECK(lines(s, "info broker.disconnected: a damaged record came; look between here and there").size() ==
          1);
    CHECK(lines(s, "compare the TLS versions").empty());
}

TEST_CASE("A broker without the needed requests is an error, once")
{
    core_script s;
    s.api[0] = {0, 2};
    s.step(60s);
    REQUIRE(lines(s, "error broker.unsupported").size() == 1);
    CHECK(lines(s, "error")[0].starts_with(
        "error broker.unsupported: it speaks no version of Produce that this library knows"));
    CHECK(lines(s, "info").empty());
}

TEST_CASE("An idle connection that the broker closes is no alarm")
{
    core_script s{only_broker_1()};
    s.warm_up();
    s.log.clear();
    s.drop(s.link_to(9001));
    s.step(1s);
    s.drop(s.link_to(9001)); // it was connected again, and asked for nothing yet but metadata
    REQUIRE(lines(s, "info broker.disconnected").size() == 2);
    CHECK(lines(s, "warning").empty());
}

TEST_CASE("Refusals, throttling and producer ids name what they are about in fields")
{
    core_script s;
    s.warm_up();
    s.send("t", "a");
    s.step();
    const auto question = s.take();
    s.answer(question, {reply{.error = not_enough_replicas}}, 50);
    REQUIRE(lines(s, "debug produce.refused").size() == 1);
    CHECK(lines(s, "debug produce.refused")[0].ends_with(
        " topic=t partition=0 broker=1 error=NOT_ENOUGH_REPLICAS"));
    REQUIRE(lines(s, "info broker.throttles").size() == 1);
    CHECK(lines(s, "info broker.throttles")[0].ends_with(" broker=1 host=broker port=9001 milliseconds=50"));

    core_script t;
    t.init_producer_id_error = coordinator_load_in_progress;
    t.send("t", "a");
    t.step();
    REQUIRE_FALSE(lines(t, "warning producer_id.refused").empty());
    CHECK(lines(t, "warning producer_id.refused")[0].ends_with(" error=COORDINATOR_LOAD_IN_PROGRESS"));
}

// --- records ---------------------------------------------------------------------------------------------------------

TEST_CASE("A record whose topic can't be looked up says what is wrong with the brokers, and what to do")
{
    struct row
    {
        error_code found;
        errc told;
    };
    for (const auto& [found, told_as] :
         {row{refused(), errc::connect_failed}, row{errc::resolve_failed, errc::resolve_failed},
          row{boost::system::errc::make_error_code(boost::system::errc::host_unreachable),
              errc::connect_failed}}) {
        auto config = plain_config();
        config.max_block = 10ms; // shorter than reconnect.backoff.ms
        core_script s{config};
        s.accept_connections = false;
        auto& told = s.send("t", "a");
        s.step();
        s.drop(s.connects.at(0).link, found);
        s.step(10ms);
        CHECK(told.error == errc::max_block_exceeded);
        CHECK(told.last_error == told_as);
        CHECK(told.text == "no metadata; boot:9000: " + found.message());
        CHECK(has(describe(*told.failure), advice(told_as)));
        CHECK_FALSE(has(describe(*told.failure), "the last attempt"));
    }
}

TEST_CASE("No broker has answered, none has failed: that is the cause")
{
    core_script s;
    s.accept_connections = false;
    auto config = plain_config();
    config.max_block = 5s;
    core_script slow{config};
    slow.accept_connections = false; // socket.connection.setup.timeout.ms is longer
    auto& told = slow.send("t", "a");
    slow.step(5s);
    CHECK(told.last_error == errc::no_broker_available);
    CHECK(told.text == "no broker answered");
}

TEST_CASE("A topic without partitions, which the brokers list without an error (KAFKA-9651)")
{
    core_script s;
    s.topics["t"].partitions.clear();
    auto& told = s.send("t", "a");
    s.step(s.core.config().max_block);
    CHECK(told.error == errc::max_block_exceeded);
    CHECK(told.text == "the brokers answered without any of the topic's partitions");
    CHECK_FALSE(told.last_error);
}

TEST_CASE("A broker that recovered is not blamed for what comes later")
{
    core_script s;
    s.drop(s.connects.empty() ? (s.step(), s.connects.at(0).link) : s.connects.at(0).link, refused());
    s.step(1s);
    s.topics["empty"] = {};
    auto& told = s.send("empty", "a");
    s.step(s.core.config().max_block);
    CHECK(told.error == errc::max_block_exceeded);
    CHECK_FALSE(has(told.text, "refused"));
}

TEST_CASE("A leader out of reach: the batch that expires names it, and advertised.listeners")
{
    core_script s;
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{.leader = 1}, {.leader = 2}};
    s.warm_up();
    s.accept_connections = false;
    s.drop(s.link_to(9002));
    auto& told = s.send("t", "a", 1);
    stay_down(s, s.core.config().delivery_timeout + 1s);
    CHECK(told.error == errc::batch_expired);
    CHECK(told.attempts == 0);
    CHECK(told.last_error == errc::connect_failed);
    CHECK(told.failure->text == "broker:9002 (id 2): " + refused().message());
    CHECK(has(describe(*told.failure), "advertised.listeners"));
}

TEST_CASE("A partition without a leader: the batch that expires says so")
{
    core_script s;
    s.warm_up();
    s.topics["t"].partitions[0] = {.leader = -1, .epoch = 1};
    s.drop(s.link_to(9001));
    s.step(1s);
    auto& told = s.send("t", "a");
    s.step(s.core.config().delivery_timeout);
    CHECK(told.error == errc::batch_expired);
    CHECK(told.last_error == leader_not_available);
}

TEST_CASE("A record that expires while its broker throttles says so (KIP-219)")
{
    auto config = plain_config();
    config.delivery_timeout = 30s;
    config.request_timeout = 10s;
    core_script s{config};
    s.warm_up();
    s.send("t", "a");
    s.step();
    s.answer(s.take(), {reply{}}, 60'000);
    auto& told = s.send("t", "b");
    s.step(30s);
    CHECK(told.error == errc::batch_expired);
    CHECK(told.failure->text == "broker:9001 (id 1) throttled this client, which exceeded a quota");
    s.step(60s);
    auto& later = s.send("t", "c");
    s.step();
    s.asked.clear(); // never answered
    s.step(60s);
    CHECK(later.done());
    CHECK_FALSE(has(later.failure->text, "throttled")); // that was before its time
}

TEST_CASE("No producer id: refused for good, for the time being, or by a broker that has no such request")
{
    core_script s;
    SUBCASE("for good")
    {
        s.init_producer_id_error = cluster_authorization_failed;
        auto& told = s.send("t", "a");
        s.step();
        CHECK(told.error == cluster_authorization_failed);
        CHECK(has(told.failure->text, "InitProducerId failed with CLUSTER_AUTHORIZATION_FAILED"));
    }
    SUBCASE("for the time being")
    {
        s.init_producer_id_error = coordinator_load_in_progress;
        auto& told = s.send("t", "a");
        s.step(s.core.config().delivery_timeout);
        CHECK(told.error == errc::batch_expired);
        CHECK(told.last_error == coordinator_load_in_progress);
        CHECK(has(told.failure->text, "enable.idempotence"));
    }
    SUBCASE("not offered")
    {
        s.api[22] = {0, -1};
        auto& told = s.send("t", "a");
        s.step();
        CHECK(told.error == errc::unsupported_version);
        CHECK(told.written == persisted::no);
        CHECK(has(told.failure->text, "InitProducerId"));
        CHECK(has(told.failure->text, "enable.idempotence=false"));
    }
}

TEST_CASE("A connection that breaks under a request is kurier's DISCONNECTED, whatever the system calls it")
{
    auto config = plain_config();
    config.retries = 0;
    core_script s{config};
    s.warm_up();
    auto& told = s.send("t", "a");
    s.step();
    s.drop(s.link_to(9001), boost::system::errc::make_error_code(boost::system::errc::connection_reset));
    CHECK(told.error == errc::retries_exhausted);
    CHECK(told.last_error == errc::disconnected);
    CHECK(has(describe(*told.failure), "compare security.protocol"));
}

TEST_CASE("A producer that ends while a broker is out of reach leaves the reason with its records")
{
    core_script s{only_broker_1()};
    s.warm_up();
    s.accept_connections = false;
    s.drop(s.link_to(9001));
    auto& told = s.send("t", "a");
    stay_down(s, 5s);
    s.core.abort(errc::aborted);
    s.step();
    CHECK(told.error == errc::aborted);
    CHECK(told.last_error == errc::connect_failed);
}
