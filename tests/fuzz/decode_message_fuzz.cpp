// Every message in every version, from bytes that nobody vouches for. The first byte picks message and direction, the
// second the version. Decoding must stay within its bound on memory; what is accepted must be the same after encoding
// and decoding; and the Produce answer read by hand must be the declared one.
#include "allocation_guard.hpp"

#include <kurier/protocol/messages.hpp>
#include <kurier/protocol/produce_fast.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace kurier::protocol;
using kurier::bytes_view;
using kurier::fuzz::require;

std::optional<std::string> owned(std::optional<std::string_view> text)
{
    return text ? std::optional<std::string>{*text} : std::nullopt;
}

struct builder
{
    produce_response built;

    void topic(std::string_view name, const kurier::uuid& id)
    {
        built.responses.push_back({std::string{name}, id, {}});
    }
    void partition(const produce_partition_view& told)
    {
        auto& made = built.responses.back().partition_responses.emplace_back();
        made = {told.index,
                told.error_code,
                told.base_offset,
                told.log_append_time_ms,
                told.log_start_offset,
                {},
                owned(told.error_message),
                told.current_leader};
        for (const auto& record : told.record_errors)
            made.record_errors.push_back({record.batch_index, owned(record.batch_index_error_message)});
    }
    void end(std::int32_t throttle_time_ms, node_endpoints_view leaders)
    {
        built.throttle_time_ms = throttle_time_ms;
        for (const auto& node : leaders)
            built.node_endpoints.push_back(
                {node.node_id, std::string{node.host}, node.port, owned(node.rack)});
    }
};

template <message Message> void decode_one(bytes_view bytes, std::uint8_t pick)
{
    const auto count = Message::valid.hi - Message::valid.lo + 1;
    const auto version = static_cast<std::int16_t>(Message::valid.lo + pick % count);
    Message read;
    const auto factor = std::is_same_v<Message, metadata_request> ? 32 : 8;
    const bool good = kurier::fuzz::within_allocation_bound(bytes.size(), factor,
                                                            [&] { return decode(bytes, version, read); });
    if (good) {
        std::vector<std::byte> again;
        kurier::wire::writer out{again};
        encode(read, version, out);
        require(!out.bad());
        require(encoded_size(read, version) == again.size());
        Message reread;
        require(decode(again, version, reread, std::size_t{1} << 40));
        require(reread == read);
    }
    if constexpr (std::is_same_v<Message, produce_response>) {
        builder by_hand;
        produce_response declared;
        std::size_t behind = 0;
        const bool accepted = decode_front(bytes, version, declared, std::size_t{1} << 40, behind);
        require(decode_produce_response(bytes, version, by_hand) == accepted);
        require(!accepted || by_hand.built == declared);
    }
}

template <class... Message>
void pick(bytes_view bytes, std::uint8_t which, std::uint8_t version, type_list<Message...>)
{
    std::size_t place = 0;
    ((place++ == which % sizeof...(Message) ? decode_one<Message>(bytes, version) : void()), ...);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2) return 0;
    const auto bytes = std::as_bytes(std::span{data, size}).subspan(2);
    if (data[0] & 0x80)
        pick(bytes, data[0] & 0x7f, data[1], requests{});
    else
        pick(bytes, data[0], data[1], responses{});
    return 0;
}

KURIER_FUZZ_COUNTS_HEAP
