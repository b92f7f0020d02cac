#include <kurier/log.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

using namespace kurier;
using namespace std::chrono_literals;

namespace {

constexpr core::instant moment(std::chrono::nanoseconds steady)
{
    return {steady, 1'795'234'620'123};
}

struct collecting_log
{
    std::vector<std::string> lines;
    void operator()(const log_event& event)
    {
        std::string line;
        append_log_line(line, event);
        lines.push_back(line);
    }
};

// Counts how many events are put together for it.
struct counted_text
{
    int* count;
    operator std::string_view() const
    {
        ++*count;
        return "text";
    }
};

template <log_sink Sink> void say(Sink& sink, counted_text text)
{
    if constexpr (log_enabled<Sink>) write_log(sink, {log_level::info, "a.b", text, {}, moment(0s)});
}

static_assert(log_sink<stderr_log> && log_sink<null_log> && log_sink<collecting_log>);
static_assert(log_enabled<stderr_log> && log_enabled<collecting_log> && !log_enabled<null_log>);
static_assert(!log_sink<int>);

} // namespace

TEST_CASE("a line says when, how bad, what, and the fields")
{
    collecting_log log;
    const std::array<log_field, 3> fields{log_field{"broker", 1}, log_field{"host", "kafka1:9092"},
                                          log_field{"attempt", std::size_t{7}}};
    write_log(log,
              {log_level::warning, "broker.disconnected", "the connection was lost", fields, moment(0s)});
    REQUIRE(log.lines.size() == 1);
    CHECK(log.lines[0] ==
          "2026-11-21T04:17:00.123Z kurier warning broker.disconnected: the connection was lost "
          "broker=1 host=kafka1:9092 attempt=7");
}

TEST_CASE("text from the network can't forge lines or colours, and is cut")
{
    collecting_log log;
    const std::string host = "evil\r\n2026 kurier error fake: \x1b[31m";
    const std::string text(10'000, 'x');
    const std::array<log_field, 2> fields{log_field{"host", host}, log_field{"text", text}};
    write_log(log, {log_level::info, "broker.connected", "caf\xc3\xa9 \xff\n", fields, moment(0s)});
    REQUIRE(log.lines.size() == 1);
    CHECK(log.lines[0].find("caf\xc3\xa9 \\xff\\n") != std::string::npos);
    CHECK(log.lines[0].find("host=evil\\r\\n2026 kurier error fake: \\x1b[31m text=xxx") !=
          std::string::npos);
    CHECK(log.lines[0].find('\n') == std::string::npos);
    CHECK(log.lines[0].size() < 800);
}

TEST_CASE("more fields than are carried are left out")
{
    collecting_log log;
    const std::vector<log_field> fields(40, log_field{"name", "\n"});
    write_log(log, {log_level::info, "a.b", "\n", fields, moment(0s)});
    std::string expected = "2026-11-21T04:17:00.123Z kurier info a.b: \\n";
    for (int i = 0; i < 16; ++i) expected += " name=\\n";
    CHECK(log.lines.at(0) == expected);
}

TEST_CASE("a disabled sink costs not even the text")
{
    int count = 0;
    null_log none;
    say(none, {&count});
    CHECK(count == 0);
    collecting_log log;
    say(log, {&count});
    CHECK(count == 1);
    write_log(none, {});
}

TEST_CASE("steps on the way are left out by default")
{
    std::string out;
    const auto write = [&](std::string_view line) { out += line; };
    line_log log{write};
    write_log(log, {log_level::debug, "a.b", "step", {}, moment(0s)});
    CHECK(out.empty());
    write_log(log, {log_level::info, "a.b", "change", {}, moment(0s)});
    CHECK(out == "2026-11-21T04:17:00.123Z kurier info a.b: change\n");
    line_log all{write, log_level::debug};
    out.clear();
    write_log(all, {log_level::debug, "a.b", "step", {}, moment(0s)});
    CHECK(out == "2026-11-21T04:17:00.123Z kurier debug a.b: step\n");
}

TEST_CASE("a reconnect loop prints ten lines, then one a second with the number left out")
{
    std::vector<std::string> lines;
    line_log log{[&](std::string_view line) { lines.emplace_back(line); }};
    for (int ms = 0; ms < 3000; ms += 10) {
        write_log(log, {log_level::warning, "broker.connect_failed", "refused", {}, moment(ms * 1ms)});
    }
    CHECK(lines.size() == 12);
    CHECK(lines[9].ends_with("refused\n"));
    CHECK(lines[10].ends_with("refused (90 like it were left out)\n"));
    CHECK(lines[11].ends_with("refused (99 like it were left out)\n"));
    write_log(log, {log_level::info, "broker.connected", "at last", {}, moment(3000ms)});
    CHECK(lines.back().ends_with("at last\n"));
}

TEST_CASE("the limit forgets names, not its bounds")
{
    log_rate_limit limit;
    std::vector<std::string> names;
    for (int i = 0; i < 1000; ++i) names.push_back("event." + std::to_string(i));
    for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK(limit.admit(names[i], std::chrono::seconds{i}) == 0);
    }
    CHECK(limit.admit("late", 1'000'000s) == 0);
    for (int i = 1; i < log_rate_limit::burst; ++i) CHECK(limit.admit("late", 1'000'000s) == 0);
    CHECK(limit.admit("late", 1'000'000s) == -1);
    CHECK(limit.admit("late", 1'000'001s) == 1);
}
