// Logging: what a producer tells about its connections and its cluster, never about one record. A log sink
// is anything that can be called with a log_event; kurier passes one at a time, on the producer's strand.
//
//   stderr_log   the default: one line for each change of state, at most a few of a kind in a row
//   null_log     nothing, and no code either
#pragma once

#include <kurier/instant.hpp>
#include <kurier/wire/escape.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kurier::inline KURIER_ABI {

// How much a line matters.
enum class log_level : std::uint8_t {
    debug,   // steps on the way
    info,    // a change of state that is expected
    warning, // a change of state that isn't, and that heals by itself
    error,   // nothing heals it
};

// "debug", "info", "warning", "error".
constexpr std::string_view to_string(log_level level) noexcept
{
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
    const auto at = static_cast<std::size_t>(level);
    return at < names.size() ? names[at] : "unknown";
}

// A name with a text or a number.
class log_field
{
public:
    constexpr log_field() noexcept = default;
    // Views: the texts must live as long as the field.
    constexpr log_field(std::string_view name, std::string_view text) noexcept : name_{name}, text_{text} {}
    constexpr log_field(std::string_view name, const char* text) noexcept : name_{name}, text_{text} {}
    constexpr log_field(std::string_view name, std::integral auto number) noexcept
        : name_{name}, number_{static_cast<std::int64_t>(number)}, is_number_{true}
    {}

    constexpr std::string_view name() const noexcept { return name_; }
    constexpr bool is_number() const noexcept { return is_number_; }
    constexpr std::int64_t number() const noexcept { return number_; }
    constexpr std::string_view text() const noexcept { return text_; }

private:
    std::string_view name_;
    std::string_view text_;
    std::int64_t number_ = 0;
    bool is_number_ = false;
};

// Views: valid during the call. Texts have no control characters and are well-formed UTF-8.
struct log_event
{
    log_level level = log_level::info;
    std::string_view event; // a name that stays the same from version to version: "broker.connected"
    std::string_view text;  // what happened, for humans
    std::span<const log_field> fields; // to what: broker, host, port, topic, partition, error
    core::instant when;
};
static_assert(std::is_trivially_destructible_v<log_event>);

// Anything that can be called with a log_event.
template <class Sink>
concept log_sink = std::invocable<Sink&, const log_event&>;

// False for a sink with `static constexpr bool enabled = false`: then no event is even put together.
template <class Sink> inline constexpr bool log_enabled = true;
template <class Sink>
    requires requires { Sink::enabled; }
inline constexpr bool log_enabled<Sink> = Sink::enabled;

struct null_log
{
    static constexpr bool enabled = false;
    void operator()(const log_event&) const noexcept {}
};

inline constexpr std::size_t log_fields_max = 16; // more are dropped

namespace detail {

// Hands an event with escaped texts to the sink. Copies only what has to be escaped.
template <log_sink Sink> void pass_escaped(Sink& sink, log_event event)
{
    std::array<std::string, log_fields_max + 1> escaped;
    auto copies = escaped.begin();
    const auto safe = [&](std::string_view text) -> std::string_view {
        if (wire::is_printable(text) && text.size() <= wire::escaped_text_max) return text;
        return *copies++ = wire::escape(text);
    };
    event.text = safe(event.text);
    if (event.fields.empty()) return static_cast<void>(sink(std::as_const(event)));
    std::array<log_field, log_fields_max> fields;
    const auto count = std::min(event.fields.size(), log_fields_max);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& field = event.fields[i];
        fields[i] = field.is_number() ? field : log_field{field.name(), safe(field.text())};
    }
    event.fields = std::span{fields}.first(count);
    sink(std::as_const(event));
}

} // namespace detail

// The one way of an event to a sink. Its texts may come from the network as they are.
template <log_sink Sink> void write_log(Sink& sink, const log_event& event)
{
    if constexpr (log_enabled<Sink>) detail::pass_escaped(sink, event);
}

// " broker=1 host=kafka-1"
inline void append_log_fields(std::string& out, std::span<const log_field> fields)
{
    for (const auto& field : fields) {
        out += ' ';
        out += field.name();
        out += '=';
        if (field.is_number()) {
            out += std::to_string(field.number());
        } else {
            out += field.text();
        }
    }
}

// "2026-11-21T04:17:00.123Z kurier info broker.disconnected: the connection was lost broker=1 host=kafka-1 port=9092"
inline void append_log_line(std::string& out, const log_event& event)
{
    using namespace std::chrono;
    const sys_time<milliseconds> wall{milliseconds{event.when.wall_ms}};
    const auto day = floor<days>(wall);
    const year_month_day date{day};
    const hh_mm_ss time{wall - day};
    std::array<char, 64> stamp{};
    const auto size = std::snprintf(
        stamp.data(), stamp.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ kurier ",
        static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    if (size > 0) out.append(stamp.data(), std::min(static_cast<std::size_t>(size), stamp.size() - 1));
    out += to_string(event.level);
    out += ' ';
    out += event.event;
    out += ": ";
    out += event.text;
    append_log_fields(out, event.fields);
}

// Lets a few events of each name through, then one for each pause. Its time is that of the events.
class log_rate_limit
{
public:
    static constexpr int burst = 10;
    static constexpr std::chrono::seconds pause{1};

    // How many of this name were left out since the last that was let through; -1: leave this out too.
    std::int64_t admit(std::string_view event, std::chrono::nanoseconds now) noexcept
    {
        auto& known = find(event, now);
        if (const auto pauses = (now - known.filled) / std::chrono::nanoseconds{pause}; pauses > 0) {
            known.left = static_cast<int>(
                std::min<std::int64_t>(burst, known.left + std::min<std::int64_t>(pauses, burst)));
            known.filled += pauses * std::chrono::nanoseconds{pause};
        }
        if (known.left == 0) {
            ++known.left_out;
            return -1;
        }
        --known.left;
        return std::exchange(known.left_out, 0);
    }

private:
    struct bucket
    {
        std::string_view event; // names are literals
        std::chrono::nanoseconds filled{0};
        int left = burst;
        std::int64_t left_out = 0;
    };

    // Of more names than buckets, the one that has been quiet for longest is forgotten.
    bucket& find(std::string_view event, std::chrono::nanoseconds now) noexcept
    {
        auto* oldest = buckets_.data();
        for (auto& known : buckets_) {
            if (known.event == event) return known;
            if (known.event.empty() || (!oldest->event.empty() && known.filled < oldest->filled))
                oldest = &known;
            if (known.event.empty()) break;
        }
        *oldest = bucket{event, now, burst, 0};
        return *oldest;
    }

    std::array<bucket, 64> buckets_{}; // more than there are names
};

// Lines to a function that takes a string_view. Drops what is below the level, and what comes too often.
template <std::invocable<std::string_view> Write> class line_log
{
public:
    // `write` is called with one line at a time, its end included.
    explicit line_log(Write write, log_level least = log_level::info)
        : write_{std::move(write)}, least_{least}
    {}

    void operator()(const log_event& event)
    {
        if (event.level < least_) return;
        const auto left_out = limit_.admit(event.event, event.when.steady);
        if (left_out < 0) return;
        line_.clear();
        append_log_line(line_, event);
        if (left_out > 0) line_ += " (" + std::to_string(left_out) + " like it were left out)";
        line_ += '\n';
        write_(std::string_view{line_});
    }

private:
    Write write_;
    log_level least_;
    log_rate_limit limit_;
    std::string line_;
};

struct write_to_stderr
{
    // One call for a line, so that lines of several threads don't mix.
    void operator()(std::string_view line) const noexcept
    {
        std::fwrite(line.data(), 1, line.size(), stderr);
    }
};

class stderr_log : public line_log<write_to_stderr>
{
public:
    explicit stderr_log(log_level least = log_level::info) : line_log{write_to_stderr{}, least} {}
};

} // namespace kurier::inline KURIER_ABI
