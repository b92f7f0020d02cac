// libFuzzer: encoding and decoding a message is identity, for every message in every version; and an encoding that is
// cut off or goes on is refused. The first two bytes choose message and version, the others what is in it.
#include "../support/random_message.hpp"
#include "allocation_guard.hpp"
#include "input.hpp"

namespace {

using namespace kurier;
using fuzz::require;

template <protocol::message Message> void round_trip(fuzz::input in)
{
    const auto count = static_cast<std::size_t>(Message::valid.hi - Message::valid.lo + 1);
    const auto version = static_cast<std::int16_t>(Message::valid.lo + static_cast<int>(in.below(count)));
    tests::message_maker maker{in.number<std::uint64_t>()};
    const auto made = maker.make<Message>(version);
    auto bytes = tests::encoded(made, version);
    require(protocol::encoded_size(made, version) == bytes.size());

    Message read;
    const auto factor = std::is_same_v<Message, protocol::metadata_request> ? 32 : 8;
    require(
        fuzz::within_allocation_bound(bytes.size(), factor, [&] { return decode(bytes, version, read); }));
    require(read == made);
    require(decode(bytes, version, read) && read == made); // into what was used before

    if (!bytes.empty()) {
        const auto shorter = in.number<std::uint32_t>() % bytes.size();
        require(!decode(bytes_view{bytes}.first(shorter), version, read));
    }
    bytes.push_back(std::byte{in.byte()});
    require(!decode(bytes, version, read));
}

template <class... Message> void choose(fuzz::input in, protocol::type_list<Message...>)
{
    const auto wanted = in.below(sizeof...(Message));
    std::size_t place = 0;
    ((place++ == wanted ? round_trip<Message>(in) : void()), ...);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::input in{data, size};
    if (in.byte() & 1)
        choose(in, protocol::requests{});
    else
        choose(in, protocol::responses{});
    return 0;
}

KURIER_FUZZ_COUNTS_HEAP
