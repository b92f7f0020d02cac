// Which versions of which APIs a broker offers. Narrow one to play an older broker, or take one of the
// presets.
#pragma once

#include <kurier/testing/apis/all.hpp>

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class version_table
{
public:
    // Replaces the range; outside of what the test broker can read it is only told, not kept.
    version_table& set(std::int16_t api_key, std::int16_t lowest, std::int16_t highest)
    {
        remove(api_key);
        const auto at = std::ranges::lower_bound(ranges_, api_key, {}, &protocol::api_version::api_key);
        ranges_.insert(at, {api_key, lowest, highest});
        return *this;
    }
    template <class Request> version_table& set(std::int16_t lowest, std::int16_t highest)
    {
        return set(Request::api_key, lowest, highest);
    }
    version_table& remove(std::int16_t api_key)
    {
        std::erase_if(ranges_, [&](const protocol::api_version& known) { return known.api_key == api_key; });
        return *this;
    }

    bool offers(std::int16_t api_key, std::int16_t version) const noexcept
    {
        const auto at = std::ranges::lower_bound(ranges_, api_key, {}, &protocol::api_version::api_key);
        return at != ranges_.end() && at->api_key == api_key && at->min_version <= version &&
               version <= at->max_version;
    }
    bool offers(std::int16_t api_key) const noexcept
    {
        return std::ranges::binary_search(ranges_, api_key, {}, &protocol::api_version::api_key);
    }
    const std::vector<protocol::api_version>& ranges() const noexcept { return ranges_; }

    // All that the test broker speaks.
    static version_table newest()
    {
        version_table table;
        table.set(fetch_api_key, 4, 4);
        table.set_all(protocol::requests{});
        return table;
    }

    // What these APIs offer in released brokers.
    static version_table kafka_2_1() { return released(&released_versions::kafka_2_1); }
    static version_table kafka_2_8() { return released(&released_versions::kafka_2_8); }
    static version_table kafka_3_9() { return released(&released_versions::kafka_3_9); }
    static version_table kafka_4_3() { return released(&released_versions::kafka_4_3); }

    static version_table librdkafka_mock() { return released(&released_versions::librdkafka_mock); }

    // One of the presets, for who draws a number: from the oldest on, and behind them the newest.
    static version_table preset(std::uint64_t number)
    {
        switch (number) {
        case 0:
            return kafka_2_1();
        case 1:
            return kafka_2_8();
        case 2:
            return kafka_3_9();
        case 3:
            return kafka_4_3();
        case 4:
            return librdkafka_mock();
        default:
            return newest();
        }
    }

private:
    // librdkafka writes the old record formats to a broker that doesn't offer Fetch v4. A Fetch request isn't
    // answered, though: the connection is closed.
    static constexpr std::int16_t fetch_api_key = 1;

    template <class... Request> void set_all(protocol::type_list<Request...>)
    {
        (set<Request>(Request::valid.lo, Request::valid.hi), ...);
    }

    static version_table released(protocol::versions released_versions::* release)
    {
        version_table table;
        table.set(fetch_api_key, 4, 4);
        table.set_released(release, protocol::requests{});
        return table;
    }

    template <class... Request>
    void set_released(protocol::versions released_versions::* release, protocol::type_list<Request...>)
    {
        const auto one = [&]<class R>(std::type_identity<R>) {
            const protocol::versions offered = api<R>::released.*release;
            if (offered.lo <= offered.hi) set<R>(offered.lo, offered.hi);
        };
        (one(std::type_identity<Request>{}), ...);
    }

    std::vector<protocol::api_version> ranges_; // by API key
};

} // namespace kurier::inline KURIER_ABI::testing
