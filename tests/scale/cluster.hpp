// A core against a whole cluster in memory. Time stands still until a test moves it; only what the core does is counted.
#pragma once

#include "work.hpp"

#include <kurier/core/producer_core.hpp>
#include <kurier/testing/cluster_model.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <functional>
#include <iomanip>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace kurier::scale {

using namespace std::chrono_literals;
using core::nanoseconds;
using testing::broker_id;

inline producer_config settings()
{
    producer_config config{"broker-1:9092"};
    config.linger = 0ms;
    config.buffer_memory = std::size_t{4} << 30;
    config.waiting_memory = std::size_t{4} << 30;
    config.max_request_size = 1 << 30;
    config.metadata_max_age = 10h;
    config.connections_max_idle = 10h;
    return config;
}

inline testing::cluster_options brokers(std::size_t count)
{
    testing::cluster_options options;
    options.brokers = static_cast<std::int32_t>(count);
    options.socket_request_max_bytes = 1 << 30;
    return options;
}

class cluster
{
public:
    explicit cluster(producer_config config = settings(), std::size_t broker_count = 1)
        : core{std::move(config), 1}, model{brokers(broker_count)}
    {
        now.steady = 1h;
        now.wall_ms = 1'000'000;
    }
    ~cluster() { core.abort(errc::aborted), announce(); }

    core::producer_core core;
    testing::cluster_model model;
    core::instant now;
    std::set<broker_id> refuse; // connections to these are refused
    std::set<broker_id> mute;   // these answer nothing
    std::set<broker_id> deaf;   // and to these nothing can be written
    std::uint64_t delivered = 0, failed = 0;

    // --- what users do -----------------------------------------------------------------------------------------------

    core::sent send(std::string_view topic, std::optional<std::int32_t> partition = 0,
                    nanoseconds expires = core::never, std::string_view value = "a value of 24 bytes ...",
                    std::span<const header_view> headers = {})
    {
        core::sent result;
        const core::record_bytes record{{}, value, headers, now.wall_ms};
        count([&] {
            result =
                core.send({core.use_topic(topic, now), partition, record, {}, true, {}, false, expires}, now);
        });
        if (result.appended.where)
            listen(result.appended.where->slot_of(result.appended.index));
        else if (result.parked)
            listen(result.parked->waiter);
        else
            ++failed;
        return result;
    }

    // What the test calls itself, counted.
    template <class Act> void act(Act what) { count(what); }

    // --- the world ---------------------------------------------------------------------------------------------------

    // Everything that happens now.
    void run()
    {
        for (;;) {
            count([&] { core.turn(now); });
            bool acted = perform();
            announce();
            acted |= answer();
            nanoseconds at{};
            count([&] { at = core.deadline(); });
            if (!acted && at > now.steady) return;
        }
    }

    void run(nanoseconds time) // until then, each thing at its time
    {
        const auto end = now.steady + time;
        for (;;) {
            run();
            const auto next = std::min(core.deadline(), model.next_due());
            if (next > end) break;
            pass(next - now.steady);
        }
        pass(end - now.steady);
        run();
    }

    void pass(nanoseconds time)
    {
        now.steady += time;
        now.wall_ms = 1'000'000 + (now.steady - 1h) / 1ms;
    }

    void lose(broker_id broker) // as a network does: nothing more arrives, nor did all that was on its way
    {
        std::vector<core::connection_id> lost;
        for (const auto& [id, to] : links_)
            if (to.broker == broker) lost.push_back(id);
        for (const auto id : lost) end(id, errc::disconnected);
    }

    // --- cost --------------------------------------------------------------------------------------------------------

    std::size_t memory() const noexcept { return memory_; } // that the core has taken since it was made

    // Of what happens in `act`, all together.
    template <class Act> double cost_of(Act act)
    {
        const auto before = work_;
        act();
        return static_cast<double>(work_ - before);
    }

    // Of one record, from send until it is acknowledged, while nothing else happens.
    double cost_of_record(std::string_view topic = "t")
    {
        send(topic);
        run(1s); // it may be the first one
        constexpr int times = 100;
        const auto round = [&] {
            for (int i = 0; i < times; ++i) {
                const auto before = delivered;
                send(topic);
                run();
                REQUIRE(delivered == before + 1);
            }
        };
        round();
        return cost_of(round) / times;
    }

private:
    struct link
    {
        broker_id broker;
        testing::connection_id remote;
    };

    template <class Act> void count(Act act)
    {
        const auto blocks = blocks_entered();
        const auto bytes = bytes_held();
        act();
        work_ += blocks_entered() - blocks;
        memory_ += bytes_held() - bytes;
    }

    void listen(core::slot& waiter)
    {
        waiter.context = this;
        waiter.notify = [](void* context, const core::fate& what) {
            auto& self = *static_cast<cluster*>(context);
            ++(what.refused || what.where->error ? self.failed : self.delivered);
        };
    }

    bool perform()
    {
        core::action next;
        bool acted = false;
        const auto more = [&] {
            bool found = false;
            count([&] { found = core.poll(next); });
            return found;
        };
        while (more()) {
            acted = true;
            if (next.kind == core::action_kind::connect)
                connect(next);
            else if (next.kind == core::action_kind::write)
                write(next.link);
            else if (next.kind == core::action_kind::close)
                end(next.link, {});
        }
        count([&] {
            core::log_entry entry;
            while (core.poll(entry)) {
            }
        });
        return acted;
    }

    void connect(const core::action& what)
    {
        broker_id broker = 0;
        std::from_chars(what.host.data() + 7, what.host.data() + what.host.size(), broker); // broker-N
        const auto remote = refuse.contains(broker) ? std::nullopt : model.accept(broker);
        if (!remote) return count([&] { core.closed(what.link, errc::connect_failed, now); });
        links_[what.link] = {broker, *remote};
        ids_[*remote] = what.link;
        count([&] { core.connected(what.link, now); });
    }

    void write(core::connection_id id)
    {
        const auto found = links_.find(id);
        if (found == links_.end() || deaf.contains(found->second.broker)) return;
        std::array<bytes_view, 64> views;
        for (;;) {
            std::size_t used = 0, size = 0;
            count([&] { used = core.gather(id, views); });
            if (used == 0) return;
            for (std::size_t i = 0; i < used; ++i) {
                model.receive(found->second.remote, views[i], now);
                size += views[i].size();
            }
            count([&] { core.written(id, size, now); });
        }
    }

    void end(core::connection_id id, error_code why)
    {
        if (const auto found = links_.find(id); found != links_.end()) {
            model.disconnect(found->second.remote, testing::cluster_model::unhandled::dropped, now);
            ids_.erase(found->second.remote);
            links_.erase(found);
        }
        count([&] { core.closed(id, why, now); });
    }

    bool answer()
    {
        bool acted = false;
        while (const auto ready = model.take_ready(now)) {
            std::vector<std::byte> bytes;
            const auto state = model.poll_output(*ready, now, bytes);
            const auto found = ids_.find(*ready);
            if (found == ids_.end() || mute.contains(links_.at(found->second).broker)) continue;
            acted = true;
            for (bytes_view left{bytes}; !left.empty();) {
                std::span<std::byte> space;
                count([&] { space = core.read_space(found->second); });
                const auto size = std::min(space.size(), left.size());
                if (size == 0) break; // the connection is closing
                std::copy_n(left.begin(), size, space.begin());
                count([&] { core.read(found->second, size, now); });
                left = left.subspan(size);
            }
            if (state == testing::connection_state::closed) end(found->second, errc::disconnected);
        }
        return acted;
    }

    void announce()
    {
        while (auto* expired = core.next_expired()) {
            auto& slot = expired->where->slot_of(expired->index);
            if (const auto notify = std::exchange(slot.notify, nullptr))
                notify(slot.context, {nullptr, 0, expired, nullptr});
            count([&] { core.announced(*expired); });
        }
        while (auto* done = core.next_done()) {
            while (done->notified < static_cast<std::uint32_t>(done->accepted)) {
                const auto index = done->notified++;
                auto& slot = done->waiter_of(index);
                if (const auto notify = std::exchange(slot.notify, nullptr))
                    notify(slot.context, {done, index, nullptr, nullptr});
            }
            count([&] { core.announced(*done); });
        }
        while (auto* over = core.next_failed()) {
            if (const auto notify = std::exchange(over->waiter.notify, nullptr))
                notify(over->waiter.context, {nullptr, 0, over, nullptr});
            count([&] { core.announced(*over); });
        }
    }

    std::unordered_map<core::connection_id, link> links_;
    std::unordered_map<testing::connection_id, core::connection_id> ids_;
    std::uint64_t work_ = 0;
    std::size_t memory_ = 0;
};

inline std::string numbered(std::string_view name, std::size_t number)
{
    return std::string{name} + "-" + std::to_string(number);
}

// --- claims ------------------------------------------------------------------------------------------------------------

inline std::string table(const std::vector<std::pair<std::size_t, double>>& found)
{
    std::ostringstream text;
    text << std::fixed << std::setprecision(1);
    for (const auto& [n, cost] : found) text << "  " << n << ": " << cost;
    return text.str();
}

// `measure(n)`: what an event costs while there are n of something that has nothing to do with it.
template <class Measure>
void does_not_grow(std::initializer_list<std::size_t> sizes, Measure measure, double most = 1.1)
{
    std::vector<std::pair<std::size_t, double>> found;
    for (const auto n : sizes) found.emplace_back(n, measure(n));
    MESSAGE(table(found));
    for (const auto& [n, cost] : found) CHECK(cost <= most * found.front().second);
}

// `measure(n)`: what n events cost that happen together. Each may cost log n.
template <class Measure> void grows_as_n_log_n(std::initializer_list<std::size_t> sizes, Measure measure)
{
    std::vector<std::pair<std::size_t, double>> each;
    for (const auto n : sizes) each.emplace_back(n, measure(n) / static_cast<double>(n));
    MESSAGE(table(each));
    for (std::size_t i = 1; i < each.size(); ++i)
        for (std::size_t fewer = 0; fewer < i; ++fewer) {
            const auto more_steps = std::log2(each[i].first) / std::log2(each[fewer].first);
            CHECK(each[i].second <= 1.1 * more_steps * each[fewer].second);
        }
}

} // namespace kurier::scale
