// FindCoordinator (KIP-98, KIP-699): which broker coordinates a group or a transactional id. Since version 4 one request may
// ask for several keys. FindCoordinatorRequest.json, FindCoordinatorResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

enum class coordinator_type : std::int8_t { group, transaction, share };

struct find_coordinator_request
{
    std::string key;
    std::int8_t key_type = 0; // coordinator_type; version 0 knows only groups
    std::vector<std::string> coordinator_keys;

    using self = find_coordinator_request;
    using schema =
        fields<field<&self::key, until(3)>, field<&self::key_type>, field<&self::coordinator_keys, since(4)>>;
    static constexpr std::int16_t api_key = 10;
    static constexpr versions valid{1, 6}, flexible{3};
    static constexpr std::int16_t throttled_by_client = 2; // KIP-219: from here on the pause is ours to make
    bool operator==(const self&) const = default;
};

struct found_coordinator
{
    std::string key;
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;

    using self = found_coordinator;
    using schema = fields<field<&self::key>, field<&self::node_id>, field<&self::host>, field<&self::port>,
                          field<&self::error_code>, nullable<&self::error_message>>;
    bool operator==(const self&) const = default;
};

struct find_coordinator_response
{
    std::int32_t throttle_time_ms = 0;
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;
    std::int32_t node_id = 0;
    std::string host;
    std::int32_t port = 0;
    std::vector<found_coordinator> coordinators;

    using self = find_coordinator_response;
    using schema = fields<field<&self::throttle_time_ms>, field<&self::error_code, until(3)>,
                          nullable<&self::error_message, until(3)>, field<&self::node_id, until(3)>,
                          field<&self::host, until(3)>, field<&self::port, until(3)>,
                          field<&self::coordinators, since(4)>>;
    static constexpr std::int16_t api_key = 10;
    static constexpr versions valid{1, 6}, flexible{3};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
