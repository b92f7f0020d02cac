// A producer core with a scripted cluster and a virtual clock. The cluster connects, tells its versions, metadata and
// producer ids by itself, as the script's fields say; Produce requests wait until the test answers them. Each step
// performs the core's actions, tells records their fate and checks the core's invariants.
#pragma once

#include <kurier/core/explain.hpp>
#include <kurier/core/invariants.hpp>
#include <kurier/core/producer_core.hpp>
#include <kurier/protocol/messages.hpp>
#include <kurier/record/batch_reader.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace kurier::core {

std::ostream& operator<<(std::ostream& out, persisted what);

namespace script {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

inline constexpr std::int16_t last_version = -1; // the newest that kurier speaks

// --- what a record became --------------------------------------------------------------------------------------------

struct outcome
{
    int times_told = 0;
    error_code error;
    error_code last_error;
    persisted written = persisted::no;
    std::int64_t offset = -1, timestamp = -1;
    int attempts = 0;
    std::string text; // the waiting record's, or the broker's message
    bool blamed = true;
    std::shared_ptr<delivery_failure> failure;

    bool done() const { return times_told > 0; }
    bool ok() const { return done() && !error; }
};

// --- what the cluster is ---------------------------------------------------------------------------------------------

struct partition_model
{
    std::int32_t leader = 1, epoch = 0;
    std::int64_t end = 0; // offset that the next batch gets, unless the test says another
};

struct topic_model
{
    uuid id;
    std::vector<partition_model> partitions;
    broker_errc error = broker_errc::none;
};

struct reply // to one batch
{
    broker_errc error = broker_errc::none;
    std::int64_t base_offset = -1; // -1: the model's
    std::int64_t log_append_time = -1, log_start = 0;
    std::int32_t leader = -1, leader_epoch = -1;                 // KIP-951
    std::vector<std::pair<std::int32_t, std::string>> records{}; // KIP-467
    std::string message{};
    int times = 1; // how often the answer names the partition
};

struct produced_batch
{
    std::string topic;
    uuid id; // of the topic, as the request says
    std::int32_t partition = 0;
    std::string bytes;
    batch_header header;
    std::vector<std::string> values;
};

struct produce_question
{
    connection_id link = 0;
    std::int32_t correlation_id = 0;
    std::int16_t version = 0, acks = 0;
    std::vector<produced_batch> batches;

    const produced_batch& only() const
    {
        REQUIRE(batches.size() == 1);
        return batches.front();
    }
};

struct peer
{
    connection_id link = 0;
    std::string host;
    std::uint16_t port = 0;
    bool connected = false;
    std::vector<std::byte> received; // not yet a whole request
    nanoseconds opened{0};
    std::deque<std::pair<std::int32_t, std::vector<std::byte>>>
        answers{}; // correlation id, frame: in the requests' order
};

uuid id_of(unsigned char number);
std::vector<std::string> names(const protocol::metadata_request& request); // of its topics
producer_config plain_config();                                            // does not linger

class core_script
{
public:
    explicit core_script(producer_config config = plain_config(), std::uint64_t seed = 1);
    ~core_script();

    // --- the world, to be changed at any time ------------------------------------------------------------------------

    std::map<std::int32_t, std::uint16_t> brokers; // id -> port; host "broker"
    std::map<std::int32_t, std::string> racks;
    std::map<std::string, topic_model> topics; // a topic that isn't here is unknown
    std::map<std::int16_t, std::pair<int, int>>
        api; // api key -> versions of the cluster, where not the newest
    std::int64_t next_producer_id = 100;
    std::int16_t first_epoch = 0;
    broker_errc init_producer_id_error = broker_errc::none;
    bool accept_connections = true; // false: the test calls connect() or refuse()
    bool answer_versions = true, answer_metadata = true, answer_init_producer_id = true;
    bool take_writes = true;   // false: the test calls write()
    bool confirm_close = true; // false: the test calls confirm_closed()
    bool know_topic_ids = true;
    bool walk_state =
        true; // check the invariants with each call; false: where so much is walked that it takes too long
    batch_decompressor decompress; // empty: the cluster doesn't know any codec

    instant now;
    producer_core core;
    std::deque<produce_question> asked; // Produce requests without an answer, oldest first
    std::vector<protocol::metadata_request> metadata_asked; // all there ever were
    std::vector<nanoseconds> metadata_times;
    std::vector<std::int16_t> versions_asked;         // of ApiVersions
    protocol::api_versions_request versions_question; // the last one
    int ids_asked = 0;
    std::map<connection_id, peer> peers;
    std::vector<peer> connects;                               // all there ever were
    std::vector<std::pair<connection_id, error_code>> closes; // that the core wanted
    std::deque<std::pair<connection_id, std::vector<std::byte>>>
        held; // requests that the script doesn't answer
    std::deque<outcome> outcomes;
    std::vector<std::string> log;
    std::deque<compression_job*> jobs; // begun and not finished

    // --- sending -----------------------------------------------------------------------------------------------------

    // As producer::send does. The reference stays valid.
    outcome& send(std::string_view topic, std::string_view value, std::int32_t partition = 0);
    outcome& send_record(std::string_view topic_name, const record_bytes& record,
                         std::optional<std::int32_t> wanted);
    static void listen(slot& waiter, outcome& told);

    place last_place;
    waiting_record* last_waiting = nullptr;

    // Sends one record to each partition of "t" and has it acknowledged: connected, identified, proven.
    void warm_up(std::string_view topic = "t");

    // What was noted so far, memory too. Not while something is on its way.
    void forget();

    // --- time --------------------------------------------------------------------------------------------------------

    void step();                 // to the end of everything that happens now
    void step(nanoseconds time); // everything until then, each at its time
    void pass(nanoseconds time); // without a step: nothing happens yet

    // --- answers -----------------------------------------------------------------------------------------------------

    produce_question take();

    // Answers the oldest request, each batch the same.
    void answer(reply with = {});
    void answer(broker_errc error) { answer(reply{.error = error}); }

    void answer(const produce_question& question, const std::vector<reply>& replies,
                std::int32_t throttle_ms = 0);
    void answer_all();

    template <class Response> void respond(connection_id link, std::int32_t correlation_id,
                                           std::int16_t version, const Response& response)
    {
        std::vector<std::byte> frame;
        REQUIRE(protocol::write_response_frame(frame, response, version, correlation_id));
        put_answer(link, correlation_id, std::move(frame));
        step();
    }

    // As a broker does: an answer leaves when all requests before it are answered.
    void put_answer(connection_id link, std::int32_t correlation_id, std::vector<std::byte> frame);

    // The core reads these, then everything happens that follows.
    void receive(connection_id link, bytes_view bytes);
    void receive(connection_id link, std::string_view text) { receive(link, as_bytes(text)); }
    void feed(connection_id link, bytes_view bytes); // only reads

    // --- connections -------------------------------------------------------------------------------------------------

    connection_id link_to(std::uint16_t port) const;
    void accept(connection_id link);
    void lose_for_good(std::uint16_t port); // that connection breaks, and none can be made any more
    void drop(connection_id link, error_code why = errc::disconnected); // by the peer, or the network
    void confirm_closed(connection_id link) { drop(link, {}); }

    // Up to `most` bytes of what the core has to write arrive.
    std::size_t write(connection_id link, std::size_t most = ~std::size_t{0});

    // --- a look ------------------------------------------------------------------------------------------------------

    const partition_state& partition(std::int32_t index = 0, std::string_view topic = "t") const;
    // For tests that start near an edge: sequences and epochs as if much had been sent before.
    partition_state& change(std::int32_t index = 0, std::string_view topic = "t");

    // The epochs of some partition are nearly used up, or its sequences.
    void change_epoch_soon(random_source& random);

    std::string broken;                      // the first invariant that did not hold
    std::uint64_t delivered = 0, failed = 0; // records that were told so, somebody waiting or not

private:
    static void tell(void* context, const fate& what);
    void check();
    void announce();
    bool perform_actions();

    // --- the peer ----------------------------------------------------------------------------------------------------

    void take_requests(connection_id link);
    static bool flexible(std::int16_t key, std::int16_t version);
    void take_request(connection_id link, std::vector<std::byte> frame);
    std::pair<std::int16_t, std::int16_t> range_of(std::int16_t key, protocol::versions own) const;
    void take_versions(connection_id link, const protocol::request_header& header, bytes_view body,
                       const std::vector<std::byte>& frame);

public:
    void answer_api_versions(connection_id link, std::int32_t correlation_id, std::int16_t version);
    protocol::metadata_response metadata_answer(const protocol::metadata_request& request) const;

private:
    void take_metadata(connection_id link, const protocol::request_header& header, bytes_view body,
                       const std::vector<std::byte>& frame);
    void take_init_producer_id(connection_id link, const protocol::request_header& header, bytes_view body,
                               const std::vector<std::byte>& frame);
    void take_produce(connection_id link, const protocol::request_header& header, bytes_view body);
    protocol::produce_response_partition describe(const produced_batch& about, const reply& with);

public:
    std::deque<produce_question> unacknowledged; // acks=0
};

} // namespace script
} // namespace kurier::core
