// InitProducerId v0-6. Two-phase commit (v6, KIP-939) is not modelled: what is prepared is aborted.
#pragma once

#include <kurier/testing/apis/api.hpp>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::init_producer_id_request>
{
public:
    using request = protocol::init_producer_id_request;
    using response = protocol::init_producer_id_response;
    static constexpr released_versions released{{0, 1}, {0, 4}, {0, 5}, {0, 5}, {0, 4}};

    explicit api(const broker_parts& parts) : cluster_{parts.cluster}, transactions_{parts.transactions} {}

    void answer(call& call, const request& asked, response& told)
    {
        const bool half = call.version >= 3 && (asked.producer_id == -1) != (asked.producer_epoch == -1);
        if (half || (asked.transactional_id && asked.transactional_id->empty()))
            return fail(call, broker_errc::invalid_request, asked, told);
        if (asked.transactional_id) return answer_transactional(call, asked, told);
        told = {};
        told.producer_id =
            cluster_.new_producer_id(); // also for a client that has one: its epoch is its own matter
    }

    void fail(call&, broker_errc error, const request&, response& told) const
    {
        told = {};
        told.error_code = code_of(error);
        told.producer_epoch = -1;
    }

private:
    void answer_transactional(call& call, const request& asked, response& told)
    {
        if (transactions_.coordinator_of(*asked.transactional_id) != call.broker)
            return fail(call, broker_errc::not_coordinator, asked, told);
        const transactional_client client{
            .id = *asked.transactional_id, .producer_id = asked.producer_id, .epoch = asked.producer_epoch};
        const auto given = transactions_.init(client, asked.transaction_timeout_ms, call.now.wall_ms);
        if (given.error != broker_errc::none) return fail(call, error_in(call, given.error), asked, told);
        told = {};
        told.producer_id = given.producer_id;
        told.producer_epoch = given.epoch;
    }

    // PRODUCER_FENCED came with version 4.
    static broker_errc error_in(const call& call, broker_errc error) noexcept
    {
        const bool unknown = error == broker_errc::producer_fenced && call.version < 4;
        return unknown ? broker_errc::invalid_producer_epoch : error;
    }

    cluster_state& cluster_;
    transaction_coordinator& transactions_;
};

} // namespace kurier::inline KURIER_ABI::testing
