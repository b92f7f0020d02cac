// The connections: who is connected, what is read and written, which request is answered by which bytes. Framing,
// correlation, deadlines, backoff and handshakes live here; what a response means is its exchange's business.
#pragma once

#include <kurier/core/net/actions.hpp>
#include <kurier/core/net/connection_listener.hpp>
#include <kurier/core/net/connection_schedule.hpp>
#include <kurier/core/net/reconnecting.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/secret.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class connections final : public exchange
{
public:
    connections(const producer_config& config, random_source& random, connection_listener& listener)
        : config_{config}, random_{random}, listener_{listener}, schedule_{config},
          reconnecting_{config, random}
    {}

    // Connections authenticate by it from now on. It must live as long as the core.
    void authenticate_by(authentication& mechanism) noexcept { mechanism_ = &mechanism; }

    // --- the driver's side -------------------------------------------------------------------------------------------

    bool poll(action& out)
    {
        if (next_action_ == actions_.size()) {
            actions_.clear();
            next_action_ = 0;
            return poll_close(out);
        }
        out = std::move(actions_[next_action_++]);
        if (out.kind == action_kind::write)
            if (auto* conn = find(out.link)) conn->write_reported = false;
        return true;
    }

    connection* find(connection_id id) const noexcept
    {
        const auto found = all_.find(id);
        return found == all_.end() ? nullptr : found->second.get();
    }

    void connected(connection_id id, instant now)
    {
        auto* conn = find(id);
        if (!conn || conn->phase != connection_phase::connecting) return;
        conn->phase = connection_phase::handshake;
        conn->setup_deadline = never;
        conn->last_used = now.steady;
        heard(*conn, now.steady);
        const auto cluster = cluster_check_ ? listener_.cluster_id() : std::string_view{};
        perform(*conn, conn->opening.start(*conn->node, cluster), now);
    }

    void written(connection_id id, std::size_t bytes, instant now)
    {
        auto* conn = find(id);
        if (!conn) return;
        conn->last_used = now.steady;
        for (std::size_t i = 0; bytes > 0 && i < conn->requests.size(); ++i) {
            auto& sent = *conn->requests[i];
            const auto part = std::min(bytes, sent.bytes - sent.written);
            sent.add_written(part);
            bytes -= part;
            if (part > 0 && sent.fully_written() && !sent.expects_response) {
                sent.answered = true;
                listener_.on_worked(*conn); // as far as anybody will know
                sent.owner->on_written(*conn, sent, now);
            }
        }
        drop_finished(*conn);
    }

    // The memory into which the driver reads next.
    std::span<std::byte> read_space(connection_id id)
    {
        auto* conn = find(id);
        return conn ? conn->input.space() : std::span<std::byte>{};
    }

    void read(connection_id id, std::size_t bytes, instant now)
    {
        auto* conn = find(id);
        if (!conn || conn->phase == connection_phase::closing) return;
        conn->input.commit(bytes);
        if (!conn->requests.empty()) conn->last_used = now.steady;
        while (conn->phase != connection_phase::closing && take_frame(*conn, now)) {
        }
        heard(*conn, now.steady);
        conn->input.shrink_if_empty();
        drop_finished(*conn);
    }

    // What a step `need_credential` asked for; or why it can't be had, in words too.
    void credential(connection_id id, bytes_view secret, error_code why, std::string_view words, instant now)
    {
        auto* conn = find(id);
        if (!conn || !conn->logs_in()) return;
        conn->setup_deadline = never;
        if (!why) return perform(*conn, conn->opening.on_credential(secret, now), now);
        conn->words = words;
        close(*conn, why);
    }

    // The next slice of what a step `compute` asked for.
    void compute(connection_id id, instant now)
    {
        auto* conn = find(id);
        if (conn && conn->logs_in()) perform(*conn, conn->opening.proceed(now), now);
    }

    void closed(connection_id id, error_code why, instant now, std::string words = {})
    {
        const auto ended = all_.extract(id);
        if (!ended) return;
        const auto& conn = ended.mapped();
        schedule_.forget(*conn);
        if (!conn->close_reason) conn->words = std::move(words);
        if (conn->close_reason) why = conn->close_reason;
        auto& node = *conn->node;
        --node.connections;
        if (conn->phase == connection_phase::handshake && conn->opening.asks_for_versions() &&
            why != errc::certificate_refused)
            lower_after_hangup(node);
        if (node.link == conn.get()) node.link = nullptr;
        reconnecting_.ended(*conn, why, now);
        // A session that can't be renewed is a lost connection for those whose requests were on it.
        const auto lost = conn->reached_ready && login_refused(why) ? make_error_code(errc::disconnected)
                                                                    : conn->cause_of(why);
        for (auto& sent : conn->requests) {
            if (!sent->answered) sent->owner->on_lost(*conn, *sent, lost, now);
            release(std::move(sent));
        }
        conn->requests.clear();
        listener_.on_ended(*conn, why, now);
    }

    // --- the core's side ---------------------------------------------------------------------------------------------

    connection& open(broker_node& node, instant now)
    {
        auto made = std::make_unique<connection>();
        made->id = next_id_++;
        made->node = &node;
        if (mechanism_) made->opening = handshake{mechanism_->begin(node, random_)};
        made->setup_deadline = reconnecting_.setup_deadline(node, now);
        made->last_used = now.steady;
        actions_.push_back({action_kind::connect, made->id, node.host, node.port, nullptr,
                            by_canonical_name(node, config_)});
        auto& opened = *all_.emplace(made->id, std::move(made)).first->second;
        schedule_.busy(opened);
        node.link = &opened;
        ++node.connections;
        listener_.on_opening(node);
        return opened;
    }

    // Without memory too: poll() finds those that close.
    void close(connection& conn, error_code why) noexcept
    {
        if (conn.phase == connection_phase::closing) return;
        conn.phase = connection_phase::closing;
        conn.close_reason = why;
        conn.node->link = nullptr; // which is this one as long as it isn't closing
        // Until the driver confirms the end, the node must not be connected to again: its retry time comes then.
        conn.node->retry_at = never;
        schedule_.forget(conn);
        ++closes_;
    }

    void close_all(error_code why) noexcept
    {
        for (auto& [id, conn] : all_) close(*conn, why);
    }
    // A request to fill in; send() takes it.
    std::unique_ptr<request> make(connection& conn, exchange& owner, std::int16_t version)
    {
        auto made = spare_.take();
        made->owner = &owner;
        made->version = version;
        made->correlation_id = conn.next_correlation_id;
        conn.next_correlation_id = conn.next_correlation_id == 0x7fffffff ? 1 : conn.next_correlation_id + 1;
        return made;
    }

    void send(connection& conn, std::unique_ptr<request> made, instant now)
    {
        made->bytes = made->head.size();
        for (const auto& cut : made->cuts) made->bytes += cut.body->wire_size();
        made->sent_at = now.steady;
        made->deadline = later(now.steady, config_.request_timeout);
        if (!conn.write_reported) actions_.push_back({action_kind::write, conn.id, {}, 0});
        conn.write_reported = true;
        conn.requests.push_back(std::move(made)); // no-throw from here on
        if (conn.requests.back()->expects_response) ++conn.unanswered;
        conn.last_used = now.steady;
        schedule_.busy(conn);
    }

    // Encodes a request from its declared message, in the newest common version.
    template <class Message>
    void send_message(connection& conn, exchange& owner, const Message& message, instant now)
    {
        auto made = make(conn, owner, conn.range<Message>().highest);
        protocol::write_request_frame(made->head, message, made->version, made->correlation_id,
                                      config_.client_id);
        send(conn, std::move(made), now);
    }

    void on_time(instant now)
    {
        schedule_.on_time(
            now, [this](connection& conn, error_code why) { close(conn, why); },
            [this, now](connection& conn) { listener_.on_silent(conn, now); });
        if (mechanism_) authenticate_again(now);
    }

    nanoseconds deadline() const noexcept
    {
        auto at = schedule_.deadline();
        if (mechanism_)
            for (const auto& [id, conn] : all_)
                if (conn->phase == connection_phase::ready) at = std::min(at, conn->opening.again_at());
        return at;
    }

    const std::map<connection_id, std::unique_ptr<connection>>& all() const noexcept { return all_; }

    bool expects() const noexcept { return schedule_.expects(); } // a response
    // Everybody logs in with the same credential: after a refusal one broker is asked at a time whether it will do now.
    bool login_was_refused() const noexcept { return reconnecting_.login_was_refused(); }
    bool must_wait_to_open() const noexcept
    {
        return login_was_refused() && std::ranges::any_of(all_, [](const auto& conn) {
                   return conn.second->phase < connection_phase::ready;
               });
    }

private:
    friend struct invariant_access;
    static constexpr std::size_t unready_response_max = 65536; // before a peer has shown that it is a broker

    // --- handshakes --------------------------------------------------------------------------------------------------

    bool on_response(connection& conn, request&, bytes_view body, instant now) override
    {
        perform(conn, conn.opening.on_response(*conn.node, body, now), now);
        return true;
    }

    void on_lost(connection&, request&, error_code, instant) override {} // the connection has ended
    void on_released(request& over) override { wipe(over.head); }        // there may be a password in it

    void perform(connection& conn, handshake::step step, instant now)
    {
        using kind = handshake::step::kind;
        switch (step.what) {
        case kind::send: {
            auto made = make(conn, *this, 0);
            conn.opening.write(*made, config_.client_id);
            send(conn, std::move(made), now);
            break;
        }
        case kind::need_credential:
            actions_.push_back({action_kind::credential, conn.id, {}, 0});
            conn.setup_deadline =
                std::min(later(now.steady, config_.request_timeout), conn.opening.session_end());
            schedule_.busy(conn);
            break;
        case kind::compute:
            actions_.push_back({action_kind::compute, conn.id, {}, 0});
            schedule_.busy(conn);
            break;
        case kind::ready:
            if (conn.phase == connection_phase::handshake)
                become_ready(conn, now);
            else if (conn.idle_since != never) // which renewing its session doesn't change
                conn.last_used = conn.idle_since;
            break;
        case kind::fail:
            conn.words = conn.opening.problem();
            if (step.error == broker_errc::sasl_authentication_failed) mechanism_->refused();
            close(conn, step.error);
            break;
        }
    }

    void become_ready(connection& conn, instant now)
    {
        constexpr auto newest = protocol::api_versions_request::valid.hi;
        cluster_check_ =
            config_.metadata_cluster_check_enable &&
            conn.opening.versions().of_broker(protocol::api_versions_request::api_key).highest >= newest;
        conn.phase = connection_phase::ready;
        listener_.on_ready(conn, now);
        conn.reached_ready = conn.phase == connection_phase::ready; // or else the listener has no use for it
        if (conn.reached_ready) reconnecting_.succeeded(*conn.node);
        reconnecting_.logged_in();
    }

    void authenticate_again(instant now)
    {
        for (auto& [id, conn] : all_)
            if (conn->phase == connection_phase::ready && conn->opening.again_at() <= now.steady) {
                conn->idle_since = conn->requests.empty() ? conn->last_used : never;
                perform(*conn, conn->opening.authenticate_again(now), now);
            }
    }

    // --- responses ---------------------------------------------------------------------------------------------------

    bool take_frame(connection& conn, instant now)
    {
        const auto data = conn.input.data();
        if (data.size() < 4) return false;
        if (conn.phase == connection_phase::handshake)
            if (const auto stranger = recognise_stranger(data)) return close(conn, stranger), false;
        wire::reader reader{data};
        const auto size = reader.take_int<std::int32_t>();
        const auto limit =
            conn.phase == connection_phase::ready ? config_.max_response_size : unready_response_max;
        if (size < 4 || static_cast<std::size_t>(size) > limit)
            return close(conn, size < 4 ? errc::protocol_error : errc::response_too_large), false;
        if (reader.left() < static_cast<std::size_t>(size)) return false;
        take_response(conn, data.subspan(4, static_cast<std::size_t>(size)), now);
        conn.input.consume(4 + static_cast<std::size_t>(size));
        return true;
    }

    void take_response(connection& conn, bytes_view frame, instant now)
    {
        request* sent = conn.next_to_be_answered();
        if (!sent) return close(conn, errc::unexpected_response);
        wire::reader reader{frame};
        if (reader.take_int<std::int32_t>() != sent->correlation_id)
            return close(conn, errc::correlation_mismatch);
        sent->answered = true;
        --conn.unanswered;
        heard_answer(conn, *sent, now.steady);
        // Any response shows that the broker has the whole request, though the driver may report the write later.
        if (!sent->owner->on_response(conn, *sent, frame.subspan(4), now))
            close(conn, errc::protocol_error);
        else if (sent->owner != this)
            listener_.on_worked(conn);
    }

    void drop_finished(connection& conn)
    {
        const bool none_left = conn.drop_finished([this](auto over) { release(std::move(over)); });
        if (none_left && conn.phase == connection_phase::ready && !conn.opening.authenticates())
            schedule_.idle(conn);
    }

    void release(std::unique_ptr<request> over) noexcept
    {
        over->owner->on_released(*over);
        spare_.give_back(std::move(over));
    }

    // --- ends --------------------------------------------------------------------------------------------------------

    bool poll_close(action& out)
    {
        if (closes_ == 0) return false;
        --closes_;
        const auto found = std::ranges::find_if(all_, [](const auto& conn) {
            return conn.second->phase == connection_phase::closing && !conn.second->close_reported;
        });
        if (found == all_.end()) return poll_close(out); // it is over already
        found->second->close_reported = true;
        out = {action_kind::close, found->first, {}, 0};
        return true;
    }

    const producer_config& config_;
    random_source& random_;
    connection_listener& listener_;
    authentication* mechanism_ = nullptr;
    std::map<connection_id, std::unique_ptr<connection>> all_; // ordered: runs must be repeatable
    connection_schedule schedule_;                             // of those that are not closing
    reconnecting reconnecting_;
    std::vector<action> actions_; // polled up to next_action_; one that keeps its memory
    std::size_t next_action_ = 0;
    request_pool spare_;
    std::size_t closes_ = 0; // that are to be reported
    connection_id next_id_ = 1;
    bool cluster_check_ = false; // the broker that answered last knows KIP-1242
};

} // namespace kurier::inline KURIER_ABI::core
