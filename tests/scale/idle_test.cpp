// A record costs the same however much there is that has nothing to do with it.
#include "cluster.hpp"

namespace kurier::scale {
namespace {

// Each has had a record, so there are sequences and memory for it.
void use_partitions(cluster& s, std::string_view topic, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i) s.send(topic, static_cast<std::int32_t>(i));
    s.run();
    REQUIRE(s.failed == 0);
}

void use_topics(cluster& s, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i) s.send(numbered("idle", i));
    s.run(1s);
    REQUIRE(s.delivered == count);
}

} // namespace

TEST_CASE("partitions of another topic")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t");
        s.model.create_topic("idle", static_cast<std::int32_t>(n));
        use_partitions(s, "idle", n);
        return s.cost_of_record();
    });
}

TEST_CASE("partitions of the same topic")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        use_partitions(s, "t", n);
        return s.cost_of_record();
    });
}

TEST_CASE("topics")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        cluster s;
        use_topics(s, n);
        return s.cost_of_record();
    });
}

TEST_CASE("brokers without a connection")
{
    does_not_grow({2, 100, 10'000}, [](std::size_t n) {
        cluster s{settings(), n};
        return s.cost_of_record();
    });
}

TEST_CASE("brokers with a connection")
{
    const auto measure = [](std::size_t n) {
        cluster s{settings(), n};
        s.model.create_topic("idle", static_cast<std::int32_t>(n));
        use_partitions(s, "idle", n);
        REQUIRE(s.model.connections() >= n);
        return s.cost_of_record();
    };
    does_not_grow({2, 100, 10'000}, measure, 1.25); // connections are found in a tree
}

TEST_CASE("records that wait for their topic")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        cluster s;
        s.model.state().options().auto_create_topics_enable = false;
        s.model.create_topic("t");
        for (std::size_t i = 0; i < n; ++i) s.send("missing");
        s.run();
        REQUIRE(s.core.waiting().size() == n);
        return s.cost_of_record();
    });
}

TEST_CASE("topics that are not known yet, each with a record")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        cluster s;
        s.model.state().options().auto_create_topics_enable = false;
        s.model.create_topic("t");
        for (std::size_t i = 0; i < n; ++i) s.send(numbered("missing", i));
        s.run();
        REQUIRE(s.core.waiting().size() == n);
        return s.cost_of_record();
    });
}

TEST_CASE("records that wait for room, for one broker")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        auto config = settings();
        config.buffer_memory = 1 << 20;
        config.batch_size = 1 << 14;
        cluster s{config, 2};
        s.model.create_topic("t");
        s.model.create_topic("t2", 2); // the second partition is the other broker's
        s.refuse.insert(2);
        while (s.core.waiting().empty()) s.send("t2", 1), s.run();
        for (std::size_t i = 1; i < n; ++i) s.send("t2", 1);
        s.run();
        REQUIRE(s.core.waiting().size() == n);
        return s.cost_of_record();
    });
}

TEST_CASE("batches for a broker that can't be reached")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        cluster s{settings(), 2};
        s.model.create_topic("t");
        s.model.create_topic("idle", static_cast<std::int32_t>(2 * n)); // every other one is broker 2's
        s.refuse.insert(2);
        for (std::size_t i = 0; i < n; ++i) s.send("idle", static_cast<std::int32_t>(2 * i + 1));
        s.run();
        REQUIRE(s.core.unfinished_batches() == n);
        return s.cost_of_record();
    });
}

TEST_CASE("batches in flight to a broker that says nothing")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        cluster s{settings(), 2};
        s.model.create_topic("t");
        s.model.create_topic("idle", static_cast<std::int32_t>(2 * n));
        s.send("idle", 1), s.run();
        s.mute.insert(2);
        for (std::size_t i = 0; i < n; ++i) s.send("idle", static_cast<std::int32_t>(2 * i + 1));
        s.run();
        REQUIRE(s.core.unfinished_batches() == n);
        return s.cost_of_record();
    });
}

TEST_CASE("batches that wait out a backoff")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        auto config = settings();
        config.retry_backoff = config.retry_backoff_max = 10min;
        cluster s{config};
        s.model.create_topic("t");
        s.model.create_topic("idle", static_cast<std::int32_t>(n));
        for (std::size_t i = 0; i < n; ++i) {
            s.model.fail_next("idle", static_cast<std::int32_t>(i), broker_errc::not_enough_replicas);
            s.send("idle", static_cast<std::int32_t>(i));
        }
        s.run();
        REQUIRE(s.core.unfinished_batches() == n);
        return s.cost_of_record();
    });
}

TEST_CASE("batches that linger")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        auto config = settings();
        config.linger = 1h;
        config.delivery_timeout = 2h;
        config.batch_size = 1024;
        cluster s{config, 2};
        s.model.create_topic("t");
        s.model.create_topic("idle", static_cast<std::int32_t>(2 * n));
        for (std::size_t i = 0; i < n; ++i) s.send("idle", static_cast<std::int32_t>(2 * i + 1));
        s.run();
        REQUIRE(s.core.unfinished_batches() == n);
        const auto round = [&] { // until batch.size is full
            for (int i = 0; i < 1000; ++i) s.send("t"), s.run();
        };
        round();
        return s.cost_of(round) / 1000;
    });
}

TEST_CASE("records with a timeout of their own")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        cluster s{settings(), 2};
        s.model.create_topic("t");
        s.model.create_topic("t2", 2);
        s.refuse.insert(2);
        for (std::size_t i = 0; i < n; ++i) s.send("t2", 1, s.now.steady + 1min + i * 1us);
        s.run();
        return s.cost_of_record();
    });
}

TEST_CASE("acks=0: requests behind one that is not answered")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        auto config = settings();
        config.acks = acks::none;
        config.enable_idempotence = false;
        cluster s{config};
        s.model.create_topic("t");
        s.cost_of_record();
        s.model.inject(
            {.api_key = protocol::metadata_request::api_key, .answer = testing::answer_fault::swallowed});
        s.send("another");
        s.run();
        for (std::size_t i = 0; i < n; ++i) s.send("t"), s.run();
        REQUIRE(s.core.waiting().size() == 1);
        return s.cost_of_record();
    });
}

TEST_CASE("records that were cancelled")
{
    does_not_grow({1, 100, 10'000, 100'000}, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t");
        s.cost_of_record();
        s.model.state().options().auto_create_topics_enable = false;
        std::vector<core::waiting_record*> parked;
        for (std::size_t i = 0; i < n; ++i) parked.push_back(s.send("missing").parked);
        for (auto* one : parked) one->waiter.notify = nullptr, s.core.withdraw(*one);
        s.run();
        return s.cost_of_record();
    });
}

} // namespace kurier::scale
