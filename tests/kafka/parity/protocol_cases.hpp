// Versions, headers and the other APIs.
#pragma once

#include "cases.hpp"

namespace kurier::parity {

namespace protocol_rules {

inline std::string name_of(std::int16_t code)
{
    return std::string{error_name(static_cast<broker_errc>(code))};
}

inline void produce_versions(run& to)
{
    producing p{to};
    for (std::int16_t version = 3; version <= 13; ++version) {
        const std::string v = "v" + std::to_string(version);
        p.version(version);
        p(v, records(2));
        p.partition(5);
        p(v + ", no such partition", records(1));
        p.partition(0);
        p(v + ", too late", batch_builder{wall_ms() + 9'000'000}.records(1));
    }
}

inline void unknown_topics(run& to)
{
    for (const std::int16_t version : std::initializer_list<std::int16_t>{3, 9, 12, 13}) {
        raw_client client = to.broker().connect();
        protocol::produce_request request;
        request.acks = -1;
        request.timeout_ms = 5000;
        auto& topic = request.topic_data.emplace_back();
        if (version >= 13)
            topic.topic_id.bytes.fill(std::byte{0x5a});
        else
            topic.name = "no-such-topic";
        const bytes batch = records(1);
        topic.partition_data.push_back({0, nullable_bytes{bytes_view{batch}}});
        const auto response = client.ask<protocol::produce_response>(request, version);
        to.line(
            "v" + std::to_string(version) + ": " +
            (response ? name_of(response->responses.at(0).partition_responses.at(0).error_code) : "closed"));
    }
}

inline void several_partitions(run& to)
{
    testing::topic_options options;
    options.partitions = 3;
    const std::string name = to.new_topic(options);
    to.broker().topic_id(name);
    raw_client client = to.broker().connect();
    protocol::produce_request request;
    request.acks = -1;
    request.timeout_ms = 5000;
    const bytes good = records(2);
    const bytes bad = records(2).base_offset(4);
    request.topic_data.resize(2);
    request.topic_data[0].name = name;
    for (std::int32_t i = 0; i != 4; ++i)
        request.topic_data[0].partition_data.push_back({i, nullable_bytes{bytes_view{i == 1 ? bad : good}}});
    request.topic_data[1].name = "no-such-topic";
    request.topic_data[1].partition_data.push_back({0, nullable_bytes{bytes_view{good}}});
    const auto response = client.ask<protocol::produce_response>(request, 9);
    if (!response) return to.line("closed");
    std::map<std::string, std::string> sorted; // Kafka answers in the order of a hash table
    for (const auto& topic : response->responses) {
        for (const auto& partition : topic.partition_responses)
            sorted[(topic.name == name ? "t" : topic.name) + std::to_string(partition.index)] =
                name_of(partition.error_code) + " " + std::to_string(partition.base_offset);
    }
    for (const auto& [where, what] : sorted) to.line(where + ": " + what);

    request.topic_data.clear();
    const auto empty = client.ask<protocol::produce_response>(request, 9);
    to.line("no topics: " + (empty ? std::to_string(empty->responses.size()) + " answers" : "closed"));
}

inline void api_versions(run& to)
{
    for (std::int16_t version = 0; version <= 4; ++version) {
        raw_client client = to.broker().connect();
        const auto ask = [&](const std::string& name, const std::string& software) {
            const auto response = client.ask<protocol::api_versions_response>(
                protocol::api_versions_request{name, software, {}, -1}, version);
            to.line("v" + std::to_string(version) + " \"" + name + "\" \"" + software + "\": " +
                    (response ? name_of(response->error_code) +
                                    (response->api_keys.empty() ? ", no ranges" : ", ranges")
                              : "closed"));
        };
        ask("kurier", "1.0");
        if (version < 3) continue;
        ask("", "1.0");
        ask("kurier", "");
        ask("a-b.c", "1-2.3");
        ask("-a", "1");
        ask("a.", "1");
        ask("a b", "1");
    }
    // Far too new: answered in version 0
    raw_client client = to.broker().connect();
    bytes frame(4);
    wire::writer out{frame};
    protocol::put_request_header(out, 18, 99, 77, "parity", true);
    protocol::overwrite_size(frame, 0, frame.size() - 4);
    client.send(frame);
    const auto answer = client.receive();
    if (!answer) return to.line("v99: closed");
    const auto response = testing::answer_in<protocol::api_versions_response>(*answer, 0);
    to.line("v99: " + name_of(response.error_code) + ", " + std::to_string(response.api_keys.size()) +
            " range of API " + std::to_string(response.api_keys.empty() ? -1 : response.api_keys[0].api_key));
}

inline void init_producer_id(run& to)
{
    to.new_producer();
    for (std::int16_t version = 0; version <= 5; ++version) {
        raw_client client = to.broker().connect();
        const auto ask = [&](const std::string& what, const protocol::init_producer_id_request& request) {
            const auto response = client.ask<protocol::init_producer_id_response>(request, version);
            if (!response) return to.line("v" + std::to_string(version) + ", " + what + ": closed");
            to.line("v" + std::to_string(version) + ", " + what + ": " + name_of(response->error_code) +
                    (response->producer_id == -1                    ? ", no id"
                     : response->producer_id == request.producer_id ? ", same id"
                                                                    : ", new id") +
                    ", epoch " + std::to_string(response->producer_epoch));
        };
        ask("new", {});
        ask("empty transactional id", {.transactional_id = ""});
        protocol::init_producer_id_request request;
        if (version < 3) continue;
        request.producer_id = 7;
        ask("id without epoch", request);
        request.producer_epoch = 3;
        ask("id and epoch", request);
        request.producer_id = -1;
        ask("epoch without id", request);
    }
}

inline void metadata(run& to)
{
    const std::string known = to.new_topic();
    const uuid id = to.broker().topic_id(known);
    for (std::int16_t version = 4; version <= 13; ++version) {
        raw_client client = to.broker().connect();
        const auto ask = [&](const std::string& what, const protocol::metadata_request& request) {
            const auto response = client.ask<protocol::metadata_response>(request, version);
            std::string text = "v" + std::to_string(version) + ", " + what + ":";
            if (!response) {
                to.line(text + " closed");
                client = to.broker().connect();
                return;
            }
            text += " brokers " + std::to_string(response->brokers.size());
            for (const auto& topic : response->topics) {
                if (what == "all" && topic.name != known) continue;
                text += ", " + name_of(topic.error_code) + (topic.name ? "" : " without name") +
                        (topic.topic_id.is_nil() ? " without id" : "") + " partitions " +
                        std::to_string(topic.partitions.size());
            }
            to.line(text);
        };
        protocol::metadata_request request;
        request.allow_auto_topic_creation = false;
        ask("all", request);
        request.topics.emplace();
        ask("none", request);
        request.topics->push_back({{}, known});
        ask("known", request);
        request.topics->at(0).name = "no-such-topic";
        ask("unknown", request);
        request.topics->at(0).name = "no such topic";
        ask("impossible name", request);
        request.topics->at(0).name = "";
        ask("empty name", request);
        if (version < 12) continue;
        request.topics->at(0) = {id, std::nullopt};
        ask("by id", request);
        request.topics->at(0).topic_id.bytes[3] ^= std::byte{1};
        ask("by unknown id", request);
    }
}

inline void auto_creation(run& to)
{
    raw_client client = to.broker().connect();
    protocol::metadata_request request;
    const std::string name = to.new_topic() + "-automatic";
    request.topics.emplace().push_back({{}, name});
    const auto first = client.ask<protocol::metadata_response>(request, 12);
    to.line("first: " + (first ? name_of(first->topics.at(0).error_code) : "closed"));
    to.broker().topic_id(name);
    const auto later = client.ask<protocol::metadata_response>(request, 12);
    to.line("later: " + (later ? name_of(later->topics.at(0).error_code) : "closed"));
}

// What ends a connection.
inline void hang_ups(run& to)
{
    const auto frame = [](std::int16_t api_key, std::int16_t version, bool flexible, bytes body) {
        bytes whole(4);
        wire::writer out{whole};
        protocol::put_request_header(out, api_key, version, 1, "parity", flexible);
        out.put(body.data(), body.size());
        protocol::overwrite_size(whole, 0, whole.size() - 4);
        return whole;
    };
    const auto check = [&](const std::string& what, const bytes& sent) {
        raw_client client = to.broker().connect();
        const bool gone = !client.send(sent) || !client.receive();
        to.line(what + ": " + (gone ? "closed" : "answered"));
    };
    check("unknown API", frame(999, 0, false, {}));
    check("negative API", frame(-1, 0, false, {}));
    check("Produce v2", frame(0, 2, false, bytes(20)));
    check("Produce v99", frame(0, 99, true, bytes(20)));
    check("Metadata v99", frame(3, 99, true, bytes(20)));
    check("InitProducerId v99", frame(22, 99, true, bytes(20)));
    check("Produce cut short", frame(0, 9, true, bytes(3)));
    check("Metadata with 2^31-1 topics",
          frame(3, 4, false, {std::byte{0x7f}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}}));
    check("negative size", {std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}});
    check("huge size", {std::byte{0x7f}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}});
    check("HTTP", [] {
        const std::string_view text = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
        const bytes_view view = as_bytes(text);
        return bytes(view.begin(), view.end());
    }());
}

// Requests that arrive together are answered in order, whatever they are.
inline void pipelined(run& to)
{
    const std::string name = to.new_topic();
    to.broker().topic_id(name);
    raw_client client = to.broker().connect();
    const bytes good = records(1);
    bytes all;
    for (std::int32_t i = 0; i != 5; ++i) {
        protocol::produce_request request;
        request.acks = i == 2 ? std::int16_t{1} : std::int16_t{-1};
        request.timeout_ms = 5000;
        auto& topic = request.topic_data.emplace_back();
        topic.name = name;
        topic.partition_data.push_back({i == 3 ? 9 : 0, nullable_bytes{bytes_view{good}}});
        protocol::write_request_frame(all, request, 9, 100 + i, "parity");
        protocol::write_request_frame(all, protocol::metadata_request{}, 9, 200 + i, "parity");
    }
    client.send(all);
    std::string text;
    for (int i = 0; i != 10; ++i) {
        const auto answer = client.receive();
        if (!answer) break;
        text += " " + std::to_string(testing::correlation_id_of(*answer));
    }
    to.line("correlation ids" + text);
}

} // namespace protocol_rules

inline std::vector<named_case> protocol_cases()
{
    using namespace protocol_rules;
    return {{"Produce versions", produce_versions},     {"unknown topics", unknown_topics},
            {"several partitions", several_partitions}, {"ApiVersions", api_versions},
            {"InitProducerId", init_producer_id},       {"Metadata", metadata},
            {"automatic creation", auto_creation},      {"hang-ups", hang_ups},
            {"pipelined requests", pipelined}};
}

} // namespace kurier::parity
