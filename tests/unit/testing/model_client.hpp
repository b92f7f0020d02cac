// A client of the cluster model, without a socket: requests in, answers out, time in the test's hands.
#pragma once

#include "../../support/answer.hpp"
#include "batch_builder.hpp"

#include <kurier/protocol/frame.hpp>
#include <kurier/testing/cluster_model.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

using bytes = std::vector<std::byte>;
using namespace std::chrono_literals;

struct model_clock
{
    static constexpr std::int64_t begin_ms = 1'700'000'000'000;
    core::nanoseconds passed{0};
    core::instant now() const
    {
        return {passed, begin_ms + std::chrono::duration_cast<std::chrono::milliseconds>(passed).count()};
    }
};

class model_client
{
public:
    model_client(cluster_model& cluster, model_clock& clock, broker_id broker = 1)
        : cluster_{cluster}, clock_{clock}, id_{cluster.accept(broker).value()}
    {}

    connection_id id() const noexcept { return id_; }
    bool closed() const noexcept { return closed_; }

    void send(const bytes& sent) { cluster_.receive(id_, sent, clock_.now()); }
    template <class Request> std::int32_t send(const Request& request, std::int16_t version)
    {
        bytes frame;
        if (!protocol::write_request_frame(frame, request, version, ++correlation_id_, "test"))
            throw std::logic_error("the request can't be written in this version");
        send(frame);
        return correlation_id_;
    }

    // All that can be read now.
    const bytes& read()
    {
        if (!closed_) closed_ = cluster_.poll_output(id_, clock_.now(), in_) == connection_state::closed;
        return in_;
    }

    // The next answer without its size, if it is there.
    std::optional<bytes> next_frame()
    {
        read();
        if (in_.size() < 4) return std::nullopt;
        const auto size = static_cast<std::size_t>(wire::reader{in_}.take_int<std::int32_t>());
        if (in_.size() < 4 + size) return std::nullopt;
        const auto end = in_.begin() + 4 + static_cast<std::ptrdiff_t>(size);
        bytes frame(in_.begin() + 4, end);
        in_.erase(in_.begin(), end);
        return frame;
    }

    template <class Response> std::optional<Response> receive(std::int16_t version)
    {
        const auto frame = next_frame();
        if (!frame) return std::nullopt;
        last_correlation_id_ = correlation_id_of(*frame);
        return answer_in<Response>(*frame, version);
    }

    template <class Response, class Request>
    std::optional<Response> ask(const Request& request, std::int16_t version)
    {
        send(request, version);
        return receive<Response>(version);
    }

    std::int32_t answered_correlation_id() const noexcept { return last_correlation_id_; }

    // --- what tests ask for most. Requests refer to the batch

    protocol::produce_request produce_request(const std::string& topic, std::int32_t partition,
                                              const bytes& batch, std::int16_t version,
                                              std::int16_t acks = -1)
    {
        protocol::produce_request request;
        request.acks = acks;
        request.timeout_ms = 1000;
        auto& asked = request.topic_data.emplace_back();
        if (version >= 13)
            asked.topic_id = cluster_.state().topic(topic).id;
        else
            asked.name = topic;
        asked.partition_data.push_back({partition, nullable_bytes{bytes_view{batch}}});
        return request;
    }

    std::optional<protocol::produce_response_partition>
    produce(const std::string& topic, std::int32_t partition, const bytes& batch, std::int16_t version = 13)
    {
        const auto response =
            ask<protocol::produce_response>(produce_request(topic, partition, batch, version), version);
        if (!response) return std::nullopt;
        throttle_time_ms = response->throttle_time_ms;
        endpoints = response->node_endpoints;
        return response->responses.at(0).partition_responses.at(0);
    }

    // The error code; UNKNOWN_SERVER_ERROR if there is no answer.
    broker_errc try_produce(const std::string& topic, std::int32_t partition, const bytes& batch,
                            std::int16_t version = 13)
    {
        const auto told = produce(topic, partition, batch, version);
        return told ? static_cast<broker_errc>(told->error_code) : broker_errc::unknown_server_error;
    }

    protocol::metadata_response metadata(const std::string& topic, std::int16_t version = 12,
                                         bool create = false)
    {
        protocol::metadata_request request;
        request.topics.emplace().push_back({{}, topic});
        request.allow_auto_topic_creation = create;
        return ask<protocol::metadata_response>(request, version).value();
    }

    std::int32_t throttle_time_ms = 0;
    std::vector<protocol::node_endpoint> endpoints;

private:
    cluster_model& cluster_;
    model_clock& clock_;
    connection_id id_;
    bytes in_;
    bool closed_ = false;
    std::int32_t correlation_id_ = 0;
    std::int32_t last_correlation_id_ = -1;
};

inline batch_builder records(int count)
{
    return batch_builder{model_clock::begin_ms}.records(count);
}

} // namespace kurier::inline KURIER_ABI::testing
