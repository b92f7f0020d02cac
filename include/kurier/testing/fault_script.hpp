// Faults that a test orders in advance. Two kinds: a `fault` happens to a whole request or its answer, a
// `partition_fault` to the next batches for one partition. Each waits in a queue and is used up.
#pragma once

#include <kurier/testing/cluster_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::testing {

enum class answer_fault : std::uint8_t {
    none,
    garbage, // right length and correlation id, then bytes that mean nothing
    wrong_correlation_id,
    swallowed, // this answer is never sent, the following ones are
    never,     // nor are the following ones: the connection looks dead
    twice,     // sent two times
};

struct fault
{
    // For which requests, and how many of them
    std::int16_t api_key = -1; // any
    broker_id broker = -1;     // any
    int skip = 0;              // let so many matching requests pass first
    int times = 1;

    // What happens
    std::chrono::nanoseconds delay{0};                      // of the answer
    std::optional<std::size_t> close_after_request_bytes{}; // the request isn't handled
    std::optional<std::size_t> close_after_answer_bytes{};  // the request is handled
    broker_errc error =
        broker_errc::none;        // answered instead of handling: Produce, InitProducerId, ApiVersions;
                                  // Metadata: of each topic, and of the answer from v13
    std::int32_t throttle_ms = 0; // KIP-219: told to the client, and nothing more is read for so long
    answer_fault answer = answer_fault::none;
};

struct partition_fault
{
    broker_errc error = broker_errc::not_leader_or_follower;
    bool after_append = false; // the records are in the log, whatever the answer says
    int times = 1;
    bool omit = false;   // the partition is missing from the answer
    bool repeat = false; // or is in it twice
};

class fault_script
{
public:
    void add(fault ordered)
    {
        if (ordered.times > 0) faults_.push_back(std::move(ordered));
    }
    void add(std::string topic, std::int32_t partition, partition_fault ordered)
    {
        if (ordered.times > 0) partition_faults_[{std::move(topic), partition}].push_back(ordered);
    }
    void clear() noexcept
    {
        faults_.clear();
        partition_faults_.clear();
    }
    bool empty() const noexcept { return faults_.empty() && partition_faults_.empty(); }

    // The fault for this request, if one is due.
    std::optional<fault> take(std::int16_t api_key, broker_id broker)
    {
        for (auto at = faults_.begin(); at != faults_.end(); ++at) {
            if (!matches(*at, api_key, broker)) continue;
            if (at->skip > 0) {
                --at->skip;
                continue;
            }
            fault taken = *at;
            if (--at->times == 0) faults_.erase(at);
            return taken;
        }
        return std::nullopt;
    }

    // The same for one that cuts the request: it has to be known before the request has arrived as a whole.
    std::optional<fault> take_request_cut(std::int16_t api_key, broker_id broker, std::size_t arrived,
                                          std::size_t whole)
    {
        for (auto at = faults_.begin(); at != faults_.end(); ++at) {
            if (!matches(*at, api_key, broker)) continue;
            if (at->skip > 0 || !at->close_after_request_bytes) return std::nullopt;
            if (arrived < *at->close_after_request_bytes && arrived < whole) return std::nullopt;
            fault taken = *at;
            if (--at->times == 0) faults_.erase(at);
            return taken;
        }
        return std::nullopt;
    }

    std::optional<partition_fault> take(std::string_view topic, std::int32_t partition)
    {
        if (partition_faults_.empty()) return std::nullopt;
        const auto found = partition_faults_.find(std::pair{std::string{topic}, partition});
        if (found == partition_faults_.end()) return std::nullopt;
        partition_fault taken = found->second.front();
        if (--found->second.front().times == 0) {
            found->second.pop_front();
            if (found->second.empty()) partition_faults_.erase(found);
        }
        return taken;
    }

private:
    static bool matches(const fault& ordered, std::int16_t api_key, broker_id broker) noexcept
    {
        return (ordered.api_key == -1 || ordered.api_key == api_key) &&
               (ordered.broker == -1 || ordered.broker == broker);
    }

    std::deque<fault> faults_;
    std::map<std::pair<std::string, std::int32_t>, std::deque<partition_fault>, std::less<>>
        partition_faults_;
};

} // namespace kurier::inline KURIER_ABI::testing
