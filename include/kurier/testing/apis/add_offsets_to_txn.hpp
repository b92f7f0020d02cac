// AddOffsetsToTxn v0-4.
#pragma once

#include <kurier/testing/apis/api.hpp>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::add_offsets_to_txn_request>
{
public:
    using request = protocol::add_offsets_to_txn_request;
    using response = protocol::add_offsets_to_txn_response;
    static constexpr released_versions released{{0, 1}, {0, 3}, {0, 4}, {0, 4}, {0, 1}};

    explicit api(const broker_parts& parts) : transactions_{parts.transactions} {}

    void answer(call& call, const request& asked, response& told)
    {
        auto error = broker_errc::not_coordinator;
        if (transactions_.coordinator_of(asked.transactional_id) == call.broker)
            error = transactions_.add({asked.transactional_id, asked.producer_id, asked.producer_epoch}, {},
                                      {asked.group_id}, call.now.wall_ms);
        if (error == broker_errc::producer_fenced && call.version < 2) // which came with version 2
            error = broker_errc::invalid_producer_epoch;
        fail(call, error, asked, told);
    }

    void fail(call&, broker_errc error, const request&, response& told) const
    {
        told = {};
        told.error_code = code_of(error);
    }

private:
    transaction_coordinator& transactions_;
};

} // namespace kurier::inline KURIER_ABI::testing
