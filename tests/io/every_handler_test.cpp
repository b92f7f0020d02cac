// Everything that can end, ends after every handler of the event loop in turn: waits by each type of cancellation,
// deliveries, the producer, the context.
#include "../support/loopback.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <algorithm>
#include <array>

using namespace kurier;
using namespace kurier::testing;

namespace {

enum class ending {
    cancel_terminal,
    cancel_partial,
    cancel_total,
    drop_delivery,
    destroy_producer,
    destroy_context
};

struct scene
{
    asio::cancellation_signal cancel_send, cancel_body; // operations refer to them until the context goes
    std::array<outcome, 3> told;
    loopback net;
    std::optional<kurier::producer<>> producer;
    std::optional<delivery> kept;
    std::vector<error_code> body_errors;
    bool ended = false;

    scene()
    {
        net.broker->create_topic("t");
        producer.emplace(net.make_producer());
        kept.emplace(producer->send({.topic = "t", .value = "kept"}));
        producer->send({.topic = "t", .value = "0"})(told[0].take());
        producer->send({.topic = "t", .value = "1"})(
            asio::bind_cancellation_slot(cancel_send.slot(), told[1].take()));
        producer->send({.topic = "t", .value = "2"})(told[2].take());
        asio::co_spawn(
            net.context, body(),
            asio::bind_cancellation_slot(cancel_body.slot(), [this](std::exception_ptr) { ended = true; }));
    }

    asio::awaitable<void> body()
    {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
        co_await asio::this_coro::throw_if_cancelled(false);
        for (int step = 0; step < 4 && producer; ++step) {
            try {
                if (step == 0)
                    co_await producer->ready();
                else if (step == 1)
                    co_await producer->send({.topic = "t", .value = "3"});
                else if (step == 2)
                    co_await producer->flush();
                else
                    co_await producer->close();
            } catch (const delivery_error& error) {
                body_errors.push_back(error.code());
            } catch (const boost::system::system_error& error) {
                body_errors.push_back(error.code());
            }
        }
    }

    bool over() const
    {
        return ended && std::ranges::all_of(told, [](const outcome& one) { return one.told > 0; });
    }

    void end(ending how)
    {
        switch (how) {
        case ending::cancel_terminal:
            return cancel(asio::cancellation_type::terminal);
        case ending::cancel_partial:
            return cancel(asio::cancellation_type::partial);
        case ending::cancel_total:
            return cancel(asio::cancellation_type::total);
        case ending::drop_delivery:
            kept.reset();
            return;
        default:
            producer.reset();
        }
    }
    void cancel(asio::cancellation_type type)
    {
        cancel_send.emit(type);
        cancel_body.emit(type);
    }

    void check()
    {
        const auto log = net.values("t");
        for (std::size_t i = 0; i < told.size(); ++i) {
            const auto copies = std::ranges::count(log, std::to_string(i));
            CHECK(told[i].told == 1);
            CHECK(copies <= 1);
            if (!told[i].error)
                CHECK(copies == 1);
            else if (told[i].persisted() == persisted::no)
                CHECK(copies == 0);
        }
        CHECK(std::ranges::count(log, "kept") <= 1);
        CHECK(std::ranges::count(log, "3") <= 1);
        CHECK(net.cluster().violations().surely_wrong() == 0);
    }
};

// False: it was over before.
bool end_after(int handlers, ending how)
{
    auto made = std::make_unique<scene>();
    for (int i = 0; i < handlers && !made->over(); ++i)
        if (made->net.context.run_one_for(patience) == 0) break;
    if (made->over()) return false;
    if (how == ending::destroy_context) {
        made.reset();
        return true;
    }
    made->end(how);
    CHECK(made->net.until([&] { return made->over(); }));
    made->check();
    return true;
}

} // namespace

TEST_CASE("Everything ends after every handler in turn")
{
    for (const auto how : {ending::cancel_terminal, ending::cancel_partial, ending::cancel_total,
                           ending::drop_delivery, ending::destroy_producer, ending::destroy_context}) {
        int handlers = 0;
        while (end_after(handlers, how)) ++handlers;
        CHECK(handlers > 10);
    }
}
