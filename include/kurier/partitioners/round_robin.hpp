// One record to each partition in turn, topic by topic, keys or not; partitions without a leader are passed
// over as long as there is one with. Java's RoundRobinPartitioner without its fault of skipping every second
// partition when batches change (KAFKA-9965).
#pragma once

#include <kurier/partitioner.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <new>
#include <string>

namespace kurier::inline KURIER_ABI {

class round_robin_partitioner
{
public:
    std::int32_t partition(const partition_query& query) noexcept
    {
        const std::uint32_t turn = next_turn(query.topic);
        if (query.available.empty())
            return static_cast<std::int32_t>(turn % static_cast<std::uint32_t>(query.partition_count));
        return query.available[turn % query.available.size()];
    }

private:
    std::uint32_t next_turn(std::string_view topic) noexcept
    {
        if (const auto found = turns_.find(topic); found != turns_.end()) return found->second++;
        try {
            turns_.emplace(topic, 1);
        } catch (const std::bad_alloc&) { // it begins with the next record, then
        }
        return 0;
    }

    std::map<std::string, std::uint32_t, std::less<>> turns_; // by topic
};

static_assert(partitioner<round_robin_partitioner>);

} // namespace kurier::inline KURIER_ABI
