// What the producer knows about topics, partitions and brokers. Plain pointers between them are
// safe: topics live as long as the core, and a broker that left the cluster as long as something refers to it. A topic that disappears keeps its state: sequences must survive a broker that denies a topic
// for a moment, or its records are acknowledged as duplicates and lost (librdkafka 1.9.0).
#pragma once

#include <kurier/compression/ratio_estimate.hpp>
#include <kurier/core/state/answer_pace.hpp>
#include <kurier/core/state/batch.hpp>
#include <kurier/core/state/deadline_heap.hpp>
#include <kurier/core/state/waiting.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/record/record_metadata.hpp>
#include <kurier/uuid.hpp>

#include <memory>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI {
class adaptive_codec;
}

namespace kurier::inline KURIER_ABI::core {

struct connection;
struct topic_state;
struct broker_node;

// Why a partition's current epoch is unusable. Nothing new is sent in it; once nothing is in flight, a new one starts.
enum class epoch_fault : std::uint8_t {
    none,
    broken, // a batch is certainly missing in the log, so no later sequence will be accepted
    fenced, // another producer writes with this producer id: a new id is needed, and no broker can tell any more which
    // batches of the old one were written
};

// The idempotent producer's state for one partition. Producer id and epoch are kept per partition: trouble in one starts
// a new epoch there and leaves the others alone.
struct producer_state
{
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    std::int32_t next_sequence = 0;
    std::int32_t last_acked = -1; // -1: nothing in this epoch
    // The current leader has acknowledged a batch of this epoch. Until then only one batch is in flight: if the first of
    // several got lost, the broker would accept the second as the first, and the lost one never (KAFKA-14312).
    bool proven = false;
    // A batch with a sequence failed, and the broker may not have it. Nothing new is sent until the batches after it are
    // resolved: if they are accepted, it was written; otherwise a new epoch starts.
    bool gap = false;
    epoch_fault fault = epoch_fault::none;
};

enum class partition_presence : std::uint8_t {
    present,  // as far as is known: a topic never loses a partition
    doubtful, // the newest metadata doesn't list it, and no topic id says whether this is still the same topic
    gone,     // it is another topic, by its id, and that one has fewer partitions
};

struct partition_state
{
    topic_state* topic = nullptr;
    std::int32_t index = 0;
    std::int32_t leader_epoch = -1;
    broker_node* leader = nullptr;
    partition_presence presence = partition_presence::present;
    // When this leader last said that it doesn't lead the partition, or metadata that there is no such topic.
    nanoseconds disowned_at{never};
    std::size_t older_told = 0; // responses with an older leader epoch, while this leader refuses or is gone

    batch* open = nullptr;                             // takes records; not in the queue
    intrusive_list<batch, &batch::queue_hook> queue;   // closed, in record order
    intrusive_list<batch, &batch::queue_hook> flights; // handed to a connection, in record order
    producer_state producer;
    std::uint64_t records = 0;     // appended so far
    std::uint32_t memory_hint = 0; // how large the last batch became: where the next one starts
    std::size_t memory = 0;        // bytes of blocks

    list_hook<partition_state> ready_hook;   // in leader->ready
    heap_hook<partition_state> backoff;      // waits to retry
    list_hook<partition_state> backlog_hook; // in topic->backlog: something is queued
};

// The partitions that the newest metadata lists: 0 .. size() - 1. Others that there were are kept behind them, because
// batches may refer to them and their sequences must survive if they come back. Elements stay where they are.
class partition_list
{
public:
    struct iterator
    {
        const std::unique_ptr<partition_state>* at;
        partition_state& operator*() const noexcept { return **at; }
        iterator& operator++() noexcept
        {
            ++at;
            return *this;
        }
        bool operator==(const iterator&) const = default;
    };

    partition_state& operator[](std::size_t index) const noexcept { return *items_[index]; }
    std::size_t size() const noexcept { return listed_; }
    bool empty() const noexcept { return listed_ == 0; }
    iterator begin() const noexcept { return {items_.data()}; }
    iterator end() const noexcept { return {items_.data() + listed_}; }

    struct range
    {
        iterator first, last;
        iterator begin() const noexcept { return first; }
        iterator end() const noexcept { return last; }
    };
    range all() const noexcept { return {begin(), {items_.data() + items_.size()}}; }
    range unlisted() const noexcept { return {end(), {items_.data() + items_.size()}}; }
    std::size_t ever() const noexcept { return items_.size(); }

    partition_state& emplace_back() // one more, listed
    {
        if (listed_ == items_.size()) items_.push_back(std::make_unique<partition_state>());
        return *items_[listed_++];
    }
    void shrink(std::size_t size) noexcept { listed_ = size; }

private:
    std::vector<std::unique_ptr<partition_state>> items_;
    std::size_t listed_ = 0;
};

enum class topic_phase : std::uint8_t { unknown, known };

struct topic_state
{
    topic_name name;
    std::uint32_t ordinal = 0;
    topic_phase phase = topic_phase::unknown;
    uuid id;
    partition_list partitions;
    std::vector<std::int32_t> available; // partitions with a leader, ascending
    std::vector<std::int32_t> nearby;    // of those the ones with a leader nearby, ascending
    error_code error;                    // why it is unknown, as the last metadata said
    bool unlisted = false;               // the last metadata had none of its partitions, and no error
    nanoseconds last_used{0};
    bool wanted = false;        // part of periodic refreshes
    bool stale = false;         // to be asked about
    bool asked = false;         // a request is out; trouble before its response makes it stale again
    codec_choice codec;         // as the configuration says for this topic, or as the chooser does
    bool chooses_codec = false; // compression.type=auto
    std::shared_ptr<adaptive_codec> chooser; // from the first batch on
    ratio_estimate ratio;
    std::int32_t sticky = -1;
    std::size_t sticky_bytes = 0;
    intrusive_list<partition_state, &partition_state::backlog_hook> backlog;
    waiting_lane waiting;      // records sent before the topic was known
    waiting_lane early;        // records of a partition that metadata doesn't list yet, or not any more
    std::size_t held_back = 0; // how many of its records wait, in whichever lane
};

inline bool has_partition(const topic_state& topic, std::int32_t index) noexcept
{
    return index >= 0 && static_cast<std::size_t>(index) < topic.partitions.size();
}

inline constexpr std::int16_t api_versions_first = 4;

// What is wrong with a broker right now.
struct broker_trouble
{
    error_code code;
    std::string text; // with the broker's name
    explicit operator bool() const noexcept { return code.failed(); }
};

enum class broker_condition : std::uint8_t {
    unknown, // no connection was needed yet, or the last one ended well
    up,
    down, // no connection can be opened, or none got a response
};

struct broker_node
{
    std::int32_t id = -1; // negative: known by its bootstrap address only
    std::string host;
    std::uint16_t port = 0;
    // "host:port (id n)". Shared with the batches that were sent there: the broker may move before one of them fails.
    std::shared_ptr<const std::string> name;
    bool nearby = false; // in client.rack, if partitioner.rack.aware asks for that
    bool current = true; // listed by the newest metadata (or a bootstrap address)

    connection* link = nullptr;
    std::size_t connections = 0; // that refer to it: link, and those that are closing
    std::size_t leads = 0;       // partitions
    nanoseconds retry_at{0};
    int failures = 0; // connection attempts in a row that didn't become ready
    nanoseconds throttled_until{0};
    nanoseconds throttled_last{0};    // until when, the last time
    nanoseconds stalled_since{never}; // since when it has ready batches and can't take them
    std::int16_t api_versions_try =
        api_versions_first; // the ApiVersions version to open the next connection with

    broker_condition condition = broker_condition::unknown;
    broker_trouble trouble;
    std::uint64_t troubles_logged = 0; // since it was up: one bit for each kind

    answer_pace pace;
    nanoseconds service_time{0}; // of its last Produce request, not counting the time in line

    std::size_t memory = 0;   // bytes of blocks of the partitions it leads
    std::size_t appended = 0; // about what of its records is unsent, see ready_partitions::hurry_idle
    intrusive_list<partition_state, &partition_state::ready_hook> ready;
    list_hook<broker_node> active_hook;                   // in accumulator::active_brokers
    intrusive_list<batch, &batch::leader_hook> lingering; // open batches of the partitions it leads
    waiting_lane waiting;                                 // records for which there was no room

    void move_to(std::string_view new_host, std::uint16_t new_port)
    {
        auto address = std::string{new_host} + ":" + std::to_string(new_port);
        if (id >= 0) address += " (id " + std::to_string(id) + ")";
        name = std::make_shared<const std::string>(std::move(address));
        host = new_host;
        port = new_port;
    }
};

// A partition's memory and its lingering batch are accounted to its leader, so they move along.
inline void move_to_leader(partition_state& partition, broker_node* leader) noexcept
{
    batch* const open = partition.open;
    if (broker_node* old = partition.leader) {
        --old->leads;
        old->memory -= partition.memory;
        if (open && open->leader_hook.linked) old->lingering.erase(*open);
    }
    partition.leader = leader;
    if (!leader) return;
    ++leader->leads;
    leader->memory += partition.memory;
    if (open && open->linger_hook.linked) leader->lingering.push_back(*open);
}

} // namespace kurier::inline KURIER_ABI::core
