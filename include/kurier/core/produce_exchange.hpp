// Produce requests and answers, by hand: the bodies stay where they are and only what is around them is written; an
// answer is read without building a message. The declared message (protocol/messages/produce.hpp) says the same in
// one place, and tests compare the two.
#pragma once

#include <kurier/core/connection.hpp>
#include <kurier/core/sender.hpp>
#include <kurier/protocol/frame.hpp>
#include <kurier/protocol/messages/produce.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace kurier::core {

struct produce_result
{
    struct part
    {
        bool present = false;
        batch_answer answer;
        std::int32_t leader_id = -1, leader_epoch = -1;
    };
    struct endpoint
    {
        std::int32_t id = -1, port = 0;
        std::string_view host;
    };
    std::vector<part> partitions; // as the request's cuts
    std::vector<endpoint> nodes;
    std::int32_t throttle_ms = 0;

    void clear(std::size_t count)
    {
        partitions.clear();
        partitions.resize(count);
        nodes.clear();
        throttle_ms = 0;
    }
};

class produce_exchange
{
public:
    // `batches` are sorted by topic.
    void encode(request& into, const std::vector<batch*>& batches, const producer_config& config)
    {
        const auto version = into.version;
        const protocol::how h{version, protocol::produce_request::flexible(version)};
        wire::writer out{into.head};
        out.put_int(std::int32_t{0}); // the size, below
        protocol::put_request_header(out, protocol::produce_request::api_key, version, into.correlation_id,
                                     config.client_id, h.flexible);
        protocol::put_length<std::int16_t>(out, -1, h); // no transactional id
        out.put_int(static_cast<std::int16_t>(config.acks));
        out.put_int(static_cast<std::int32_t>(config.request_timeout.count()));
        protocol::put_length<std::int32_t>(out, count_topics(batches), h);
        std::size_t bodies = 0;
        for (std::size_t i = 0; i < batches.size();) {
            const auto& topic = *batches[i]->partition->topic;
            const auto next = end_of_topic(batches, i);
            put_topic(out, topic, h);
            protocol::put_length<std::int32_t>(out, static_cast<std::ptrdiff_t>(next - i), h);
            for (; i < next; ++i) {
                bodies += batches[i]->size;
                put_partition(out, into, *batches[i], h);
            }
            end_of_struct(out, h);
        }
        end_of_struct(out, h);
        protocol::overwrite_size(into.head, 0, into.head.size() - 4 + bodies);
        into.expects_answer = config.acks != acks::none;
    }

    // `body`: what follows the correlation id. Texts in the result are views of it.
    bool decode(const request& sent, bytes_view body, produce_result& result)
    {
        const auto version = sent.version;
        const protocol::how h{version, protocol::produce_response::flexible(version)};
        result.clear(sent.cuts.size());
        wire::reader in{body};
        if (h.flexible) protocol::skip_tagged_fields(in);
        std::size_t expected = 0; // brokers answer in the order of the request, as a rule
        for (auto topics = protocol::take_length<std::int32_t>(in, h); topics > 0 && !in.bad(); --topics) {
            const auto name = version <= 12 ? take_text(in, h) : std::string_view{};
            uuid id;
            if (version >= 13) protocol::take(in, id, h);
            for (auto parts = protocol::take_length<std::int32_t>(in, h); parts > 0 && !in.bad(); --parts)
                take_partition(in, h, sent, name, id, expected, result);
            if (h.flexible) protocol::skip_tagged_fields(in);
        }
        result.throttle_ms = in.take_int<std::int32_t>();
        if (h.flexible) take_tags(in, h, result);
        return !in.bad() && in.left() == 0;
    }

private:
    static std::ptrdiff_t count_topics(const std::vector<batch*>& batches)
    {
        std::ptrdiff_t count = 0;
        for (std::size_t i = 0; i < batches.size(); i = end_of_topic(batches, i)) ++count;
        return count;
    }

    static std::size_t end_of_topic(const std::vector<batch*>& batches, std::size_t i)
    {
        const auto* topic = batches[i]->partition->topic;
        while (i < batches.size() && batches[i]->partition->topic == topic) ++i;
        return i;
    }

    static void put_topic(wire::writer& out, const topic_state& topic, protocol::how h)
    {
        if (h.version >= 13) {
            protocol::put(out, topic.id, h);
        } else {
            const std::string_view name = topic.name;
            protocol::put_length<std::int16_t>(out, std::ssize(name), h);
            out.put(name.data(), name.size());
        }
    }

    static void put_partition(wire::writer& out, request& into, batch& body, protocol::how h)
    {
        out.put_int(body.partition->index);
        protocol::put_length<std::int32_t>(out, static_cast<std::ptrdiff_t>(body.size), h);
        into.cuts.push_back({into.head.size(), &body});
        end_of_struct(out, h);
    }

    static void end_of_struct(wire::writer& out, protocol::how h)
    {
        if (h.flexible) out.put_uvarint(0);
    }

    static std::string_view take_text(wire::reader& in, protocol::how h) // null: empty
    {
        const auto length = protocol::take_length<std::int16_t>(in, h);
        return length > 0 ? as_text(in.take(static_cast<std::size_t>(length))) : std::string_view{};
    }

    // The place of a partition in the request, or one behind the last.
    static std::size_t find(const request& sent, std::string_view name, const uuid& id, std::int32_t index,
                            std::size_t guess)
    {
        const auto matches = [&](const request::cut& cut) {
            const auto& partition = *cut.body->partition;
            return partition.index == index &&
                   (sent.version >= 13 ? partition.topic->id == id || sent.cuts.size() == 1
                                       : std::string_view{partition.topic->name} == name);
        };
        if (guess < sent.cuts.size() && matches(sent.cuts[guess])) return guess;
        return static_cast<std::size_t>(std::find_if(sent.cuts.begin(), sent.cuts.end(), matches) - sent.cuts.begin());
    }

    static void take_partition(wire::reader& in, protocol::how h, const request& sent, std::string_view name,
                               const uuid& id, std::size_t& expected, produce_result& result)
    {
        produce_result::part read;
        read.present = true;
        const auto index = in.take_int<std::int32_t>();
        auto& answer = read.answer;
        answer.error = static_cast<broker_errc>(in.take_int<std::int16_t>());
        answer.base_offset = in.take_int<std::int64_t>();
        answer.log_append_time = in.take_int<std::int64_t>();
        if (h.version >= 5) answer.log_start_offset = in.take_int<std::int64_t>();
        if (h.version >= 8) take_record_errors(in, h, answer);
        if (h.flexible) take_leader(in, h, read);
        const auto at = find(sent, name, id, index, expected);
        if (at >= result.partitions.size() || result.partitions[at].present || in.bad()) return; // nobody asked
        result.partitions[at] = std::move(read);
        expected = at + 1;
    }

    static void take_record_errors(wire::reader& in, protocol::how h, batch_answer& answer)
    {
        const auto count = protocol::take_length<std::int32_t>(in, h);
        for (auto left = count; left > 0 && !in.bad(); --left) {
            const auto index = in.take_int<std::int32_t>();
            const auto text = take_text(in, h);
            if (h.flexible) protocol::skip_tagged_fields(in);
            if (!in.bad() && index >= 0)
                note_of(answer).records.push_back({static_cast<std::uint32_t>(index), std::string{text}});
        }
        if (const auto text = take_text(in, h); !text.empty()) note_of(answer).broker_message = text;
    }

    static failure_note& note_of(batch_answer& answer)
    {
        if (!answer.note) answer.note = std::make_unique<failure_note>();
        return *answer.note;
    }

    static void take_leader(wire::reader& in, protocol::how h, produce_result::part& read)
    {
        for (auto left = in.take_uvarint(); left > 0 && !in.bad(); --left) {
            const auto tag = in.take_uvarint();
            wire::reader body{in.take(in.take_uvarint())};
            if (tag != 0 || h.version < 10) continue;
            read.leader_id = body.take_int<std::int32_t>();
            read.leader_epoch = body.take_int<std::int32_t>();
            protocol::skip_tagged_fields(body);
            if (body.bad()) in.fail();
        }
    }

    static void take_tags(wire::reader& in, protocol::how h, produce_result& result)
    {
        for (auto left = in.take_uvarint(); left > 0 && !in.bad(); --left) {
            const auto tag = in.take_uvarint();
            wire::reader body{in.take(in.take_uvarint())};
            if (tag != 0 || h.version < 10) continue;
            for (auto nodes = protocol::take_length<std::int32_t>(body, h); nodes > 0 && !body.bad(); --nodes) {
                produce_result::endpoint node;
                node.id = body.take_int<std::int32_t>();
                node.host = take_text(body, h);
                node.port = body.take_int<std::int32_t>();
                take_text(body, h); // rack
                protocol::skip_tagged_fields(body);
                if (!body.bad()) result.nodes.push_back(node);
            }
            if (body.bad()) in.fail();
        }
    }
};

} // namespace kurier::core
