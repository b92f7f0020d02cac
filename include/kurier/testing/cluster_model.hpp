// A whole Kafka cluster, as far as producers need one, in one object: bytes in, bytes out. It has no socket,
// clock, thread or randomness; time is passed in, so a test or a simulator decides everything.
// embedded_broker puts it behind sockets.
//
//     cluster_model cluster;
//     const connection_id c = cluster.accept(1);
//     cluster.receive(c, request_bytes, now);
//     cluster.poll_output(c, now, answer_bytes);
//
// What goes on inside: cluster_state (topics, leaders, logs), fault_script and interception (ordered
// trouble), violations (what clients did wrong).
#pragma once

#include <kurier/testing/broker_connection.hpp>
#include <kurier/testing/cluster_options.hpp>
#include <kurier/testing/cluster_state.hpp>
#include <kurier/testing/request_handler.hpp>
#include <kurier/testing/stored_record.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

enum class connection_state : std::uint8_t {
    open,
    closed, // by the broker, after the bytes that came with this
};

class cluster_model
{
public:
    explicit cluster_model(cluster_options options = {})
        : state_{std::move(options)}, handler_{state_},
          versions_(state_.metadata().brokers.size(), version_table::newest())
    {}
    cluster_model(const cluster_model&) = delete;
    cluster_model& operator=(const cluster_model&) = delete;

    // --- what a test orders and asks

    cluster_state& state() noexcept { return state_; }
    fault_script& faults() noexcept { return handler_.faults(); }
    violation_log& violations() noexcept { return handler_.violations(); }

    void create_topic(std::string_view name, std::int32_t partitions = 1)
    {
        topic_options options = state_.options().topic_defaults;
        options.partitions = partitions;
        state_.create_topic(name, options);
    }
    void create_topic(std::string_view name, const topic_options& options)
    {
        state_.create_topic(name, options);
    }

    // "The next `times` batches for this partition are answered with `error`."
    void fail_next(std::string topic, std::int32_t partition, broker_errc error, int times = 1)
    {
        faults().add(std::move(topic), partition, {.error = error, .times = times});
    }
    // The same, but the records get into the log.
    void fail_next_after_append(std::string topic, std::int32_t partition, broker_errc error, int times = 1)
    {
        faults().add(std::move(topic), partition, {.error = error, .after_append = true, .times = times});
    }
    void inject(fault ordered) { faults().add(std::move(ordered)); }

    // Asked about the next `times` requests for this API that it doesn't let pass.
    void intercept(std::int16_t api_key, interceptor function, int times = 1)
    {
        handler_.intercepts().add(api_key, std::move(function), times);
    }
    void clear_interceptors() noexcept { handler_.intercepts().clear(); }

    // Changes good responses before they are encoded:
    //     cluster.edit<protocol::metadata_response>([](broker_id, auto& response) { response.topics.clear(); });
    template <class Response> void edit(response_editor<Response> function)
    {
        handler_.editor<Response>() = std::move(function);
    }
    void clear_editors() { handler_.clear_editors(); }

    // Called for each batch of each Produce request.
    void observe(produce_observer function) { handler_.observer() = std::move(function); }

    // Who may log in, and how; empty: everybody may ask for everything.
    login_desk& logins() noexcept { return handler_.logins(); }

    transaction_coordinator& transactions() noexcept { return handler_.transactions(); }
    group_offsets& groups() noexcept { return handler_.groups(); }

    // The cluster's transaction.version is finalized anew. Clients hear of it with their next ApiVersions request.
    void finalize_transaction_version(std::int16_t level)
    {
        state_.options().transaction_version = level;
        ++state_.options().finalized_features_epoch;
    }

    // For connections made from now on.
    void set_versions(broker_id broker, version_table versions)
    {
        versions_.at(index(broker)) = std::move(versions);
    }
    const version_table& versions(broker_id broker) const { return versions_.at(index(broker)); }

    // An API of the test's own: see apis/api.hpp. All brokers offer it to connections made from now on.
    template <class Request> void serve()
    {
        handler_.serve<Request>();
        for (version_table& offered : versions_) offered.set<Request>(Request::valid.lo, Request::valid.hi);
    }

    // Its connections break; leaders move if they can.
    void stop_broker(broker_id broker)
    {
        state_.stop_broker(broker);
        close_connections(broker);
    }
    void start_broker(broker_id broker, producer_memory memory = producer_memory::newest_only)
    {
        state_.start_broker(broker, memory);
    }
    void close_connections(broker_id broker)
    {
        for (auto& [id, connection] : connections_) {
            if (connection.broker != broker) continue;
            connection.close();
            connection.out.clear();
            mark_ready(connection);
        }
    }

    void stop_followers(std::string_view topic, std::int32_t partition)
    {
        state_.stop_followers(topic, partition);
    }
    // Answers that waited for them are due at once.
    void resume_followers(std::string_view topic, std::int32_t partition, instant now)
    {
        state_.resume_followers(topic, partition);
        for (auto& [id, connection] : connections_) {
            if (connection.delayed && !connection.delayed->awaited.empty()) pump(connection, now);
        }
    }

    std::vector<stored_record> log(std::string_view topic, std::int32_t partition = 0,
                                   isolation level = isolation::read_uncommitted)
    {
        return read_records(state_.log(topic, partition), state_.options().decompress, level);
    }

    std::uint64_t requests() const noexcept { return handler_.requests(); }
    std::uint64_t batches_appended() const { return produced().batches_appended(); }
    std::uint64_t batches_duplicate() const { return produced().batches_duplicate(); }

    // --- connections

    // Nothing when the broker is down: the connection is refused.
    std::optional<connection_id> accept(broker_id broker)
    {
        if (!state_.metadata().is_alive(broker)) return std::nullopt;
        const connection_id id = ++last_connection_;
        broker_connection& connection = connections_[id];
        connection.id = id;
        connection.broker = broker;
        connection.versions = versions_[index(broker)];
        return id;
    }

    // Bytes for a connection that the broker has closed are lost.
    void receive(connection_id id, bytes_view bytes, instant now)
    {
        broker_connection* connection = find(id);
        if (!connection || connection->closed) return;
        connection->in.insert(connection->in.end(), bytes.begin(), bytes.end());
        scan(*connection, now);
        pump(*connection, now);
    }

    // Adds what the client may read now. After `closed` the connection is gone.
    connection_state poll_output(connection_id id, instant now, std::vector<std::byte>& out)
    {
        broker_connection* connection = find(id);
        if (!connection) return connection_state::closed;
        pump(*connection, now);
        if (out.empty())
            out.swap(connection->out);
        else
            out.insert(out.end(), connection->out.begin(), connection->out.end());
        connection->out.clear();
        if (!connection->closed) return connection_state::open;
        forget(*connection);
        return connection_state::closed;
    }

    // The client is gone. Requests that arrived but had to wait may or may not be handled by a real broker.
    enum class unhandled : std::uint8_t { dropped, handled };
    void disconnect(connection_id id, unhandled requests, instant now)
    {
        broker_connection* connection = find(id);
        if (!connection) return;
        while (requests == unhandled::handled && !connection->closed) {
            connection->delayed.reset();
            connection->never_answers = false;
            connection->muted_until = nanoseconds{0};
            const std::size_t before = connection->backlog();
            pump(*connection, now);
            if (connection->backlog() == before) break;
        }
        forget(*connection);
    }

    // The size of the requests that have arrived as a whole and wait until the broker gets to them: a reason
    // to stop reading from this client.
    std::size_t backlog(connection_id id) const noexcept
    {
        const auto found = connections_.find(id);
        return found == connections_.end() ? 0 : found->second.in_scanned - found->second.in_begin;
    }
    std::size_t connections() const noexcept { return connections_.size(); }

    // The next time when a connection has news without having received anything; core::never if none.
    nanoseconds next_due() const noexcept { return timers_.empty() ? core::never : timers_.begin()->first; }

    // A connection with news (output, or closed) since it was polled last.
    std::optional<connection_id> take_ready(instant now)
    {
        while (!timers_.empty() && timers_.begin()->first <= now.steady)
            pump(connections_.at(timers_.begin()->second), now);
        while (!ready_.empty()) {
            const connection_id id = ready_.front();
            ready_.pop_front();
            broker_connection* connection = find(id);
            if (!connection) continue;
            connection->ready = false;
            if (connection->closed || !connection->out.empty()) return id;
        }
        return std::nullopt;
    }

private:
    const api<protocol::produce_request>& produced() const
    {
        return handler_.get<protocol::produce_request>();
    }
    static std::size_t index(broker_id broker) noexcept { return static_cast<std::size_t>(broker) - 1; }

    broker_connection* find(connection_id id) noexcept
    {
        const auto found = connections_.find(id);
        return found == connections_.end() ? nullptr : &found->second;
    }

    void forget(broker_connection& connection)
    {
        set_timer(connection, core::never);
        connections_.erase(connection.id);
    }

    void mark_ready(broker_connection& connection)
    {
        if (std::exchange(connection.ready, true)) return;
        ready_.push_back(connection.id);
    }

    void set_timer(broker_connection& connection, nanoseconds due)
    {
        if (connection.timer == due) return;
        if (connection.timer != core::never) timers_.erase({connection.timer, connection.id});
        if (due != core::never) timers_.emplace(due, connection.id);
        connection.timer = due;
    }

    // Counts whole requests as they arrive, handled or not.
    void scan(broker_connection& connection, instant now)
    {
        while (connection.in.size() - connection.in_scanned >= frame_front::bytes) {
            const auto front = load_frame_front(bytes_view{connection.in}.subspan(connection.in_scanned));
            if (front.size < 8 || front.whole() > connection.in.size() - connection.in_scanned) return;
            connection.in_scanned += front.whole();
            note_arrival(connection, front, now);
        }
    }

    void note_arrival(broker_connection& connection, const frame_front& front, instant now)
    {
        const bool outstanding =
            connection.delayed || connection.never_answers || !connection.waiting.empty();
        if (outstanding &&
            std::ranges::find(connection.waiting, front.correlation_id) != connection.waiting.end())
            violations().add(violation::correlation_id_reused, std::to_string(front.correlation_id));
        connection.waiting.push_back(front.correlation_id);
        if (connection.muted_until > now.steady)
            violations().add(violation::sent_while_throttled, "broker " + std::to_string(connection.broker));
        if (front.api_key != protocol::produce_request::api_key) return;
        const std::size_t in_flight = ++connection.produce_waiting + (connection.delayed ? 1 : 0);
        if (connection.idempotent && in_flight > producer_batches_retained)
            violations().add(violation::too_many_in_flight, std::to_string(in_flight) + " Produce requests");
    }

    void pump(broker_connection& connection, instant now)
    {
        const std::size_t before = connection.out.size();
        send_delayed(connection, now);
        while (!connection.busy(now.steady) && handle_next(connection, now)) {
        }
        if (connection.closed || connection.out.size() != before) mark_ready(connection);
        nanoseconds due = core::never;
        if (connection.delayed)
            due = connection.delayed->due;
        else if (connection.muted_until > now.steady && connection.backlog() != 0)
            due = connection.muted_until;
        set_timer(connection, connection.closed ? core::never : due);
    }

    static void send_delayed(broker_connection& connection, instant now)
    {
        if (!connection.delayed) return;
        delayed_answer& waiting = *connection.delayed;
        const bool copied = !waiting.awaited.empty() &&
                            std::ranges::none_of(waiting.awaited, &partition_state::followers_stopped);
        if (waiting.due > now.steady && !copied) return;
        const bool late = !waiting.awaited.empty() && !copied;
        const std::vector<std::byte>& frame = late ? waiting.late_frame : waiting.frame;
        connection.out.insert(connection.out.end(), frame.begin(), frame.end());
        const bool close = waiting.close_after;
        connection.delayed.reset();
        if (close) connection.close();
    }

    // False: no whole request is there.
    bool handle_next(broker_connection& connection, instant now)
    {
        const std::size_t arrived = connection.backlog();
        if (arrived < 4) return false;
        const auto size = load_big_endian<std::int32_t>(connection.unhandled().data());
        if (size < 8 || size > state_.options().socket_request_max_bytes) {
            violations().add(violation::malformed_request, "size " + std::to_string(size));
            connection.close();
            return true;
        }
        if (arrived < frame_front::bytes) return false;
        const frame_front front = load_frame_front(connection.unhandled());
        if (!faults().empty() &&
            faults().take_request_cut(front.api_key, connection.broker, arrived, front.whole())) {
            connection.close();
            return true;
        }
        if (arrived < front.whole()) return false;
        if (!connection.waiting.empty()) connection.waiting.pop_front();
        if (front.api_key == protocol::produce_request::api_key && connection.produce_waiting > 0)
            --connection.produce_waiting;
        expire_producers(now);
        transactions().advance(now.wall_ms);
        handler_.handle(connection, connection.unhandled().subspan(4, static_cast<std::size_t>(front.size)),
                        now);
        if (!connection.closed) connection.consume(front.whole());
        return true;
    }

    // producer.id.expiration.check.interval.ms
    void expire_producers(instant now)
    {
        if (now.steady < next_expiry_) return;
        next_expiry_ = core::later(now.steady, std::chrono::minutes{10});
        state_.expire_producers(now.wall_ms);
    }

    cluster_state state_;
    request_handler handler_;
    std::vector<version_table> versions_;
    std::map<connection_id, broker_connection> connections_;
    connection_id last_connection_ = 0;
    std::deque<connection_id> ready_;
    std::set<std::pair<nanoseconds, connection_id>> timers_;
    nanoseconds next_expiry_{0};
};

} // namespace kurier::inline KURIER_ABI::testing
