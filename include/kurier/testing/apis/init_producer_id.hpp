// InitProducerId v0-5. Transactions are not modelled, so a transactional id gets NOT_COORDINATOR.
#pragma once

#include <kurier/testing/apis/api.hpp>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::init_producer_id_request>
{
public:
    using request = protocol::init_producer_id_request;
    using response = protocol::init_producer_id_response;
    static constexpr released_versions released{{0, 1}, {0, 4}, {0, 5}, {0, 5}, {0, 4}};

    explicit api(const broker_parts& parts) : cluster_{parts.cluster} {}

    void answer(call& call, const request& asked, response& told)
    {
        const bool half = call.version >= 3 && (asked.producer_id == -1) != (asked.producer_epoch == -1);
        if (half || (asked.transactional_id && asked.transactional_id->empty()))
            return fail(call, broker_errc::invalid_request, asked, told);
        if (asked.transactional_id) return fail(call, broker_errc::not_coordinator, asked, told);
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
    cluster_state& cluster_;
};

} // namespace kurier::inline KURIER_ABI::testing
