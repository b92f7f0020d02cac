// Waits for a state of the producer rather than for a record: flush, close, room, metadata. They are checked in every turn,
// so those that complete in order wait in line, and only the head of a line is checked: the others cost a turn nothing.
#pragma once

#include <kurier/core/state/intrusive_list.hpp>
#include <kurier/error.hpp>
#include <kurier/instant.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

class driver;

// Waits for room, and waits for a flush, complete in the order of their rank.
enum class wait_line : std::uint8_t { none, room, flush };

struct state_wait
{
    virtual bool over(driver& machine, error_code& ec) = 0;    // true at once, if it was cancelled
    virtual void complete(driver& machine, error_code ec) = 0; // and frees itself
    virtual void destroy() noexcept = 0;

    core::nanoseconds deadline =
        core::never; // over() is called then, if not earlier; not for those in a line
    wait_line line = wait_line::none;
    std::uint64_t rank = 0; // in its line
    bool cancelled = false;
    core::list_hook<state_wait> hook;

protected:
    ~state_wait() = default;
};

struct destroy_wait
{
    void operator()(state_wait* wait) const noexcept { wait->destroy(); }
};
using state_wait_ptr = std::unique_ptr<state_wait, destroy_wait>;

class state_waits
{
public:
    state_waits() = default;
    state_waits(const state_waits&) = delete;
    state_waits& operator=(const state_waits&) = delete;
    ~state_waits() { clear(); }

    void add(state_wait_ptr wait) noexcept
    {
        auto& line = line_of(*wait);
        auto* before = line.back(); // a later flush may be awaited first
        while (before && before->rank > wait->rank) before = list::previous(*before);
        line.insert_before(before ? list::next(*before) : line.front(), *wait);
        static_cast<void>(wait.release());
    }

    void cancel(state_wait& wait) noexcept
    {
        if (std::exchange(wait.cancelled, true)) return;
        line_of(wait).erase(wait);
        cancelled_.push_back(wait);
    }

    void ask(driver& machine)
    {
        for (auto* line : {&cancelled_, &line_of(wait_line::room), &line_of(wait_line::flush)})
            while (auto* first = line->front())
                if (!asked(*line, *first, machine)) break;
        auto& others = line_of(wait_line::none);
        for (auto* wait = others.front(); wait;) {
            auto* const next = list::next(*wait);
            asked(others, *wait, machine);
            wait = next;
        }
    }

    // When one must be checked again, if nothing happens before.
    core::nanoseconds deadline() const noexcept
    {
        auto at = core::never;
        for (const auto* wait = lines_.front().front(); wait; wait = list::next(*wait))
            at = std::min(at, wait->deadline);
        return at;
    }

    void clear() noexcept
    {
        while (auto* wait = cancelled_.pop_front()) wait->destroy();
        for (auto& line : lines_)
            while (auto* wait = line.pop_front()) wait->destroy();
    }

private:
    using list = core::intrusive_list<state_wait, &state_wait::hook>;

    list& line_of(wait_line line) noexcept { return lines_[static_cast<std::size_t>(line)]; }
    list& line_of(const state_wait& wait) noexcept { return line_of(wait.line); }

    static bool asked(list& line, state_wait& wait, driver& machine)
    {
        error_code ec;
        if (!wait.over(machine, ec)) return false;
        line.erase(wait);
        wait.complete(machine, ec);
        return true;
    }

    std::array<list, 3> lines_; // by wait_line
    list cancelled_;
};

} // namespace kurier::inline KURIER_ABI::io
