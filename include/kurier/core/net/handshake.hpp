// The beginning of a connection: which versions of which API does this broker speak?
//
//   connected ──ApiVersions──▶ versions known ──▶ [authentication goes here] ──▶ ready
//
// Each connection asks anew, because a broker may have been upgraded meanwhile. A broker that does not know the asked
// version of ApiVersions says so in a version 0 answer (KIP-511), says it in a form that can't be read, or hangs up;
// each leads to a lower version, which is remembered for the broker.
#pragma once

#include <kurier/core/net/connection.hpp>
#include <kurier/protocol/messages.hpp>

#include <algorithm>

namespace kurier::core {

// What kurier speaks, by request_kind.
template <class Request> consteval version_range own_range(std::int16_t highest = Request::valid.hi) noexcept
{
    return {Request::valid.lo, highest};
}

inline constexpr std::int16_t api_key_of[] = {
    protocol::api_versions_request::api_key,
    protocol::metadata_request::api_key,
    protocol::init_producer_id_request::api_key,
    protocol::produce_request::api_key,
};

inline constexpr version_range own_versions[] = {
    own_range<protocol::api_versions_request>(),
    own_range<protocol::metadata_request>(),
    own_range<protocol::init_producer_id_request>(),
    own_range<protocol::produce_request>(),
};

constexpr version_range common(version_range a, version_range b) noexcept
{
    return {std::max(a.lowest, b.lowest), std::min(a.highest, b.highest)};
}

// What the answer to ApiVersions means for the connection.
enum class versions_verdict : std::uint8_t { ready, ask_lower, stranger, unusable };

// `answer`: bytes behind the correlation id. On ask_lower, node.api_versions_try says which version to ask next.
inline versions_verdict take_versions(connection& link, bytes_view bytes)
{
    protocol::api_versions_response answer;
    const auto asked = link.api_versions_version;
    bool readable = protocol::decode(bytes, asked, answer);
    link.broker_api_versions = {};
    if (!readable && asked > 0) { // the refusal of an unknown version always has the form of version 0
        answer = {};
        readable = protocol::decode(bytes, 0, answer);
        if (!readable || answer.error_code != static_cast<std::int16_t>(broker_errc::unsupported_version)) {
            link.node->api_versions_try = 0;
            return versions_verdict::ask_lower;
        }
    }
    if (!readable) return versions_verdict::unusable;
    std::array<version_range, 4> theirs{};
    for (const auto& api : answer.api_keys)
        for (std::size_t kind = 0; kind < theirs.size(); ++kind)
            if (api.api_key == api_key_of[kind]) theirs[kind] = {api.min_version, api.max_version};
    link.broker_api_versions = theirs[0];
    if (answer.error_code == static_cast<std::int16_t>(broker_errc::rebootstrap_required))
        return versions_verdict::stranger; // of another cluster, or another broker of this one
    if (answer.error_code == static_cast<std::int16_t>(broker_errc::unsupported_version)) {
        const auto usable = common(own_versions[0], theirs[0]);
        link.node->api_versions_try =
            usable.any() && usable.highest < asked ? usable.highest : std::int16_t{0};
        return asked == 0 ? versions_verdict::unusable : versions_verdict::ask_lower;
    }
    if (answer.error_code != 0) return versions_verdict::unusable;
    for (std::size_t kind = 0; kind < theirs.size(); ++kind)
        link.versions[kind] = common(own_versions[kind], theirs[kind]);
    return versions_verdict::ready;
}

// A connection that ended while ApiVersions was on its way: some brokers hang up on a version they don't know.
inline void lower_after_hangup(broker_node& node) noexcept
{
    if (node.api_versions_try > 3)
        node.api_versions_try = 3;
    else if (node.api_versions_try > 0)
        node.api_versions_try = 0;
}

// Bytes that no Kafka broker sends as the first of an answer, but others do.
inline error_code recognise_stranger(bytes_view first) noexcept
{
    const auto text = as_text(first);
    if (text.starts_with("HTTP") || text.starts_with("<htm") || text.starts_with("<!DO"))
        return errc::http_peer;
    if (first.size() >= 3 && (first[0] == std::byte{0x15} || first[0] == std::byte{0x16}) &&
        first[1] == std::byte{3} && first[2] <= std::byte{4})
        return errc::tls_peer;
    return {};
}

} // namespace kurier::core
