// One request of one connection: checked, handed to the API's handler, its answer written, with the faults
// that the test has ordered for it.
#pragma once

#include <kurier/protocol/frame.hpp>
#include <kurier/testing/broker_connection.hpp>
#include <kurier/testing/cluster_state.hpp>
#include <kurier/testing/fault_script.hpp>
#include <kurier/testing/interception.hpp>
#include <kurier/testing/metadata_handler.hpp>
#include <kurier/testing/produce_handler.hpp>
#include <kurier/testing/violations.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kurier::testing {

class request_handler
{
public:
    explicit request_handler(cluster_state& cluster)
        : cluster_{cluster}, produce_{cluster, faults_, violations_, observer_}
    {}
    request_handler(const request_handler&) = delete;
    request_handler& operator=(const request_handler&) = delete;

    fault_script& faults() noexcept { return faults_; }
    interceptors& intercepts() noexcept { return intercepts_; }
    answer_editors& editors() noexcept { return editors_; }
    violation_log& violations() noexcept { return violations_; }
    produce_observer& observer() noexcept { return observer_; }
    const produce_handler& produce() const noexcept { return produce_; }
    std::uint64_t requests() const noexcept { return requests_; }

    // `frame` is a whole request without its size.
    void handle(broker_connection& connection, bytes_view frame, instant now)
    {
        ++requests_;
        protocol::request_header header;
        wire::reader in{frame};
        if (!protocol::take_request_header(in, header, is_flexible))
            return refuse(connection, violation::malformed_request, "request header");
        const request_view request{.connection = connection.id,
                                   .broker = connection.broker,
                                   .api_key = header.api_key,
                                   .version = header.version,
                                   .correlation_id = header.correlation_id,
                                   .body = {in.position(), in.left()},
                                   .now = now};
        const auto ordered = faults_.empty() ? std::nullopt : faults_.take(header.api_key, connection.broker);
        fault_ = ordered ? *ordered : fault{};
        if (!intercepts_.empty() && intercept(connection, request)) return;
        dispatch(connection, request);
    }

private:
    static bool is_flexible(std::int16_t api_key, std::int16_t version)
    {
        return is_flexible(api_key, version, protocol::requests{});
    }
    template <class... Request>
    static bool is_flexible(std::int16_t api_key, std::int16_t version, protocol::type_list<Request...>)
    {
        return ((Request::api_key == api_key && Request::flexible(version)) || ...);
    }

    void dispatch(broker_connection& connection, const request_view& request)
    {
        using namespace protocol;
        if (!connection.versions.offers(request.api_key, request.version))
            return refuse_version(connection, request);
        switch (request.api_key) {
        case produce_request::api_key:
            return handle_produce(connection, request);
        case metadata_request::api_key:
            return handle_message<metadata_request>(connection, request, [&](const metadata_request& asked) {
                return answer_metadata(asked, request);
            });
        case init_producer_id_request::api_key:
            return handle_message<init_producer_id_request>(
                connection, request, [&](const auto& asked) { return answer_init(asked, request); });
        case api_versions_request::api_key:
            return handle_message<api_versions_request>(connection, request, [&](const auto& asked) {
                return answer_versions(asked, request, connection.versions);
            });
        default:
            refuse(connection, violation::unsupported_version, describe(request)); // told, but not spoken
        }
    }

    template <class Request, class Function>
    void handle_message(broker_connection& connection, const request_view& request, Function function)
    {
        Request asked;
        if (!decode(connection, request, asked)) return;
        auto response = function(asked);
        response.throttle_time_ms = fault_.throttle_ms;
        answer(connection, request, response);
    }

    template <class Request>
    bool decode(broker_connection& connection, const request_view& request, Request& asked)
    {
        if (!Request::valid(request.version) || !protocol::decode(request.body, request.version, asked)) {
            refuse(connection, violation::malformed_request, describe(request));
            return false;
        }
        if (protocol::encoded_size(asked, request.version) != request.body.size())
            violations_.add(violation::not_canonical, describe(request));
        return true;
    }

    protocol::metadata_response answer_metadata(const protocol::metadata_request& asked,
                                                const request_view& request)
    {
        auto response = metadata_handler{cluster_, request.broker}.answer(asked, request.version);
        if (fault_.error != broker_errc::none) {
            response.error_code = code_of(fault_.error);
            for (auto& topic : response.topics) {
                topic.error_code = code_of(fault_.error);
                topic.partitions.clear();
            }
        }
        if (editors_.metadata) editors_.metadata(request.broker, response);
        return response;
    }

    protocol::init_producer_id_response answer_init(const protocol::init_producer_id_request& asked,
                                                    const request_view& request)
    {
        protocol::init_producer_id_response response;
        response.producer_epoch = -1;
        response.error_code = code_of(fault_.error);
        if (fault_.error == broker_errc::none)
            response = answer_init_producer_id(asked, request.version, cluster_);
        if (editors_.init_producer_id) editors_.init_producer_id(request.broker, response);
        return response;
    }

    protocol::api_versions_response answer_versions(const protocol::api_versions_request& asked,
                                                    const request_view& request, const version_table& offered)
    {
        protocol::api_versions_response response;
        response.error_code = code_of(fault_.error);
        if (fault_.error == broker_errc::none)
            response =
                answer_api_versions(asked, request.version, offered, cluster_.metadata(), request.broker);
        if (editors_.api_versions) editors_.api_versions(request.broker, response);
        return response;
    }

    void handle_produce(broker_connection& connection, const request_view& request)
    {
        if (!decode(connection, request, asked_)) return;
        produce_handler::outcome outcome;
        if (fault_.error != broker_errc::none)
            outcome = fail_all(fault_.error);
        else
            outcome = produce_.answer(request.broker, asked_, request.version, request.now.wall_ms, told_);
        connection.idempotent |= outcome.idempotent;
        if (asked_.acks == 0) { // Kafka's only way to tell an error
            if (outcome.any_error) connection.close();
            return;
        }
        told_.throttle_time_ms = fault_.throttle_ms;
        if (editors_.produce) editors_.produce(request.broker, told_);
        if (outcome.awaits_followers) return await_followers(connection, request);
        answer(connection, request, told_);
    }

    produce_handler::outcome fail_all(broker_errc error)
    {
        told_ = {};
        for (const protocol::produce_request_topic& topic : asked_.topic_data) {
            protocol::produce_response_topic& told = told_.responses.emplace_back();
            told.name = topic.name;
            told.topic_id = topic.topic_id;
            for (const protocol::produce_request_partition& data : topic.partition_data) {
                protocol::produce_response_partition& partition = told.partition_responses.emplace_back();
                partition.index = data.index;
                partition.error_code = code_of(error);
                partition.base_offset = -1;
            }
        }
        return {.any_error = true};
    }

    // Kafka's purgatory: the answer waits until followers have copied, or until the request's own timeout.
    void await_followers(broker_connection& connection, const request_view& request)
    {
        delayed_answer waiting;
        waiting.due =
            core::later(request.now.steady, std::chrono::milliseconds{std::max(asked_.timeout_ms, 0)});
        waiting.awaited = produce_.awaited();
        protocol::write_response_frame(waiting.frame, told_, request.version, request.correlation_id);
        produce_.time_out(told_);
        protocol::write_response_frame(waiting.late_frame, told_, request.version, request.correlation_id);
        connection.delayed = std::move(waiting);
    }

    template <class Response>
    void answer(broker_connection& connection, const request_view& request, const Response& response)
    {
        const std::size_t begin = connection.out.size();
        protocol::write_response_frame(connection.out, response, request.version, request.correlation_id);
        send(connection, begin, request.now.steady, fault_.delay);
    }

    // The answer lies at the end of the output; what was ordered for it happens to it now.
    void send(broker_connection& connection, std::size_t begin, nanoseconds now, nanoseconds delay)
    {
        if (fault_.throttle_ms > 0)
            connection.muted_until = core::later(now, std::chrono::milliseconds{fault_.throttle_ms});
        spoil(connection.out, begin);
        if (fault_.answer == answer_fault::never) connection.never_answers = true;
        bool close = false;
        if (fault_.close_after_answer_bytes) {
            connection.out.resize(std::min(connection.out.size(), begin + *fault_.close_after_answer_bytes));
            close = true;
        }
        if (delay > nanoseconds{0}) {
            delayed_answer later;
            later.due = core::later(now, delay);
            later.frame.assign(connection.out.begin() + static_cast<std::ptrdiff_t>(begin),
                               connection.out.end());
            later.close_after = close;
            connection.out.resize(begin);
            connection.delayed = std::move(later);
        } else if (close) {
            connection.close();
        }
    }

    void spoil(std::vector<std::byte>& out, std::size_t begin) const
    {
        constexpr std::size_t front = 8; // size and correlation id
        switch (fault_.answer) {
        case answer_fault::none:
            break;
        case answer_fault::garbage:
            for (std::size_t at = begin + front; at < out.size(); ++at)
                out[at] = static_cast<std::byte>(0xa5 ^ at);
            break;
        case answer_fault::wrong_correlation_id:
            if (out.size() >= begin + front) out[begin + 5] ^= std::byte{0x55};
            break;
        case answer_fault::twice: {
            const std::vector<std::byte> once(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end());
            out.insert(out.end(), once.begin(), once.end());
            break;
        }
        case answer_fault::swallowed:
        case answer_fault::never:
            out.resize(begin);
            break;
        }
    }

    bool intercept(broker_connection& connection, const request_view& request)
    {
        interception wish = intercepts_.ask(request);
        switch (wish.what()) {
        case interception::kind::pass:
            return false;
        case interception::kind::close:
            connection.close();
            return true;
        case interception::kind::never:
            connection.never_answers = true;
            return true;
        case interception::kind::answer:
            break;
        }
        const std::size_t begin = connection.out.size();
        connection.out.insert(connection.out.end(), wish.frame().begin(), wish.frame().end());
        send(connection, begin, request.now.steady, core::later(fault_.delay, wish.delay()));
        return true;
    }

    // An ApiVersions request in an unknown version is no reason to hang up, any other is.
    void refuse_version(broker_connection& connection, const request_view& request)
    {
        using protocol::api_versions_request;
        const bool offered =
            std::ranges::any_of(connection.versions.ranges(), [](const protocol::api_version& range) {
                return range.api_key == api_versions_request::api_key;
            });
        if (request.api_key != api_versions_request::api_key || !offered)
            return refuse(connection, violation::unsupported_version, describe(request));
        const std::size_t begin = connection.out.size();
        const auto response = refuse_api_versions(connection.versions);
        protocol::write_response_frame(connection.out, response, 0, request.correlation_id);
        send(connection, begin, request.now.steady, fault_.delay);
    }

    void refuse(broker_connection& connection, violation kind, std::string what)
    {
        violations_.add(kind, std::move(what));
        connection.close();
    }

    static std::string describe(const request_view& request)
    {
        return "API " + std::to_string(request.api_key) + " v" + std::to_string(request.version) + ", " +
               std::to_string(request.body.size()) + " bytes, to broker " + std::to_string(request.broker);
    }

    cluster_state& cluster_;
    fault_script faults_;
    interceptors intercepts_;
    answer_editors editors_;
    violation_log violations_;
    produce_observer observer_;
    produce_handler produce_;
    std::uint64_t requests_ = 0;

    fault fault_;                     // of the request in hand
    protocol::produce_request asked_; // kept for their memory
    protocol::produce_response told_;
};

} // namespace kurier::testing
