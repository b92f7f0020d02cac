// Values of many megabytes, which are not copied: over a real socket, and what becomes of them when somebody loses
// patience.
#include "support/loopback.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/deferred.hpp>

using namespace kurier;
using namespace kurier::testing;

namespace {

constexpr std::size_t large_size = 64 * 1024 * 1024;

std::vector<std::byte> large(std::size_t size = large_size)
{
    std::vector<std::byte> bytes(size);
    std::uint64_t state = size;
    for (std::size_t i = 0; i < size; i += 8) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        bytes[i] = static_cast<std::byte>(state >> 56U);
    }
    return bytes;
}

struct large_values : loopback
{
    large_values()
    {
        config.max_request_size = large_size + 1000;
        config.buffer_memory = 1024 * 1024;
        testing::topic_options options;
        options.max_message_bytes = static_cast<std::int32_t>(large_size) + 1000;
        cluster().create_topic("t", options);
    }
};

} // namespace

TEST_CASE("64 MiB, moved in, between small records, with a megabyte of buffer")
{
    large_values net;
    auto producer = net.make_producer();
    auto value = large();
    const auto copy = value;
    net.run([&]() -> asio::awaitable<void> {
        auto before = producer.send({.topic = "t", .value = "before"});
        auto during = producer.send_large({.topic = "t", .key = "k"}, large_value{std::move(value)});
        auto after = producer.send({.topic = "t", .value = "after"});
        CHECK((co_await std::move(before)).offset == 0);
        const auto where = co_await std::move(during);
        CHECK(where.offset == 1);
        CHECK((co_await std::move(after)).offset == 2);
    });
    const auto log = net.broker->log("t");
    REQUIRE(log.size() == 3);
    CHECK(log[1].key.value_or("") == "k");
    CHECK(log[1].value.value_or("") == as_text(copy));
}

TEST_CASE("shared and borrowed values, awaited where they are sent; released when all is over")
{
    large_values net;
    auto producer = net.make_producer();
    const auto kept = std::make_shared<const std::vector<std::byte>>(large(5'000'000));
    int released = 0;
    net.run([&]() -> asio::awaitable<void> {
        const auto where = co_await producer.send_large({.topic = "t"}, large_value{kept, *kept});
        CHECK(where.offset == 0);
        const auto next =
            co_await producer.send_large({.topic = "t"}, large_value::borrowed(*kept, [&] { ++released; }));
        CHECK(next.offset == 1);
        co_await producer.flush();
        const auto text =
            co_await producer.send_large({.topic = "t"}, large_value{std::string(3'000'000, 's')});
        CHECK(text.offset == 2);
        co_await producer.close();
    });
    CHECK(released == 1);
    CHECK(kept.use_count() == 1);
    CHECK(net.values("t")[2].size() == 3'000'000);
}

TEST_CASE("the wait is cancelled in the middle: the value stays with the socket, and arrives")
{
    large_values net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    int released = 0;
    const auto value = large();
    asio::cancellation_signal signal;
    outcome told;
    producer.send_large({.topic = "t"}, large_value::borrowed(value, [&] { ++released; }))(
        asio::bind_cancellation_slot(signal.slot(), told.take()));
    net.context.restart();
    for (int i = 0; i < 5; ++i) net.context.run_one();
    signal.emit(asio::cancellation_type::total);
    REQUIRE(net.until([&] { return told.told > 0; }));
    CHECK(told.error == errc::abandoned);
    CHECK(released == 0);
    net.run([&]() -> asio::awaitable<void> { co_await producer.close(); });
    CHECK(released == 1);
    CHECK(net.values("t").size() == 2);
}

TEST_CASE("cancelled before it was sent: released at once")
{
    large_values net;
    auto producer = net.make_producer();
    int released = 0;
    const auto value = large(1000);
    asio::cancellation_signal signal;
    outcome told;
    producer.send_large({.topic = "t"}, large_value::borrowed(value, [&] { ++released; }))(
        asio::bind_cancellation_slot(signal.slot(), told.take()));
    signal.emit(asio::cancellation_type::total);
    CHECK(released == 1);
    REQUIRE(net.until([&] { return told.told > 0; }));
    CHECK(told.error == errc::withdrawn);
}

TEST_CASE("what is too large is refused with the numbers: here, or by the broker")
{
    large_values net;
    auto producer = net.make_producer();
    outcome told;
    producer.send_large({.topic = "t"}, large_value{large(large_size + 5000)})(told.take());
    producer.send_large({.topic = "t", .value = "twice"}, large_value{large(10)})(told.take());
    REQUIRE(net.until([&] { return told.told == 2; }));
    CHECK(told.error == errc::invalid_record);

    net.broker->create_topic("small");
    outcome refused, neighbour;
    producer.send_large({.topic = "t"}, large_value{large(large_size + 5000)})(refused.take());
    REQUIRE(net.until([&] { return refused.told > 0; }));
    CHECK(refused.error == errc::record_too_large);
    CHECK(refused.text().find("max.request.size is 67109864") != std::string::npos);
    producer.send_large({.topic = "small"}, large_value{large(2'000'000)})(refused.take());
    producer.send({.topic = "small", .value = "neighbour"})(neighbour.take());
    REQUIRE(net.until([&] { return refused.told == 2 && neighbour.told == 1; }));
    CHECK(refused.error == broker_errc::message_too_large);
    CHECK(refused.text().find("2000") != std::string::npos);
    CHECK(refused.text().find("message.max.bytes") != std::string::npos);
    CHECK_FALSE(neighbour.error);
}

TEST_CASE("the producer goes while a value is with the socket")
{
    large_values net;
    int released = 0;
    const auto value = large();
    outcome told;
    {
        auto producer = net.make_producer();
        net.warm_up(producer, "t");
        producer.send_large({.topic = "t"}, large_value::borrowed(value, [&] { ++released; }))(told.take());
        net.context.restart();
        for (int i = 0; i < 5; ++i) net.context.run_one();
    }
    REQUIRE(net.until([&] { return told.told > 0 && released > 0; }));
    CHECK(told.error == errc::aborted);
}
