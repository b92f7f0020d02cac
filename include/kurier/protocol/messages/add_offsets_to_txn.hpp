// AddOffsetsToTxn (KIP-98): a group whose offsets a transaction is about to commit, before KIP-890.
// AddOffsetsToTxnRequest.json, AddOffsetsToTxnResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct add_offsets_to_txn_request
{
    std::string transactional_id;
    std::int64_t producer_id = 0;
    std::int16_t producer_epoch = 0;
    std::string group_id;

    using self = add_offsets_to_txn_request;
    using schema = fields<field<&self::transactional_id>, field<&self::producer_id>,
                          field<&self::producer_epoch>, field<&self::group_id>>;
    static constexpr std::int16_t api_key = 25;
    static constexpr versions valid{0, 4}, flexible{3};
    static constexpr std::int16_t throttled_by_client = 1; // KIP-219: from here on the pause is ours to make
    bool operator==(const self&) const = default;
};

struct add_offsets_to_txn_response
{
    std::int32_t throttle_time_ms = 0;
    std::int16_t error_code = 0;

    using self = add_offsets_to_txn_response;
    using schema = fields<field<&self::throttle_time_ms>, field<&self::error_code>>;
    static constexpr std::int16_t api_key = 25;
    static constexpr versions valid{0, 4}, flexible{3};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
