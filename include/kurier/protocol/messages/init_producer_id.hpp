// InitProducerId (KIP-98, KIP-360, KIP-939): the identity of an idempotent or transactional producer.
// InitProducerIdRequest.json, InitProducerIdResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct init_producer_id_request
{
    std::optional<std::string> transactional_id;
    std::int32_t transaction_timeout_ms = 0;
    std::int64_t producer_id = -1;    // both since version 3 (KIP-360): what one had, to get
    std::int16_t producer_epoch = -1; // the next epoch
    bool enable_2pc = false;
    bool keep_prepared_txn = false; // instead of aborting it

    using self = init_producer_id_request;
    using schema = fields<nullable<&self::transactional_id>, field<&self::transaction_timeout_ms>,
                          field<&self::producer_id, since(3)>, field<&self::producer_epoch, since(3)>,
                          field<&self::enable_2pc, since(6)>, field<&self::keep_prepared_txn, since(6)>>;
    static constexpr std::int16_t api_key = 22;
    static constexpr versions valid{0, 6}, flexible{2};
    static constexpr std::int16_t throttled_by_client = 1; // KIP-219: from here on the pause is ours to make
    bool operator==(const self&) const = default;
};

struct init_producer_id_response
{
    std::int32_t throttle_time_ms = 0;
    std::int16_t error_code = 0;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = 0;
    std::int64_t ongoing_txn_producer_id = -1; // of the transaction that was kept, if there is one
    std::int16_t ongoing_txn_producer_epoch = -1;

    using self = init_producer_id_response;
    using schema = fields<field<&self::throttle_time_ms>, field<&self::error_code>, field<&self::producer_id>,
                          field<&self::producer_epoch>, field<&self::ongoing_txn_producer_id, since(6)>,
                          field<&self::ongoing_txn_producer_epoch, since(6)>>;
    static constexpr std::int16_t api_key = 22;
    static constexpr versions valid{0, 6}, flexible{2};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
