// What an application may ask of a transactional producer, when, and how that ends.
#include "../support/transaction_script.hpp"

namespace kurier::tests::transaction_calls {
namespace {

using script = transaction_script;
using enum broker_errc;

bool is(const script& s, txn_state state)
{
    return s.producer.state() == state;
}

TEST_CASE("transaction: another producer with the same id is a fatal error, and init takes over from it")
{
    script s;
    s.begins();
    s.producer.want(s.topic.partitions[0]);
    s.adds_partitions(invalid_producer_epoch);
    CHECK(is(s, txn_state::fatal_error));
    CHECK(s.producer.failure() == producer_fenced); // in these words, whatever the version says
    CHECK(s.producer.commit(s.in(10s)) == txn_misuse::must_init);
    CHECK(s.silent());
    REQUIRE(s.producer.init(s.in(10s)) == txn_misuse::none);
    CHECK(s.producer.init_producer_id().producer_id == -1);
    s.init_fails(concurrent_transactions); // its transaction is being aborted
    s.wait(25ms);
    s.initializes(7, 5);
    s.completes(txn_call::init);
}

TEST_CASE("transaction: no right to the transactional id: begin fails, and may be repeated")
{
    for (const auto why :
         {transactional_id_authorization_failed, cluster_authorization_failed, transaction_abortable}) {
        script s;
        REQUIRE(s.producer.begin(s.in(10s)) == txn_misuse::none);
        s.finds_coordinator(1);
        s.init_fails(why);
        s.completes(txn_call::begin, txn_outcome::failed, why);
        CHECK(is(s, txn_state::uninitialized));
        REQUIRE(s.producer.begin(s.in(10s)) == txn_misuse::none);
        s.initializes(7, 0);
        s.completes(txn_call::begin);
    }
}

TEST_CASE("transaction: init and begin are bounded, what they began goes on")
{
    script s;
    REQUIRE(s.producer.init(s.in(10s)) == txn_misuse::none);
    CHECK(s.producer.begin(s.in(10s)) == txn_misuse::busy);
    s.finds_coordinator(1);
    const auto slow = s.sends(txn_request::init_producer_id, 4, 1);
    s.wait(10s);
    s.completes(txn_call::init, txn_outcome::failed, errc::request_timed_out);
    REQUIRE(s.producer.init(s.in(10s)) == txn_misuse::none);
    CHECK(s.producer.responded(slow, protocol::init_producer_id_response{0, 0, 7, 0}, s.now));
    s.completes(txn_call::init);
    REQUIRE(s.producer.init(s.in(10s)) == txn_misuse::none); // nothing to do
    s.completes(txn_call::init);
    CHECK(s.silent());
}

TEST_CASE("transaction: InitProducerId that tells no id is no response")
{
    script s;
    REQUIRE(s.producer.begin(s.in(10s)) == txn_misuse::none);
    s.finds_coordinator(1);
    for (const auto& told : {protocol::init_producer_id_response{0, 0, -1, 0},
                             protocol::init_producer_id_response{0, 0, 7, -1}}) {
        const auto request = s.sends(txn_request::init_producer_id, 4, 1);
        CHECK_FALSE(s.producer.responded(request, told, s.now));
        s.wait(500ms);
    }
    s.initializes(7, 0);
    s.completes(txn_call::begin);
}

TEST_CASE("transaction: a cluster that goes to TV2 finishes what is open the old way, then gets a new epoch "
          "(KIP-890)")
{
    script s;
    s.finalize(1, 1);
    s.begins();
    s.finalize(2, 2);
    CHECK(s.producer.protocol() == txn_protocol::v1);
    s.writes();
    REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
    s.ends(true);
    s.completes(txn_call::commit);
    REQUIRE(s.producer.begin(s.in(10s)) == txn_misuse::none);
    CHECK(s.producer.init_producer_id().producer_id == 7);
    s.initializes(7, 1);
    s.completes(txn_call::begin);
    CHECK(s.producer.protocol() == txn_protocol::v2);
    s.writes();
    REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
    s.ends(true, none, 7, 2);
    s.completes(txn_call::commit);
    s.finalize(3, 1); // and back
    REQUIRE(s.producer.begin(s.in(10s)) == txn_misuse::none);
    s.initializes(7, 3);
    s.completes(txn_call::begin);
    CHECK(s.producer.protocol() == txn_protocol::v1);
}

TEST_CASE("transaction: a broker without a version that will do")
{
    script s;
    s.begins();
    s.producer.unsupported(
        txn_request::commit_offsets); // group metadata before TxnOffsetCommit 3: this transaction's trouble
    CHECK(is(s, txn_state::abortable_error));
    CHECK(s.producer.failure() == errc::unsupported_version);
    REQUIRE(s.producer.abort(s.in(10s)) == txn_misuse::none);
    CHECK(s.silent());
    s.completes(txn_call::abort);
    s.producer.unsupported(txn_request::init_producer_id);
    CHECK(is(s, txn_state::fatal_error));
    s.producer.unsupported(txn_request::end_txn); // it stays what it is
    CHECK(s.producer.failure() == errc::unsupported_version);
}

TEST_CASE("transaction: calls at the wrong time say what to do, and do nothing")
{
    const txn_group no_group;
    script s;
    CHECK(s.producer.commit(s.in(10s)) == txn_misuse::not_begun);
    CHECK(s.producer.abort(s.in(10s)) == txn_misuse::not_begun);
    CHECK(s.producer.send_offsets(no_group, {}, 1, s.in(10s)) == txn_misuse::not_begun);
    CHECK(s.producer.refuses_records() == txn_misuse::not_begun);
    CHECK(is(s, txn_state::uninitialized));
    s.begins();
    CHECK(s.producer.begin(s.in(10s)) == txn_misuse::begun_already);
    CHECK(s.producer.init(s.in(10s)) == txn_misuse::begun_already);
    CHECK(is(s, txn_state::in_transaction));
    s.writes();
    s.drained = false;
    REQUIRE(s.producer.commit(s.in(10s)) == txn_misuse::none);
    CHECK(s.producer.commit(s.in(10s)) == txn_misuse::busy);
    CHECK(s.producer.init(s.in(10s)) == txn_misuse::busy);
    CHECK(s.producer.send_offsets(no_group, {}, 1, s.in(10s)) == txn_misuse::busy);
    CHECK(s.nothing_completed());
    for (const auto misuse : {txn_misuse::busy, txn_misuse::not_begun, txn_misuse::begun_already,
                              txn_misuse::must_abort, txn_misuse::must_commit_again, txn_misuse::must_init})
        CHECK_FALSE(text_of(misuse).empty());
    CHECK(text_of(txn_misuse::none).empty());
    CHECK(text_of(txn_misuse{99}).empty());
}

} // namespace
} // namespace kurier::tests::transaction_calls
