// ApiVersions v0-5 (KIP-511, KIP-1242). A version that isn't offered gets UNSUPPORTED_VERSION in version 0, with the range
// of ApiVersions itself.
#pragma once

#include <kurier/testing/apis/api.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace kurier::inline KURIER_ABI::testing {

template <> class api<protocol::api_versions_request>
{
public:
    using request = protocol::api_versions_request;
    using response = protocol::api_versions_response;
    static constexpr released_versions released{{0, 2}, {0, 3}, {0, 4}, {0, 4}, {0, 2}};

    explicit api(const broker_parts& parts) : cluster_{parts.cluster} {}

    void answer(call& call, const request& asked, response& told) const
    {
        told = {};
        bool invalid = call.version >= 3 && !(is_software_name(asked.client_software_name) &&
                                              is_software_name(asked.client_software_version));
        if (call.version >= 5) {
            if (asked.cluster_id.has_value() != (asked.node_id != -1)) {
                invalid = true;
            } else if (asked.cluster_id && (*asked.cluster_id != cluster_.metadata().cluster_id ||
                                            asked.node_id != call.broker)) {
                told.error_code = code_of(broker_errc::rebootstrap_required);
                return;
            }
        }
        if (invalid)
            told.error_code = code_of(broker_errc::invalid_request);
        else
            told.api_keys = call.offered;
        if (call.version >= 3 && !invalid) tell_features(call, told);
    }

    void fail(call&, broker_errc error, const request&, response& told) const
    {
        told = {};
        told.error_code = code_of(error);
    }

    response unsupported(const call& call) const
    {
        response told;
        told.error_code = code_of(broker_errc::unsupported_version);
        for (const protocol::api_version& range : call.offered) {
            if (range.api_key == request::api_key) told.api_keys.push_back(range);
        }
        return told;
    }

private:
    // KIP-584. A level of 0 is that of a feature that isn't used, and isn't told.
    void tell_features(const call& call, response& told) const
    {
        const auto knows = [](const protocol::api_version& range) {
            return range.api_key == protocol::produce_request::api_key && range.max_version >= 12;
        };
        if (std::ranges::none_of(call.offered, knows)) return;
        const std::int16_t level = cluster_.options().transaction_version;
        told.supported_features = {{"transaction.version", 0, 2}};
        told.finalized_features_epoch = cluster_.options().finalized_features_epoch;
        if (level > 0) told.finalized_features = {{"transaction.version", level, level}};
    }

    // KIP-511: letters and digits, with '-' and '.' between them.
    static bool is_software_name(std::string_view text) noexcept
    {
        const auto alphanumeric = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        };
        if (text.empty() || !alphanumeric(text.front()) || !alphanumeric(text.back())) return false;
        return std::ranges::all_of(text, [&](char c) { return alphanumeric(c) || c == '-' || c == '.'; });
    }

    const cluster_state& cluster_;
};

} // namespace kurier::inline KURIER_ABI::testing
