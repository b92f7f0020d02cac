// Notifies whoever waits for a record or for a state of the producer, and the observers.
#pragma once

#include <kurier/core/producer_core.hpp>
#include <kurier/io/driver.hpp>
#include <kurier/io/state_waits.hpp>
#include <kurier/observer.hpp>

#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::io {

class completions
{
public:
    state_waits& waits() noexcept { return waits_; }
    void observe(observer_hooks hooks) { observers_.push_back(std::move(hooks)); }

    // `metadata` is built once for all records of a batch.
    void announce(driver& machine, core::producer_core& core, record_metadata& metadata)
    {
        while (auto* expired = core.next_expired()) { // before their batches' slots are gone
            auto& slot = expired->where->slot_of(expired->index);
            if (const auto notify = std::exchange(slot.notify, nullptr))
                notify(slot.context, {nullptr, 0, expired, &machine});
            core.announced(*expired);
        }
        while (auto* done = core.next_done()) {
            metadata.topic = done->partition->topic->name;
            metadata.partition = done->partition->index;
            announce(machine, *done);
            core.announced(*done);
        }
        while (auto* failed = core.next_failed()) {
            if (const auto notify = std::exchange(failed->waiter.notify, nullptr))
                notify(failed->waiter.context, {nullptr, 0, failed, &machine});
            core.announced(*failed);
        }
        waits_.ask(machine);
        machine.submit_ended();
    }

    void tell(const broker_event& event)
    {
        for (std::size_t i = 0; i < observers_.size(); ++i) // a hook may add another
            if (const auto& hooks = observers_[i]; hooks.on_broker)
                hooks.on_broker(hooks.observer.get(), event);
    }

    // Destroys what waits without running it.
    void abandon(core::producer_core& core)
    {
        core.abort(errc::aborted);
        while (auto* expired = core.next_expired()) core.announced(*expired); // their batches' slots are told
        while (auto* done = core.next_done()) {
            for (auto i = done->notified; i < static_cast<std::uint32_t>(done->accepted); ++i)
                if (const auto notify = std::exchange(done->waiter_of(i).notify, nullptr))
                    notify(done->waiter_of(i).context, {});
            core.announced(*done);
        }
        while (auto* failed = core.next_failed()) {
            if (const auto notify = std::exchange(failed->waiter.notify, nullptr))
                notify(failed->waiter.context, {});
            core.announced(*failed);
        }
        waits_.clear();
    }

private:
    static constexpr std::uint32_t told_soon = 6; // so many ahead of their turn, waiters are prefetched

    void announce(driver& machine, core::batch& done)
    {
        const auto count = static_cast<std::uint32_t>(done.accepted);
        if (!observers_.empty() && done.notified == 0 && done.live_records() > 0) [[unlikely]]
            tell_observers(done, machine.now().steady);
        while (done.notified < count) {
            const auto index = done.notified++;
            auto& slot = done.waiter_of(index);
            if (index + told_soon < count) __builtin_prefetch(done.waiter_of(index + told_soon).context, 1);
            if (const auto notify = std::exchange(slot.notify, nullptr))
                notify(slot.context, {&done, index, nullptr, &machine, slot.time_delta()});
        }
    }

    [[gnu::noinline]] void tell_observers(const core::batch& done, core::nanoseconds now)
    {
        const auto end = done.attempts > 0 ? done.drained : now;
        const batch_event event{done.partition->topic->name,
                                done.partition->index,
                                done.live_records(),
                                done.wire_size(),
                                done.codec(),
                                done.attempts,
                                end - done.created,
                                now - done.created,
                                done.error,
                                done.written,
                                done.base_offset};
        for (std::size_t i = 0; i < observers_.size(); ++i)
            if (const auto& hooks = observers_[i]; hooks.on_batch)
                hooks.on_batch(hooks.observer.get(), event);
    }

    std::vector<observer_hooks> observers_;
    state_waits waits_;
};

} // namespace kurier::inline KURIER_ABI::io
