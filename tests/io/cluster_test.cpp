// Trouble in the cluster, over real sockets: every record arrives, in order, once.
#include "support/loopback.hpp"

#include <boost/asio/detached.hpp>

using namespace kurier;
using namespace kurier::testing;

namespace {

// Every broker has a copy of "t". Batches are small, so that trouble meets some of them and not others.
struct small_batches : loopback
{
    explicit small_batches(const cluster_options& options = {}) : loopback{options}
    {
        config.batch_size = 200;
        topic_options everywhere;
        everywhere.replication_factor = options.brokers;
        cluster().create_topic("t", everywhere);
    }
};

// Sends `count` numbered records to "t" and keeps what was told.
struct stream
{
    stream(kurier::producer<>& sender, int count)
    {
        for (int i = 0; i < count; ++i)
            sender.send({.topic = "t", .value = std::to_string(i)})(
                [this](error_code ec, const record_metadata& where) {
                    ++told;
                    failed += ec.failed();
                    if (!ec) offsets.push_back(where.offset);
                });
    }
    stream(const stream&) = delete;

    int told = 0, failed = 0;
    std::vector<std::int64_t> offsets;
};

std::vector<std::string> numbers(int count)
{
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) all.push_back(std::to_string(i));
    return all;
}

void expect_all(loopback& net, stream& sent, int count)
{
    REQUIRE(net.until([&] { return sent.told == count; }));
    CHECK(sent.failed == 0);
    CHECK(net.values("t") == numbers(count));
    CHECK(std::ranges::is_sorted(sent.offsets));
    CAPTURE(net.cluster().violations().texts().empty() ? std::string{}
                                                       : net.cluster().violations().texts().front());
    CHECK(net.cluster().violations().surely_wrong() == 0);
}

} // namespace

TEST_CASE("Errors that pass: the records are sent again")
{
    for (const auto error :
         {broker_errc::not_leader_or_follower, broker_errc::not_enough_replicas,
          broker_errc::request_timed_out, broker_errc::unknown_topic_or_partition,
          broker_errc::corrupt_message, broker_errc::kafka_storage_error, broker_errc::network_exception}) {
        CAPTURE(error_name(error));
        small_batches net;
        net.cluster().fail_next("t", 0, error, 3);
        auto producer = net.make_producer();
        stream sent{producer, 100};
        expect_all(net, sent, 100);
    }
}

TEST_CASE("Errors after the write: the broker knows the batches again")
{
    for (const auto error : {broker_errc::not_enough_replicas_after_append, broker_errc::request_timed_out}) {
        CAPTURE(error_name(error));
        small_batches net;
        net.cluster().fail_next_after_append("t", 0, error, 3);
        auto producer = net.make_producer();
        stream sent{producer, 100};
        expect_all(net, sent, 100);
        CHECK(net.cluster().batches_duplicate() > 0);
    }
}

TEST_CASE("A broker stops and comes back on its port")
{
    small_batches net;
    net.config.max_in_flight_requests_per_connection = 2;
    auto producer = net.make_producer();
    stream sent{producer, 300};
    REQUIRE(net.until([&] { return sent.told > 20; }));
    CHECK(sent.told < 300);
    net.broker->stop_broker(1);
    const auto before = net.log.lines->size();
    REQUIRE(net.until([&] { return net.log.lines->size() > before + 2; })); // it looks for the broker
    CHECK(sent.told < 300);
    net.broker->start_broker(1);
    expect_all(net, sent, 300);
    CHECK(net.log.has("broker.disconnected"));
}

TEST_CASE("The leader moves while records are on their way")
{
    for (const bool hints : {true, false}) {
        CAPTURE(hints);
        small_batches net{{.brokers = 3, .leader_hints = hints}};
        net.config.max_in_flight_requests_per_connection = 2;
        auto producer = net.make_producer();
        stream sent{producer, 400};
        for (const broker_id next : {2, 3, 1, 2}) {
            const int before = sent.told;
            REQUIRE(net.until([&] { return sent.told > before + 30; }));
            net.cluster().state().move_leader("t", 0, next);
        }
        expect_all(net, sent, 400);
        CHECK(net.cluster().connections() >= 3);
    }
}

TEST_CASE("The leader dies, another takes over")
{
    small_batches net{{.brokers = 3}};
    net.config.max_in_flight_requests_per_connection = 2;
    auto producer = net.make_producer();
    stream sent{producer, 300};
    REQUIRE(net.until([&] { return sent.told > 20; }));
    net.broker->stop_broker(1);
    const int before = sent.told;
    REQUIRE(net.until([&] { return sent.told > before + 30; }));
    net.broker->start_broker(1);
    expect_all(net, sent, 300);
}

TEST_CASE("Connections that break in the middle of a request or of an answer")
{
    for (const bool request : {true, false})
        for (const std::size_t bytes : {0U, 3U, 20U, 60U, 150U}) {
            CAPTURE(request);
            CAPTURE(bytes);
            small_batches net;
            fault cut;
            cut.api_key = protocol::produce_request::api_key;
            cut.skip = 2;
            cut.times = 2;
            (request ? cut.close_after_request_bytes : cut.close_after_answer_bytes) = bytes;
            net.cluster().inject(cut);
            auto producer = net.make_producer();
            stream sent{producer, 100};
            expect_all(net, sent, 100);
        }
}

TEST_CASE("A broker that falls silent is left after request.timeout.ms")
{
    small_batches net;
    net.config.request_timeout = 40ms;
    net.silence();
    auto producer = net.make_producer();
    stream sent{producer, 50};
    expect_all(net, sent, 50);
    CHECK(net.log.has(make_error_code(errc::request_timed_out).message()));
}

TEST_CASE("A throttled broker is left alone, then gets the rest")
{
    small_batches net;
    fault throttle;
    throttle.api_key = protocol::produce_request::api_key;
    throttle.throttle_ms = 30;
    net.cluster().inject(throttle);
    auto producer = net.make_producer();
    stream sent{producer, 60};
    expect_all(net, sent, 60);
    CHECK(net.log.has("broker.throttles"));
}

TEST_CASE("Delayed answers keep their order over several partitions")
{
    loopback net;
    net.broker->create_topic("t", 3);
    auto producer = net.make_producer();
    fault slow;
    slow.api_key = protocol::produce_request::api_key;
    slow.delay = 20ms;
    slow.times = 4;
    net.cluster().inject(slow);
    std::array<std::vector<std::int64_t>, 3> offsets;
    int told = 0;
    for (int i = 0; i < 90; ++i)
        producer.send({.topic = "t", .value = "v", .partition = i % 3})(
            [&](error_code ec, const record_metadata& where) {
                ++told;
                REQUIRE_FALSE(ec);
                offsets[static_cast<std::size_t>(where.partition)].push_back(where.offset);
            });
    REQUIRE(net.until([&] { return told == 90; }));
    for (const auto& each : offsets) {
        CHECK(each.size() == 30);
        CHECK(std::ranges::is_sorted(each));
    }
}

TEST_CASE("A failure says how often it was tried, where, and why")
{
    loopback net;
    net.config.retries = 2;
    net.config.enable_idempotence = false;
    net.broker->create_topic("t");
    net.cluster().fail_next("t", 0, broker_errc::not_enough_replicas, 100);
    auto producer = net.make_producer();
    outcome told;
    producer.send({.topic = "t", .value = "v"})(told.take());
    REQUIRE(net.until([&] { return told.told == 1; }));
    REQUIRE(told.where.failure);
    const auto& failure = *told.where.failure;
    CHECK(failure.attempts == 3);
    CHECK(failure.last_broker == net.broker->bootstrap_servers() + " (id 1)");
    CHECK((failure.code == broker_errc::not_enough_replicas ||
           failure.last_error == broker_errc::not_enough_replicas));
    CHECK(failure.persisted == persisted::no);
    CHECK(told.text().find("min.insync.replicas") != std::string::npos);
}

TEST_CASE("Partitions that are added at run time are used")
{
    loopback net;
    net.config.metadata_max_age = 20ms;
    net.broker->create_topic("t", 1);
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    net.cluster().state().add_partitions("t", 2);
    int next = 0;
    bool busy = false;
    REQUIRE(net.until([&] {
        if (!busy) {
            busy = true;
            producer.send({.topic = "t", .key = std::to_string(next++), .value = "v"})(
                [&](error_code, const record_metadata&) { busy = false; });
        }
        return !net.values("t", 1).empty();
    }));
}
