// State changes that are worth a line in a log, kept until the driver hands them to the log sink. Bounded: while
// nobody takes them, the oldest are dropped.
#pragma once

#include <kurier/log.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <deque>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

// A log_field that owns its text.
struct log_value
{
    log_value(std::string_view field, std::string value) : name{field}, text{std::move(value)} {}
    log_value(std::string_view field, std::integral auto value)
        : name{field}, number{static_cast<std::int64_t>(value)}, is_number{true}
    {}

    log_field view() const noexcept { return is_number ? log_field{name, number} : log_field{name, text}; }

    std::string_view name; // a literal
    std::string text;
    std::int64_t number = 0;
    bool is_number = false;
};

using log_values = std::vector<log_value>;

struct log_entry
{
    log_level level = log_level::info;
    std::string_view event; // a name that stays the same: "broker.connected"
    std::string text;       // may contain text from the network: to be escaped
    log_values fields;

    // As a sink gets it; a view of the entry and of `room`.
    log_event view(instant when, std::span<log_field> room) const noexcept
    {
        const auto count = std::min(fields.size(), room.size());
        for (std::size_t i = 0; i < count; ++i) room[i] = fields[i].view();
        return {level, event, text, room.first(count), when};
    }
};

class log_queue
{
public:
    void add(log_level level, std::string_view event, std::string text, log_values fields = {})
    {
        if (entries_.size() == entries_max) entries_.pop_front();
        entries_.push_back({level, event, std::move(text), std::move(fields)});
    }

    // For who looks closely: left out when many are due at once, when memory is short, or when it would push out more
    // important ones. `fill` adds the fields.
    template <class Fill> void debug(std::string_view event, const char* text, Fill fill) noexcept
    {
        if (entries_.size() >= debug_max) return;
        try {
            log_entry made{log_level::debug, event, text, {}};
            fill(made.fields);
            entries_.push_back(std::move(made));
        } catch (const std::bad_alloc&) { // one line less
        }
    }

    bool poll(log_entry& out)
    {
        if (entries_.empty()) return false;
        out = std::move(entries_.front());
        entries_.pop_front();
        return true;
    }

private:
    static constexpr std::size_t entries_max = 64, debug_max = 48;
    std::deque<log_entry> entries_;
};

} // namespace kurier::inline KURIER_ABI::core
