// What a failed record says about itself, over real sockets: whose fault it was, where, and what is written.
#include "support/loopback.hpp"

#include <kurier/core/producer_core.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

using namespace kurier;
using namespace kurier::testing;

TEST_CASE("The record at fault is blamed, also when one before it in the batch was withdrawn")
{
    loopback net;
    net.config.linger = 1h;
    topic_options compacted;
    compacted.compact = true; // takes no record without a key
    net.cluster().create_topic("t", compacted);
    auto producer = net.make_producer();
    net.run([&]() -> asio::awaitable<void> { co_await producer.partitions_for("t"); });
    asio::cancellation_signal cancel;
    outcome withdrawn, bad, good;
    producer.send({.topic = "t", .key = "a", .value = "0"})(
        asio::bind_cancellation_slot(cancel.slot(), withdrawn.take()));
    producer.send({.topic = "t", .value = "no key"})(bad.take());
    producer.send({.topic = "t", .key = "c", .value = "2"})(good.take());
    cancel.emit(asio::cancellation_type::total);
    net.run([&]() -> asio::awaitable<void> { co_await producer.flush(); });
    REQUIRE(net.until([&] { return withdrawn.told + bad.told + good.told == 3; }));
    CHECK(withdrawn.error == errc::withdrawn);
    CHECK(bad.error == broker_errc::invalid_record);
    CHECK(bad.where.failure->record_index == 0);
    CHECK(good.error == errc::batch_failed_with_other_record);
    CHECK(good.where.failure->retriable);
}

TEST_CASE("acks=0: a batch that was handed to the socket is possibly written, and the broker did refuse it")
{
    struct witness
    {
        std::shared_ptr<std::vector<persisted>> seen = std::make_shared<std::vector<persisted>>();
        void on_batch(const batch_event& event) noexcept { seen->push_back(event.written); }
    };
    loopback net;
    topic_options small;
    small.max_message_bytes = 200;
    net.cluster().create_topic("t", small);
    net.config.acks = acks::none;
    net.config.enable_idempotence = false;
    auto producer = net.make_producer();
    witness watcher;
    producer.engine().observe(watcher);
    outcome told;
    const std::string value(1000, 'x');
    producer.send({.topic = "t", .value = value})(told.take());
    REQUIRE(net.until([&] { return told.told == 1; }));
    CHECK_FALSE(told.error);
    CHECK(told.where.offset == -1);
    REQUIRE(watcher.seen->size() == 1);
    CHECK(watcher.seen->front() == persisted::possibly);
    CHECK(net.broker->log("t").empty());
}

TEST_CASE("A producer that an error ended says that, and not that somebody closed it")
{
    loopback net;
    auto producer = net.make_producer();
    net.warm_up(producer, "t");
    static_cast<core::producer_core&>(producer.engine().driver()->core()) // as it does itself
        .abort(boost::system::errc::make_error_code(boost::system::errc::not_enough_memory));
    outcome told;
    producer.send({.topic = "t", .value = "v"})(told.take());
    REQUIRE(net.until([&] { return told.told == 1; }));
    CHECK(told.error == errc::fatal_state);
    CHECK(told.text().find("Cannot allocate memory") != std::string::npos);

    auto closed = net.make_producer();
    net.run([&]() -> asio::awaitable<void> { co_await closed.close(); });
    outcome late;
    closed.send({.topic = "t", .value = "v"})(late.take());
    REQUIRE(net.until([&] { return late.told == 1; }));
    CHECK(late.error == errc::closed);
}

TEST_CASE("An engine without TLS or SASL refuses to go without when security.protocol asks for them")
{
    loopback net;
    const auto refusal = [&](security_protocol wanted) {
        net.config.security_protocol = wanted;
        try {
            net.make_engine();
        } catch (const config_error& refused) {
            return std::string{refused.what()};
        }
        return std::string{};
    };
    CHECK(refusal(security_protocol::ssl).find("asks for TLS") != std::string::npos);
    CHECK(refusal(security_protocol::sasl_plaintext).find("asks for SASL") != std::string::npos);
    CHECK(refusal(security_protocol::sasl_ssl).find("asks for TLS") != std::string::npos);
    CHECK(refusal(security_protocol::plaintext).empty());
}
