// Rewrites the encoded records of a batch, off the hot path: drops records that were withdrawn, and halves a batch that
// was too large for the broker.
#pragma once

#include <kurier/core/state/batch.hpp>
#include <kurier/wire/reader.hpp>
#include <kurier/wire/varint.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

namespace kurier::inline KURIER_ABI::core {

// One encoded record, taken apart as far as renumbering needs.
struct encoded_record
{
    std::int64_t time_delta = 0;
    bytes_view rest; // from the key's length to the end
    std::size_t size = 0;
};

inline encoded_record next_record(wire::reader& records)
{
    const auto before = records.left();
    const auto length = records.take_varint();
    wire::reader body{records.take(static_cast<std::size_t>(length))};
    encoded_record record;
    body.template take_int<std::int8_t>(); // attributes
    record.time_delta = body.take_varlong();
    body.take_varint(); // offset delta
    record.rest = body.take(body.left());
    record.size = before - records.left();
    return record;
}

// Writes the record with another offset delta. It gets no longer unless the delta is larger, so `at` may be in front of
// the record in the same buffer.
inline std::byte* put_renumbered(std::byte* at, const encoded_record& record, std::int32_t offset_delta)
{
    const auto body =
        1 + wire::varlong_size(record.time_delta) + wire::varint_size(offset_delta) + record.rest.size();
    at = wire::put_varint(at, static_cast<std::int32_t>(body));
    *at++ = std::byte{0};
    at = wire::put_varlong(at, record.time_delta);
    at = wire::put_varint(at, offset_delta);
    std::memmove(at, record.rest.data(), record.rest.size());
    return at + record.rest.size();
}

// Drops the records whose slots are withdrawn. Only for a batch that was never sent. It can happen more than once: the
// batch was next, and didn't fit into the request.
inline void drop_withdrawn(batch& from)
{
    if (from.outside) { // its only record
        from.record_count = 0;
        from.withdrawn = 0;
        return;
    }
    auto positions =
        std::make_unique<std::vector<std::uint32_t>>(static_cast<std::size_t>(from.accepted), not_on_wire);
    wire::reader records{from.body()};
    std::byte* at = from.memory.data + batch_header_size;
    std::int32_t kept = 0;
    from.max_timestamp = std::numeric_limits<std::int64_t>::min(); // of the records that stay, in any order
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(from.accepted); ++i) {
        if (from.positions && (*from.positions)[i] == not_on_wire) continue;
        const auto record = next_record(records);
        if (from.slot_of(i).withdrawn()) continue;
        (*positions)[i] = static_cast<std::uint32_t>(kept);
        from.max_timestamp = std::max(from.max_timestamp, from.base_timestamp + record.time_delta);
        at = put_renumbered(at, record, kept++);
    }
    from.size = static_cast<std::size_t>(at - from.memory.data);
    from.record_count = kept;
    from.positions = std::move(positions);
    from.withdrawn = 0;
    from.sealed = false;
}

// Where to cut a batch of several records into two of about the same size.
struct halves
{
    std::int32_t first_count = 0;
    std::size_t first_bytes = 0, second_bytes = 0;
};

inline halves find_halves(bytes_view body, std::int32_t count)
{
    halves found;
    wire::reader records{body};
    const auto total = body.size();
    for (std::int32_t i = 0; i + 1 < count; ++i) {
        const auto size = next_record(records).size;
        if (i > 0 && found.first_bytes + size > total / 2) break;
        found.first_bytes += size;
        ++found.first_count;
    }
    found.second_bytes = total - found.first_bytes;
    return found;
}

// Copies `count` records, renumbered from 0, into an empty batch.
inline void copy_records(wire::reader& records, std::int32_t count, batch& to)
{
    std::byte* at = to.memory.data + batch_header_size;
    to.max_timestamp = std::numeric_limits<std::int64_t>::min();
    for (std::int32_t i = 0; i < count; ++i) {
        const auto record = next_record(records);
        to.max_timestamp = std::max(to.max_timestamp, to.base_timestamp + record.time_delta);
        at = put_renumbered(at, record, i);
    }
    to.size = static_cast<std::size_t>(at - to.memory.data);
    to.record_count = to.accepted = count;
}

} // namespace kurier::inline KURIER_ABI::core
