// An API that Kafka doesn't have, to show what one takes: a message, and what the broker does with it.
#include <kurier/testing/cluster_model.hpp>

#include "model_client.hpp"

#include <doctest/doctest.h>

using namespace kurier;
using namespace kurier::testing;

// --- the message file

namespace {

struct echo_request
{
    std::string text;
    std::int32_t times = 1;

    using self = echo_request;
    using schema =
        protocol::fields<protocol::field<&self::text>, protocol::field<&self::times, protocol::since(1)>>;
    static constexpr std::int16_t api_key = 999;
    static constexpr protocol::versions valid{0, 2}, flexible{2};
    bool operator==(const self&) const = default;
};

struct echo_response
{
    std::int32_t throttle_time_ms = 0;
    std::int16_t error_code = 0;
    std::string text;

    using self = echo_response;
    using schema = protocol::fields<protocol::field<&self::throttle_time_ms>,
                                    protocol::field<&self::error_code>, protocol::field<&self::text>>;
    static constexpr std::int16_t api_key = 999;
    static constexpr protocol::versions valid{0, 2}, flexible{2};
    bool operator==(const self&) const = default;
};

} // namespace

// --- the file in testing/apis

template <> class kurier::testing::api<echo_request>
{
public:
    using response = echo_response;
    static constexpr released_versions released{
        protocol::never, protocol::never, protocol::never, {0, 2}, {0, 1}};

    explicit api(const broker_parts&) {}

    void answer(call&, const echo_request& asked, response& told) const
    {
        told = {};
        for (std::int32_t i = 0; i < asked.times; ++i) told.text += asked.text;
    }
    void fail(call&, broker_errc error, const echo_request&, response& told) const
    {
        told = {};
        told.error_code = code_of(error);
    }
};

// --- and nothing else

namespace {

struct made_up_fixture
{
    model_clock clock;
    cluster_model cluster;
    made_up_fixture() { cluster.serve<echo_request>(); }
};

} // namespace

TEST_CASE_FIXTURE(made_up_fixture, "brokers offer a made-up API, and answer it in each of its versions")
{
    model_client client{cluster, clock};
    const auto offered =
        client.ask<protocol::api_versions_response>(protocol::api_versions_request{"test", "1", {}, -1}, 4);
    REQUIRE(offered);
    CHECK(std::ranges::count(offered->api_keys, protocol::api_version{999, 0, 2}) == 1);
    for (std::int16_t version = 0; version <= 2; ++version) {
        const auto told = client.ask<echo_response>(echo_request{"ab", 2}, version);
        REQUIRE(told);
        CHECK(*told == echo_response{0, 0, version == 0 ? "ab" : "abab"});
    }
    CHECK(cluster.violations().surely_wrong() == 0);
}

TEST_CASE_FIXTURE(made_up_fixture, "faults, editors and interceptors work on a made-up API as on any other")
{
    model_client client{cluster, clock};
    cluster.inject(
        {.api_key = echo_request::api_key, .error = broker_errc::unknown_server_error, .throttle_ms = 0});
    CHECK(client.ask<echo_response>(echo_request{"a"}, 2)->error_code ==
          code_of(broker_errc::unknown_server_error));

    cluster.edit<echo_response>(
        [](broker_id broker, echo_response& response) { response.text += std::to_string(broker); });
    CHECK(client.ask<echo_response>(echo_request{"a"}, 2)->text == "a1");
    cluster.clear_editors();
    CHECK(client.ask<echo_response>(echo_request{"a"}, 2)->text == "a");

    cluster.intercept(echo_request::api_key, [](const request_view& request) {
        return interception::answer(echo_response{0, 0, "mine"}, request);
    });
    CHECK(client.ask<echo_response>(echo_request{"a"}, 2)->text == "mine");
}

TEST_CASE_FIXTURE(made_up_fixture,
                  "a made-up API in a version that isn't offered, or malformed: the broker hangs up")
{
    model_client unknown{cluster, clock};
    unknown.send(echo_request{"a"}, 3);
    unknown.read();
    CHECK(unknown.closed());
    CHECK(cluster.violations().count(violation::unsupported_version) == 1);

    model_client malformed{cluster, clock};
    bytes frame;
    protocol::write_request_frame(frame, echo_request{"abc"}, 0, 1, "test");
    frame.pop_back();
    protocol::overwrite_size(frame, 0, frame.size() - 4);
    malformed.send(frame);
    malformed.read();
    CHECK(malformed.closed());
    CHECK(cluster.violations().count(violation::malformed_request) == 1);
}

TEST_CASE("a broker that wasn't told to doesn't serve a made-up API")
{
    model_clock clock;
    cluster_model cluster;
    version_table offered = version_table::newest();
    cluster.set_versions(1, offered.set<echo_request>(0, 2)); // it says so, though
    model_client client{cluster, clock};
    client.send(echo_request{"a"}, 0);
    client.read();
    CHECK(client.closed());
}

namespace {

template <class... Request> void check_offered(const version_table& table,
                                               protocol::versions released_versions::* release,
                                               protocol::type_list<Request...>)
{
    const auto one = [&](std::int16_t key, protocol::versions spoken, protocol::versions told) {
        for (std::int16_t version = 0; version < 20; ++version)
            CHECK(table.offers(key, version) == (told(version) && spoken(version)));
    };
    (one(Request::api_key, Request::valid, api<Request>::released.*release), ...);
}

} // namespace

TEST_CASE("version tables hold each message of the list")
{
    check_offered(version_table::kafka_2_1(), &released_versions::kafka_2_1, protocol::requests{});
    check_offered(version_table::kafka_2_8(), &released_versions::kafka_2_8, protocol::requests{});
    check_offered(version_table::kafka_3_9(), &released_versions::kafka_3_9, protocol::requests{});
    check_offered(version_table::kafka_4_3(), &released_versions::kafka_4_3, protocol::requests{});
    check_offered(version_table::librdkafka_mock(), &released_versions::librdkafka_mock,
                  protocol::requests{});
    CHECK(version_table::kafka_2_1().offers(protocol::metadata_request::api_key, 7));
    CHECK_FALSE(version_table::kafka_2_1().offers(protocol::metadata_request::api_key, 8));
    CHECK(version_table::kafka_4_3().offers(protocol::produce_request::api_key, 13));
    CHECK_FALSE(version_table::kafka_4_3().offers(echo_request::api_key));
}
