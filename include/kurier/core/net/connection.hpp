// One connection to a broker, without its socket: what is to be written, what was read, and which requests wait for a
// response. Kafka responds in the order of the requests.
#pragma once

#include <kurier/core/net/api_versions.hpp>
#include <kurier/core/net/handshake.hpp>
#include <kurier/core/net/read_buffer.hpp>
#include <kurier/core/net/request.hpp>
#include <kurier/core/state/intrusive_list.hpp>
#include <kurier/core/state/topic.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

enum class connection_phase : std::uint8_t { connecting, handshake, ready, closing };

struct connection
{
    connection_id id = 0;
    broker_node* node = nullptr;
    connection_phase phase = connection_phase::connecting;
    nanoseconds setup_deadline{never};
    nanoseconds last_used{0};
    nanoseconds idle_since{never}; // before it began to authenticate again
    nanoseconds answered_at{0};    // the last Produce request
    nanoseconds heard_at{0};       // anything
    bool silent = false;           // for too long, see silence.hpp
    handshake opening;
    std::int32_t next_correlation_id = 1;
    read_buffer input;
    std::vector<std::unique_ptr<request>> requests; // few; written or to be written, in order
    std::size_t unanswered = 0;                     // of them
    bool write_reported = false;                    // the driver was told that there is something to write
    bool close_reported = false;                    // the same about closing it
    error_code close_reason;
    std::string words; // why it ended, if more is known than the error says
    bool reached_ready = false;
    bool worked = false; // a request other than the handshake's got a response

    list_hook<connection> busy_hook; // see connection_schedule.hpp
    list_hook<connection> idle_hook;

    template <class Request> version_range range() const noexcept { return opening.versions().of<Request>(); }

    // May a request be sent on it? Not while it authenticates, initially or again.
    bool accepts_requests() const noexcept
    {
        return phase == connection_phase::ready && !opening.holds_requests();
    }

    // Why it ended, in kurier's codes: the system has dozens, and not the same ones everywhere.
    error_code cause_of(error_code why) const noexcept
    {
        if (!why || why.category() == client_category() || why.category() == broker_category()) return why;
        return phase == connection_phase::connecting ? errc::connect_failed : errc::disconnected;
    }

    bool logs_in() const noexcept { return phase != connection_phase::closing && opening.authenticates(); }

    // Requests that have their response and are completely written: nothing refers to their memory. With acks=0 there may be
    // many behind one that waits for its response. True: none is left.
    template <class Release> bool drop_finished(Release release)
    {
        std::size_t kept = 0;
        for (auto& sent : requests)
            if (sent->answered && sent->fully_written())
                release(std::move(sent));
            else if (auto& place = requests[kept++]; &place != &sent)
                place = std::move(sent);
        requests.resize(kept);
        if (kept == 0) silent = false; // nothing is due, and with acks=0 nothing may ever arrive to say so
        return kept == 0;
    }

    bool has_unsent() const noexcept { return !requests.empty() && !requests.back()->fully_written(); }

    request* oldest_unanswered() const noexcept
    {
        for (auto& sent : requests)
            if (!sent->answered) return sent.get();
        return nullptr;
    }

    // The request that the next response belongs to. With acks=0 Produce has none, and a request behind it may get its
    // response before the driver reports it written.
    request* next_to_be_answered() const noexcept
    {
        for (auto& sent : requests)
            if (!sent->answered && sent->expects_response) return sent.get();
        return nullptr;
    }

    // The next bytes to write, as a gather list. The memory stays valid until the connection is reported closed or
    // written() covers it. A request of thousands of batches is gathered piece by piece, each from where the last one ended.
    std::size_t gather(std::span<bytes_view> out) const noexcept
    {
        std::size_t used = 0;
        for (auto& next : requests) {
            if (next->fully_written()) continue;
            auto at = next->cuts_written == 0 ? 0 : next->cuts[next->cuts_written - 1].at;
            auto skip = next->written - next->bodies_written - at;
            const auto add = [&](const std::byte* data, std::size_t size) {
                if (skip >= size) {
                    skip -= size;
                    return;
                }
                if (used < out.size()) out[used++] = {data + skip, size - skip};
                skip = 0;
            };
            for (auto i = next->cuts_written; i < next->cuts.size() && used < out.size(); ++i) {
                const auto& cut = next->cuts[i];
                add(next->head.data() + at, cut.at - at);
                add_body(add, *cut.body);
                at = cut.at;
            }
            add(next->head.data() + at, next->head.size() - at);
            if (used == out.size()) break;
        }
        return used;
    }

private:
    template <class Add> static void add_body(Add& add, const batch& body)
    {
        const auto* data = body.memory.data;
        if (!body.outside) [[likely]] {
            add(data, body.size);
            return;
        }
        const auto& outside = *body.outside;
        add(data, outside.at);
        add(outside.bytes.data(), outside.bytes.size());
        add(data + outside.at, body.size - outside.at);
    }
};

} // namespace kurier::inline KURIER_ABI::core
