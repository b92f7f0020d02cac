// What brokers of the model do with the requests of one API. Each API has a file in this folder, with
//
//     template <> class api<protocol::metadata_request>
//     {
//     public:
//         using response = protocol::metadata_response;
//         static constexpr released_versions released{.kafka_2_1 = {1, 7}, ...};
//
//         explicit api(const broker_parts& parts);
//         void answer(call&, const protocol::metadata_request&, response&);               // as Kafka does
//         void fail(call&, broker_errc, const protocol::metadata_request&, response&);    // as a test ordered
//     };
//
// The response may hold an earlier one. Optional: `void time_out(response&) const`, for an API whose responses wait for
// followers (call::awaited), and `response unsupported(const call&) const`, which is sent in version 0 when a version
// isn't offered; otherwise the broker hangs up.
#pragma once

#include <kurier/instant.hpp>
#include <kurier/protocol/messages.hpp>
#include <kurier/testing/cluster_state.hpp>
#include <kurier/testing/fault_script.hpp>
#include <kurier/testing/logins.hpp>
#include <kurier/testing/produced_batch.hpp>
#include <kurier/testing/transaction_coordinator.hpp>
#include <kurier/testing/violations.hpp>

#include <cstdint>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

template <class Request> class api; // a message in the list without one doesn't compile

// What all APIs share.
struct broker_parts
{
    cluster_state& cluster;
    fault_script& faults;
    violation_log& violations;
    const produce_observer& observer;
    login_desk& logins; // of all brokers
    transaction_coordinator& transactions;
    group_offsets& groups;
};

// A request on its way through its API, and what becomes of it besides the response.
struct call
{
    broker_id broker = -1;
    std::int16_t version = -1;
    core::instant now;
    const std::vector<protocol::api_version>& offered; // to this connection
    login_session& session;                            // and who it is

    bool unanswered = false;                       // acks=0
    bool hang_up = false;                          // after the response, if there is one
    bool idempotent = false;                       // produces with a producer id
    std::int32_t timeout_ms = 0;                   // how long the response may wait
    std::vector<const partition_state*> awaited{}; // not empty: it waits until their followers have copied
};

// What released brokers offer, as far as the test broker speaks it; `never`: the API is newer. The last one is what
// librdkafka 2.0.2, which Debian 12 ships, has for its users' tests.
struct released_versions
{
    protocol::versions kafka_2_1, kafka_2_8, kafka_3_9, kafka_4_3, librdkafka_mock;
};

constexpr std::int16_t code_of(broker_errc error) noexcept
{
    return static_cast<std::int16_t>(error);
}

} // namespace kurier::inline KURIER_ABI::testing
