// One request of one connection: checked, handed to its API, its answer written, with the faults
// that the test has ordered for it.
#pragma once

#include <kurier/protocol/frame.hpp>
#include <kurier/testing/broker_connection.hpp>
#include <kurier/testing/cluster_state.hpp>
#include <kurier/testing/fault_script.hpp>
#include <kurier/testing/interception.hpp>
#include <kurier/testing/served_api.hpp>
#include <kurier/testing/violations.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class request_handler
{
public:
    explicit request_handler(cluster_state& cluster)
        : transactions_{cluster, groups_, violations_},
          parts_{cluster, faults_, violations_, observer_, logins_, transactions_, groups_}
    {
        serve_all(protocol::requests{});
    }
    request_handler(const request_handler&) = delete;
    request_handler& operator=(const request_handler&) = delete;

    fault_script& faults() noexcept { return faults_; }
    interceptors& intercepts() noexcept { return intercepts_; }
    violation_log& violations() noexcept { return violations_; }
    produce_observer& observer() noexcept { return observer_; }
    login_desk& logins() noexcept { return logins_; }
    transaction_coordinator& transactions() noexcept { return transactions_; }
    group_offsets& groups() noexcept { return groups_; }
    std::uint64_t requests() const noexcept { return requests_; }

    // Brokers answer this API too; those of protocol::requests they answer anyway.
    template <class Request> void serve()
    {
        apis_[Request::api_key] = std::make_unique<served<Request>>(parts_);
    }

    template <class Request> const api<Request>& get() const
    {
        return static_cast<const served<Request>&>(*apis_.at(Request::api_key)).what();
    }

    template <class Response> response_editor<Response>& editor()
    {
        return static_cast<responding<Response>&>(*apis_.at(Response::api_key)).editor;
    }
    void clear_editors()
    {
        for (auto& [key, known] : apis_) known->clear_editor();
    }

    // `frame` is a whole request without its size.
    void handle(broker_connection& connection, bytes_view frame, instant now)
    {
        ++requests_;
        protocol::request_header header;
        wire::reader in{frame};
        const auto flexible = [this](std::int16_t api_key, std::int16_t version) {
            const served_api* known = find(api_key);
            return known && known->flexible(version);
        };
        if (!protocol::take_request_header(in, header, flexible))
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
    const served_api* find(std::int16_t api_key) const noexcept
    {
        const auto found = apis_.find(api_key);
        return found == apis_.end() ? nullptr : found->second.get();
    }

    template <class... Request> void serve_all(protocol::type_list<Request...>) { (serve<Request>(), ...); }

    void dispatch(broker_connection& connection, const request_view& request)
    {
        const auto found = apis_.find(request.api_key);
        if (found == apis_.end()) // offered or not, the broker doesn't speak it
            return refuse(connection, violation::unsupported_version, describe(request));
        if (logins_.required() && !may_ask(connection.session, request)) return connection.close();
        call call{.broker = request.broker,
                  .version = request.version,
                  .now = request.now,
                  .offered = connection.versions.ranges(),
                  .session = connection.session};
        served_api& asked = *found->second;
        if (!connection.versions.offers(request.api_key, request.version))
            return refuse_version(connection, request, asked, call);
        const std::size_t begin = connection.out.size();
        std::vector<std::byte> late;
        const auto how = asked.answer(call, request, fault_, connection.out, late);
        if (how == decoded::malformed)
            return refuse(connection, violation::malformed_request, describe(request));
        if (how == decoded::not_canonical) violations_.add(violation::not_canonical, describe(request));
        connection.idempotent |= call.idempotent;
        if (!call.awaited.empty()) return await_followers(connection, begin, std::move(late), call);
        if (!call.unanswered) send(connection, begin, request.now.steady, fault_.delay);
        if (call.hang_up) connection.close();
    }

    // Before a login: versions, and what belongs to it. After its session nothing but a new one. Kafka just hangs up; here
    // the client is blamed too, unless its time was up.
    bool may_ask(const login_session& session, const request_view& request)
    {
        using phase = login_session::phase;
        const auto key = request.api_key;
        const bool introduces = key == protocol::sasl_handshake_request::api_key;
        const bool authenticates = key == protocol::sasl_authenticate_request::api_key;
        const bool versions = key == protocol::api_versions_request::api_key;
        const bool over = session.at == phase::known && session.end <= request.now.steady;
        const bool may = session.at == phase::introduced ? authenticates
                         : session.at == phase::unknown  ? introduces || versions
                                                         : !over || introduces;
        if (!may && !over) violations_.add(violation::not_logged_in, describe(request));
        return may;
    }

    // Kafka's purgatory: the response waits until followers have copied, or until the request's own timeout.
    void await_followers(broker_connection& connection, std::size_t begin, std::vector<std::byte> late,
                         const call& call)
    {
        delayed_answer waiting;
        waiting.due = core::later(call.now.steady, std::chrono::milliseconds{std::max(call.timeout_ms, 0)});
        waiting.awaited = call.awaited;
        waiting.frame.assign(connection.out.begin() + static_cast<std::ptrdiff_t>(begin),
                             connection.out.end());
        waiting.late_frame = std::move(late);
        connection.out.resize(begin);
        connection.delayed = std::move(waiting);
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
    void refuse_version(broker_connection& connection, const request_view& request, const served_api& asked,
                        const call& call)
    {
        const std::size_t begin = connection.out.size();
        if (!connection.versions.offers(request.api_key) ||
            !asked.answer_unsupported(call, request, connection.out))
            return refuse(connection, violation::unsupported_version, describe(request));
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

    fault_script faults_;
    interceptors intercepts_;
    violation_log violations_;
    produce_observer observer_;
    login_desk logins_;
    group_offsets groups_;
    transaction_coordinator transactions_;
    broker_parts parts_;
    std::map<std::int16_t, std::unique_ptr<served_api>> apis_; // by key
    std::uint64_t requests_ = 0;

    fault fault_; // of the request in hand
};

} // namespace kurier::inline KURIER_ABI::testing
