// What happens to many at once costs each of them as much as it costs one, or log n times that.
#include "cluster.hpp"

#include <kurier/io/state_waits.hpp>

#include <array>
#include <memory>
#include <random>

namespace kurier::inline KURIER_ABI::io {

class driver // state_waits only passes it on
{};

} // namespace kurier::inline KURIER_ABI::io

namespace kurier::scale {
namespace {

constexpr auto usual = {std::size_t{10}, std::size_t{1000}, std::size_t{20'000}};

void send_to_each(cluster& s, std::string_view topic, std::size_t partitions)
{
    for (std::size_t i = 0; i < partitions; ++i) s.send(topic, static_cast<std::int32_t>(i));
}

template <class Items> void shuffle(Items& items)
{
    std::shuffle(items.begin(), items.end(), std::mt19937_64{7}); // NOLINT: the same in each run
}

struct counted_wait final : io::state_wait
{
    explicit counted_wait(int& count) : completed{count} {}
    bool over(io::driver&, error_code&) override { return is_over || cancelled; }
    void complete(io::driver&, error_code) override
    {
        ++completed;
        delete this;
    }
    void destroy() noexcept override { delete this; }

    int& completed;
    bool is_over = false;
};

} // namespace

TEST_CASE("partitions, each with a record, in one request")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        send_to_each(s, "t", n);
        s.run();
        return s.cost_of([&] {
            send_to_each(s, "t", n);
            s.run();
            REQUIRE(s.delivered == 2 * n);
        });
    });
}

TEST_CASE("partitions, answered in another order than they were asked about")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        s.model.edit<protocol::produce_response>([](broker_id, protocol::produce_response& response) {
            for (auto& topic : response.responses) shuffle(topic.partition_responses);
        });
        send_to_each(s, "t", n);
        s.run();
        return s.cost_of([&] {
            send_to_each(s, "t", n);
            s.run();
            REQUIRE(s.delivered == 2 * n);
        });
    });
}

TEST_CASE("topics at start, each with a record")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        return s.cost_of([&] {
            for (std::size_t i = 0; i < n; ++i) s.send(numbered("t", i));
            s.run(1s);
            REQUIRE(s.delivered == n);
        });
    });
}

TEST_CASE("topics, asked about and answered in another order")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        auto config = settings();
        config.metadata_max_age = 1min;
        cluster s{config};
        s.model.edit<protocol::metadata_response>(
            [](broker_id, protocol::metadata_response& response) { shuffle(response.topics); });
        for (std::size_t i = 0; i < n; ++i) s.send(numbered("t", i));
        s.run(1s);
        return s.cost_of([&] { s.run(1min); });
    });
}

TEST_CASE("brokers, each with a record")
{
    grows_as_n_log_n({10, 100, 2000}, [](std::size_t n) {
        cluster s{settings(), n};
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        send_to_each(s, "t", n);
        s.run();
        return s.cost_of([&] {
            send_to_each(s, "t", n);
            s.run();
            REQUIRE(s.delivered == 2 * n);
        });
    });
}

TEST_CASE("brokers, connected to for the first time")
{
    grows_as_n_log_n({10, 100, 2000}, [](std::size_t n) {
        cluster s{settings(), n};
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        return s.cost_of([&] {
            send_to_each(s, "t", n);
            s.run();
            REQUIRE(s.delivered == n);
        });
    });
}

TEST_CASE("records that waited for their topic")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        return s.cost_of([&] {
            for (std::size_t i = 0; i < n; ++i) s.send("t");
            s.run(1s);
            REQUIRE(s.delivered == n);
        });
    });
}

TEST_CASE("records that waited for room")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        auto config = settings();
        config.buffer_memory = 1 << 15;
        config.batch_size = 1 << 12;
        config.max_request_size = 1 << 14;
        cluster s{config};
        s.model.create_topic("t");
        s.send("t"), s.run();
        return s.cost_of([&] {
            for (std::size_t i = 0; i < n; ++i) s.send("t");
            s.run();
            REQUIRE(s.delivered == n + 1);
        });
    });
}

TEST_CASE("records that are cancelled while they wait, in any order")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        std::vector<core::waiting_record*> parked;
        for (std::size_t i = 0; i < n; ++i) parked.push_back(s.send("t").parked);
        shuffle(parked);
        return s.cost_of([&] {
            for (auto* one : parked) {
                one->waiter.notify = nullptr;
                s.act([&] { s.core.withdraw(*one); });
            }
            s.run();
            REQUIRE(s.core.waiting().empty());
        });
    });
}

TEST_CASE("records that are cancelled in their batch, every other one")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t");
        s.send("t"), s.run();
        return s.cost_of([&] {
            for (std::size_t i = 0; i < n; ++i) {
                const auto place = s.send("t").appended;
                if (i % 2 == 1) s.act([&] { REQUIRE(s.core.withdraw(*place.where, place.index)); });
            }
            s.run();
            REQUIRE(s.delivered == (n + 1) / 2 + 1);
        });
    });
}

TEST_CASE("records whose own time is over")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t");
        s.send("t"), s.run();
        s.refuse.insert(1);
        s.lose(1);
        s.run();
        return s.cost_of([&] {
            for (std::size_t i = 0; i < n; ++i) s.send("t", 0, s.now.steady + 1s);
            s.pass(1s);
            s.run();
            REQUIRE(s.failed == n);
        });
    });
}

TEST_CASE("batches whose backoff ends")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        send_to_each(s, "t", n);
        s.run();
        for (std::size_t i = 0; i < n; ++i)
            s.model.fail_next("t", static_cast<std::int32_t>(i), broker_errc::not_enough_replicas);
        return s.cost_of([&] {
            send_to_each(s, "t", n);
            s.pass(0s), s.run(), s.pass(1s), s.run();
            REQUIRE(s.delivered == 2 * n);
        });
    });
}

TEST_CASE("batches whose backoffs end one after another")
{
    grows_as_n_log_n({10, 1000, 5000}, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        send_to_each(s, "t", n);
        s.run();
        for (std::size_t i = 0; i < n; ++i)
            s.model.fail_next("t", static_cast<std::int32_t>(i), broker_errc::not_enough_replicas);
        return s.cost_of([&] {
            send_to_each(s, "t", n);
            s.run(1s); // each pause has its own length
            REQUIRE(s.delivered == 2 * n);
        });
    });
}

TEST_CASE("batches of one partition, queued while its leader was away")
{
    grows_as_n_log_n({10, 1000, 10'000}, [](std::size_t n) {
        auto config = settings();
        config.batch_size = 1;
        cluster s{config};
        s.model.create_topic("t");
        s.send("t"), s.run();
        s.refuse.insert(1);
        s.lose(1);
        s.run();
        return s.cost_of([&] {
            for (std::size_t i = 0; i < n; ++i) s.send("t");
            s.run();
            s.refuse.clear();
            s.run(10s);
            REQUIRE(s.delivered == n + 1);
        });
    });
}

TEST_CASE("partitions that get another leader")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s{settings(), 3};
        testing::topic_options options;
        options.partitions = static_cast<std::int32_t>(n);
        options.replication_factor = 3;
        s.model.create_topic("t", options);
        send_to_each(s, "t", n);
        s.run(1s);
        return s.cost_of([&] {
            s.model.stop_broker(2);
            send_to_each(s, "t", n);
            s.run(10s);
            REQUIRE(s.delivered == 2 * n);
        });
    });
}

TEST_CASE("batches in flight on a connection that is lost")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        send_to_each(s, "t", n);
        s.run();
        return s.cost_of([&] {
            s.mute.insert(1);
            send_to_each(s, "t", n);
            s.run();
            s.mute.clear();
            s.lose(1);
            s.run(10s);
            REQUIRE(s.delivered == 2 * n);
        });
    });
}

TEST_CASE("acks=0: requests behind one that is not answered, and then is")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        auto config = settings();
        config.acks = acks::none;
        config.enable_idempotence = false;
        cluster s{config};
        s.model.create_topic("t");
        s.send("t"), s.run(1s);
        s.model.inject({.api_key = protocol::metadata_request::api_key, .delay = 1s});
        s.send("another");
        return s.cost_of([&] {
            for (std::size_t i = 0; i < n; ++i) s.send("t"), s.run();
            REQUIRE(s.core.waiting().size() == 1);
            s.run(10s);
            REQUIRE(s.core.waiting().empty());
        });
    });
}

TEST_CASE("headers of a record")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t");
        s.send("t"), s.run();
        const std::vector<header_view> headers(n, {"a name", nullable_bytes{std::string_view{"a value"}}});
        return s.cost_of([&] {
            s.send("t", 0, core::never, "value", headers);
            s.run();
            REQUIRE(s.delivered == 2);
        });
    });
}

TEST_CASE("records that end with their producer")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        cluster s;
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        send_to_each(s, "t", n);
        s.run();
        s.mute.insert(1);
        return s.cost_of([&] {
            send_to_each(s, "t", n);
            s.run();
            send_to_each(s, "t", n);
            for (std::size_t i = 0; i < n; ++i) s.send("another");
            s.core.close(s.now.steady);
            s.run();
            REQUIRE(s.failed == 3 * n);
        });
    });
}

TEST_CASE("flush: open batches that are due now")
{
    grows_as_n_log_n(usual, [](std::size_t n) {
        auto config = settings();
        config.linger = 1h;
        config.delivery_timeout = 2h;
        cluster s{config};
        s.model.create_topic("t", static_cast<std::int32_t>(n));
        send_to_each(s, "t", n);
        s.core.flush(), s.run();
        return s.cost_of([&] {
            send_to_each(s, "t", n);
            std::uint64_t epoch = 0;
            s.act([&] { epoch = s.core.flush(); });
            s.run();
            REQUIRE(s.core.flushed(epoch));
        });
    });
}

TEST_CASE("those who wait for room or for a flush")
{
    for (const auto line : {io::wait_line::room, io::wait_line::flush}) {
        grows_as_n_log_n(usual, [&](std::size_t n) {
            io::driver machine;
            io::state_waits waits;
            int completed = 0;
            std::vector<counted_wait*> all;
            const auto before = blocks_entered();
            for (std::size_t i = 0; i < n; ++i) {
                auto* wait = new counted_wait{completed};
                wait->line = line;
                wait->rank = i;
                all.push_back(wait);
                waits.add(io::state_wait_ptr{wait});
                waits.ask(machine); // in each turn
            }
            for (std::size_t i = 0; i < n; i += 3) waits.cancel(*all[n - 1 - i]);
            waits.ask(machine);
            for (auto* wait : all)
                if (!wait->cancelled) wait->is_over = true;
            waits.ask(machine);
            REQUIRE(completed == static_cast<int>(n));
            return static_cast<double>(blocks_entered() - before);
        });
    }
}

} // namespace kurier::scale
