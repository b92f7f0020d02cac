// The connections: who is connected, what is read and written, which request is answered by which bytes. Framing,
// correlation, deadlines, backoff and version negotiation live here; what an answer means for records does not.
#pragma once

#include <kurier/core/net/actions.hpp>
#include <kurier/core/support/backoff.hpp>
#include <kurier/core/net/handshake.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/protocol/frame.hpp>
#include <kurier/version.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

namespace kurier::core {

// Implemented by producer_core.
template <class Owner>
concept link_owner =
    requires(Owner& owner, connection& link, request& sent, bytes_view body, error_code why, instant now) {
        owner.link_ready(link, now);
        { owner.take_answer(link, sent, body, now) } -> std::same_as<bool>; // false: can't be decoded
        owner.request_written(link, sent, now);                             // and no answer will come
        owner.request_lost(link, sent, why, now);
        owner.link_lost(link, why, now);
    };

class links
{
public:
    links(const producer_config& config, random_source& random) : config_{config}, random_{random} {}

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
            if (auto* link = find(out.link)) link->write_reported = false;
        return true;
    }

    connection* find(connection_id id) const noexcept
    {
        const auto found = links_.find(id);
        return found == links_.end() ? nullptr : found->second.get();
    }

    template <link_owner Owner> void connected(Owner& owner, connection_id id, instant now)
    {
        auto* link = find(id);
        if (!link || link->phase != link_phase::connecting) return;
        link->phase = link_phase::versions;
        link->setup_deadline = never;
        link->last_used = now.steady;
        ask_versions(owner, *link, now);
        (void)owner;
    }

    template <link_owner Owner> void written(Owner& owner, connection_id id, std::size_t bytes, instant now)
    {
        auto* link = find(id);
        if (!link) return;
        link->last_used = now.steady;
        for (std::size_t i = 0; bytes > 0 && i < link->requests.size(); ++i) {
            auto& sent = *link->requests[i];
            const auto part = std::min(bytes, sent.bytes - sent.written);
            sent.written += part;
            bytes -= part;
            if (part > 0 && sent.fully_written() && !sent.expects_answer) {
                sent.answered = true;
                owner.request_written(*link, sent, now);
            }
        }
        drop_finished(owner, *link);
    }

    // The memory into which the driver reads next.
    std::span<std::byte> read_space(connection_id id)
    {
        auto* link = find(id);
        return link ? link->input.space() : std::span<std::byte>{};
    }

    template <link_owner Owner> void read(Owner& owner, connection_id id, std::size_t bytes, instant now)
    {
        auto* link = find(id);
        if (!link || link->phase == link_phase::closing) return;
        link->input.commit(bytes);
        link->last_used = now.steady;
        while (link->phase != link_phase::closing && take_frame(owner, *link, now)) {
        }
        link->input.shrink_if_empty();
        drop_finished(owner, *link);
    }

    template <link_owner Owner> void closed(Owner& owner, connection_id id, error_code why, instant now)
    {
        const auto found = links_.find(id);
        if (found == links_.end()) return;
        const auto link = std::move(found->second);
        links_.erase(found);
        if (link->close_reason) why = link->close_reason;
        auto& node = *link->node;
        if (link->phase == link_phase::versions) lower_after_hangup(node);
        if (node.link == link.get()) node.link = nullptr;
        const bool was_ready = link->reached_ready;
        node.failures = was_ready ? 0 : node.failures + 1;
        node.retry_at = later(now.steady, backoff(config_.reconnect_backoff, config_.reconnect_backoff_max,
                                                  std::max(node.failures - 1, 0), random_));
        for (auto& sent : link->requests) {
            if (!sent->answered) owner.request_lost(*link, *sent, why, now);
            owner.release(*sent);
            recycle(std::move(sent));
        }
        link->requests.clear();
        owner.link_lost(*link, why, now);
    }

    // --- the core's side ---------------------------------------------------------------------------------------------

    connection& open(broker_node& node, instant now)
    {
        auto link = std::make_unique<connection>();
        link->id = next_id_++;
        link->node = &node;
        auto limit = config_.socket_connection_setup_timeout;
        for (int i = 0; i < node.failures && limit < config_.socket_connection_setup_timeout_max; ++i)
            limit *= 2;
        link->setup_deadline =
            later(now.steady, std::min<nanoseconds>(limit, config_.socket_connection_setup_timeout_max));
        link->last_used = now.steady;
        actions_.push_back({action_kind::connect, link->id, node.host, node.port});
        auto& opened = *links_.emplace(link->id, std::move(link)).first->second;
        node.link = &opened;
        return opened;
    }

    // Without memory too: poll() finds those that close.
    void close(connection& link, error_code why) noexcept
    {
        if (link.phase == link_phase::closing) return;
        link.phase = link_phase::closing;
        link.close_reason = why;
        link.node->link = nullptr; // which is this one as long as it isn't closing
        // Until the driver confirms the end, the node must not be connected to again: its retry time comes then.
        link.node->retry_at = never;
        ++closes_;
    }

    void close_all(error_code why) noexcept
    {
        for (auto& [id, link] : links_) close(*link, why);
    }

    // A request to fill in; send() takes it.
    std::unique_ptr<request> make(connection& link, request_kind kind, std::int16_t version)
    {
        std::unique_ptr<request> made;
        if (spare_.empty()) {
            made = std::make_unique<request>();
        } else {
            made = std::move(spare_.back());
            spare_.pop_back();
        }
        made->kind = kind;
        made->version = version;
        made->correlation_id = link.next_correlation_id;
        link.next_correlation_id = link.next_correlation_id == 0x7fffffff ? 1 : link.next_correlation_id + 1;
        return made;
    }

    void send(connection& link, std::unique_ptr<request> made, instant now)
    {
        made->bytes = made->head.size();
        for (const auto& cut : made->cuts) made->bytes += cut.body->wire_size();
        made->sent_at = now.steady;
        made->deadline = later(now.steady, config_.request_timeout);
        const bool answered = made->expects_answer;
        if (!link.write_reported) actions_.push_back({action_kind::write, link.id, {}, 0});
        link.write_reported = true;
        link.requests.push_back(std::move(made)); // nothing throws behind it
        link.unanswered += answered ? 1 : 0;
        link.last_used = now.steady;
    }

    // Encodes a small request from its declared message.
    template <class Message> void send_message(connection& link, request_kind kind, std::int16_t version,
                                               const Message& message, instant now)
    {
        auto made = make(link, kind, version);
        protocol::write_request_frame(made->head, message, version, made->correlation_id, config_.client_id);
        send(link, std::move(made), now);
    }

    void on_time(instant now)
    {
        for (auto& [id, link] : links_) {
            if (link->phase == link_phase::closing) continue;
            if (link->setup_deadline <= now.steady)
                close(*link, errc::connect_timed_out);
            else if (const auto* oldest = link->oldest_unanswered(); oldest && oldest->deadline <= now.steady)
                close(*link, errc::request_timed_out);
            else if (idle_deadline(*link) <= now.steady)
                close(*link, {});
        }
    }

    nanoseconds deadline() const noexcept
    {
        auto at = never;
        for (const auto& [id, link] : links_) {
            if (link->phase == link_phase::closing) continue;
            at = std::min({at, link->setup_deadline, idle_deadline(*link)});
            if (const auto* oldest = link->oldest_unanswered()) at = std::min(at, oldest->deadline);
        }
        return at;
    }

    const std::map<connection_id, std::unique_ptr<connection>>& all() const noexcept { return links_; }
    bool empty() const noexcept { return links_.empty(); }

private:
    bool poll_close(action& out)
    {
        if (closes_ == 0) return false;
        --closes_;
        const auto found = std::ranges::find_if(links_, [](const auto& link) {
            return link.second->phase == link_phase::closing && !link.second->close_reported;
        });
        if (found == links_.end()) // it is over already
            return poll_close(out);
        found->second->close_reported = true;
        out = {action_kind::close, found->first, {}, 0};
        return true;
    }

    static constexpr std::size_t unready_answer_max = 65536; // before a peer has shown that it is a broker

    nanoseconds idle_deadline(const connection& link) const noexcept
    {
        if (link.phase != link_phase::ready || !link.requests.empty() || !link.node->ready.empty())
            return never;
        return config_.connections_max_idle.count() < 0 ? never
                                                        : later(link.last_used, config_.connections_max_idle);
    }

    // Version 5 asks a broker that was known before whether it is still the one meant (KIP-1242): an address may have
    // been given to another cluster. It is asked only where a broker of the cluster has offered it.
    template <class Owner> void ask_versions(const Owner& owner, connection& link, instant now)
    {
        link.api_versions_version = link.node->api_versions_try;
        protocol::api_versions_request question;
        const bool known = link.node->id >= 0 && !owner.cluster_id().empty();
        if (cluster_check_ && known && link.api_versions_version == api_versions_first) {
            link.api_versions_version = protocol::api_versions_request::valid.hi;
            question.cluster_id = owner.cluster_id();
            question.node_id = link.node->id;
        }
        question.client_software_name = "kurier";
        question.client_software_version = KURIER_VERSION_STRING;
        send_message(link, request_kind::api_versions, link.api_versions_version, question, now);
    }

    template <class Owner> bool take_frame(Owner& owner, connection& link, instant now)
    {
        const auto data = link.input.data();
        if (data.size() < 4) return false;
        if (link.phase == link_phase::versions)
            if (const auto stranger = recognise_stranger(data)) {
                close(link, stranger);
                return false;
            }
        wire::reader reader{data};
        const auto size = reader.take_int<std::int32_t>();
        const auto limit = link.phase == link_phase::ready ? config_.max_response_size : unready_answer_max;
        if (size < 4 || static_cast<std::size_t>(size) > limit) {
            close(link, size < 4 ? errc::protocol_error : errc::response_too_large);
            return false;
        }
        if (reader.left() < static_cast<std::size_t>(size)) return false;
        take_answer(owner, link, data.subspan(4, static_cast<std::size_t>(size)), now);
        link.input.consume(4 + static_cast<std::size_t>(size));
        return true;
    }

    template <class Owner> void take_answer(Owner& owner, connection& link, bytes_view frame, instant now)
    {
        request* sent = link.next_to_be_answered();
        if (!sent) {
            close(link, errc::unexpected_response);
            return;
        }
        wire::reader reader{frame};
        if (reader.take_int<std::int32_t>() != sent->correlation_id) {
            close(link, errc::correlation_mismatch);
            return;
        }
        sent->answered = true;
        --link.unanswered;
        // Any answer shows that the broker has the whole request, though the driver may report the write later.
        if (sent->kind == request_kind::api_versions)
            take_versions_answer(owner, link, frame.subspan(4), now);
        else if (!owner.take_answer(link, *sent, frame.subspan(4), now))
            close(link, errc::protocol_error);
    }

    template <class Owner>
    void take_versions_answer(Owner& owner, connection& link, bytes_view body, instant now)
    {
        const auto verdict = take_versions(link, body);
        cluster_check_ = config_.metadata_cluster_check_enable &&
                         link.broker_api_versions.highest >= protocol::api_versions_request::valid.hi;
        switch (verdict) {
        case versions_verdict::ready:
            link.phase = link_phase::ready;
            owner.link_ready(link, now);
            link.reached_ready = link.phase == link_phase::ready; // or else the owner has no use for it
            if (link.reached_ready) link.node->failures = 0;
            break;
        case versions_verdict::ask_lower:
            ask_versions(owner, link, now);
            break;
        case versions_verdict::stranger:
            close(link, broker_errc::rebootstrap_required);
            break;
        case versions_verdict::unusable:
            close(link, errc::protocol_error);
            break;
        }
    }

    // Requests that are answered and completely written; only then nothing refers to their memory.
    template <class Owner> void drop_finished(Owner& owner, connection& link)
    {
        while (!link.requests.empty() && link.requests.front()->answered &&
               link.requests.front()->fully_written()) {
            owner.release(*link.requests.front());
            recycle(std::move(link.requests.front()));
            link.requests.erase(link.requests.begin());
        }
    }

    void recycle(std::unique_ptr<request> used) noexcept
    {
        auto head = std::move(used->head);
        auto cuts = std::move(used->cuts);
        head.clear();
        cuts.clear();
        *used = {};
        used->head = std::move(head);
        used->cuts = std::move(cuts);
        try {
            spare_.push_back(std::move(used));
        } catch (...) { // then it goes
        }
    }

    const producer_config& config_;
    random_source& random_;
    std::map<connection_id, std::unique_ptr<connection>> links_; // ordered: runs must be repeatable
    std::vector<action> actions_; // polled up to next_action_; one that keeps its memory
    std::size_t next_action_ = 0;
    std::vector<std::unique_ptr<request>> spare_;
    std::size_t closes_ = 0; // that are to be reported
    connection_id next_id_ = 1;
    bool cluster_check_ = false; // the broker that answered last knows KIP-1242
};

} // namespace kurier::core
