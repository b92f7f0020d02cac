// libFuzzer: variable-length integers, from values and from bytes.
#include "allocation_guard.hpp"
#include "input.hpp"

#include <kurier/wire/reader.hpp>

#include <array>

namespace {

using namespace kurier;
using fuzz::require;

// What is written has the size that was told, reads back, and is cut off nowhere without being noticed.
template <class Int, class Put, class Take> void round_trip(Int value, std::size_t size, Put put, Take take)
{
    std::array<std::byte, 10> room{};
    const bytes_view written{room.data(), static_cast<std::size_t>(put(room.data(), value) - room.data())};
    require(written.size() == size);
    wire::reader in{written};
    require(take(in) == value && !in.bad() && in.left() == 0);
    for (std::size_t shorter = 0; shorter < written.size(); ++shorter) {
        wire::reader cut{written.first(shorter)};
        require(take(cut) == 0 && cut.bad());
    }
}

// Bytes that are read as a number are at least as many as the number needs, and at most what its type can take.
template <class Size, class Take>
void from_bytes(bytes_view bytes, std::size_t size_max, Size size, Take take)
{
    wire::reader in{bytes};
    const auto value = take(in);
    const auto used = bytes.size() - in.left();
    if (in.bad())
        require(value == 0 && in.left() == 0);
    else
        require(used >= size(value) && used <= size_max);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto take_uvarint = [](wire::reader& in) { return in.take_uvarint(); };
    const auto take_varint = [](wire::reader& in) { return in.take_varint(); };
    const auto take_varlong = [](wire::reader& in) { return in.take_varlong(); };
    const auto bytes = std::as_bytes(std::span{data, size});
    from_bytes(bytes, 5, wire::uvarint_size, take_uvarint);
    from_bytes(bytes, 5, wire::varint_size, take_varint);
    from_bytes(bytes, 10, wire::varlong_size, take_varlong);

    const auto number = fuzz::input{data, size}.number<std::uint64_t>();
    const auto low = static_cast<std::uint32_t>(number), high = static_cast<std::uint32_t>(number >> 32);
    for (const auto value : {low, high, low >> (high % 32)}) {
        round_trip(value, wire::uvarint_size(value), wire::put_uvarint, take_uvarint);
        const auto with_sign = static_cast<std::int32_t>(value);
        round_trip(with_sign, wire::varint_size(with_sign), wire::put_varint, take_varint);
    }
    for (const auto value :
         {static_cast<std::int64_t>(number), static_cast<std::int64_t>(number >> (number % 64))})
        round_trip(value, wire::varlong_size(value), wire::put_varlong, take_varlong);
    return 0;
}
