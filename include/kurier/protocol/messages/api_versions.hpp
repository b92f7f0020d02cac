// ApiVersions (KIP-35, KIP-511, KIP-584, KIP-1242): what does this broker speak? The answer always has response header version 0,
// and a broker that does not know the asked version answers UNSUPPORTED_VERSION in version 0.
// ApiVersionsRequest.json, ApiVersionsResponse.json
#pragma once

#include <kurier/protocol/schema.hpp>

namespace kurier::inline KURIER_ABI::protocol {

struct api_versions_request
{
    std::string client_software_name, client_software_version;
    std::optional<std::string>
        cluster_id; // whom we believe to talk to (KIP-1242); null and -1: whoever it is
    std::int32_t node_id = -1;

    using self = api_versions_request;
    using schema =
        fields<field<&self::client_software_name, since(3)>, field<&self::client_software_version, since(3)>,
               nullable<&self::cluster_id, since(5)>, field<&self::node_id, since(5)>>;
    static constexpr std::int16_t api_key = 18;
    static constexpr versions valid{0, 5}, flexible{3};
    bool operator==(const self&) const = default;
};

struct api_version
{
    std::int16_t api_key = 0, min_version = 0, max_version = 0;

    using self = api_version;
    using schema = fields<field<&self::api_key>, field<&self::min_version>, field<&self::max_version>>;
    bool operator==(const self&) const = default;
};

struct supported_feature_key
{
    std::string name;
    std::int16_t min_version = 0, max_version = 0;

    using self = supported_feature_key;
    using schema = fields<field<&self::name>, field<&self::min_version>, field<&self::max_version>>;
    bool operator==(const self&) const = default;
};

struct finalized_feature_key
{
    std::string name;
    std::int16_t max_version_level = 0, min_version_level = 0;

    using self = finalized_feature_key;
    using schema =
        fields<field<&self::name>, field<&self::max_version_level>, field<&self::min_version_level>>;
    bool operator==(const self&) const = default;
};

struct api_versions_response
{
    std::int16_t error_code = 0;
    std::vector<api_version> api_keys;
    std::int32_t throttle_time_ms = 0;
    std::vector<supported_feature_key> supported_features;
    std::int64_t finalized_features_epoch = -1;
    std::vector<finalized_feature_key> finalized_features;
    bool zk_migration_ready = false;

    using self = api_versions_response;
    using schema = fields<
        field<&self::error_code>, field<&self::api_keys>, field<&self::throttle_time_ms, since(1)>,
        tagged<&self::supported_features, 0, since(3)>, tagged<&self::finalized_features_epoch, 1, since(3)>,
        tagged<&self::finalized_features, 2, since(3)>, tagged<&self::zk_migration_ready, 3, since(3)>>;
    static constexpr std::int16_t api_key = 18;
    static constexpr versions valid{0, 5}, flexible{3};
    bool operator==(const self&) const = default;
};

} // namespace kurier::inline KURIER_ABI::protocol
