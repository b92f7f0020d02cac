// A consumer group's offsets that are committed with a transaction (KIP-98, KIP-447, KIP-890, KIP-1319).
#include "../support/transaction_script.hpp"

#include <utility>
#include <vector>

namespace kurier::tests::transaction_offsets {
namespace {

using script = transaction_script;
using enum broker_errc;

bool is(const script& s, txn_state state)
{
    return s.producer.state() == state;
}

txn_group group_of(std::string id)
{
    txn_group group;
    group.id = std::move(id);
    group.member_id = "member";
    group.generation = 4;
    return group;
}

txn_offset offset_of(std::string topic, std::int32_t partition, std::int64_t offset)
{
    txn_offset made;
    made.topic = std::move(topic);
    made.partition = partition;
    made.offset = offset;
    return made;
}

const std::vector<txn_offset> two_offsets{offset_of("orders", 0, 10), offset_of("orders", 1, 20)};

void sends_offsets(script& s, std::uint64_t ticket = 1)
{
    REQUIRE(s.producer.send_offsets(group_of("shop"), two_offsets, ticket, s.in(60s)) == txn_misuse::none);
}

void adds_group(script& s, broker_errc error = none)
{
    CHECK(s.producer.add_offsets().group_id == "shop");
    const auto request = s.sends(txn_request::add_offsets, 3, 1);
    CHECK(s.producer.responded(request, protocol::add_offsets_to_txn_response{0, s.code(error)}, s.now));
}

protocol::txn_offset_commit_response
told(std::vector<protocol::txn_offset_commit_response_partition> partitions)
{
    protocol::txn_offset_commit_response response;
    response.topics.push_back({"orders", {}, std::move(partitions)});
    return response;
}

TEST_CASE("transaction: TV1 adds the group, finds its coordinator and commits there (KIP-98, KIP-447)")
{
    script s;
    s.begins();
    sends_offsets(s);
    adds_group(s);
    REQUIRE(s.producer.next(s.now, true));
    CHECK(s.producer.find_coordinator(3) == protocol::find_coordinator_request{"shop", 0, {}});
    s.finds_coordinator(2);
    const auto asked = s.producer.offset_commit();
    CHECK(asked.group_id == "shop");
    CHECK(asked.generation_id_or_member_epoch == 4);
    CHECK(asked.member_id == "member");
    REQUIRE(asked.topics.size() == 1);
    REQUIRE(asked.topics[0].partitions.size() == 2);
    CHECK(asked.topics[0].partitions[1].committed_offset == 20);
    const auto request = s.sends(txn_request::commit_offsets, 3, 2);
    CHECK(s.needs.group_metadata);
    CHECK_FALSE(s.needs.topic_ids);
    CHECK(s.producer.responded(request, told({{0, 0}, {1, 0}}), s.now));
    s.completes(txn_call::send_offsets);
    CHECK(s.last.ticket == 1);
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    s.ends(true); // offsets alone make a transaction
    s.completes(txn_call::commit);
}

TEST_CASE("transaction: TV2 commits offsets without adding the group; by topic id when each is known "
          "(KIP-890, KIP-1319)")
{
    script s{txn_protocol::v2};
    s.begins();
    auto offsets = two_offsets;
    for (auto& one : offsets) one.topic_id.bytes[0] = std::byte{9};
    REQUIRE(s.producer.send_offsets(group_of("shop"), offsets, 1, s.in(60s)) == txn_misuse::none);
    s.finds_coordinator(2);
    CHECK(s.producer.offset_commit().topics[0].topic_id == offsets[0].topic_id);
    const auto request = s.sends(txn_request::commit_offsets, 6, 2);
    CHECK(s.needs.topic_ids);
    protocol::txn_offset_commit_response response;
    response.topics.push_back({"", offsets[0].topic_id, {{0, 0}, {1, 0}}});
    CHECK(s.producer.responded(request, response, s.now));
    s.completes(txn_call::send_offsets);
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    s.ends(true, none, 7, 1);
    s.completes(txn_call::commit);
}

TEST_CASE("transaction: offsets that the coordinator has are not sent again with those that it has not")
{
    script s{txn_protocol::v2};
    s.begins();
    sends_offsets(s);
    s.finds_coordinator(2);
    auto request = s.sends(txn_request::commit_offsets, 5, 2);
    CHECK(s.producer.responded(request, told({{0, 0}, {1, s.code(unknown_topic_or_partition)}}), s.now));
    CHECK(s.silent());
    s.wait(200ms);
    REQUIRE(s.producer.offset_commit().topics[0].partitions.size() == 1);
    CHECK(s.producer.offset_commit().topics[0].partitions[0].partition_index == 1);
    request = s.sends(txn_request::commit_offsets, 5, 2);
    CHECK(s.producer.responded(request, told({{1, s.code(not_coordinator)}}), s.now));
    s.wait(500ms);
    s.finds_coordinator(3);
    request = s.sends(txn_request::commit_offsets, 5, 3);
    CHECK(s.producer.responded(request, told({{1, 0}}), s.now));
    s.completes(txn_call::send_offsets);
}

TEST_CASE("transaction: commit waits for offsets; those of several groups go to their coordinators in turn")
{
    script s{txn_protocol::v2};
    s.begins();
    sends_offsets(s, 1);
    REQUIRE(s.producer.send_offsets(group_of("bank"), {offset_of("orders", 2, 5)}, 2, s.in(60s)) ==
            txn_misuse::none);
    REQUIRE(s.producer.send_offsets(group_of("bank"), {}, 3, s.in(60s)) == txn_misuse::none);
    s.completes(txn_call::send_offsets); // nothing to do
    CHECK(s.last.ticket == 3);
    REQUIRE(s.producer.commit(s.in(60s)) == txn_misuse::none);
    s.finds_coordinator(2);
    auto request = s.sends(txn_request::commit_offsets, 5, 2);
    CHECK(s.producer.responded(request, told({{0, 0}, {1, 0}}), s.now));
    s.completes(txn_call::send_offsets);
    CHECK(s.last.ticket == 1);
    REQUIRE(s.producer.next(s.now, true));
    CHECK(s.producer.find_coordinator(3).key == "bank");
    s.finds_coordinator(3);
    request = s.sends(txn_request::commit_offsets, 5, 3);
    CHECK(s.producer.responded(request, told({{2, 0}}), s.now));
    s.completes(txn_call::send_offsets);
    CHECK(s.last.ticket == 2);
    s.ends(true, none, 7, 1);
    s.completes(txn_call::commit);
}

TEST_CASE("transaction: a group that went on without this consumer: abort (KIP-447)")
{
    for (const auto why : {unknown_member_id, illegal_generation, fenced_instance_id, stale_member_epoch,
                           group_id_not_found, group_authorization_failed}) {
        script s{txn_protocol::v2};
        s.begins();
        sends_offsets(s);
        s.finds_coordinator(2);
        const auto request = s.sends(txn_request::commit_offsets, 5, 2);
        CHECK(s.producer.responded(request, told({{0, 0}, {1, s.code(why)}}), s.now));
        s.completes(txn_call::send_offsets, txn_outcome::failed, why);
        CHECK(is(s, txn_state::abortable_error));
        REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
        s.ends(false, none, 7, 1);
        s.completes(txn_call::abort);
    }
}

TEST_CASE("transaction: no right to the group, as its coordinator is sought or it is added")
{
    script s;
    s.begins();
    sends_offsets(s);
    SUBCASE("it is added")
    {
        adds_group(s, group_authorization_failed);
    }
    SUBCASE("its coordinator is sought")
    {
        adds_group(s);
        const auto request = s.sends(txn_request::find_coordinator, 3, -1);
        protocol::find_coordinator_response refused;
        refused.error_code = s.code(group_authorization_failed);
        CHECK(s.producer.responded(request, refused, s.now));
    }
    s.completes(txn_call::send_offsets, txn_outcome::failed, group_authorization_failed);
    CHECK(is(s, txn_state::abortable_error));
}

TEST_CASE(
    "transaction: TV1, offsets without an answer may arrive in the next one: abort, new epoch (Jepsen 2024)")
{
    script s;
    s.begins();
    sends_offsets(s);
    SUBCASE("AddOffsetsToTxn")
    {
        const auto lost = s.sends(txn_request::add_offsets, 3, 1);
        s.producer.unanswered(lost, true, errc::disconnected, s.now);
    }
    SUBCASE("TxnOffsetCommit")
    {
        adds_group(s);
        s.finds_coordinator(2);
        const auto lost = s.sends(txn_request::commit_offsets, 3, 2);
        s.producer.unanswered(lost, true, errc::disconnected, s.now);
    }
    s.completes(txn_call::send_offsets, txn_outcome::failed, errc::disconnected);
    CHECK(is(s, txn_state::abortable_error));
    REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
    s.wait(200ms);
    if (s.producer.next(s.now, true)->what == txn_request::find_coordinator) s.finds_coordinator(1);
    s.ends(false);
    s.completes(txn_call::abort);
    CHECK(is(s, txn_state::initializing));
}

TEST_CASE("transaction: TV2, offsets without an answer are sent again: their epoch ends with the transaction "
          "(KIP-890)")
{
    script s{txn_protocol::v2};
    s.begins();
    sends_offsets(s);
    s.finds_coordinator(2);
    const auto lost = s.sends(txn_request::commit_offsets, 5, 2);
    s.producer.unanswered(lost, true, errc::disconnected, s.now);
    CHECK(is(s, txn_state::in_transaction));
    s.wait(200ms);
    s.finds_coordinator(2);
    const auto request = s.sends(txn_request::commit_offsets, 5, 2);
    CHECK(s.producer.responded(request, told({{0, 0}, {1, 0}}), s.now));
    s.completes(txn_call::send_offsets);
}

TEST_CASE("transaction: offsets whose time is over fail the transaction, like a record")
{
    script s;
    s.begins();
    REQUIRE(s.producer.send_offsets(group_of("shop"), two_offsets, 1, s.in(5s)) == txn_misuse::none);
    CHECK(s.producer.deadline() == s.in(5s));
    s.wait(5s);
    s.completes(txn_call::send_offsets, txn_outcome::failed, errc::request_timed_out);
    CHECK(is(s, txn_state::abortable_error));
    CHECK(s.producer.deadline() == never);
}

TEST_CASE("transaction: an abort ends offsets that wait, and a response that comes later finds none")
{
    script s{txn_protocol::v2};
    s.begins();
    sends_offsets(s);
    s.finds_coordinator(2);
    const auto asked = s.sends(txn_request::commit_offsets, 5, 2);
    REQUIRE(s.producer.abort(s.in(60s)) == txn_misuse::none);
    s.completes(txn_call::send_offsets, txn_outcome::failed, errc::aborted);
    CHECK(s.silent());
    CHECK(s.producer.responded(asked, told({{0, 0}, {1, s.code(illegal_generation)}}), s.now));
    s.ends(false, none, 7, 1);
    s.completes(txn_call::abort);
}

TEST_CASE("transaction: a response that names none of the offsets says nothing")
{
    script s{txn_protocol::v2};
    s.begins();
    sends_offsets(s);
    s.finds_coordinator(2);
    const auto request = s.sends(txn_request::commit_offsets, 5, 2);
    CHECK_FALSE(s.producer.responded(request, told({{7, 0}}), s.now));
    s.completes(txn_call::send_offsets, txn_outcome::failed, errc::protocol_error);
}

TEST_CASE("transaction: what of a group is its metadata")
{
    txn_group group;
    group.id = "shop";
    CHECK_FALSE(group.has_metadata());
    group.instance_id = "instance";
    CHECK(group.has_metadata());
    group.instance_id.reset();
    group.generation = 0;
    CHECK(group.has_metadata());
    group.generation = -1;
    group.member_id = "member";
    CHECK(group.has_metadata());
}

} // namespace
} // namespace kurier::tests::transaction_offsets
