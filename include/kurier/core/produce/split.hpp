// Halves a batch that was too large for the broker (KIP-126). The batch that records were appended to is the root of all
// its pieces: deliveries refer to it and find their piece there.
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/produce/rewrite.hpp>
#include <kurier/core/produce/sequence.hpp>

#include <array>
#include <new>

namespace kurier::inline KURIER_ABI::core {

inline void collect_root_slots(batch& piece, const batch& whole, const batch& root, std::int32_t from,
                               std::int32_t count)
{
    if (&whole != &root) {
        const auto begin = whole.root_slots.begin() + from;
        piece.root_slots.assign(begin, begin + count);
        return;
    }
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(whole.accepted); ++i) {
        const auto at = static_cast<std::int32_t>(whole.position_of(i));
        if (at >= from && at < from + count) piece.root_slots.push_back(i); // not one that is not_on_wire
    }
}

inline void fill_piece(batch& piece, const batch& whole, batch& root, wire::reader& records,
                       std::int32_t from, std::int32_t count)
{
    piece.base_timestamp = whole.base_timestamp;
    copy_records(records, count, piece);
    piece.first_record = whole.first_record + static_cast<std::uint64_t>(from);
    piece.created = whole.created;
    piece.flush_epoch = whole.flush_epoch;
    piece.producer_id = whole.producer_id;
    piece.producer_epoch = whole.producer_epoch;
    piece.base_sequence = whole.has_sequence() ? sequence_after(whole.base_sequence, from) : -1;
    piece.maybe_written = whole.maybe_written;
    piece.attempts = whole.attempts - 1; // a split is not a retry
    piece.last_broker = whole.last_broker;
    piece.phase = batch_phase::ready;
    piece.due = true;
    piece.root = &root;
}

using two_batches = std::array<batch*, 2>;

// Two batches with the records and sequences of the whole, not yet part of the partition. If memory runs out, none, and
// nothing has changed.
inline two_batches halve(accumulator& memory, batch& whole, batch& root, bytes_view body)
{
    const auto cut = find_halves(body, whole.record_count);
    two_batches halves{memory.create_piece(*whole.partition, batch_header_size + cut.first_bytes), nullptr};
    if (halves[0]) halves[1] = memory.create_piece(*whole.partition, batch_header_size + cut.second_bytes);
    try {
        if (!halves[1]) throw std::bad_alloc{};
        collect_root_slots(*halves[0], whole, root, 0, cut.first_count);
        collect_root_slots(*halves[1], whole, root, cut.first_count, whole.record_count - cut.first_count);
        root.pieces.reserve(root.pieces.size() + halves.size());
    } catch (const std::bad_alloc&) {
        for (batch* unused : halves)
            if (unused) memory.store().recycle(*unused);
        return {};
    }
    wire::reader records{body};
    fill_piece(*halves[0], whole, root, records, 0, cut.first_count);
    fill_piece(*halves[1], whole, root, records, cut.first_count, whole.record_count - cut.first_count);
    return halves;
}

// From now on the halves carry the records of the whole.
inline void put_in_place(batch& root, batch& whole, const two_batches& halves) noexcept
{
    root.pieces.insert(root.pieces.end(), halves.begin(), halves.end()); // reserved
    root.open_pieces += 2;
    if (&root != &whole) whole.root_slots.clear(); // the batch itself stays as long as the root
}

} // namespace kurier::inline KURIER_ABI::core
