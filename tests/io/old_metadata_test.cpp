// Brokers that speak only old versions of Metadata, which tell no leader epochs, no topic ids and (1) no cluster id:
// librdkafka's mock cluster 2.0.2 speaks 0 to 2.
#include "support/loopback.hpp"

using namespace kurier;
using namespace kurier::testing;

namespace {

struct old_brokers : loopback
{
    old_brokers(std::int16_t lowest, std::int16_t highest) : loopback{{.brokers = 2}}
    {
        version_table old = version_table::librdkafka_mock();
        old.set<protocol::metadata_request>(lowest, highest);
        for (const broker_id id : {1, 2}) cluster().set_versions(id, old);
        config.metadata_max_age = 5min; // leaders are asked for when a broker refuses
    }

    void deliver(kurier::producer<>& producer)
    {
        outcome told;
        producer.send({.topic = "t", .value = "v"})(told.take());
        REQUIRE(until([&] { return told.told == 1; }));
        CHECK(told.error == error_code{});
    }
};

} // namespace

TEST_CASE("Metadata versions 1 to 3: a record is delivered, to a leader that moved too")
{
    for (const auto& [lowest, highest] : {std::pair<std::int16_t, std::int16_t>{0, 1}, {0, 2}, {2, 3}}) {
        CAPTURE(highest);
        old_brokers net{lowest, highest};
        net.broker->create_topic("t");
        auto producer = net.make_producer();
        for (const broker_id leader : {1, 2, 1}) {
            net.cluster().state().move_leader("t", 0, leader);
            net.deliver(producer);
        }
        CHECK(net.values("t").size() == 3);
        CHECK(net.cluster().violations().surely_wrong() == 0);
    }
}

TEST_CASE("Version 0 of Metadata, which can't ask for the brokers alone, is not enough")
{
    old_brokers net{0, 0};
    net.broker->create_topic("t");
    net.config.max_block = 200ms;
    auto producer = net.make_producer();
    outcome told;
    producer.send({.topic = "t", .value = "v"})(told.take());
    REQUIRE(net.until([&] { return told.told == 1; }));
    CHECK(told.error == errc::max_block_exceeded);
    CHECK(net.log.has("broker.unsupported"));
}
