// What is done to a broker, and what it answers, as lines of text: equal lines mean equal rules.
#pragma once

#include "../../unit/testing/batch_builder.hpp"
#include "target.hpp"

#include <kurier/error.hpp>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kurier::parity {

using testing::batch_builder;

inline std::int64_t wall_ms()
{
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

inline std::int16_t usual_produce_version = 9; // 7 for old brokers

class run
{
public:
    run(target& asked, std::string prefix) : target_{asked}, prefix_{std::move(prefix)} {}

    target& broker() noexcept { return target_; }
    const std::vector<std::string>& lines() const noexcept { return lines_; }
    void line(const std::string& text) { lines_.push_back(text); }

    std::string new_topic(const testing::topic_options& options = {})
    {
        const std::string name = prefix_ + std::to_string(++topics_);
        target_.create_topic(name, options);
        return name;
    }

    struct identity
    {
        std::int64_t id = -1;
        std::int16_t epoch = -1;
    };
    identity new_producer()
    {
        raw_client client = target_.connect();
        identity given;
        wait_until("a producer id is given", [&] { // a new broker answers COORDINATOR_LOAD_IN_PROGRESS first
            const auto told =
                client.ask<protocol::init_producer_id_response>(protocol::init_producer_id_request{}, 1);
            if (!told || told->error_code != 0) return false;
            given = {told->producer_id, told->producer_epoch};
            return true;
        });
        return given;
    }

private:
    target& target_;
    std::string prefix_;
    std::vector<std::string> lines_;
    int topics_ = 0;
};

// Batches for partition 0 of one topic; each answer becomes a line.
class producing
{
public:
    explicit producing(run& to, const testing::topic_options& options = {})
        : run_{to}, topic_{to.new_topic(options)}, id_{to.broker().topic_id(topic_)},
          client_{to.broker().connect()}
    {}

    std::string name() const { return topic_; }
    producing& version(std::int16_t number) { return version_ = number, *this; }
    producing& acks(std::int16_t number) { return acks_ = number, *this; }
    producing& partition(std::int32_t number) { return partition_ = number, *this; }
    producing& reconnect() { return client_ = run_.broker().connect(), *this; }

    void operator()(const std::string& what, const bytes& records)
    {
        send(what, nullable_bytes{bytes_view{records}});
    }

    void send(const std::string& what, nullable_bytes records)
    {
        protocol::produce_request request;
        request.acks = acks_;
        request.timeout_ms = 5000;
        protocol::produce_request_topic& topic = request.topic_data.emplace_back();
        if (version_ >= 13)
            topic.topic_id = id_;
        else
            topic.name = topic_;
        topic.partition_data.push_back({partition_, records});
        if (acks_ == 0) return send_unanswered(what, request);
        const auto response = client_.ask<protocol::produce_response>(request, version_);
        if (!response) return closed(what);
        const auto& told = response->responses.at(0).partition_responses.at(0);
        run_.line(what + ": " + describe(told));
    }

private:
    void send_unanswered(const std::string& what, const protocol::produce_request& request)
    {
        if (!client_.send(request, version_) || !client_.silent(300)) return closed(what);
        run_.line(what + ": nothing");
    }

    void closed(const std::string& what)
    {
        run_.line(what + ": the connection is closed");
        reconnect();
    }

    static std::string describe(const protocol::produce_response_partition& told)
    {
        const auto code = static_cast<broker_errc>(told.error_code);
        std::string text = told.error_code == 0 ? "ok" : std::string{error_name(code)};
        text += ", base offset " + std::to_string(told.base_offset) + ", log start " +
                std::to_string(told.log_start_offset) + ", append time ";
        const std::int64_t age = wall_ms() - told.log_append_time_ms;
        if (told.log_append_time_ms == -1)
            text += "none";
        else if (age > -2000 && age < 60'000)
            text += "now";
        else if (age <= -2000 && age > -86'400'000)
            text += "ahead";
        else
            text += std::to_string(told.log_append_time_ms);
        for (const auto& record : told.record_errors)
            text += ", record " + std::to_string(record.batch_index);
        if (told.current_leader.leader_id != -1) text += ", leader hint";
        return text;
    }

    run& run_;
    std::string topic_;
    uuid id_;
    raw_client client_;
    std::int16_t version_ = usual_produce_version;
    std::int16_t acks_ = -1;
    std::int32_t partition_ = 0;
};

inline batch_builder records(int count)
{
    return batch_builder{wall_ms()}.records(count);
}

using case_function = std::function<void(run&)>;
struct named_case
{
    std::string name;
    case_function function;
};

} // namespace kurier::parity
