// A batch of records of one partition, from the first append until its fate is known and nobody refers to it.
//
//   open ──full, linger over, flush──▶ ready ──drained──▶ in_flight ──answered──▶ done
//                                        ▲                    │
//                                        └────retriable───────┘
//
// The records are encoded once, at append, into the buffer that goes to the socket. A batch that was given a
// sequence is resent with the same records until its fate is known; only its producer epoch and sequence may be
// rewritten, and only when it is known not to be in the log.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/core/state/buffer_pool.hpp>
#include <kurier/core/state/intrusive_list.hpp>
#include <kurier/error.hpp>
#include <kurier/instant.hpp>
#include <kurier/record/batch_format.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

struct batch;
struct partition_state;

struct waiting_record;

// What became of a record: its batch is done, it never got into one, or (both null) the producer is being destroyed.
struct fate
{
    const batch* where = nullptr;
    std::uint32_t index = 0;
    const waiting_record* refused = nullptr;
    void* teller = nullptr;      // the driver's; the core only passes it on
    std::int64_t time_delta = 0; // of the record's create time, as in its slot
};

using notify_function = void (*)(void* context, const fate& what);

// Who waits for a record. One per record, dense, at the end of the batch's own block: an acknowledgement walks memory in
// order, nothing is allocated per record, and buffer.memory covers the slots.
struct slot
{
    notify_function notify = nullptr; // nullptr: nobody waits
    void* context = nullptr;

    slot() = default;
    explicit slot(std::int64_t time_delta) noexcept : packed_{time_delta << 16} {}

    // Create time of the record - base_timestamp of the batch.
    std::int64_t time_delta() const noexcept { return packed_ >> 16; }

    // Cancelled before the batch was drained: it must not be sent.
    bool withdrawn() const noexcept { return (packed_ & withdrawn_bit) != 0; }
    void withdraw() noexcept { packed_ |= withdrawn_bit; }

    // Its own timeout has passed (record::timeout), not the batch's.
    bool expired() const noexcept { return (packed_ & expired_bit) != 0; }
    void expire() noexcept { packed_ |= expired_bit; }

private:
    static constexpr std::int64_t withdrawn_bit = 1, expired_bit = 2;

    std::int64_t packed_ = 0; // a slot for every record: 24 bytes are enough
};

static_assert(sizeof(slot) == 2 * sizeof(void*) + 8);
inline constexpr std::int64_t time_delta_max =
    (std::int64_t{1} << 47) - 1; // what a slot can hold: 4,000 years

// A record that the broker blames for the batch's failure (KIP-467).
struct record_failure
{
    std::uint32_t index; // its position on the wire
    std::string message;
};

// Explains a failure. Apart from the batch, because almost no batch has one.
struct failure_note
{
    std::string broker_message; // the broker's words only
    std::vector<record_failure> records;
    std::string text; // kurier's own
};

inline constexpr std::size_t batch_margin = 32; // after the records: writers may store a little past the end

inline constexpr std::uint32_t not_on_wire = ~std::uint32_t{0}; // a position: not on the wire any more

// A value that isn't copied into the batch but written to the socket from where it is.
struct outside_value
{
    bytes_view bytes;
    std::shared_ptr<const void> owner;
    std::size_t at = 0; // where in the batch it belongs
};

enum class batch_phase : std::uint8_t { open, ready, in_flight, done };

struct batch
{
    partition_state* partition = nullptr;
    batch_phase phase = batch_phase::open;

    // records
    block memory; // batch header and records from the front, slots from the back
    std::size_t size = batch_header_size;
    std::size_t size_max = 0; // how far it may be filled: more than batch.size when its records will shrink
    std::uint16_t attributes = 0;  // the codec, where the records were compressed
    bool compression_done = false; // compressed, or found to be smaller as it is
    bool compressing = false;      // a job reads its records
    std::int32_t record_count = 0; // records on the wire
    std::int32_t accepted = 0;     // records appended, withdrawn ones included: one slot each
    std::int64_t base_timestamp = 0, max_timestamp = 0;
    std::uint64_t first_record = 0; // number of its first record in the partition: the order of batches
    std::uint32_t withdrawn = 0;    // of the records on the wire: they are left out when it is closed
    std::unique_ptr<std::vector<std::uint32_t>> positions; // after withdrawals: slot -> record on the wire
    std::unique_ptr<outside_value>
        outside; // of a batch of one record with a large value; `size` doesn't count it

    // A batch that is too large for the broker is sent in pieces (KIP-126). The pieces carry the records; the batch that
    // was split, their root, keeps the slots.
    std::vector<batch*> pieces;            // only of a root
    batch* root = nullptr;                 // of a piece
    std::vector<std::uint32_t> root_slots; // of a piece: the slot in the root of each of its records
    std::uint32_t open_pieces = 0;         // of a root: pieces that are still needed
    bool piece_over = false;               // of a piece: counted out of open_pieces

    // sending
    nanoseconds created{0};
    nanoseconds takes_until{0}; // no records after that, see accumulator::too_old
    nanoseconds drained{0};     // when it was first handed to a connection
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1; // -1: never drained, so certainly never sent
    std::int32_t last_attempt_leader = -1, last_attempt_epoch = -1;
    std::shared_ptr<const std::string> last_broker; // the leader's name and address at the last attempt
    int attempts = 0;                               // how often it was handed to a connection
    bool maybe_written = false; // an attempt ended without a response that rules out the append
    bool sealed = false;        // header and checksum are current
    bool due = false;           // linger has expired, or flush wants it

    // outcome
    error_code error;      // why it failed
    error_code last_error; // why the last attempt failed
    persisted written = persisted::no;
    std::int64_t base_offset = -1;
    std::int64_t log_append_time = -1; // -1: records keep their create time
    std::unique_ptr<failure_note> note;
    std::uint32_t notified = 0; // slots notified so far: an exception may interrupt it

    // who still refers to it
    std::uint32_t requests =
        0; // requests whose bytes may still be read by the socket, and the compression job
    std::uint32_t deliveries = 0; // handles outside the core
    std::uint64_t flush_epoch = 0;

    list_hook<batch> queue_hook;  // partition.queue or partition.flights
    list_hook<batch> done_hook;   // done, waiters not yet notified
    list_hook<batch> age_hook;    // all that are not done, oldest first
    list_hook<batch> linger_hook; // open and not yet due, oldest first
    list_hook<batch> leader_hook; // the same in leader->lingering

    slot& slot_of(std::uint32_t index) const noexcept
    {
        return *(reinterpret_cast<slot*>(memory.data + memory.capacity) - 1 -
                 static_cast<std::ptrdiff_t>(index));
    }
    std::size_t wire_size() const noexcept { return outside ? size + outside->bytes.size() : size; }
    // Without the withdrawn ones.
    std::int32_t live_records() const noexcept { return record_count - static_cast<std::int32_t>(withdrawn); }
    bool has_sequence() const noexcept { return base_sequence >= 0; }
    compression codec() const noexcept
    {
        return static_cast<compression>(attributes & batch_compression_mask);
    }
    bytes_view body() const noexcept { return {memory.data + batch_header_size, size - batch_header_size}; }

    std::int64_t timestamp_of(std::int64_t time_delta) const noexcept
    {
        return log_append_time >= 0 ? log_append_time : base_timestamp + time_delta;
    }
    std::int64_t offset_of(std::uint32_t index) const noexcept
    {
        return base_offset < 0 ? -1 : base_offset + static_cast<std::int64_t>(position_of(index));
    }
    // On the wire, which is what a broker counts; or not_on_wire.
    std::uint32_t position_of(std::uint32_t index) const noexcept
    {
        return positions ? (*positions)[index] : index;
    }
    bool done() const noexcept { return phase == batch_phase::done; }
    // Does the record end before its batch?
    bool expired(std::uint32_t index) const noexcept { return !done() && slot_of(index).expired(); }

    // The slot of record `index`, wherever it is kept.
    slot& waiter_of(std::uint32_t index) const noexcept
    {
        return root ? root->slot_of(root_slots[index]) : slot_of(index);
    }

    // The batch that carries a slot's record now, and the record's index there.
    std::pair<batch*, std::uint32_t> carrier_of(std::uint32_t index) noexcept
    {
        for (batch* piece : pieces) {
            const auto& slots = piece->root_slots;
            const auto found = std::lower_bound(slots.begin(), slots.end(), index);
            if (found != slots.end() && *found == index)
                return {piece, static_cast<std::uint32_t>(found - slots.begin())};
        }
        return {this, index};
    }
};

} // namespace kurier::inline KURIER_ABI::core
