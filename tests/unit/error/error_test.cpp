#include <kurier/error.hpp>
#include <kurier/topic.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace kurier;

namespace {

constexpr int last_broker_code = static_cast<int>(broker_errc::controller_id_not_registered);
constexpr int last_client_code = static_cast<int>(errc::authentication_failed);

} // namespace

TEST_CASE("broker codes carry Kafka's numbers and names")
{
    CHECK(static_cast<int>(broker_errc::unknown_server_error) == -1);
    CHECK(static_cast<int>(broker_errc::none) == 0);
    CHECK(static_cast<int>(broker_errc::not_leader_or_follower) == 6);
    CHECK(static_cast<int>(broker_errc::kafka_storage_error) == 56);
    CHECK(static_cast<int>(broker_errc::rebootstrap_required) == 129);
    CHECK(error_name(broker_errc::not_leader_or_follower) == "NOT_LEADER_OR_FOLLOWER");
    CHECK(error_name(broker_errc::unknown_server_error) == "UNKNOWN_SERVER_ERROR");
    CHECK(error_name(static_cast<broker_errc>(137)) == "UNKNOWN_ERROR_CODE");
    CHECK(error_name(static_cast<broker_errc>(-2)) == "UNKNOWN_ERROR_CODE");
    CHECK(error_name(static_cast<broker_errc>(32767)) == "UNKNOWN_ERROR_CODE");
    CHECK(error_name(static_cast<broker_errc>(-32768)) == "UNKNOWN_ERROR_CODE");
}

TEST_CASE("the codes that Kafka's client retries, and those that refresh metadata")
{
    const std::set<int> retried{2,  3,  5,  6,  7,  9,  13, 14, 15, 16, 19,  20,  41,  51,  56,  70,
                                71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100, 103, 106, 122, 123, 133};
    const std::set<int> refreshing{3, 5, 6, 9, 13, 56, 72, 74, 80, 83, 84, 100, 103};
    for (int code = -40; code < 200; ++code) {
        CAPTURE(code);
        CHECK(retriable(static_cast<broker_errc>(code)) == retried.contains(code));
        CHECK(refreshes_metadata(static_cast<broker_errc>(code)) == refreshing.contains(code));
    }
}

TEST_CASE("a broker's answer becomes an error_code of the category kafka")
{
    const error_code ec = broker_errc::not_enough_replicas;
    CHECK(ec.failed());
    CHECK(ec == broker_errc::not_enough_replicas);
    CHECK(ec != errc::configuration);
    CHECK(std::string{ec.category().name()} == "kafka");
    CHECK(ec.message() ==
          "NOT_ENOUGH_REPLICAS: fewer replicas are in sync than min.insync.replicas asks for; "
          "nothing was written");
    CHECK(error_name(ec) == "NOT_ENOUGH_REPLICAS");
    CHECK(retriable(ec));
    CHECK(advice(ec).find("min.insync.replicas") != std::string_view::npos);
    CHECK_FALSE(error_code{broker_errc::none}.failed());
    CHECK(error_code{broker_errc::unknown_server_error}.failed());
}

TEST_CASE("a code that is newer than this library keeps its number")
{
    const error_code ec = static_cast<broker_errc>(4000);
    CHECK(ec.message() == "error 4000, which is newer than this library");
    CHECK_FALSE(retriable(ec));
    CHECK_FALSE(advice(ec).empty());
    CHECK(what_was_written(static_cast<broker_errc>(4000)) == persisted::possibly);
}

TEST_CASE("codes of the two categories with the same number differ")
{
    const error_code client = static_cast<errc>(6);
    const error_code broker = static_cast<broker_errc>(6);
    CHECK(client != broker);
    CHECK(client.category() != broker.category());
}

TEST_CASE("every kurier error has a name, a sentence, and no trailing full stop")
{
    std::set<std::string_view> names;
    for (int code = 1; code <= last_client_code; ++code) {
        const error_code ec = static_cast<errc>(code);
        CAPTURE(code);
        CHECK(names.insert(error_name(ec)).second);
        CHECK(ec.message().size() > 10);
        CHECK(ec.message().back() != '.');
        CHECK((advice(ec).empty() || advice(ec).back() != '.'));
    }
    CHECK(error_name(static_cast<errc>(0)) == "UNKNOWN_ERROR_CODE");
    CHECK(error_name(static_cast<errc>(last_client_code + 1)) == "UNKNOWN_ERROR_CODE");
    CHECK(error_code{static_cast<errc>(-7)}.message() == "unknown kurier error -7");
}

TEST_CASE("every broker error has its own name; texts and advice do not end in a full stop")
{
    std::set<std::string_view> names;
    for (int code = -1; code <= last_broker_code; ++code) {
        const error_code ec = static_cast<broker_errc>(code);
        CAPTURE(code);
        CHECK(names.insert(error_name(ec)).second);
        CHECK(ec.message().back() != '.');
        CHECK((advice(ec).empty() || advice(ec).back() != '.'));
    }
}

TEST_CASE("errors of other libraries are network trouble")
{
    const error_code ec = boost::system::errc::make_error_code(boost::system::errc::connection_refused);
    CHECK(error_name(ec) == "SYSTEM_ERROR");
    CHECK(retriable(ec));
    CHECK(advice(ec).empty());
    CHECK(error_name(error_code{}) == "NONE");
    CHECK_FALSE(retriable(error_code{}));
}

TEST_CASE("what a Produce answer says about the batch")
{
    CHECK(what_was_written(broker_errc::none) == persisted::yes);
    for (const auto code : {broker_errc::unknown_topic_or_partition, broker_errc::topic_authorization_failed,
                            broker_errc::not_enough_replicas, broker_errc::message_too_large,
                            broker_errc::invalid_timestamp, broker_errc::unknown_producer_id,
                            broker_errc::invalid_producer_epoch, broker_errc::invalid_record}) {
        CAPTURE(error_name(code));
        CHECK(what_was_written(code) == persisted::no);
    }
    for (const auto code : {broker_errc::request_timed_out, broker_errc::network_exception,
                            broker_errc::not_enough_replicas_after_append, broker_errc::unknown_server_error,
                            broker_errc::out_of_order_sequence_number, broker_errc::duplicate_sequence_number,
                            broker_errc::not_leader_or_follower, broker_errc::kafka_storage_error}) {
        CAPTURE(error_name(code));
        CHECK(what_was_written(code) == persisted::possibly);
    }
}

TEST_CASE("topic names follow Kafka's rules")
{
    const std::vector<std::string> good{"a", "orders", "A.b_c-9", "...", "_", "-", std::string(249, 'x')};
    for (const auto& name : good) {
        CAPTURE(name);
        CHECK_FALSE(check_topic(name));
    }
    const std::vector<std::string> bad{"",
                                       ".",
                                       "..",
                                       "a b",
                                       "a/b",
                                       "a\nb",
                                       std::string("a\0b", 3),
                                       "gr\xc3\xbc",
                                       "a:b",
                                       "a,b",
                                       "a\"b",
                                       "\x7f",
                                       std::string(250, 'x')};
    for (const auto& name : bad) {
        CAPTURE(name);
        CHECK(check_topic(name) == errc::invalid_topic);
        CHECK(why_not_a_topic(name) != nullptr);
    }
    CHECK(check_topic(std::string_view{}) == errc::invalid_topic);
    CHECK(std::string{why_not_a_topic(std::string_view{})} == "is null");
    CHECK(std::string{why_not_a_topic("")} == "is empty");
}
