// State changes that are worth a line in a log, kept until the driver hands them to the log sink. Bounded: while
// nobody takes them, the oldest are dropped.
#pragma once

#include <kurier/log.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace kurier::core {

struct log_entry
{
    log_level level = log_level::info;
    std::string_view event; // a name that stays the same: "broker.connected"
    std::string text;       // may contain text from the network: to be escaped
};

class log_queue
{
public:
    void add(log_level level, std::string_view event, std::string text)
    {
        if (entries_.size() == entries_max) entries_.pop_front();
        entries_.push_back({level, event, std::move(text)});
    }

    bool poll(log_entry& out)
    {
        if (entries_.empty()) return false;
        out = std::move(entries_.front());
        entries_.pop_front();
        return true;
    }

private:
    static constexpr std::size_t entries_max = 64;
    std::deque<log_entry> entries_;
};

} // namespace kurier::core
