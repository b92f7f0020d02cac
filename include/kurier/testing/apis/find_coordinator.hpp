// FindCoordinator v1-6, of transactional ids and groups. From v4 on of several in one request.
#pragma once

#include <kurier/testing/apis/api.hpp>

#include <string>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::find_coordinator_request>
{
public:
    using request = protocol::find_coordinator_request;
    using response = protocol::find_coordinator_response;
    static constexpr released_versions released{{1, 2}, {1, 3}, {1, 6}, {1, 6}, {1, 3}};

    explicit api(const broker_parts& parts) : cluster_{parts.cluster}, transactions_{parts.transactions} {}

    void answer(call& call, const request& asked, response& told) const
    {
        told = {};
        if (call.version >= 4) {
            for (const std::string& key : asked.coordinator_keys)
                told.coordinators.push_back(find(call, key, asked.key_type));
            return;
        }
        const auto found = find(call, asked.key, asked.key_type);
        told.error_code = found.error_code;
        told.node_id = found.node_id;
        told.host = found.host;
        told.port = found.port;
    }

    void fail(call& call, broker_errc error, const request& asked, response& told) const
    {
        told = {};
        if (call.version < 4) told = nobody(error);
        for (const std::string& key : asked.coordinator_keys)
            if (call.version >= 4) told.coordinators.push_back({key, -1, "", -1, code_of(error), {}});
    }

private:
    static response nobody(broker_errc error)
    {
        response told;
        told.error_code = code_of(error);
        told.node_id = told.port = -1;
        return told;
    }

    protocol::found_coordinator find(const call& call, const std::string& key, std::int8_t type) const
    {
        protocol::found_coordinator found{key, -1, "", -1, 0, {}};
        const bool known = type == static_cast<std::int8_t>(protocol::coordinator_type::group) ||
                           type == static_cast<std::int8_t>(protocol::coordinator_type::transaction);
        const broker_id coordinator = transactions_.coordinator_of(key);
        const broker_endpoint* broker = cluster_.metadata_of(call.broker).find_broker(coordinator);
        if (!known || key.empty()) {
            found.error_code = code_of(broker_errc::invalid_request);
        } else if (!broker) {
            found.error_code = code_of(broker_errc::coordinator_not_available);
        } else {
            found.node_id = broker->id;
            found.host = broker->host;
            found.port = broker->port;
        }
        return found;
    }

    const cluster_state& cluster_;
    const transaction_coordinator& transactions_;
};

} // namespace kurier::inline KURIER_ABI::testing
