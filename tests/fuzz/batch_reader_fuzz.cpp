// libFuzzer: record batches of bytes that nobody vouches for. Length and CRC are put right, since guessing them
// teaches nothing. What a producer may send has one form only: an accepted batch, written anew from what was
// read, is the same.
#include "../golden/batch_lines.hpp"
#include "allocation_guard.hpp"

#include <span>

namespace {

using namespace kurier;

void repair(std::vector<std::byte>& batch)
{
    detail::put_big_endian(batch.data() + batch_field::length, static_cast<std::int32_t>(batch.size() - 12));
    detail::put_batch_crc(batch.data(), batch.size());
}

// A "codec" that grows its input.
bool twice(int, bytes_view in, std::size_t max_output, std::vector<std::byte>& out)
{
    if (in.size() > max_output / 2) return false;
    out.assign(in.begin(), in.end());
    out.insert(out.end(), in.begin(), in.end());
    return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const bytes_view given = std::as_bytes(std::span{data, size});
    // A header takes two bytes, and a view of it 32.
    fuzz::within_allocation_bound(size, 16, [&] { return check_batches(given, batch_origin::log); });
    check_batches(given, batch_origin::log, twice, 1000);
    if (size < batch_header_size) return 0;

    std::vector<std::byte> batch(given.begin(), given.end());
    repair(batch);
    fuzz::within_allocation_bound(size, 16, [&] { return check_batches(batch, batch_origin::log); });
    check_batches(batch, batch_origin::log, twice, 1000);

    batch_reader in{batch, batch_origin::producer};
    if (!in.next_batch()) return 0;
    kurier_golden::rebuilt_batch again{in.header()};
    for (record_view r; in.next_record(r);) again.add(r);
    fuzz::require(in.error() != batch_error::none || again.sealed() == batch);
    return 0;
}

KURIER_FUZZ_COUNTS_HEAP
