// EndTxn v0-5. Since v5 the client follows the second protocol, and is told the epoch of its next transaction (KIP-890).
#pragma once

#include <kurier/testing/apis/api.hpp>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::end_txn_request>
{
public:
    using request = protocol::end_txn_request;
    using response = protocol::end_txn_response;
    static constexpr released_versions released{{0, 1}, {0, 3}, {0, 4}, {0, 5}, {0, 1}};

    explicit api(const broker_parts& parts) : transactions_{parts.transactions} {}

    void answer(call& call, const request& asked, response& told)
    {
        if (transactions_.coordinator_of(asked.transactional_id) != call.broker)
            return fail(call, broker_errc::not_coordinator, asked, told);
        const transactional_client client{asked.transactional_id, asked.producer_id, asked.producer_epoch,
                                          call.version >= 5};
        const auto ended = transactions_.end(client, asked.committed, call.now.wall_ms);
        const bool unknown = ended.error == broker_errc::producer_fenced && call.version < 2;
        if (ended.error != broker_errc::none)
            return fail(call, unknown ? broker_errc::invalid_producer_epoch : ended.error, asked, told);
        told = {};
        if (call.version < 5) return;
        told.producer_id = ended.producer_id;
        told.producer_epoch = ended.epoch;
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
