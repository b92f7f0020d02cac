// EndTxn (KIP-98, KIP-890): commits or aborts. Since version 5 the response has the epoch of the next transaction.
// EndTxnRequest.json, EndTxnResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct end_txn_request
{
    std::string transactional_id;
    std::int64_t producer_id = 0;
    std::int16_t producer_epoch = 0;
    bool committed = false;

    using self = end_txn_request;
    using schema = fields<field<&self::transactional_id>, field<&self::producer_id>,
                          field<&self::producer_epoch>, field<&self::committed>>;
    static constexpr std::int16_t api_key = 26;
    static constexpr versions valid{0, 5}, flexible{3};
    static constexpr std::int16_t throttled_by_client = 1; // KIP-219: from here on the pause is ours to make
    bool operator==(const self&) const = default;
};

struct end_txn_response
{
    std::int32_t throttle_time_ms = 0;
    std::int16_t error_code = 0;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;

    using self = end_txn_response;
    using schema = fields<field<&self::throttle_time_ms>, field<&self::error_code>,
                          field<&self::producer_id, since(5)>, field<&self::producer_epoch, since(5)>>;
    static constexpr std::int16_t api_key = 26;
    static constexpr versions valid{0, 5}, flexible{3};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
