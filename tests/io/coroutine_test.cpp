// Awaiting deliveries from a coroutine type that knows nothing of Asio, by `operator co_await`.
#include "support/loopback.hpp"

#include <coroutine>

using namespace kurier;
using namespace kurier::testing;

namespace {

// The smallest coroutine: starts at once, is destroyed with its object.
class task
{
public:
    struct promise_type
    {
        task get_return_object() { return task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { thrown = std::current_exception(); }
        std::exception_ptr thrown;
    };

    explicit task(std::coroutine_handle<promise_type> handle) : handle_{handle} {}
    task(task&& other) noexcept : handle_{std::exchange(other.handle_, {})} {}
    task& operator=(task&& other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~task()
    {
        if (handle_) handle_.destroy();
    }

    bool done() const { return handle_.done(); }
    std::exception_ptr thrown() const { return handle_.promise().thrown; }

private:
    std::coroutine_handle<promise_type> handle_;
};

task send_values(kurier::producer<>& producer, int count, std::vector<std::int64_t>& offsets)
{
    for (int i = 0; i < count; ++i) {
        const auto where = co_await producer.send({.topic = "t", .value = std::to_string(i)});
        offsets.push_back(where.offset);
    }
}

task send_one(kurier::producer<>& producer, std::string_view topic)
{
    co_await producer.send({.topic = topic, .value = "v"});
}

task await_one(delivery awaited, record_metadata& where)
{
    where = co_await std::move(awaited);
}

task send_and_note(kurier::producer<>& producer, std::vector<int>& order, int number)
{
    co_await producer.send({.topic = "t", .value = "v"});
    order.push_back(number);
}

} // namespace

TEST_CASE("A coroutine of another library awaits deliveries")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    std::vector<std::int64_t> offsets;
    auto sending = send_values(producer, 5, offsets);
    CHECK(offsets.empty());
    REQUIRE(net.until([&] { return sending.done(); }));
    CHECK_FALSE(sending.thrown());
    CHECK(offsets == std::vector<std::int64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("It gets failures as exceptions")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    net.cluster().fail_next("t", 0, broker_errc::invalid_record);
    const auto failing = send_one(producer, "t");
    REQUIRE(net.until([&] { return failing.done(); }));
    REQUIRE(failing.thrown());
    CHECK_THROWS_AS(std::rethrow_exception(failing.thrown()), delivery_error);

    const auto refused = send_one(producer, "no topic"); // known at once: it does not suspend
    REQUIRE(refused.done());
    CHECK_THROWS_AS(std::rethrow_exception(refused.thrown()), delivery_error);
}

TEST_CASE("It may await after the record was delivered")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    auto sent = producer.send({.topic = "t", .value = "v"});
    REQUIRE(net.until([&] { return sent.resolved(); }));
    record_metadata where;
    const auto waiting = await_one(std::move(sent), where);
    CHECK(waiting.done());
    CHECK(where.offset == 1);
}

TEST_CASE("It may be destroyed while it waits")
{
    loopback net;
    net.broker->create_topic("t");
    auto producer = net.make_producer();
    std::vector<std::int64_t> offsets;
    {
        const auto for_topic = send_values(producer, 1, offsets); // the topic isn't known yet
    }
    net.warm_up(producer, "t");
    CHECK(net.values("t").size() == 2);
    net.silence();
    {
        const auto for_answer = send_values(producer, 1, offsets);
        REQUIRE(net.until([&] { return net.values("t").size() == 3; }));
    }
    net.settle();
    CHECK(offsets.empty());
}

TEST_CASE("Coroutines of a batch resume in the order of their records")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    std::vector<int> order;
    std::vector<task> tasks;
    for (int i = 0; i < 20; ++i) tasks.push_back(send_and_note(producer, order, i));
    REQUIRE(net.until([&] { return order.size() == 20; }));
    for (int i = 0; i < 20; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("One of a batch destroys the others when it resumes")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    std::vector<std::int64_t> offsets;
    std::vector<task> others;
    bool told = false;
    producer.send({.topic = "t", .value = "first"})([&](error_code, const record_metadata&) {
        told = true;
        others.clear();
    });
    for (int i = 0; i < 5; ++i) others.push_back(send_values(producer, 1, offsets));
    REQUIRE(net.until([&] { return told; }));
    net.settle();
    CHECK(offsets.empty());
    CHECK(net.values("t").size() == 7);
}

TEST_CASE("The producer goes while it waits")
{
    loopback net;
    net.broker->create_topic("t");
    std::optional producer{net.make_producer()};
    std::vector<std::int64_t> offsets;
    const auto waiting = send_values(*producer, 1, offsets);
    producer.reset();
    REQUIRE(net.until([&] { return waiting.done(); }));
    REQUIRE(waiting.thrown());
    try {
        std::rethrow_exception(waiting.thrown());
    } catch (const delivery_error& error) {
        CHECK(error.code() == errc::aborted);
    }
}

TEST_CASE("The context goes while it waits")
{
    std::vector<std::int64_t> offsets;
    std::optional<task> waiting;
    {
        loopback net;
        auto producer = net.make_producer();
        net.warm_up(producer, "t");
        net.silence();
        waiting.emplace(send_values(producer, 1, offsets));
        REQUIRE(net.until([&] { return net.values("t").size() == 2; }));
    }
    CHECK_FALSE(waiting->done());
}
