// What every error of a broker means for each request of a transactional producer, spelled out: the table calls none of the
// functions that it judges.
#include <kurier/core/transaction/transaction_state.hpp>
#include <kurier/core/transaction/transaction_verdict.hpp>
#include <kurier/core/transaction/transaction_version.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace kurier::core::transaction_verdict_table {
namespace {

using enum broker_errc;

constexpr auto newer_than_this_library = broker_errc{static_cast<int>(controller_id_not_registered) + 1};

// The columns: FindCoordinator, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, EndTxn that commits,
// EndTxn that aborts, and a record that failed.
//   s success   r retry   l look up the coordinator and retry   a abort   x fenced   f fatal   u not initialized
constexpr std::array<txn_request, 8> requests{txn_request::find_coordinator, txn_request::init_producer_id,
                                              txn_request::add_partitions,   txn_request::add_offsets,
                                              txn_request::commit_offsets,   txn_request::end_txn,
                                              txn_request::end_txn,          txn_request::produce};

struct row
{
    broker_errc error;
    std::string verdicts;
    std::string without_bump; // InitProducerId below 3
};

// clang-format off
const std::vector<row> rows{
    //                                      FIPOCEAR
    {none,                                 "ssssssss", {}},
    {coordinator_not_available,            "rlllllla", {}},
    {not_coordinator,                      "rlllllla", {}},
    {request_timed_out,                    "rrrrlrra", {}},
    {invalid_producer_epoch,               "fxxxxxxa", {}}, // KIP-588: of a leader it may be the broker's timeout
    {producer_fenced,                      "fxxxxxxx", {}},
    {transactional_id_authorization_failed,"fuffffff", {}},
    {cluster_authorization_failed,         "fuafffff", {}},
    {invalid_txn_state,                    "ffffffFa", {}},
    {invalid_producer_id_mapping,          "ffffffFf", {}},
    {unknown_producer_id,                  "ffaafaaa", "ffffffFa"},
    {group_authorization_failed,           "afaaaffa", {}},
    {transaction_abortable,                "auaaaafa", {}},
    {unknown_member_id,                    "ffafaffa", {}},
    {illegal_generation,                   "ffafaffa", {}},
    {group_id_not_found,                   "ffafaffa", {}},
    {stale_member_epoch,                   "ffafaffa", {}},
    {fenced_instance_id,                   "ffafaffa", {}},
    {unsupported_version,                  "ffafffff", {}},
};

// They pass by themselves.
const std::vector<broker_errc> transient{
    corrupt_message, coordinator_load_in_progress, not_enough_replicas, concurrent_transactions,
    throttling_quota_exceeded, not_enough_replicas_after_append, not_controller, fetch_session_id_not_found,
    invalid_fetch_session_epoch, unknown_leader_epoch, offset_not_available, unstable_offset_commit,
    fetch_session_topic_id_error, share_session_not_found, invalid_share_session_epoch, share_session_limit_reached,
    unknown_topic_or_partition, leader_not_available, unknown_topic_id, inconsistent_topic_id, not_leader_or_follower,
    replica_not_available, network_exception, kafka_storage_error, listener_not_found, fenced_leader_epoch,
    preferred_leader_not_available, eligible_leaders_not_available, election_not_needed};

const std::string passes  = "rrrrrrra"; // a record failed when its retries or its time were over
const std::string others  = "ffafffFa";
// clang-format on

txn_verdict verdict_of(char letter)
{
    switch (letter) {
    case 's':
        return txn_verdict::success;
    case 'r':
        return txn_verdict::retry;
    case 'l':
        return txn_verdict::look_up;
    case 'a':
        return txn_verdict::abort;
    case 'x':
        return txn_verdict::fenced;
    case 'u':
        return txn_verdict::uninitialize;
    default:
        return txn_verdict::fatal;
    }
}

const std::string& expected(broker_errc error, bool bump_possible)
{
    const auto found = std::ranges::find(rows, error, &row::error);
    if (found != rows.end())
        return bump_possible || found->without_bump.empty() ? found->verdicts : found->without_bump;
    return std::ranges::find(transient, error) != transient.end() ? passes : others;
}

std::vector<broker_errc> all_errors()
{
    std::vector<broker_errc> all;
    for (int code = -2; code <= static_cast<int>(newer_than_this_library); ++code)
        all.push_back(static_cast<broker_errc>(code));
    return all;
}

TEST_CASE("transaction: every error of a broker, of every request")
{
    for (const auto error : all_errors())
        for (const bool bump_possible : {false, true})
            for (std::size_t i = 0; i < requests.size(); ++i) {
                INFO(error_name(error), ", column ", i, bump_possible ? ", epoch can be raised" : "");
                CHECK(judge(requests[i], error, {i == 6, bump_possible}) ==
                      verdict_of(expected(error, bump_possible)[i]));
            }
}

TEST_CASE(
    "transaction: of several errors in a response the gravest decides, and says more than NOT_ATTEMPTED")
{
    txn_ruling ruling;
    ruling.add(txn_verdict::success, none);
    CHECK(ruling.what == txn_verdict::success);
    ruling.add(txn_verdict::abort, operation_not_attempted);
    ruling.add(txn_verdict::abort, topic_authorization_failed);
    CHECK(ruling.why == topic_authorization_failed);
    ruling.add(txn_verdict::abort, operation_not_attempted);
    ruling.add(txn_verdict::retry, concurrent_transactions);
    CHECK(ruling.why == topic_authorization_failed);
    ruling.add(txn_verdict::fenced, producer_fenced);
    CHECK(ruling.what == txn_verdict::fenced);
}

TEST_CASE("transaction: an error that the coordinator finds before it writes leaves no doubt, any other does")
{
    const std::vector<broker_errc> definite{none,
                                            coordinator_load_in_progress,
                                            concurrent_transactions,
                                            invalid_producer_epoch,
                                            producer_fenced,
                                            invalid_txn_state,
                                            invalid_producer_id_mapping,
                                            unknown_producer_id,
                                            transactional_id_authorization_failed,
                                            cluster_authorization_failed,
                                            transaction_abortable,
                                            throttling_quota_exceeded,
                                            invalid_request,
                                            unsupported_version};
    for (const auto error : all_errors()) {
        INFO(error_name(error));
        CHECK(leaves_doubt(error) == (std::ranges::find(definite, error) == definite.end()));
    }
}

TEST_CASE("transaction: no error is forgotten without an act of the application")
{
    using enum txn_state;
    constexpr std::array all{uninitialized, initializing,    ready,           in_transaction, committing,
                             aborting,      abortable_error, outcome_unknown, fatal_error};
    for (const auto from : all) {
        CHECK(may_become(from, fatal_error));
        CHECK(may_become(fatal_error, from) == (from == initializing || from == fatal_error));
    }
    CHECK_FALSE(may_become(abortable_error, committing));
    CHECK_FALSE(may_become(abortable_error, in_transaction));
    CHECK_FALSE(may_become(outcome_unknown, aborting)); // the commit may have happened
    CHECK_FALSE(may_become(outcome_unknown, ready));
    CHECK_FALSE(may_become(uninitialized, in_transaction));
    CHECK_FALSE(may_become(aborting, committing));
    CHECK_FALSE(may_become(txn_state{99}, ready));
}

protocol::api_versions_response finalized(std::int64_t epoch, std::int16_t level)
{
    protocol::api_versions_response told;
    told.finalized_features_epoch = epoch;
    told.finalized_features = {{"metadata.version", 25, 25}, {"transaction.version", level, level}};
    return told;
}

TEST_CASE(
    "transaction: only the finalized feature chooses the protocol, the newest one (KAFKA-18957, KIP-584)")
{
    txn_feature feature;
    CHECK(feature.protocol() == txn_protocol::v1);
    protocol::api_versions_response offers; // the versions of TV2, without the feature
    offers.api_keys = {{0, 3, 13}, {26, 0, 5}, {28, 0, 6}};
    feature.learn(offers);
    CHECK(feature.protocol() == txn_protocol::v1);
    feature.learn(finalized(7, 1));
    CHECK(feature.protocol() == txn_protocol::v1);
    feature.learn(finalized(8, 2));
    CHECK(feature.protocol() == txn_protocol::v2);
    feature.learn(finalized(7, 0)); // of a broker that lags behind
    CHECK(feature.protocol() == txn_protocol::v2);
    feature.learn(offers);
    CHECK(feature.protocol() == txn_protocol::v2);
    feature.learn(finalized(9, 0));
    CHECK(feature.protocol() == txn_protocol::v1);
    auto without = finalized(10, 2);
    without.finalized_features.pop_back();
    feature.learn(without);
    CHECK(feature.protocol() == txn_protocol::v1);
}

TEST_CASE("transaction: below TV2 Produce ends at 11, TxnOffsetCommit and EndTxn at 4; TV2 begins above them "
          "(KIP-890)")
{
    const version_range all{0, 13};
    const auto usable = [&](txn_request request, txn_needs needs) {
        return usable_versions(request, all, needs);
    };
    const txn_needs v1, v2{.protocol = txn_protocol::v2};
    CHECK(usable(txn_request::produce, v1) == version_range{0, 11});
    CHECK(usable(txn_request::produce, v2) == version_range{12, 13});
    CHECK(usable(txn_request::end_txn, v1) == version_range{0, 4});
    CHECK(usable(txn_request::end_txn, v2) == version_range{5, 13});
    CHECK(usable(txn_request::commit_offsets, v1) == version_range{0, 4});
    CHECK(usable(txn_request::commit_offsets, v2) == version_range{5, 5});
    for (const auto request :
         {txn_request::find_coordinator, txn_request::add_partitions, txn_request::add_offsets})
        CHECK(usable(request, v1) == all);
}

TEST_CASE("transaction: group metadata needs TxnOffsetCommit 3 (KIP-447), topic ids 6 (KIP-1319), 2PC "
          "InitProducerId 6")
{
    const auto offsets = [](version_range both, txn_needs needs) {
        return usable_versions(txn_request::commit_offsets, both, needs);
    };
    CHECK_FALSE(offsets({0, 2}, {.group_metadata = true}).any());
    CHECK(offsets({0, 2}, {}).highest == 2);
    CHECK(offsets({0, 6}, {.group_metadata = true}) == version_range{3, 4});
    CHECK(offsets({0, 6}, {.protocol = txn_protocol::v2, .topic_ids = true}).highest == 6);
    CHECK(offsets({0, 6}, {.protocol = txn_protocol::v2}).highest == 5);
    CHECK_FALSE(offsets({0, 4}, {.protocol = txn_protocol::v2}).any());
    const auto init = [](bool two_phase) {
        return usable_versions(txn_request::init_producer_id, {0, 6}, {.two_phase = two_phase});
    };
    CHECK(init(false) == version_range{0, 5});
    CHECK(init(true) == version_range{6, 6});
}

} // namespace
} // namespace kurier::core::transaction_verdict_table
