#include <kurier/delivery_error.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>

using namespace kurier;

namespace {

delivery_failure some_failure()
{
    delivery_failure failure;
    failure.code = errc::delivery_timeout;
    failure.last_error = broker_errc::not_enough_replicas;
    failure.topic = "orders";
    failure.partition = 3;
    failure.attempts = 14;
    failure.last_broker = "kafka1:9092 (id 1)";
    failure.persisted = persisted::no;
    failure.retriable = true;
    return failure;
}

std::string what(const delivery_failure& failure)
{
    return delivery_error{std::make_shared<const delivery_failure>(failure)}.what();
}

} // namespace

TEST_CASE("a delivery error is one sentence with everything that is known")
{
    CHECK(
        what(some_failure()) ==
        "record for orders-3 was not delivered: not confirmed within delivery.timeout.ms; the last attempt "
        "failed: "
        "NOT_ENOUGH_REPLICAS: fewer replicas are in sync than min.insync.replicas asks for; nothing was "
        "written; 14 attempts, the last at kafka1:9092 (id 1); it was not written; bring the missing brokers "
        "back, "
        "lower min.insync.replicas of the topic, or use acks=1 if losing records is acceptable");
}

TEST_CASE("a record that was never sent names what stood in the way, and gives the advice for that")
{
    delivery_failure failure;
    failure.code = errc::batch_expired;
    failure.topic = "orders";
    failure.partition = 3;
    failure.last_error = errc::connect_failed;
    failure.text = "kafka2:9092 (id 2): Connection refused";
    CHECK(what(failure) ==
          "record for orders-3 was not delivered: could not be sent within delivery.timeout.ms: kafka2:9092 "
          "(id 2): Connection refused; last error: no connection to the broker; it was not written; check "
          "bootstrap.servers (host and port), advertised.listeners of the brokers, and firewalls");
}

TEST_CASE("a record that was refused at once says why")
{
    delivery_failure failure;
    failure.code = errc::record_too_large;
    failure.topic = "orders";
    failure.text = "1048700 bytes, max.request.size is 1048576";
    CHECK(what(failure) == "record for orders was not delivered: the record is larger than this producer may "
                           "send: 1048700 bytes, "
                           "max.request.size is 1048576; it was not written; raise max.request.size (and "
                           "max.message.bytes of the "
                           "topic), and buffer.memory when that is smaller");
}

TEST_CASE("the broker's words are quoted, and cannot forge a log line")
{
    delivery_failure failure;
    failure.code = broker_errc::invalid_record;
    failure.topic = "orders";
    failure.partition = 0;
    failure.attempts = 1;
    failure.record_index = 7;
    failure.broker_message = "no key\r\n\x1b[31mERROR";
    failure.last_broker = "evil\n:1 (id 2)";
    CHECK(what(failure) ==
          "record for orders-0 was not delivered: INVALID_RECORD: the broker's validation refused the "
          "record; the "
          "broker says \"no key\\r\\n\\x1b[31mERROR\" about record 7 of the batch; 1 attempt, the last at "
          "evil\\n:1 (id 2); it was not written; if the topic has cleanup.policy=compact, give each record a "
          "key; the "
          "broker's text names the record");
}

TEST_CASE("a delivery error is caught as a system_error and keeps its failure alive")
{
    std::shared_ptr<const delivery_failure> kept;
    try {
        throw delivery_error{std::make_shared<const delivery_failure>(some_failure())};
    } catch (const boost::system::system_error& error) {
        CHECK(error.code() == errc::delivery_timeout);
        const auto* delivery = dynamic_cast<const delivery_error*>(&error);
        REQUIRE(delivery);
        CHECK(delivery->failure().partition == 3);
        CHECK(delivery->failure().persisted == persisted::no);
        kept = delivery->shared_failure();
    }
    CHECK(kept->topic == "orders");
    static_assert(std::is_nothrow_copy_constructible_v<std::shared_ptr<const delivery_failure>>);
}

TEST_CASE("without a topic, a broker or an attempt the sentence is still whole")
{
    delivery_failure failure;
    failure.code = errc::invalid_topic;
    failure.text = "the topic name is empty";
    CHECK(what(failure).starts_with(
        "record for an unnamed topic was not delivered: the topic name is invalid: the "
        "topic name is empty; it was not written; use 1 to 249"));
    CHECK(to_string(persisted::no) == "no");
    CHECK(to_string(persisted::possibly) == "possibly");
    CHECK(to_string(persisted::yes) == "yes");
}
