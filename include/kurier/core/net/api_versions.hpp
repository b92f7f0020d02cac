// Which versions of each API a broker and kurier have in common.
//
// A broker's ranges are kept by API key, so a new message needs no entry anywhere: what kurier itself speaks is in the
// message (`valid`), and of<Request>() intersects the two.
#pragma once

#include <kurier/protocol/messages/api_versions.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace kurier::inline KURIER_ABI::core {

struct version_range
{
    std::int16_t lowest = 0, highest = -1; // none
    constexpr bool any() const noexcept { return lowest <= highest; }
    bool operator==(const version_range&) const = default;
};

constexpr version_range common(version_range a, version_range b) noexcept
{
    return {std::max(a.lowest, b.lowest), std::min(a.highest, b.highest)};
}

template <class Request> constexpr version_range own_versions{Request::valid.lo, Request::valid.hi};

class api_versions
{
public:
    template <class Request> constexpr version_range of() const noexcept
    {
        static_assert(Request::api_key >= 0 && Request::api_key < api_keys_max);
        return common(own_versions<Request>, of_broker(Request::api_key));
    }

    // What the broker says. Keys beyond Kafka's are ignored, however many a peer sends.
    constexpr version_range of_broker(std::int16_t api_key) const noexcept
    {
        return api_key >= 0 && api_key < api_keys_max ? ranges_[static_cast<std::size_t>(api_key)]
                                                      : version_range{};
    }

    void learn(const protocol::api_versions_response& response) noexcept
    {
        ranges_ = {};
        for (const auto& api : response.api_keys)
            if (api.api_key >= 0 && api.api_key < api_keys_max)
                ranges_[static_cast<std::size_t>(api.api_key)] = {api.min_version, api.max_version};
    }

private:
    static constexpr std::int16_t api_keys_max = 128; // Kafka 4.4 ends at 93
    std::array<version_range, api_keys_max> ranges_{};
};

} // namespace kurier::inline KURIER_ABI::core
