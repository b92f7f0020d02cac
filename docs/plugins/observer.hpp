// Counts records and failures of each topic.
#pragma once

#include <kurier/observer.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace shop {

struct topic_counts
{
    std::int64_t delivered = 0, failed = 0, in_doubt = 0;
};

class topic_counter
{
public:
    explicit topic_counter(std::map<std::string, topic_counts, std::less<>>& counts) : counts_{&counts} {}

    void on_batch(const kurier::batch_event& batch) noexcept
    {
        auto found = counts_->find(batch.topic);
        if (found == counts_->end()) found = counts_->emplace(std::string{batch.topic}, topic_counts{}).first;
        auto& of_topic = found->second;
        (batch.error ? of_topic.failed : of_topic.delivered) += batch.records;
        if (batch.error && batch.written == kurier::persisted::possibly) of_topic.in_doubt += batch.records;
    }

private:
    std::map<std::string, topic_counts, std::less<>>* counts_;
};
static_assert(kurier::observes_batches<topic_counter>);

} // namespace shop
