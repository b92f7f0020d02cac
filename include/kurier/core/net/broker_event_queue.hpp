// What happened to connections and requests, for observers: queued until the driver calls them, because they may call the
// producer. Without observers nothing is queued.
#pragma once

#include <kurier/core/state/topic.hpp>
#include <kurier/observer.hpp>

#include <cstddef>
#include <deque>
#include <new>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class broker_event_queue
{
public:
    struct entry
    {
        broker_event event;
        std::string host; // the event's own is set when it is delivered
    };

    void begin() noexcept { wanted_ = true; }

    // Without memory the event is dropped: it comes in the middle of a change of state that must not be left half done.
    void add(const broker_node& node, broker_change change, error_code error, std::size_t bytes = 0,
             nanoseconds taken = nanoseconds{0}) noexcept
    {
        if (!wanted_) return;
        if (entries_.size() == entries_max) entries_.pop_front(); // nobody polls
        try {
            entries_.push_back({{change, {}, node.port, node.id, bytes, taken, error}, node.host});
        } catch (const std::bad_alloc&) {
        }
    }

    bool poll(entry& out)
    {
        if (entries_.empty()) return false;
        out = std::move(entries_.front());
        entries_.pop_front();
        out.event.host = out.host;
        return true;
    }

private:
    static constexpr std::size_t entries_max = 1024;
    bool wanted_ = false;
    std::deque<entry> entries_;
};

} // namespace kurier::inline KURIER_ABI::core
