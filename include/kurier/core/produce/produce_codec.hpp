// Produce requests and responses, by hand: the bodies stay where they are and only what is around them is written; an
// answer is read without building a message. The declared message (protocol/messages/produce.hpp) says the same in
// one place, and tests compare the two.
#pragma once

#include <kurier/core/net/connection.hpp>
#include <kurier/core/produce/verdict.hpp>
#include <kurier/protocol/frame.hpp>
#include <kurier/protocol/messages/produce.hpp>
#include <kurier/protocol/produce_fast.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

struct produce_result
{
    struct part
    {
        bool present = false;
        batch_response answer;
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

class produce_codec
{
public:
    // `batches` are sorted by topic, and those of a topic by partition.
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
                bodies += batches[i]->wire_size();
                put_partition(out, into, *batches[i], h);
            }
            end_of_struct(out, h);
        }
        end_of_struct(out, h);
        protocol::overwrite_size(into.head, 0, into.head.size() - 4 + bodies);
        into.expects_response = config.acks != acks::none;
    }

    // `body`: what follows the correlation id. Texts in the result are views of it.
    bool decode(const request& sent, bytes_view body, produce_result& result)
    {
        result.clear(sent.cuts.size());
        wire::reader in{body};
        if (protocol::response_header_flexible<protocol::produce_response>(sent.version))
            protocol::skip_tagged_fields(in);
        const bytes_view message{in.position(), in.left()};
        return !in.bad() &&
               protocol::decode_produce_response(message, sent.version, matcher{sent, result, topics_});
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
        protocol::put_length<std::int32_t>(out, static_cast<std::ptrdiff_t>(body.wire_size()), h);
        into.cuts.push_back({into.head.size(), &body, body.partition->topic->id});
        end_of_struct(out, h);
    }

    static void end_of_struct(wire::writer& out, protocol::how h)
    {
        if (h.flexible) out.put_uvarint(0);
    }

    // The cuts of one topic.
    struct topic_cuts
    {
        std::string_view name;
        uuid id;
        std::ptrdiff_t first, last;
    };

    // Puts each part of an answer where its batch is in the request.
    class matcher
    {
    public:
        matcher(const request& sent, produce_result& result, std::vector<topic_cuts>& topics) noexcept
            : sent_{sent}, result_{result}, topics_{topics}
        {
            topics_.clear();
        }

        void topic(std::string_view name, const uuid& id) noexcept
        {
            name_ = name;
            id_ = id;
            current_ = nullptr;
        }

        void partition(const protocol::produce_partition_view& told)
        {
            const auto at = find(told.index);
            if (at >= result_.partitions.size() || result_.partitions[at].present) return; // nobody asked
            auto& part = result_.partitions[at];
            part.present = true;
            part.leader_id = told.current_leader.leader_id;
            part.leader_epoch = told.current_leader.leader_epoch;
            part.answer.error = static_cast<broker_errc>(told.error_code);
            part.answer.base_offset = told.base_offset;
            part.answer.log_append_time = told.log_append_time_ms;
            part.answer.log_start_offset = told.log_start_offset;
            const auto message = told.error_message.value_or(std::string_view{});
            if (!message.empty() || !told.record_errors.empty()) {
                part.answer.note = std::make_unique<failure_note>();
                part.answer.note->broker_message = message;
                add(told.record_errors, part.answer.note->records);
            }
            expected_ = at + 1;
        }

        void end(std::int32_t throttle_time_ms, protocol::node_endpoints_view leaders)
        {
            result_.throttle_ms = throttle_time_ms;
            result_.nodes.reserve(leaders.size());
            for (const auto& node : leaders) result_.nodes.push_back({node.node_id, node.port, node.host});
        }

    private:
        static void add(protocol::record_errors_view told, std::vector<record_failure>& records)
        {
            records.reserve(told.size());
            for (const auto& record : told)
                if (record.batch_index >= 0)
                    records.push_back(
                        {static_cast<std::uint32_t>(record.batch_index),
                         std::string{record.batch_index_error_message.value_or(std::string_view{})}});
        }

        // The place of a partition in the request, or one behind the last. Brokers collect the partitions of a response
        // in hash maps, so it may be anywhere.
        std::size_t find(std::int32_t index)
        {
            const auto& cuts = sent_.cuts;
            if (expected_ < cuts.size() && index_of(cuts[expected_]) == index && is_named(cuts[expected_]))
                return expected_;
            if (!current_) current_ = find_topic();
            if (!current_) return cuts.size();
            const auto begin = cuts.begin() + current_->first, end = cuts.begin() + current_->last;
            const auto found =
                std::lower_bound(begin, end, index, [](const request::cut& cut, std::int32_t wanted) {
                    return index_of(cut) < wanted;
                });
            if (found == end || index_of(*found) != index) return cuts.size();
            return static_cast<std::size_t>(found - cuts.begin());
        }

        static std::int32_t index_of(const request::cut& cut) noexcept { return cut.body->partition->index; }

        bool is_named(const request::cut& cut) const noexcept
        {
            return sent_.version >= 13 ? cut.topic_id == id_
                                       : std::string_view{cut.body->partition->topic->name} == name_;
        }

        const topic_cuts* find_topic()
        {
            if (topics_.empty()) list_topics();
            const bool by_id = sent_.version >= 13;
            const auto found = std::lower_bound(
                topics_.begin(), topics_.end(), topic_cuts{name_, id_, 0, 0},
                [&](const topic_cuts& a, const topic_cuts& b) { return before(a, b, by_id); });
            const bool is_there = found != topics_.end() && (by_id ? found->id == id_ : found->name == name_);
            return is_there ? &*found : nullptr;
        }

        void list_topics()
        {
            const auto& cuts = sent_.cuts;
            for (std::size_t i = 0; i < cuts.size(); ++i) {
                const auto& topic = *cuts[i].body->partition->topic;
                if (i == 0 || &topic != cuts[i - 1].body->partition->topic)
                    topics_.push_back({topic.name, cuts[i].topic_id, static_cast<std::ptrdiff_t>(i), 0});
                topics_.back().last = static_cast<std::ptrdiff_t>(i) + 1;
            }
            const bool by_id = sent_.version >= 13;
            std::sort(topics_.begin(), topics_.end(),
                      [&](const topic_cuts& a, const topic_cuts& b) { return before(a, b, by_id); });
        }

        static bool before(const topic_cuts& a, const topic_cuts& b, bool by_id) noexcept
        {
            return by_id ? a.id < b.id : a.name < b.name;
        }

        const request& sent_;
        produce_result& result_;
        std::vector<topic_cuts>& topics_; // by name or id, once a partition was not where it was expected
        const topic_cuts* current_ = nullptr;
        std::string_view name_;
        uuid id_;
        std::size_t expected_ = 0;
    };

    std::vector<topic_cuts> topics_; // for its memory
};

} // namespace kurier::inline KURIER_ABI::core
