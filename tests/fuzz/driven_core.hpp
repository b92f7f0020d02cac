// A producer core as its driver sees it, in virtual time: performs actions, announces fates, counts turns and memory.
// What the peers are is the target's business.
#pragma once

#include "allocation_guard.hpp"

#include <kurier/core/invariants.hpp>
#include <kurier/core/producer_core.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::fuzz {

using core::connection_id;
using core::instant;
using core::nanoseconds;

// The peers of a driven core.
class network
{
public:
    virtual ~network() = default;
    virtual void connect(const core::action& wanted) = 0;
    virtual void write(connection_id link) = 0;
    virtual void close(connection_id link) = 0;
};

struct sent_record
{
    std::string topic, value;
    std::int32_t partition = 0;
    int times_told = 0;
    error_code error;
    std::int64_t offset = -1;
};

class driven_core
{
public:
    static constexpr int turns_max = 200; // at one instant

    // Everything the core does is counted; what its driver holds is not.
    template <class Act> auto counted(Act act)
    {
        const counting here;
        return act();
    }

    driven_core(const producer_config& config, network& peers) : peers_{peers}
    {
        heap() = {};
        counted([&] { core = std::make_unique<core::producer_core>(config, 1); });
        now.steady = std::chrono::hours{1};
        now.wall_ms = 1'700'000'000'000;
    }

    instant now;
    std::unique_ptr<core::producer_core> core;
    std::deque<sent_record> records; // those that the core took

    bool send(std::string_view topic_name, std::string_view value, std::int32_t partition)
    {
        auto& record = records.emplace_back(
            sent_record{std::string{topic_name}, std::string{value}, partition, 0, {}, -1});
        auto* slot = counted([&] { return put(record); });
        if (!slot) {
            records.pop_back();
            return false;
        }
        slot->context = &record;
        slot->notify = &tell;
        return true;
    }

    void connected(connection_id link)
    {
        counted([&] { core->connected(link, now); });
    }
    void closed(connection_id link, error_code why)
    {
        counted([&] { core->closed(link, why, now); });
    }

    // The peer's bytes arrive; nothing is done about them yet.
    void feed(connection_id link, bytes_view bytes)
    {
        counted([&] {
            while (!bytes.empty()) {
                const auto space = core->read_space(link);
                if (space.empty()) return; // closed by the core
                const auto part = std::min(space.size(), bytes.size());
                std::memcpy(space.data(), bytes.data(), part);
                core->read(link, part, now);
                bytes = bytes.subspan(part);
            }
        });
    }

    // Takes up to `most` bytes of what there is to write.
    std::vector<std::byte> take_output(connection_id link, std::size_t most = ~std::size_t{0})
    {
        std::vector<std::byte> taken;
        while (taken.size() < most) {
            bytes_view views[3];
            const auto count = core->gather(link, views);
            const auto before = taken.size();
            for (std::size_t i = 0; i < count; ++i) {
                const auto part = views[i].first(std::min(views[i].size(), most - taken.size()));
                taken.insert(taken.end(), part.begin(), part.end());
            }
            if (taken.size() == before) break;
            counted([&] { core->written(link, taken.size() - before, now); });
        }
        return taken;
    }

    // To the end of what happens now.
    void settle()
    {
        settle_unseen();
        const auto broken = core::invariants{*core}.broken();
        check(broken.empty(), broken);
    }

    void settle_unseen() // the same, without the look at all invariants
    {
        for (int turns = 0;; ++turns) {
            check(turns < turns_max, "the core never rests");
            counted([&] { core->turn(now); });
            const bool acted = perform_actions();
            announce();
            if (!acted && core->deadline() > now.steady) break;
        }
    }

    void pass(nanoseconds time)
    {
        now.steady += time;
        now.wall_ms += time / std::chrono::milliseconds{1};
    }

    // Until all records are told of, or `most` is over.
    void settle_until_idle(nanoseconds most, int steps_max)
    {
        const auto end = now.steady + most;
        settle();
        for (int steps = 0; !core->idle() && core->deadline() <= end; ++steps) {
            check(steps < steps_max, "too many steps");
            pass(core->deadline() - now.steady);
            settle_unseen();
        }
        settle();
        check(core->idle(), "records without an end");
    }

    // The end of a producer: everything is told, and nothing is left.
    void finish()
    {
        counted([&] { core->abort(errc::aborted); });
        settle();
        for (const auto& record : records) check(record.times_told == 1, "a record was not told of once");
        check(core->connections().all().empty(), "connections are left");
        check(core->pool().in_use() == 0, "memory is left");
        counted([&] { core.reset(); });
    }

    static void check(bool good, std::string_view what)
    {
        if (good) return;
        std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
        std::abort();
    }

private:
    core::slot* put(const sent_record& record)
    {
        auto& topic = core->use_topic(record.topic, now);
        const core::record_bytes bytes{{}, record.value, {}, now.wall_ms};
        const auto result = core->send({topic, record.partition, bytes, {}}, now);
        if (const auto place = result.appended; place.where) return &place.where->slot_of(place.index);
        return result.parked ? &result.parked->waiter : nullptr;
    }

    static void tell(void* context, const core::fate& what)
    {
        auto& told = *static_cast<sent_record*>(context);
        ++told.times_told;
        told.error = what.where ? what.where->error : what.refused->error;
        if (what.where && !told.error) told.offset = what.where->offset_of(what.index);
    }

    bool perform_actions()
    {
        bool any = false;
        core::action next;
        while (counted([&] { return core->poll(next); })) {
            any = true;
            if (next.kind == core::action_kind::connect)
                peers_.connect(next);
            else if (next.kind == core::action_kind::write)
                peers_.write(next.link);
            else
                peers_.close(next.link);
            counted([&] { next = {}; }); // its text is the core's
        }
        counted([&] {
            core::log_entry entry;
            while (core->poll(entry)) {
            }
        });
        return any;
    }

    void announce()
    {
        counted([&] {
            while (auto* done = core->next_done()) {
                for (; done->notified < static_cast<std::uint32_t>(done->accepted); ++done->notified) {
                    auto& slot = done->waiter_of(done->notified);
                    if (const auto notify = std::exchange(slot.notify, nullptr))
                        notify(slot.context, {done, done->notified, nullptr, nullptr});
                }
                core->announced(*done);
            }
            while (auto* failed = core->next_failed()) {
                if (const auto notify = std::exchange(failed->waiter.notify, nullptr))
                    notify(failed->waiter.context, {nullptr, 0, failed, nullptr});
                core->announced(*failed);
            }
        });
    }

    network& peers_;
};

} // namespace kurier::fuzz
