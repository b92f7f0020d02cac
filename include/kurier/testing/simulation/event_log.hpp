// What happened in a simulation: a hash of everything, which must be the same whenever the seed is the same, and the
// last events, to be read when a rule was broken.
#pragma once

#include <kurier/config.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

enum class event_kind : std::uint8_t {
    connect,
    connected,
    write,
    written,
    arrived,
    answered,
    read,
    close,
    closed,
    sent,
    waits,
    refused,
    delivered,
    failed,
    withdrawn,
    appended,
    answered_batch,
    flush,
    flush_over,
    close_producer,
    abort,
    fault,
    healed,
    broken_rule,
};

// {0} .. {3} stand for the numbers of an event, {t} for its text.
inline constexpr std::array<std::string_view, static_cast<std::size_t>(event_kind::broken_rule) + 1>
    event_texts{
        "link {0}: connect to broker {1}",
        "link {0}: connected",
        "link {0}: begins to write {1} bytes",
        "link {0}: {1} bytes written",
        "link {0}: {1} bytes reach broker {2}",
        "link {0}: broker answers with {1} bytes",
        "link {0}: {1} bytes read",
        "link {0}: the producer closes it",
        "link {0}: closed, {t}",
        "record {0}: sent to topic {1} partition {2}",
        "record {0}: waits for room or metadata of topic {1}, partition {2}",
        "record {0}: refused, no room",
        "record {0}: delivered at offset {1} of partition {2}, timestamp {3}",
        "record {0}: failed, persisted {1}: {t}",
        "record {0}: withdrawn",
        "log of {t}-{0}: records {1}.. appended at offset {2}, {3} of them",
        "broker {0}: batch with sequence {1} epoch {3} for partition {2} answered {t}",
        "flush {0} begins",
        "flush {0} is over",
        "no more records are taken",
        "the producer aborts",
        "FAULT {t} ({0}, {1})",
        "no faults from now on",
        "BROKEN RULE: {t}",
    };

class event_log
{
public:
    // `kept`: how many events can be read afterwards. The hash covers all.
    explicit event_log(std::size_t kept) : kept_(kept) {}

    void add(std::chrono::nanoseconds now, event_kind kind, std::int64_t a = 0, std::int64_t b = 0,
             std::int64_t c = 0, std::int64_t d = 0, std::string_view text = {})
    {
        mix(static_cast<std::uint64_t>(now.count()));
        mix(static_cast<std::uint64_t>(kind) ^ static_cast<std::uint64_t>(a) << 8);
        mix(static_cast<std::uint64_t>(b));
        mix(static_cast<std::uint64_t>(c) ^ static_cast<std::uint64_t>(d) << 20);
        ++count_;
        if (kept_.empty()) return;
        entry& e = kept_[(count_ - 1) % kept_.size()];
        e.time = now;
        e.kind = kind;
        e.numbers = {a, b, c, d};
        e.text.assign(text);
    }

    bool recording() const noexcept { return !kept_.empty(); } // else texts are not worth making
    std::uint64_t hash() const noexcept { return hash_; }
    std::uint64_t count() const noexcept { return count_; }

    // The last events, oldest first.
    std::string text() const
    {
        std::string all;
        const auto shown = count_ < kept_.size() ? count_ : kept_.size();
        for (auto i = count_ - shown; i < count_; ++i) {
            all += line(kept_[i % kept_.size()]);
            all += '\n';
        }
        return all;
    }

private:
    struct entry
    {
        std::chrono::nanoseconds time{0};
        event_kind kind = event_kind::connect;
        std::array<std::int64_t, 4> numbers{};
        std::string text;
    };

    void mix(std::uint64_t value) noexcept
    {
        hash_ = (hash_ ^ value) * 0x9fb21c651e98df25u;
        hash_ ^= hash_ >> 29;
    }

    static std::string line(const entry& e)
    {
        char time[32];
        const auto ns = e.time.count();
        std::snprintf(time, sizeof time, "%8lld.%06lld  ", static_cast<long long>(ns / 1'000'000'000),
                      static_cast<long long>(ns / 1000 % 1'000'000));
        std::string made = time;
        const auto form = event_texts[static_cast<std::size_t>(e.kind)];
        for (std::size_t i = 0; i < form.size(); ++i) {
            if (form[i] == '{' && i + 2 < form.size() && form[i + 2] == '}') {
                if (form[i + 1] == 't')
                    made += e.text;
                else
                    made += std::to_string(e.numbers[static_cast<std::size_t>(form[i + 1] - '0')]);
                i += 2;
            } else {
                made += form[i];
            }
        }
        return made;
    }

    std::vector<entry> kept_;
    std::uint64_t hash_ = 0x243f6a8885a308d3u, count_ = 0;
};

} // namespace kurier::inline KURIER_ABI::testing
