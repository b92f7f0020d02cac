// Which versions of which APIs a broker offers. Narrow one to play an older broker, or take one of the
// presets.
#pragma once

#include <kurier/protocol/messages.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace kurier::testing {

class version_table
{
public:
    using range = protocol::versions;

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
    static version_table kafka_2_1() { return released(7, 7, 1, 2); }
    static version_table kafka_2_8() { return released(9, 11, 4, 3); }
    static version_table kafka_3_9() { return released(11, 12, 5, 4); }
    static version_table kafka_4_3() { return released(13, 13, 5, 4); }

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

    static version_table released(std::int16_t produce, std::int16_t metadata, std::int16_t init_producer_id,
                                  std::int16_t api_versions)
    {
        version_table table;
        table.set(fetch_api_key, 4, 4);
        table.set<protocol::produce_request>(3, produce);
        table.set<protocol::metadata_request>(4, metadata);
        table.set<protocol::init_producer_id_request>(0, init_producer_id);
        table.set<protocol::api_versions_request>(0, api_versions);
        return table;
    }

    std::vector<protocol::api_version> ranges_; // by API key
};

} // namespace kurier::testing
