#include "core_script.hpp"

#include <kurier/core/explain.hpp>
#include <kurier/core/invariants.hpp>
#include <kurier/record/batch_reader.hpp>

namespace kurier::core {

std::ostream& operator<<(std::ostream& out, persisted what)
{
    return out << (what == persisted::no ? "no" : what == persisted::yes ? "yes" : "possibly");
}

namespace script {

uuid id_of(unsigned char number)
{
    uuid id;
    id.bytes.fill(std::byte{number});
    return id;
}

std::vector<std::string> names(const protocol::metadata_request& request)
{
    std::vector<std::string> found;
    for (const auto& topic : *request.topics) found.push_back(*topic.name);
    return found;
}

producer_config plain_config()
{
    producer_config config{"boot:9000"};
    config.linger = 0ms;
    return config;
}

core_script::core_script(producer_config config, std::uint64_t seed) : core{std::move(config), seed}
{
    brokers = {{1, 9001}};
    topics["t"] = {id_of(1), {{}}, broker_errc::none};
    now.steady = 1h;
    now.wall_ms = 1'000'000;
}

core_script::~core_script()
{
    CHECK(broken == "");
}

outcome& core_script::send(std::string_view topic, std::string_view value, std::int32_t partition)
{
    return send_record(topic, {{}, value, {}, now.wall_ms}, partition);
}

outcome& core_script::send_record(std::string_view topic_name, const record_bytes& record,
                                  std::optional<std::int32_t> wanted)
{
    auto& told = outcomes.emplace_back();
    const auto result = core.send({core.use_topic(topic_name, now), wanted, record, {}}, now);
    last_place = result.appended;
    last_waiting = result.parked;
    if (last_place.where) {
        listen(last_place.where->slot_of(last_place.index), told);
    } else if (last_waiting) {
        listen(last_waiting->waiter, told);
    } else {
        told.times_told = 1;
        told.error = result.refused;
    }
    check();
    return told;
}

void core_script::listen(slot& waiter, outcome& told)
{
    waiter.notify = &tell;
    waiter.context = &told;
}

void core_script::warm_up(std::string_view topic)
{
    const auto count = topics.at(std::string{topic}).partitions.size();
    for (std::size_t i = 0; i < count; ++i) send(topic, "warm", static_cast<std::int32_t>(i));
    step(core.config().linger);
    answer_all();
    step(1s); // past all pauses
    outcomes.clear();
}

void core_script::forget()
{
    outcomes = {};
    metadata_asked = {};
    metadata_times = {};
    versions_asked = {};
    connects = {};
    closes = {};
    held = {};
    log = {};
    unacknowledged = {};
}

void core_script::step()
{
    for (int i = 0; i < 1000; ++i) {
        core.turn(now);
        const bool acted = perform_actions();
        announce();
        check();
        if (!acted && core.deadline() > now.steady) return; // as the driver does: it sets its timer to that
    }
    FAIL("the core never rests");
}

void core_script::step(nanoseconds time)
{
    const auto end = now.steady + time;
    step();
    while (core.deadline() <= end) {
        pass(core.deadline() - now.steady);
        step();
    }
    pass(end - now.steady);
    step();
}

void core_script::pass(nanoseconds time)
{
    now.steady += time;
    now.wall_ms += time / 1ms;
}

produce_question core_script::take()
{
    REQUIRE(!asked.empty());
    auto first = std::move(asked.front());
    asked.pop_front();
    return first;
}

void core_script::answer(reply with)
{
    const auto question = take();
    answer(question, std::vector<reply>(question.batches.size(), with));
}

void core_script::answer(const produce_question& question, const std::vector<reply>& replies,
                         std::int32_t throttle_ms)
{
    protocol::produce_response response;
    response.throttle_time_ms = throttle_ms;
    for (std::size_t i = 0; i < question.batches.size(); ++i) {
        const auto& about = question.batches[i];
        for (int times = 0; times < replies[i].times; ++times) {
            auto& topic = response.responses.emplace_back();
            topic.name = about.topic;
            topic.topic_id = about.id;
            topic.partition_responses.push_back(describe(about, replies[i]));
        }
        if (replies[i].leader >= 0 && brokers.contains(replies[i].leader))
            response.node_endpoints.push_back({replies[i].leader, "broker", brokers[replies[i].leader], {}});
    }
    respond(question.link, question.correlation_id, question.version, response);
}

void core_script::answer_all()
{
    while (!asked.empty()) answer();
}

void core_script::put_answer(connection_id link, std::int32_t correlation_id, std::vector<std::byte> frame)
{
    for (auto& waiting : peers.at(link).answers)
        if (waiting.first == correlation_id) waiting.second = std::move(frame);
    for (;;) {
        const auto found = peers.find(link);
        if (found == peers.end() || found->second.answers.empty() ||
            found->second.answers.front().second.empty())
            return;
        const auto next = std::move(found->second.answers.front().second);
        found->second.answers.pop_front();
        feed(link, next);
    }
}

void core_script::receive(connection_id link, bytes_view bytes)
{
    feed(link, bytes);
    step();
}

void core_script::feed(connection_id link, bytes_view bytes)
{
    while (!bytes.empty()) {
        const auto space = core.read_space(link);
        if (space.empty()) return; // closed by the core
        const auto part = std::min(space.size(), bytes.size());
        std::memcpy(space.data(), bytes.data(), part);
        core.read(link, part, now);
        check();
        bytes = bytes.subspan(part);
    }
}

connection_id core_script::link_to(std::uint16_t port) const
{
    for (const auto& [id, one] : peers)
        if (one.port == port) return id;
    FAIL("no connection to port " << port);
    return 0;
}

void core_script::accept(connection_id link)
{
    peers.at(link).connected = true;
    core.connected(link, now);
    check();
}

void core_script::lose_for_good(std::uint16_t port)
{
    accept_connections = false;
    drop(link_to(port));
}

void core_script::drop(connection_id link, error_code why)
{
    peers.erase(link);
    std::erase_if(asked, [&](const auto& one) { return one.link == link; });
    std::erase_if(held, [&](const auto& one) { return one.first == link; });
    core.closed(link, why, now);
    check();
    step();
}

std::size_t core_script::write(connection_id link, std::size_t most)
{
    std::size_t total = 0;
    while (most > 0) {
        bytes_view views[3];
        const auto count = core.gather(link, views);
        std::size_t part = 0;
        auto& received = peers.at(link).received;
        for (std::size_t i = 0; i < count && part < most; ++i) {
            const auto take = std::min(views[i].size(), most - part);
            received.insert(received.end(), views[i].begin(),
                            views[i].begin() + static_cast<std::ptrdiff_t>(take));
            part += take;
        }
        if (part == 0) break;
        core.written(link, part, now);
        check();
        most -= part;
        total += part;
    }
    take_requests(link);
    return total;
}

const partition_state& core_script::partition(std::int32_t index, std::string_view topic) const
{
    return core.view().find(topic)->partitions[static_cast<std::size_t>(index)];
}

partition_state& core_script::change(std::int32_t index, std::string_view topic)
{
    return core.view().find(topic)->partitions[static_cast<std::size_t>(index)];
}

void core_script::change_epoch_soon(random_source& random)
{
    const auto* topic = core.view().find("t");
    if (!topic || topic->partitions.empty()) return;
    auto& partition = topic->partitions[random.below(topic->partitions.size())];
    auto& state = partition.producer;
    if (!core.idle() || state.id < 0 || state.gap || state.fault != epoch_fault::none) return;
    if (random.below(2) == 0) state.epoch = last_producer_epoch;
    state.next_sequence = 0x7ffffffe;
    state.last_acked = 0x7ffffffd;
}

void core_script::tell(void* context, const fate& what)
{
    auto& told = *static_cast<outcome*>(context);
    ++told.times_told;
    if (what.refused) {
        told.failure = explain(*what.refused);
        told.error = told.failure->code;
        told.last_error = told.failure->last_error;
        told.text = told.failure->text;
        return;
    }
    REQUIRE(what.where);
    const auto& where = *what.where;
    told.error = where.error;
    told.last_error = where.last_error;
    told.written = where.written;
    told.attempts = where.attempts;
    if (!where.error) {
        told.offset = where.offset_of(what.index);
        told.timestamp = where.timestamp_of(where.waiter_of(what.index).time_delta());
    }
    if (where.error) {
        told.failure = explain(where, what.index);
        told.text = told.failure->broker_message;
        told.blamed = told.failure->code == where.error;
    }
}

void core_script::check()
{
    if (!walk_state || !broken.empty()) return;
    broken = invariants{core}.broken();
    if (!broken.empty()) FAIL_CHECK("invariant: " << broken);
}

void core_script::announce()
{
    while (auto* expired = core.next_expired()) {
        auto& slot = expired->where->slot_of(expired->index);
        failed += slot.withdrawn() ? 1U : 0U; // else its batch is counted
        if (const auto notify = std::exchange(slot.notify, nullptr))
            notify(slot.context, {nullptr, 0, expired, nullptr});
        core.announced(*expired);
        check();
    }
    while (auto* done = core.next_done()) {
        for (; done->notified < static_cast<std::uint32_t>(done->accepted); ++done->notified) {
            auto& slot = done->waiter_of(done->notified);
            if (!slot.withdrawn()) ++(done->error ? failed : delivered);
            if (const auto notify = std::exchange(slot.notify, nullptr))
                notify(slot.context, {done, done->notified, nullptr, nullptr});
        }
        core.announced(*done);
        check();
    }
    while (auto* refused = core.next_failed()) {
        if (const auto notify = std::exchange(refused->waiter.notify, nullptr))
            notify(refused->waiter.context, {nullptr, 0, refused, nullptr});
        ++failed;
        core.announced(*refused);
        check();
    }
    const auto counted = core.metrics();
    CHECK(counted.records_delivered == delivered);
    CHECK(counted.records_failed == failed);
}

bool core_script::perform_actions()
{
    bool any = false;
    action next;
    while (core.poll(next)) {
        any = true;
        if (next.kind == action_kind::connect) {
            connects.push_back({next.link, next.host, next.port, false, {}, now.steady, {}});
            peers[next.link] = connects.back();
            if (accept_connections) accept(next.link);
        } else if (next.kind == action_kind::write) {
            if (take_writes && peers.contains(next.link)) write(next.link);
        } else if (next.kind == action_kind::compress) {
            jobs.push_back(next.job);
        } else {
            const auto* link = core.connections().find(next.link);
            closes.emplace_back(next.link, link ? link->close_reason : error_code{});
            if (confirm_close && link) {
                peers.erase(next.link);
                std::erase_if(asked, [&](const auto& one) { return one.link == next.link; });
                std::erase_if(held, [&](const auto& one) { return one.first == next.link; });
                core.closed(next.link, {}, now);
            }
        }
        check();
    }
    log_entry entry;
    std::array<log_field, log_fields_max> fields;
    while (core.poll(entry)) {
        auto& line = log.emplace_back(std::string{to_string(entry.level)} + " " + std::string{entry.event} +
                                      ": " + entry.text);
        append_log_fields(line, entry.view(now, fields).fields);
    }
    return any;
}

void core_script::take_requests(connection_id link)
{
    for (;;) {
        const auto found = peers.find(link);
        if (found == peers.end()) return;
        auto& received = found->second.received;
        if (received.size() < 4) return;
        wire::reader in{received};
        const auto size = static_cast<std::size_t>(in.take_int<std::int32_t>());
        if (in.left() < size) return;
        std::vector<std::byte> frame{received.begin() + 4,
                                     received.begin() + 4 + static_cast<std::ptrdiff_t>(size)};
        received.erase(received.begin(), received.begin() + 4 + static_cast<std::ptrdiff_t>(size));
        take_request(link, std::move(frame));
    }
}

bool core_script::flexible(std::int16_t key, std::int16_t version)
{
    return key == 0    ? protocol::produce_request::flexible(version)
           : key == 3  ? protocol::metadata_request::flexible(version)
           : key == 18 ? protocol::api_versions_request::flexible(version)
                       : protocol::init_producer_id_request::flexible(version);
}

void core_script::take_request(connection_id link, std::vector<std::byte> frame)
{
    wire::reader in{frame};
    protocol::request_header header;
    REQUIRE(protocol::take_request_header(in, header, &flexible));
    const bytes_view body{in.position(), in.left()};
    peers.at(link).answers.emplace_back(header.correlation_id, std::vector<std::byte>{});
    if (header.api_key == 0)
        take_produce(link, header, body);
    else if (header.api_key == 3)
        take_metadata(link, header, body, frame);
    else if (header.api_key == 18)
        take_versions(link, header, body, frame);
    else
        take_init_producer_id(link, header, body, frame);
}

std::pair<std::int16_t, std::int16_t> core_script::range_of(std::int16_t key, protocol::versions own) const
{
    const auto found = api.find(key);
    if (found == api.end()) return {own.lo, own.hi};
    return {static_cast<std::int16_t>(found->second.first), static_cast<std::int16_t>(found->second.second)};
}

void core_script::take_versions(connection_id link, const protocol::request_header& header, bytes_view body,
                                const std::vector<std::byte>& frame)
{
    versions_asked.push_back(header.version);
    REQUIRE(protocol::decode(body, header.version, versions_question));
    if (!answer_versions) {
        held.emplace_back(link, frame);
        return;
    }
    answer_api_versions(link, header.correlation_id, header.version);
}

void core_script::answer_api_versions(connection_id link, std::int32_t correlation_id, std::int16_t version)
{
    protocol::api_versions_response response;
    const auto add = [&](std::int16_t key, protocol::versions own) {
        const auto [low, high] = range_of(key, own);
        if (low <= high) response.api_keys.push_back({key, low, high});
    };
    add(0, protocol::produce_request::valid);
    add(3, protocol::metadata_request::valid);
    add(18, protocol::api_versions_request::valid);
    add(22, protocol::init_producer_id_request::valid);
    const auto highest = range_of(18, protocol::api_versions_request::valid).second;
    if (version > highest) { // KIP-511
        response.error_code = static_cast<std::int16_t>(broker_errc::unsupported_version);
        version = 0;
    }
    std::vector<std::byte> bytes;
    REQUIRE(protocol::write_response_frame(bytes, response, version, correlation_id));
    put_answer(link, correlation_id, std::move(bytes));
}

protocol::metadata_response core_script::metadata_answer(const protocol::metadata_request& request) const
{
    protocol::metadata_response response;
    for (const auto& [id, port] : brokers) {
        response.brokers.push_back({id, "broker", port, {}});
        if (const auto rack = racks.find(id); rack != racks.end())
            response.brokers.back().rack = rack->second;
    }
    response.cluster_id = "cluster";
    if (request.topics)
        for (const auto& wanted : *request.topics) {
            auto& told = response.topics.emplace_back();
            told.name = wanted.name;
            const auto found = topics.find(*wanted.name);
            if (found == topics.end()) {
                told.error_code = static_cast<std::int16_t>(broker_errc::unknown_topic_or_partition);
                continue;
            }
            told.error_code = static_cast<std::int16_t>(found->second.error);
            if (told.error_code != 0) continue;
            if (know_topic_ids) told.topic_id = found->second.id;
            std::int32_t index = 0;
            for (const auto& partition : found->second.partitions) {
                auto& described = told.partitions.emplace_back();
                described.partition_index = index++;
                described.leader_id = partition.leader;
                described.leader_epoch = partition.epoch;
                if (partition.leader < 0)
                    described.error_code = static_cast<std::int16_t>(broker_errc::leader_not_available);
            }
        }
    return response;
}

void core_script::take_metadata(connection_id link, const protocol::request_header& header, bytes_view body,
                                const std::vector<std::byte>& frame)
{
    protocol::metadata_request request;
    REQUIRE(protocol::decode(body, header.version, request));
    metadata_asked.push_back(request);
    metadata_times.push_back(now.steady);
    if (!answer_metadata) {
        held.emplace_back(link, frame);
        return;
    }
    std::vector<std::byte> bytes;
    REQUIRE(protocol::write_response_frame(bytes, metadata_answer(request), header.version,
                                           header.correlation_id));
    put_answer(link, header.correlation_id, std::move(bytes));
}

void core_script::take_init_producer_id(connection_id link, const protocol::request_header& header,
                                        bytes_view body, const std::vector<std::byte>& frame)
{
    protocol::init_producer_id_request request;
    REQUIRE(protocol::decode(body, header.version, request));
    ++ids_asked;
    if (!answer_init_producer_id) {
        held.emplace_back(link, frame);
        return;
    }
    protocol::init_producer_id_response response;
    response.error_code = static_cast<std::int16_t>(init_producer_id_error);
    if (response.error_code == 0) {
        response.producer_id = next_producer_id++;
        response.producer_epoch = first_epoch;
    }
    std::vector<std::byte> bytes;
    REQUIRE(protocol::write_response_frame(bytes, response, header.version, header.correlation_id));
    put_answer(link, header.correlation_id, std::move(bytes));
}

void core_script::take_produce(connection_id link, const protocol::request_header& header, bytes_view body)
{
    protocol::produce_request request;
    REQUIRE(protocol::decode(body, header.version, request));
    produce_question question{link, header.correlation_id, header.version, request.acks, {}};
    for (const auto& topic : request.topic_data) {
        auto name = topic.name;
        if (header.version >= 13)
            for (const auto& [candidate, model] : topics)
                if (model.id == topic.topic_id) name = candidate;
        for (const auto& part : topic.partition_data) {
            produced_batch batch{
                name, topic.topic_id, part.index, std::string{as_text(part.records.view())}, {}, {}};
            batch_reader reader{part.records.view(), batch_origin::producer, decompress};
            REQUIRE(reader.next_batch());
            batch.header = reader.header();
            record_view record;
            while (reader.next_record(record)) batch.values.emplace_back(as_text(record.value.view()));
            CHECK(reader.error() == batch_error::none);
            question.batches.push_back(std::move(batch));
        }
    }
    if (request.acks != 0)
        asked.push_back(std::move(question));
    else {
        peers.at(link).answers.pop_back();
        unacknowledged.push_back(std::move(question));
    }
}

protocol::produce_response_partition core_script::describe(const produced_batch& about, const reply& with)
{
    protocol::produce_response_partition part;
    part.index = about.partition;
    part.error_code = static_cast<std::int16_t>(with.error);
    part.base_offset = -1;
    auto& models = topics[about.topic].partitions;
    if (with.base_offset >= 0)
        part.base_offset = with.base_offset;
    else if (with.error == broker_errc::none && static_cast<std::size_t>(about.partition) < models.size()) {
        auto& end = models[static_cast<std::size_t>(about.partition)].end;
        part.base_offset = end;
        end += about.header.record_count;
    }
    part.log_append_time_ms = with.log_append_time;
    part.log_start_offset = with.log_start;
    for (const auto& [index, message] : with.records) part.record_errors.push_back({index, message});
    if (!with.message.empty()) part.error_message = with.message;
    part.current_leader = {with.leader, with.leader_epoch};
    return part;
}

} // namespace script
} // namespace kurier::core
