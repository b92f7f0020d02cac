// The network between one producer's core and a cluster_model: it performs the core's actions as io/driver.hpp does on
// sockets, with every delay, loss and partial transfer that the faults ask for.
#pragma once

#include <kurier/core/producer_core.hpp>
#include <kurier/testing/simulation/event_log.hpp>
#include <kurier/testing/simulation/fault_source.hpp>
#include <kurier/testing/simulation/simulated_connection.hpp>
#include <kurier/testing/simulation/virtual_clock.hpp>

#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class simulated_network
{
public:
    using nanoseconds = std::chrono::nanoseconds;

    // What an undisturbed transfer takes.
    struct manners
    {
        nanoseconds latency_min{std::chrono::microseconds{50}}, latency_max{std::chrono::milliseconds{2}};
        nanoseconds request_timeout{std::chrono::seconds{30}};
    };

    simulated_network(cluster_model& cluster, virtual_clock& clock, fault_source& faults, event_log& log,
                      dice random, manners usual)
        : cluster_{cluster}, clock_{clock}, faults_{faults}, log_{log}, random_{random}, usual_{usual}
    {}

    void attach(core::producer_core* core) noexcept { core_ = core; }
    std::uint64_t steps() const noexcept { return steps_; }
    bool empty() const noexcept { return connections_.empty(); }

    // --- the producer's actions --------------------------------------------------------------------------------------

    void connect(const core::action& wanted)
    {
        auto& made = *connections_.emplace_back(std::make_unique<simulated_connection>());
        made.serial = ++last_serial_;
        made.link = wanted.link;
        made.broker = listener(wanted.host, wanted.port);
        log_.add(clock_.now(), event_kind::connect, id(made), made.broker);
        static constexpr std::array kinds{fault_kind::connection_refused, fault_kind::connection_black_hole,
                                          fault_kind::resolve_failure};
        const auto trouble = faults_.which(kinds);
        if (trouble) tell(*trouble, made);
        if (trouble == fault_kind::connection_black_hole) return;
        if (trouble)
            made.reason =
                trouble == fault_kind::resolve_failure ? errc::resolve_failed : errc::connect_failed;
        schedule(made, step::connect, latency());
    }

    void write(core::connection_id link)
    {
        if (auto* found = find(link)) write(*found);
    }

    void close(core::connection_id link)
    {
        auto* found = find(link);
        if (!found || found->client_closing) return;
        log_.add(clock_.now(), event_kind::close, id(*found));
        end_client(*found, {});
        if (!random_.once_in(3)) return;
        drop_remote(*found); // it had data to read: a reset takes what is on its way with it
        found->up.clear();
    }

    // The process is gone: its sockets are closed.
    void close_all()
    {
        for (auto& connection : connections_) {
            connection->writing = false;
            connection->client_closing = connection->client_gone = true;
            connection->read_into = {};
            schedule(*connection, step::forget, latency());
        }
        core_ = nullptr;
    }

    // --- time --------------------------------------------------------------------------------------------------------

    nanoseconds next_time() const noexcept { return std::min(agenda_.next_time(), cluster_.next_due()); }

    // Does what is due next. The clock has come to next_time().
    void run_one()
    {
        if (agenda_.next_time() <= clock_.now()) {
            const auto next = agenda_.take();
            if (auto* connection = by_serial(next.first)) perform(*connection, next.second);
        }
        collect_answers();
    }

    // Fetches what brokers have to say, after anything that may have made them speak.
    void collect_answers()
    {
        while (const auto ready = cluster_.take_ready(clock_.broker())) {
            scratch_.clear();
            ++steps_;
            const auto state = cluster_.poll_output(*ready, clock_.broker(), scratch_);
            auto* connection = by_remote(*ready);
            if (!connection) continue;
            if (!scratch_.empty())
                log_.add(clock_.now(), event_kind::answered, id(*connection), std::ssize(scratch_));
            connection->down.put(scratch_);
            if (state == connection_state::closed) {
                connection->remote = 0;
                connection->end_of_stream = true;
            }
            schedule_pipe(*connection, connection->down, step::deliver_down);
        }
        if (scratch_.capacity() > 65536) scratch_ = {};
    }

    // The broker's process stands still until then; its kernel goes on taking connections and bytes.
    void freeze(broker_id broker, nanoseconds until) { frozen_[broker] = until; }

    // The broker hangs up on everybody, or the network does.
    bool reset_one()
    {
        for (std::size_t tries = 0; tries < 4 && !connections_.empty(); ++tries) {
            auto& victim = *connections_[random_.below(connections_.size())];
            if (victim.client_closing || !victim.established) continue;
            reset(victim);
            return true;
        }
        return false;
    }

    // Nothing is slow any more. Dead connections stay for the producer to find out; where it can't (acks=0), the peer is
    // back and answers with resets.
    void heal(bool reset_dead)
    {
        frozen_.clear();
        for (auto& connection : connections_) {
            connection->up.trickles = connection->down.trickles = false;
            if (reset_dead && (connection->up.silent || connection->down.silent)) reset(*connection);
        }
        collect_answers();
    }

private:
    enum class step : std::uint8_t { connect, finish_write, deliver_up, deliver_down, end, forget };

    static std::int64_t id(const simulated_connection& connection) noexcept
    {
        return static_cast<std::int64_t>(connection.link);
    }

    void tell(fault_kind kind, const simulated_connection& about, std::int64_t detail = 0)
    {
        log_.add(clock_.now(), event_kind::fault, id(about), detail, 0, static_cast<std::int64_t>(kind),
                 name_of(kind));
    }

    simulated_connection* find(core::connection_id link) const noexcept
    {
        for (const auto& connection : connections_)
            if (connection->link == link && !connection->client_gone) return connection.get();
        return nullptr;
    }
    simulated_connection* by_serial(std::uint64_t serial) const noexcept
    {
        for (const auto& connection : connections_)
            if (connection->serial == serial) return connection.get();
        return nullptr;
    }
    simulated_connection* by_remote(connection_id remote) const noexcept
    {
        for (const auto& connection : connections_)
            if (connection->remote == remote) return connection.get();
        return nullptr;
    }

    broker_id listener(std::string_view host, std::int32_t port) const noexcept
    {
        for (const auto& broker : cluster_.state().metadata().brokers)
            if (broker.host == host && broker.port == port) return broker.id;
        return -1;
    }

    static constexpr nanoseconds a_while = std::chrono::milliseconds{10};

    bool is_frozen(broker_id broker) const noexcept
    {
        const auto found = frozen_.find(broker);
        return found != frozen_.end() && found->second > clock_.now();
    }

    nanoseconds latency() { return random_.between(usual_.latency_min, usual_.latency_max); }

    void schedule(simulated_connection& connection, step what, nanoseconds delay)
    {
        agenda_.add(clock_.now() + delay, {connection.serial, what});
    }

    void schedule_pipe(simulated_connection& connection, simulated_pipe& pipe, step what, nanoseconds delay)
    {
        if (std::exchange(pipe.scheduled, true)) return;
        schedule(connection, what, delay);
    }
    void schedule_pipe(simulated_connection& connection, simulated_pipe& pipe, step what)
    {
        schedule_pipe(connection, pipe, what, latency());
    }

    void perform(simulated_connection& connection, step what)
    {
        switch (what) {
        case step::connect:
            finish_connect(connection);
            break;
        case step::finish_write:
            finish_write(connection);
            break;
        case step::deliver_up:
            deliver_up(connection);
            break;
        case step::deliver_down:
            deliver_down(connection);
            break;
        case step::end:
            finish_client(connection);
            break;
        case step::forget:
            forget(connection);
            break;
        }
    }

    // --- the client's side -------------------------------------------------------------------------------------------

    void finish_connect(simulated_connection& connection)
    {
        if (connection.client_closing) return;
        const auto remote = connection.reason       ? std::nullopt
                            : connection.broker > 0 ? cluster_.accept(connection.broker)
                                                    : std::nullopt;
        if (!remote) {
            end_client(connection,
                       connection.reason ? connection.reason : make_error_code(errc::connect_failed));
            return;
        }
        connection.remote = *remote;
        connection.established = true;
        log_.add(clock_.now(), event_kind::connected, id(connection));
        ++steps_;
        core_->connected(connection.link, clock_.client());
        begin_read(connection);
    }

    void begin_read(simulated_connection& connection)
    {
        connection.read_into = core_->read_space(connection.link);
    }

    void write(simulated_connection& connection)
    {
        if (connection.writing || !connection.established || connection.client_closing) return;
        connection.view_count = core_->gather(connection.link, connection.views);
        if (connection.view_count == 0) return;
        std::size_t size = 0;
        for (std::size_t i = 0; i < connection.view_count; ++i) size += connection.views[i].size();
        auto pause = std::chrono::nanoseconds{random_.below(20'000)};
        static constexpr std::array kinds{fault_kind::write_blocked, fault_kind::partial_write};
        const auto trouble = faults_.which(kinds);
        if (trouble == fault_kind::write_blocked) {
            pause = random_.between(std::chrono::milliseconds{10}, 2 * usual_.request_timeout);
            tell(*trouble, connection, pause.count() / 1'000'000);
        } else if (trouble == fault_kind::partial_write && size > 1) {
            size = random_.between<std::size_t>(1, size - 1);
        }
        connection.writing = true;
        connection.write_size = size;
        log_.add(clock_.now(), event_kind::write, id(connection), static_cast<std::int64_t>(size));
        schedule(connection, step::finish_write, pause);
    }

    void finish_write(simulated_connection& connection)
    {
        if (!connection.writing || connection.client_gone) return;
        report_write(connection, connection.write_size);
        if (!connection.client_closing) write(connection);
    }

    void report_write(simulated_connection& connection, std::size_t size)
    {
        connection.take_written(size);
        connection.writing = false;
        if (connection.remote == 0)
            connection.up.clear();
        else if (!connection.up.empty())
            schedule_pipe(connection, connection.up, step::deliver_up);
        log_.add(clock_.now(), event_kind::written, id(connection), static_cast<std::int64_t>(size));
        ++steps_;
        core_->written(connection.link, size, clock_.client());
    }

    // The client's socket is over, or will be when its operations have ended.
    void end_client(simulated_connection& connection, error_code why)
    {
        connection.client_closing = true;
        connection.reason = why;
        schedule(connection, step::end, std::chrono::nanoseconds{random_.below(1'000'000)});
    }

    void finish_client(simulated_connection& connection)
    {
        if (connection.client_gone || !core_) return;
        // A write that was going on has taken all of its bytes or none: nobody hears of a part.
        if (connection.writing && random_.once_in(2)) report_write(connection, connection.write_size);
        connection.writing = false;
        connection.client_gone = true;
        connection.read_into = {};
        log_.add(clock_.now(), event_kind::closed, id(connection), 0, 0, connection.reason.value(),
                 log_.recording() ? connection.reason.message() : std::string{});
        ++steps_;
        core_->closed(connection.link, connection.reason, clock_.client());
        if (connection.up.empty() || connection.up.silent || connection.remote == 0)
            schedule(connection, step::forget, latency());
    }

    // --- transfers ---------------------------------------------------------------------------------------------------

    void deliver_up(simulated_connection& connection)
    {
        auto& pipe = connection.up;
        pipe.scheduled = false;
        if (pipe.empty() || pipe.silent || connection.remote == 0) {
            if (connection.client_gone) schedule(connection, step::forget, latency());
            return;
        }
        if (is_frozen(connection.broker)) return schedule_pipe(connection, pipe, step::deliver_up, a_while);
        static constexpr std::array kinds{
            fault_kind::reset_in_request, fault_kind::half_open, fault_kind::answers_lost,
            fault_kind::slow_trickle,     fault_kind::delay,     fault_kind::late_request};
        auto size = pipe.trickles ? std::min<std::size_t>(pipe.size(), 1 + random_.below(8)) : pipe.size();
        const auto trouble = faults_.which(kinds);
        if (trouble) {
            tell(*trouble, connection);
            if (slow_down(*trouble, connection, pipe, step::deliver_up)) return;
            if (trouble == fault_kind::half_open) return be_silent(connection);
            if (trouble == fault_kind::answers_lost) connection.down.silent = true;
            if (trouble == fault_kind::reset_in_request) size = random_.below(size);
        }
        if (size > 0) {
            log_.add(clock_.now(), event_kind::arrived, id(connection), static_cast<std::int64_t>(size),
                     connection.broker);
            ++steps_;
            cluster_.receive(connection.remote, pipe.front(size), clock_.broker());
            pipe.drop(size);
        }
        if (trouble == fault_kind::reset_in_request) return reset(connection);
        if (!pipe.empty())
            schedule_pipe(connection, pipe, step::deliver_up, pause_between(pipe));
        else if (connection.client_gone)
            schedule(connection, step::forget, latency());
    }

    void deliver_down(simulated_connection& connection)
    {
        auto& pipe = connection.down;
        pipe.scheduled = false;
        if (connection.client_closing) return pipe.clear();
        if (pipe.silent) return;
        if (pipe.empty()) {
            if (connection.end_of_stream) end_client(connection, errc::disconnected);
            return;
        }
        if (is_frozen(connection.broker)) return schedule_pipe(connection, pipe, step::deliver_down, a_while);
        static constexpr std::array kinds{fault_kind::reset_in_answer, fault_kind::lost_answer,
                                          fault_kind::half_open,       fault_kind::slow_trickle,
                                          fault_kind::delay,           fault_kind::late_answer,
                                          fault_kind::partial_read};
        auto size = pipe.trickles ? std::min<std::size_t>(pipe.size(), 1 + random_.below(8)) : pipe.size();
        size = std::min(size, connection.read_into.size());
        const auto trouble = faults_.which(kinds);
        if (trouble) {
            tell(*trouble, connection);
            if (slow_down(*trouble, connection, pipe, step::deliver_down)) return;
            if (trouble == fault_kind::half_open) return be_silent(connection);
            if (trouble == fault_kind::lost_answer) return reset(connection);
            if (size > 1 && (trouble == fault_kind::reset_in_answer || trouble == fault_kind::partial_read))
                size = random_.between<std::size_t>(1, size - 1);
        }
        read(connection, size);
        if (trouble == fault_kind::reset_in_answer) return reset(connection);
        if (!pipe.empty() || connection.end_of_stream)
            schedule_pipe(connection, pipe, step::deliver_down, pause_between(pipe));
    }

    void read(simulated_connection& connection, std::size_t size)
    {
        const auto bytes = connection.down.front(size);
        std::copy(bytes.begin(), bytes.end(), connection.read_into.begin());
        connection.down.drop(size);
        log_.add(clock_.now(), event_kind::read, id(connection), static_cast<std::int64_t>(size));
        ++steps_;
        core_->read(connection.link, size, clock_.client());
        begin_read(connection);
    }

    bool slow_down(fault_kind trouble, simulated_connection& connection, simulated_pipe& pipe, step what)
    {
        switch (trouble) {
        case fault_kind::delay:
            schedule_pipe(connection, pipe, what,
                          random_.between(std::chrono::milliseconds{1}, usual_.request_timeout / 4));
            return true;
        case fault_kind::late_request:
        case fault_kind::late_answer:
            schedule_pipe(connection, pipe, what,
                          usual_.request_timeout + random_.between(nanoseconds{0}, usual_.request_timeout));
            return true;
        case fault_kind::slow_trickle:
            pipe.trickles = true;
            return false;
        default:
            return false;
        }
    }

    nanoseconds pause_between(const simulated_pipe& pipe)
    {
        return pipe.trickles ? random_.between(std::chrono::milliseconds{1}, std::chrono::milliseconds{300})
                             : nanoseconds{random_.below(50'000)};
    }

    // The peer is gone without a word, and so are all packets.
    void be_silent(simulated_connection& connection) { connection.up.silent = connection.down.silent = true; }

    void reset(simulated_connection& connection)
    {
        drop_remote(connection);
        connection.up.clear();
        connection.down.clear();
        if (!connection.client_closing) end_client(connection, errc::disconnected);
    }

    // Requests that have arrived may be handled all the same.
    void drop_remote(simulated_connection& connection)
    {
        if (connection.remote == 0) return;
        const auto left =
            random_.once_in(2) ? cluster_model::unhandled::handled : cluster_model::unhandled::dropped;
        ++steps_;
        cluster_.disconnect(std::exchange(connection.remote, 0), left, clock_.broker());
    }

    void forget(simulated_connection& connection)
    {
        if (core_ && !connection.client_gone) return;
        if (!connection.up.empty() && !connection.up.silent && connection.remote != 0)
            return; // it still arrives
        drop_remote(connection);
        std::erase_if(connections_, [&](const auto& c) { return c.get() == &connection; });
    }

    cluster_model& cluster_;
    virtual_clock& clock_;
    fault_source& faults_;
    event_log& log_;
    dice random_;
    manners usual_;
    core::producer_core* core_ = nullptr;
    std::vector<std::unique_ptr<simulated_connection>> connections_;
    std::uint64_t last_serial_ = 0, steps_ = 0;
    agenda<std::pair<std::uint64_t, step>> agenda_;
    std::vector<std::byte> scratch_;
    std::map<broker_id, nanoseconds> frozen_;
};

} // namespace kurier::inline KURIER_ABI::testing
