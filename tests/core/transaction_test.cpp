// The rules of transactions, each named for its KIP or for the bug that others had.
#include "../support/transaction_script.hpp"

#include <initializer_list>

namespace kurier::tests::transaction_rules {
namespace {

using script = transaction_script;
using enum broker_errc;

bool is(const script& s, txn_state state)
{
    return s.producer.state() == state;
}

TEST_CASE("transaction: the first begin finds the coordinator and asks for a producer id (KIP-98)")
{
    script s;
    REQUIRE(s.producer.begin(s.in(60s)) == txn_misuse::none);
    s.finds_coordinator(1);
    CHECK(s.nothing_completed());
    const auto asked = s.producer.init_producer_id();
    CHECK(asked.transactional_id == "payments-7");
    CHECK(asked.transaction_timeout_ms == 60'000);
    CHECK(asked.producer_id == -1);
    s.initializes(7, 0);
    s.completes(txn_call::begin);
    CHECK(is(s, txn_state::in_transaction));
    CHECK(s.silent());
}

TEST_CASE("transaction: FindCoordinator asks for the transactional id, since version 4 in a list (KIP-699)")
{
    script s;
    REQUIRE(s.producer.begin(s.in(60s)) == txn_misuse::none);
    REQUIRE(s.producer.next(s.now, true));
    CHECK(s.producer.find_coordinator(3) == protocol::find_coordinator_request{"payments-7", 1, {}});
    CHECK(s.producer.find_coordinator(4) == protocol::find_coordinator_request{"", 1, {"payments-7"}});
    const auto request = s.sends(txn_request::find_coordinator, 4, -1);
    protocol::find_coordinator_response told;
    told.coordinators = {{"payments-7", 5, "broker", 9092, 0, {}}};
    CHECK(s.producer.responded(request, told, s.now));
    s.initializes(7, 0, 4, 5);
}

TEST_CASE("transaction: a coordinator without an address, or none, is no response; it is asked again")
{
    for (const int wrong : {0, 1, 2, 3, 4}) {
        CAPTURE(wrong);
        script s;
        REQUIRE(s.producer.begin(s.in(60s)) == txn_misuse::none);
        const auto request = s.sends(txn_request::find_coordinator, 4, -1);
        protocol::find_coordinator_response told;
        if (wrong > 0) told.coordinators.push_back({"payments-7", 5, "broker", 9092, 0, {}});
        if (wrong == 1) told.coordinators[0].node_id = -1;
        if (wrong == 2) told.coordinators[0].host.clear();
        if (wrong == 3) told.coordinators[0].port = 65536;
        if (wrong == 4) told.coordinators.push_back(told.coordinators[0]);
        CHECK_FALSE(s.producer.responded(request, told, s.now));
        CHECK(s.silent());
        s.wait(200ms);
        s.finds_coordinator(1);
    }
}

TEST_CASE("transaction: an empty one costs no request, whether it is committed or aborted")
{
    for (const auto protocol : {txn_protocol::v1, txn_protocol::v2}) {
        script s{protocol};
        s.begins();
        REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
        CHECK(s.silent());
        s.completes(txn_call::commit);
        REQUIRE(s.producer.begin(s.in(60s)) == txn_misuse::none);
        s.completes(txn_call::begin);
        REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
        CHECK(s.silent());
        s.completes(txn_call::abort);
        CHECK(is(s, txn_state::ready));
        CHECK(s.producer.identity().epoch == 0);
    }
}

TEST_CASE(
    "transaction: TV1 sends to a partition once the coordinator knows of it, several in one request (KIP-98)")
{
    script s;
    s.begins();
    for (auto& partition : s.topic.partitions) {
        CHECK_FALSE(s.producer.admits(partition));
        s.producer.want(partition);
        s.producer.want(partition);
        CHECK_FALSE(s.producer.admits(partition));
    }
    const auto asked = s.producer.add_partitions();
    REQUIRE(asked.topics.size() == 1);
    CHECK(asked.topics[0] == protocol::add_partitions_to_txn_topic{"payments", {0, 1, 2}});
    s.adds_partitions();
    for (auto& partition : s.topic.partitions) CHECK(s.producer.admits(partition));
    for (auto& partition : s.topic.partitions) s.producer.want(partition);
    CHECK(s.silent()); // they are in
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    s.ends(true);
    s.completes(txn_call::commit);
    CHECK(is(s, txn_state::ready));
    CHECK(s.producer.identity().epoch == 0); // as it was: sequences go on
    CHECK_FALSE(s.producer.admits(s.topic.partitions[0]));
}

TEST_CASE("transaction: a partition that comes while others are added is asked about next")
{
    script s;
    s.begins();
    s.producer.want(s.topic.partitions[0]);
    const auto first = s.sends(txn_request::add_partitions, 3, 1);
    s.producer.want(s.topic.partitions[1]);
    CHECK(s.silent()); // one request at a time
    protocol::add_partitions_to_txn_response told{0, {{"payments", {{0, 0}}}}};
    CHECK(s.producer.responded(first, told, s.now));
    CHECK(s.producer.admits(s.topic.partitions[0]));
    CHECK_FALSE(s.producer.admits(s.topic.partitions[1]));
    CHECK(s.producer.add_partitions().topics[0].partitions == std::vector<std::int32_t>{1});
    s.adds_partitions();
    CHECK(s.producer.admits(s.topic.partitions[1]));
}

TEST_CASE("transaction: TV2 asks for no partition, and each EndTxn tells the next epoch (KIP-890)")
{
    script s{txn_protocol::v2};
    s.begins();
    s.writes();
    CHECK(s.silent());
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    s.drained = true;
    CHECK(s.producer.next(s.now, true)->needs.protocol == txn_protocol::v2);
    s.ends(true, none, 7, 1);
    s.completes(txn_call::commit);
    CHECK(is(s, txn_state::ready));
    CHECK(s.producer.identity().epoch == 1);

    REQUIRE(s.producer.begin(s.in(60s)) == txn_misuse::none);
    s.completes(txn_call::begin);
    s.writes();
    REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
    CHECK(s.producer.end_txn().producer_epoch == 1);
    s.ends(false, none, 8, 0); // after the last epoch another id
    s.completes(txn_call::abort);
    CHECK(is(s, txn_state::ready));
    CHECK(s.producer.identity().id == 8);
    CHECK(s.producer.identity().epoch == 0);
}

TEST_CASE("transaction: TV2, a response without the next epoch: it is asked for before the next transaction")
{
    script s{txn_protocol::v2};
    s.begins();
    s.writes();
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    const auto request = s.sends(txn_request::end_txn, 5, 1);
    CHECK(s.producer.responded(request, protocol::end_txn_response{}, s.now));
    s.completes(txn_call::commit);
    CHECK(is(s, txn_state::initializing));
    CHECK(s.producer.init_producer_id().producer_epoch == 0);
    s.initializes(7, 1);
    CHECK(is(s, txn_state::ready));
}

TEST_CASE("transaction: commit waits for all records")
{
    script s;
    s.begins();
    s.writes();
    s.drained = false;
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    CHECK(s.silent());
    CHECK(s.producer.admits(s.topic.partitions[0]));
    s.producer.want(s.topic.partitions[2]); // its batch had no leader until now
    s.adds_partitions();
    CHECK(s.silent());
    s.drained = true;
    s.ends(true);
    s.completes(txn_call::commit);
}

TEST_CASE("transaction: commit never follows a record that was not delivered (librdkafka 1.5.2, 1.6)")
{
    const std::initializer_list<error_code> whys{
        errc::delivery_timeout, errc::record_expired, errc::record_too_large,      errc::withdrawn,
        errc::abandoned,        message_too_large,    out_of_order_sequence_number};
    for (const auto& why : whys)
        for (const bool during_commit : {false, true}) {
            INFO(why.message());
            script s;
            s.begins();
            s.writes();
            s.drained = false;
            if (during_commit) REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
            s.producer.record_failed(s.producer.number(), why);
            if (during_commit) s.completes(txn_call::commit, txn_outcome::failed, why);
            CHECK(is(s, txn_state::abortable_error));
            CHECK(s.producer.failure() == why);
            s.drained = true;
            CHECK(s.silent()); // no InitProducerId in a transaction either (librdkafka 3575)
            CHECK(s.producer.commit(s.in(60s)) == txn_misuse::must_abort);
            CHECK(s.producer.refuses_records() == txn_misuse::must_abort);
            CHECK_FALSE(s.producer.admits(s.topic.partitions[0]));
            REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
            s.ends(false);
            s.completes(txn_call::abort);
        }
}

TEST_CASE("transaction: INVALID_PRODUCER_EPOCH of a partition's leader fences nobody, the coordinator does "
          "(KIP-588)")
{
    script s;
    s.begins();
    s.writes();
    s.producer.record_failed(s.producer.number(), invalid_producer_epoch);
    CHECK(is(s, txn_state::abortable_error));
    REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
    s.ends(false, producer_fenced);
    s.completes(txn_call::abort, txn_outcome::failed, producer_fenced);
    CHECK(is(s, txn_state::fatal_error));
    CHECK(s.producer.begin(s.in(60s)) == txn_misuse::must_init);
    CHECK(s.producer.abort(s.in(60s)) == txn_misuse::must_init);
}

TEST_CASE("transaction: a record whose error ends the producer")
{
    for (const auto why :
         {producer_fenced, cluster_authorization_failed, transactional_id_authorization_failed,
          unsupported_version, invalid_producer_id_mapping}) {
        script s;
        s.begins();
        s.writes();
        s.producer.record_failed(s.producer.number(), why);
        CHECK(is(s, txn_state::fatal_error));
        CHECK(s.producer.failure() == why);
    }
}

TEST_CASE(
    "transaction: what becomes of an old one's records and requests never touches the next (KAFKA-14831)")
{
    script s;
    s.begins();
    s.writes();
    const auto old = s.producer.number();
    const auto asked = [&] {
        s.producer.want(s.topic.partitions[1]);
        return s.sends(txn_request::add_partitions, 3, 1);
    }();
    s.producer.record_failed(old, producer_fenced);
    CHECK(is(s, txn_state::fatal_error));
    REQUIRE(s.producer.init(s.in(60s)) == txn_misuse::none);
    const protocol::add_partitions_to_txn_response fenced{0, {{"payments", {{1, s.code(producer_fenced)}}}}};
    CHECK(s.producer.responded(asked, fenced, s.now));
    CHECK(is(s, txn_state::initializing));
    s.initializes(7, 1);
    s.completes(txn_call::init);
    REQUIRE(s.producer.begin(s.in(60s)) == txn_misuse::none);
    s.completes(txn_call::begin);

    s.producer.record_failed(old, errc::delivery_timeout);
    CHECK(is(s, txn_state::in_transaction));
    CHECK(s.producer.responded(asked, protocol::add_partitions_to_txn_response{0, {{"payments", {{1, 90}}}}},
                               s.now));
    s.producer.unanswered(asked, true, errc::disconnected, s.now);
    CHECK(is(s, txn_state::in_transaction));
    CHECK_FALSE(s.producer.admits(s.topic.partitions[1]));
    s.producer.record_failed(s.producer.number(), none); // delivered
    CHECK(is(s, txn_state::in_transaction));
}

TEST_CASE("transaction: after an abort TV1 gets a new epoch, naming the one that it had (KIP-360)")
{
    script s;
    s.begins();
    s.writes();
    s.producer.record_failed(s.producer.number(), out_of_order_sequence_number);
    REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
    s.ends(false);
    s.completes(txn_call::abort); // the application needn't wait for the epoch
    CHECK(is(s, txn_state::initializing));
    const auto asked = s.producer.init_producer_id();
    CHECK(asked.producer_id == 7);
    CHECK(asked.producer_epoch == 0);
    const auto lost = s.sends(txn_request::init_producer_id, 4, 1);
    s.producer.unanswered(lost, true, errc::disconnected,
                          s.now); // the coordinator knows it for a repeated one
    REQUIRE(s.producer.begin(s.in(60s)) == txn_misuse::none);
    CHECK(s.silent());
    s.wait(200ms);
    s.finds_coordinator(1);
    CHECK(s.producer.init_producer_id() == asked);
    s.initializes(7, 1);
    s.completes(txn_call::begin);
    CHECK(s.producer.identity().epoch == 1);
}

TEST_CASE("transaction: without InitProducerId 3 a new epoch is the application's to ask for")
{
    script s;
    s.begins(1);
    s.writes();
    REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
    s.ends(false);
    s.completes(txn_call::abort);
    CHECK(is(s, txn_state::ready)); // all of it was acknowledged: sequences go on
    REQUIRE(s.producer.begin(s.in(60s)) == txn_misuse::none);
    s.completes(txn_call::begin);
    s.writes();
    s.producer.record_failed(s.producer.number(), errc::delivery_timeout);
    REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
    s.ends(false);
    s.completes(txn_call::abort);
    CHECK(is(s, txn_state::uninitialized));
    CHECK(s.producer.begin(s.in(60s)) == txn_misuse::must_init);
    CHECK(s.silent());
    REQUIRE(s.producer.init(s.in(60s)) == txn_misuse::none);
    CHECK(s.producer.init_producer_id().producer_id == -1);
    s.initializes(7, 1, 1);
    s.completes(txn_call::init);
    CHECK(is(s, txn_state::ready));
}

TEST_CASE(
    "transaction: the same when the application aborts while AddPartitions is on its way, and it is lost")
{
    for (const std::int16_t init_version : {std::int16_t{1}, std::int16_t{4}}) {
        script s;
        s.begins(init_version);
        s.producer.want(s.topic.partitions[0]);
        const auto lost = s.sends(txn_request::add_partitions, 3, 1);
        REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
        s.producer.unanswered(lost, true, errc::disconnected, s.now);
        s.wait(200ms);
        s.finds_coordinator(1);
        s.ends(false, invalid_txn_state);
        s.completes(txn_call::abort);
        CHECK(is(s, init_version < 3 ? txn_state::uninitialized : txn_state::initializing));
    }
}

TEST_CASE("transaction: TV1, AddPartitions without an answer may arrive in the next one: abort, new epoch "
          "(Jepsen 2024)")
{
    script s;
    s.begins();
    s.producer.want(s.topic.partitions[0]);
    const auto lost = s.sends(txn_request::add_partitions, 3, 1);
    s.producer.unanswered(lost, true, errc::disconnected, s.now);
    CHECK(is(s, txn_state::abortable_error));
    CHECK(s.producer.failure() == errc::disconnected);
    REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
    s.wait(200ms);
    s.finds_coordinator(1);
    SUBCASE("it had arrived")
    {
        s.ends(false);
    }
    SUBCASE("it had not, and the coordinator knows of no transaction")
    {
        s.ends(false, invalid_txn_state);
    }
    s.completes(txn_call::abort);
    CHECK(is(s, txn_state::initializing));
    s.initializes(7, 1);
}

TEST_CASE(
    "transaction: INVALID_TXN_STATE is fatal when the coordinator had a transaction, or is asked to commit")
{
    script s;
    s.begins();
    s.writes();
    const bool commit = [&] {
        bool chosen = false;
        SUBCASE("abort")
        {
            chosen = false;
        }
        SUBCASE("commit")
        {
            chosen = true;
        }
        return chosen;
    }();
    REQUIRE((commit ? s.producer.commit(s.in(60s)) : s.producer.abort(s.in(60s))) == txn_misuse::none);
    s.ends(commit, invalid_txn_state);
    s.completes(commit ? txn_call::commit : txn_call::abort, txn_outcome::failed, invalid_txn_state);
    CHECK(is(s, txn_state::fatal_error));
}

TEST_CASE("transaction: AddPartitions that never left is just sent again")
{
    script s;
    s.begins();
    s.producer.want(s.topic.partitions[0]);
    const auto unsent = s.sends(txn_request::add_partitions, 3, 1);
    s.producer.unanswered(unsent, false, errc::disconnected, s.now);
    CHECK(is(s, txn_state::in_transaction));
    s.wait(200ms);
    s.finds_coordinator(1);
    s.adds_partitions();
    CHECK(s.producer.admits(s.topic.partitions[0]));
}

TEST_CASE("transaction: AddPartitions whose response forgets a partition says nothing about it")
{
    script s;
    s.begins();
    s.producer.want(s.topic.partitions[0]);
    const auto request = s.sends(txn_request::add_partitions, 3, 1);
    CHECK_FALSE(s.producer.responded(request, protocol::add_partitions_to_txn_response{}, s.now));
    CHECK(is(s, txn_state::abortable_error));
    CHECK(s.producer.failure() == errc::protocol_error);
}

TEST_CASE("transaction: no right to one topic of two: the error is that topic's, the other was not attempted")
{
    script s;
    s.begins();
    s.producer.want(s.topic.partitions[0]);
    s.producer.want(s.topic.partitions[1]);
    const auto request = s.sends(txn_request::add_partitions, 3, 1);
    CHECK(s.producer.responded(
        request,
        protocol::add_partitions_to_txn_response{
            0,
            {{"payments", {{0, s.code(operation_not_attempted)}, {1, s.code(topic_authorization_failed)}}}}},
        s.now));
    CHECK(is(s, txn_state::abortable_error));
    CHECK(s.producer.failure() == topic_authorization_failed);
}

TEST_CASE("transaction: CONCURRENT_TRANSACTIONS is asked again after 20 ms, then at growing intervals")
{
    script s;
    s.begins();
    s.producer.want(s.topic.partitions[0]);
    s.adds_partitions(concurrent_transactions);
    CHECK(s.silent());
    CHECK(s.producer.deadline() > s.in(15ms));
    CHECK(s.producer.deadline() < s.in(25ms));
    s.wait(25ms);
    s.adds_partitions(concurrent_transactions);
    CHECK(s.producer.deadline() > s.in(31ms));
    CHECK(s.producer.deadline() < s.in(49ms));
    s.wait(50ms);
    s.adds_partitions();
    CHECK(s.producer.admits(s.topic.partitions[0]));
    CHECK(s.producer.deadline() == never);
}

TEST_CASE("transaction: a coordinator that moved is looked up, one that loads is asked again")
{
    script s;
    s.begins();
    s.producer.want(s.topic.partitions[0]);
    s.adds_partitions(not_coordinator);
    s.wait(200ms);
    s.finds_coordinator(1);
    s.adds_partitions(coordinator_load_in_progress);
    s.wait(300ms);
    s.adds_partitions();
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    s.ends(true, coordinator_not_available);
    s.wait(200ms);
    auto request = s.sends(txn_request::find_coordinator, 3, -1);
    protocol::find_coordinator_response nobody;
    nobody.error_code = s.code(coordinator_not_available);
    CHECK(s.producer.responded(request, nobody, s.now));
    CHECK(s.silent());
    s.wait(500ms);
    request = s.sends(txn_request::find_coordinator, 3, -1);
    s.producer.unanswered(request, true, errc::disconnected, s.now);
    s.wait(1s);
    s.finds_coordinator(1);
    s.ends(true);
    s.completes(txn_call::commit);
}

TEST_CASE("transaction: EndTxn without an answer is repeated, the same, and counts as committed when it is "
          "answered")
{
    script s;
    s.begins();
    s.writes();
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    const auto asked = s.producer.end_txn();
    const auto lost = s.sends(txn_request::end_txn, 4, 1);
    s.producer.unanswered(lost, true, errc::disconnected, s.now);
    CHECK(s.nothing_completed());
    s.wait(200ms);
    s.finds_coordinator(1);
    CHECK(s.producer.end_txn() == asked);
    s.ends(true);
    s.completes(txn_call::commit);
    CHECK(is(s,
             txn_state::
                 initializing)); // the first one may still arrive: not in the next transaction (Jepsen 2024)
    s.initializes(7, 1);
}

TEST_CASE(
    "transaction: TV2, EndTxn may be repeated without a new InitProducerId: its epoch is over (KIP-890)")
{
    script s{txn_protocol::v2};
    s.begins();
    s.writes();
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    const auto lost = s.sends(txn_request::end_txn, 5, 1);
    s.producer.unanswered(lost, true, errc::disconnected, s.now);
    s.wait(200ms);
    s.finds_coordinator(1);
    s.ends(true, none, 7, 1);
    s.completes(txn_call::commit);
    CHECK(is(s, txn_state::ready));
}

TEST_CASE(
    "transaction: EndTxn without an answer until the deadline: unknown, and only the same commit can tell")
{
    script s;
    s.begins();
    s.writes();
    REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
    const auto late = s.sends(txn_request::end_txn, 4, 1);
    CHECK(s.producer.deadline() == s.in(10s));
    s.wait(10s);
    s.completes(txn_call::commit, txn_outcome::unknown, errc::request_timed_out);
    CHECK(is(s, txn_state::outcome_unknown));
    CHECK(s.producer.responded(late, protocol::end_txn_response{}, s.now)); // nobody listens any more
    CHECK(is(s, txn_state::outcome_unknown));
    CHECK(s.silent());
    CHECK(s.producer.abort(s.in(10s)) == txn_misuse::must_commit_again);
    CHECK(s.producer.begin(s.in(10s)) == txn_misuse::must_commit_again);
    CHECK(s.producer.refuses_records() == txn_misuse::must_commit_again);

    SUBCASE("it says committed")
    {
        REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
        s.ends(true);
        s.completes(txn_call::commit);
    }
    SUBCASE("again no answer")
    {
        REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
        s.wait(10s); // not even sent
        s.completes(txn_call::commit, txn_outcome::unknown, errc::request_timed_out);
        CHECK(is(s, txn_state::outcome_unknown));
    }
    SUBCASE("the producer was fenced meanwhile, before or after")
    {
        REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
        s.ends(true, producer_fenced);
        s.completes(txn_call::commit, txn_outcome::unknown, producer_fenced);
        CHECK(is(s, txn_state::fatal_error));
    }
    SUBCASE("the coordinator wants an abort, of this one or of what it knows now")
    {
        REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
        s.ends(true, transaction_abortable);
        s.completes(txn_call::commit, txn_outcome::unknown, transaction_abortable);
        CHECK(is(s, txn_state::fatal_error));
    }
    SUBCASE("init leaves it open")
    {
        REQUIRE(s.producer.init(s.in(10s)) == txn_misuse::none);
        CHECK(s.producer.init_producer_id().producer_id == -1);
        s.initializes(7, 1);
        s.completes(txn_call::init);
        CHECK(is(s, txn_state::ready));
    }
}

TEST_CASE("transaction: UNKNOWN_SERVER_ERROR of EndTxn is neither committed nor aborted (Redpanda)")
{
    script s;
    s.begins();
    s.writes();
    REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
    s.ends(true, unknown_server_error);
    s.completes(txn_call::commit, txn_outcome::unknown, unknown_server_error);
    CHECK(is(s, txn_state::fatal_error));
}

TEST_CASE("transaction: an error that the coordinator finds first: certainly not committed")
{
    script s;
    s.begins();
    s.writes();
    REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
    s.ends(true, transaction_abortable);
    s.completes(txn_call::commit, txn_outcome::failed, transaction_abortable);
    CHECK(is(s, txn_state::abortable_error));
    REQUIRE(s.producer.abort(s.in(10s)) == txn_misuse::none);
    s.ends(false, transaction_abortable); // an abort that must be aborted
    s.completes(txn_call::abort, txn_outcome::failed, transaction_abortable);
    CHECK(is(s, txn_state::fatal_error));
}

TEST_CASE(
    "transaction: a commit whose time is over before EndTxn was sent has not happened, and may be repeated")
{
    script s;
    s.begins();
    s.writes();
    s.drained = false;
    REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
    s.wait(10s);
    s.completes(txn_call::commit, txn_outcome::failed, errc::request_timed_out);
    CHECK(is(s, txn_state::in_transaction));
    s.drained = true;
    CHECK(s.silent());
    REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
    s.ends(true, coordinator_load_in_progress);
    s.wait(10s);
    s.completes(txn_call::commit, txn_outcome::failed,
                errc::request_timed_out); // refused each time: not unknown
    CHECK(is(s, txn_state::in_transaction));
    REQUIRE(s.producer.abort(s.in(10s)) == txn_misuse::none);
    s.ends(false);
    s.completes(txn_call::abort);
}

TEST_CASE("transaction: an abort is bounded, and may be repeated")
{
    script s;
    s.begins();
    s.writes();
    s.drained = false; // what was sent is waited for
    REQUIRE(s.producer.abort(s.in(10s)) == txn_misuse::none);
    CHECK_FALSE(s.producer.admits(s.topic.partitions[0]));
    CHECK(s.producer.abort(s.in(10s)) == txn_misuse::busy);
    CHECK(s.silent());
    s.wait(10s);
    s.completes(txn_call::abort, txn_outcome::failed, errc::request_timed_out);
    CHECK(is(s, txn_state::abortable_error));
    s.drained = true;
    REQUIRE(s.producer.abort(s.in(10s)) == txn_misuse::none);
    s.sends(txn_request::end_txn, 4, 1);
    s.wait(10s);
    s.completes(txn_call::abort, txn_outcome::failed, errc::request_timed_out);
    REQUIRE(s.producer.abort(s.in(10s)) == txn_misuse::none);
    s.ends(false);
    s.completes(txn_call::abort);
    s.initializes(7, 1);
    CHECK(is(s, txn_state::ready));
}

TEST_CASE("transaction: the coordinator forgot the producer id, and the transaction with it (KIP-360)")
{
    script s;
    s.begins();
    s.writes();
    s.producer.want(s.topic.partitions[1]);
    s.adds_partitions(unknown_producer_id);
    CHECK(is(s, txn_state::abortable_error));
    REQUIRE(s.producer.abort(s.in(10s)) == txn_misuse::none);
    s.ends(false, unknown_producer_id);
    s.completes(txn_call::abort);
    s.initializes(9, 0);
    CHECK(is(s, txn_state::ready));
}

TEST_CASE("transaction: an abort that comes while a partition is added waits for that answer")
{
    script s;
    s.begins();
    s.producer.want(s.topic.partitions[0]);
    const auto asked = s.sends(txn_request::add_partitions, 3, 1);
    REQUIRE(s.producer.abort(s.in(10s)) == txn_misuse::none);
    CHECK(s.silent());
    protocol::add_partitions_to_txn_response told{0, {{"payments", {{0, 0}}}}};
    SUBCASE("added") {}
    SUBCASE("refused")
    {
        told.results_by_topic[0].results_by_partition[0].partition_error_code = 29;
    }
    CHECK(s.producer.responded(asked, told, s.now));
    CHECK(is(s, txn_state::aborting));
    s.ends(false);
    s.completes(txn_call::abort);
}

} // namespace
} // namespace kurier::tests::transaction_rules
