// libFuzzer: what the producer takes from the answer to a Produce request is what the declared message says, for every
// version and any bytes. The first byte chooses the version, the second how the answer is mended: half of the runs put
// the topics that were asked about in, so that there is something to find.
#include "allocation_guard.hpp"
#include "input.hpp"

#include <kurier/core/produce/produce_codec.hpp>

#include <deque>

namespace {

using namespace kurier;
using namespace kurier::core;
using fuzz::require;

// A request with two topics of two partitions.
struct question
{
    std::deque<topic_state> topics;
    std::deque<batch> batches;
    request sent;
    std::byte body[batch_header_size]{};

    explicit question(std::int16_t version)
    {
        sent.version = version;
        std::vector<batch*> taken;
        for (const char* name : {"a", "topic"}) {
            auto& topic = topics.emplace_back();
            topic.name = topic_name{name};
            topic.id.bytes.fill(static_cast<std::byte>(topics.size()));
            for (std::int32_t index = 0; index < 2; ++index) {
                auto& partition = topic.partitions.emplace_back();
                partition.topic = &topic;
                partition.index = index;
                auto& made = batches.emplace_back();
                made.partition = &partition;
                made.memory = {body, sizeof body};
                made.size = sizeof body;
                taken.push_back(&made);
            }
        }
        produce_codec{}.encode(sent, taken, producer_config{"localhost:9092"});
    }
};

const protocol::produce_response_partition*
told_of(const request::cut& cut, const protocol::produce_response& answer, std::int16_t version)
{
    const auto& partition = *cut.body->partition;
    for (const auto& topic : answer.responses) {
        if (version >= 13 ? topic.topic_id != cut.topic_id : topic.name != partition.topic->name.view())
            continue;
        for (const auto& part : topic.partition_responses)
            if (part.index == partition.index) return &part;
    }
    return nullptr;
}

void compare(const produce_result::part& found, const protocol::produce_response_partition* told)
{
    require(found.present == (told != nullptr));
    if (!told) return;
    require(found.answer.error == static_cast<broker_errc>(told->error_code));
    require(found.answer.base_offset == told->base_offset);
    require(found.answer.log_append_time == told->log_append_time_ms);
    require(found.answer.log_start_offset == told->log_start_offset);
    require(found.leader_id == told->current_leader.leader_id);
    require(found.leader_epoch == told->current_leader.leader_epoch);
    const auto& note = found.answer.note;
    require((note ? note->broker_message : "") == told->error_message.value_or(""));
    std::size_t at = 0;
    for (const auto& error : told->record_errors) {
        if (error.batch_index < 0) continue;
        require(note && at < note->records.size());
        const auto& record = note->records[at++];
        require(record.index == static_cast<std::uint32_t>(error.batch_index));
        require(record.message == error.batch_index_error_message.value_or(""));
    }
    require(at == (note ? note->records.size() : 0));
}

// The bytes decoded as far as they are a message, its topics renamed to those that were asked about.
std::vector<std::byte> mended(bytes_view bytes, std::int16_t version, const question& asked, unsigned how)
{
    protocol::produce_response message;
    if (protocol::decode(bytes, version, message, 1 << 20))
        for (auto& topic : message.responses) {
            const auto& wanted = asked.topics[how & 1];
            topic.name = version <= 12 ? wanted.name.str() : "";
            topic.topic_id = version <= 12 ? uuid{} : wanted.id;
            for (auto& part : topic.partition_responses) part.index &= 3;
            how = how >> 1 | how << 7;
        }
    std::vector<std::byte> body;
    wire::writer out{body};
    protocol::encode(message, version, out);
    return body;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::input in{data, size};
    const auto version = static_cast<std::int16_t>(3 + in.below(11));
    const auto how = in.byte();
    const question asked{version};
    auto message = in.rest();
    std::vector<std::byte> changed;
    if (how & 0x80) message = changed = mended(message, version, asked, how & 0x7fu);

    std::vector<std::byte> body;
    if (protocol::response_header_flexible<protocol::produce_response>(version)) body.push_back(std::byte{0});
    body.insert(body.end(), message.begin(), message.end());

    produce_codec exchange;
    produce_result result;
    const bool accepted = fuzz::within_allocation_bound(
        body.size(), 8, [&] { return exchange.decode(asked.sent, body, result); });
    protocol::produce_response declared;
    std::size_t behind = 0;
    require(accepted == protocol::decode_front(message, version, declared, std::size_t{1} << 40, behind));
    if (!accepted) return 0;
    require(result.throttle_ms == declared.throttle_time_ms);
    require(result.nodes.size() == declared.node_endpoints.size());
    for (std::size_t i = 0; i < result.nodes.size(); ++i) {
        require(result.nodes[i].id == declared.node_endpoints[i].node_id);
        require(result.nodes[i].host == declared.node_endpoints[i].host);
        require(result.nodes[i].port == declared.node_endpoints[i].port);
    }
    for (std::size_t i = 0; i < asked.sent.cuts.size(); ++i)
        compare(result.partitions[i], told_of(asked.sent.cuts[i], declared, version));
    return 0;
}

KURIER_FUZZ_COUNTS_HEAP
