// Holds records that can't be appended yet and lets them in when they can: see waiting.hpp. Its memory is bounded on
// its own account (kurier.waiting.memory), beside buffer.memory.
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/state/topic.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace kurier::core {

class waiting_room
{
public:
    explicit waiting_room(std::size_t limit) : limit_{limit} {}

    // nullptr: no room for it either. One record is always let in, whatever its size.
    waiting_record* add(topic_state& topic, std::optional<std::int32_t> partition, const record_bytes& record,
                        partition_chooser chooser, nanoseconds give_up,
                        std::shared_ptr<const void> owner = {})
    {
        std::size_t bytes = record.key.size() + (owner ? 0 : record.value.size());
        for (const auto& header : record.headers)
            bytes += header.name.size() + header.value.size() + sizeof(header_view);
        const auto charge = bytes + sizeof(waiting_record);
        if (used_ > 0 && used_ + charge > limit_) return nullptr;
        auto made = std::make_unique<waiting_record>();
        made->topic = &topic;
        made->partition = partition;
        made->chooser = chooser;
        made->timestamp = record.timestamp;
        made->give_up = give_up;
        made->charged = charge;
        made->number = next_number_++;
        made->owner = std::move(owner);
        copy(record, bytes, *made);
        place(*made); // what may throw is over then
        used_ += charge;
        ++topic.held_back;
        auto* added = made.release();
        arrivals_.push_back(*added);
        return added;
    }

    // Where it waits: behind its leader's others, or with its topic's while it has no leader. Placed in the order of
    // arrival: a new one is the newest, and place_all_again() goes from the oldest on.
    void place(waiting_record& waiting)
    {
        auto& lane = lane_of(waiting);
        remember(lane);
        lane.push_back(waiting);
        waiting.lane = &lane;
    }

    // After a change of leaders or topics: records may belong to other lanes now.
    void place_all_again()
    {
        for (auto* waiting = arrivals_.front(); waiting; waiting = arrivals_.next(*waiting))
            std::exchange(waiting->lane, nullptr)->erase(*waiting);
        for (auto* waiting = arrivals_.front(); waiting; waiting = arrivals_.next(*waiting)) place(*waiting);
    }

    // Lets in whoever can be: `admit(record)` returns whether it went in (or failed for good, then it was finished).
    // Oldest first over all lanes; a lane whose oldest can't go in holds back only itself.
    template <class Admit> void let_in(Admit admit)
    {
        blocked_.clear();
        while (auto* next = oldest_of_unblocked())
            if (!admit(*next)) blocked_.push_back(next->lane);
        forget_empty_lanes();
    }

    // It waits no more.
    void leave(waiting_record& waiting)
    {
        if (waiting.lane) // not when place_all_again() ran out of memory
            std::exchange(waiting.lane, nullptr)->erase(waiting);
        arrivals_.erase(waiting);
        used_ -= waiting.charged;
        --waiting.topic->held_back;
        waiting.bytes = {};
        waiting.owner.reset();
        waiting.headers = {};
        waiting.key = waiting.value = {};
    }

    waiting_record* oldest() const noexcept { return arrivals_.front(); }
    waiting_record* next(waiting_record& waiting) const noexcept { return arrivals_.next(waiting); }
    nanoseconds deadline() const noexcept { return arrivals_.empty() ? never : arrivals_.front()->give_up; }
    bool empty() const noexcept { return arrivals_.empty(); }
    std::size_t size() const noexcept { return arrivals_.size(); }
    std::size_t used() const noexcept { return used_; }

private:
    friend struct invariant_access;
    static waiting_lane& lane_of(waiting_record& waiting) noexcept
    {
        auto& topic = *waiting.topic;
        // Of a known topic everybody has a partition, see intake::topics_changed.
        if (topic.phase == topic_phase::known &&
            *waiting.partition < static_cast<std::int32_t>(topic.partitions.size()))
            if (auto* leader = topic.partitions[static_cast<std::size_t>(*waiting.partition)].leader)
                return leader->waiting;
        return topic.waiting;
    }

    static void copy(const record_bytes& record, std::size_t bytes, waiting_record& into)
    {
        into.bytes.reserve(bytes); // the views below point into it
        const auto keep = [&](nullable_bytes view) {
            if (view.is_null()) return nullable_bytes{};
            const auto at = into.bytes.size();
            into.bytes.insert(into.bytes.end(), view.data(), view.data() + view.size());
            return nullable_bytes{bytes_view{into.bytes.data() + at, view.size()}};
        };
        into.key = keep(record.key);
        into.value = into.owner ? record.value : keep(record.value);
        for (const auto& header : record.headers)
            into.headers.push_back({as_text(keep(nullable_bytes{header.name}).view()), keep(header.value)});
    }

    waiting_record* oldest_of_unblocked() const noexcept
    {
        waiting_record* oldest = nullptr;
        for (auto* lane : lanes_)
            if (!lane->empty() && std::find(blocked_.begin(), blocked_.end(), lane) == blocked_.end())
                if (!oldest || lane->front()->number < oldest->number) oldest = lane->front();
        return oldest;
    }

    void remember(waiting_lane& lane)
    {
        if (std::find(lanes_.begin(), lanes_.end(), &lane) == lanes_.end()) lanes_.push_back(&lane);
    }

    void forget_empty_lanes()
    {
        std::erase_if(lanes_, [](const waiting_lane* lane) { return lane->empty(); });
    }

    std::size_t limit_, used_ = 0;
    std::uint64_t next_number_ = 0;
    intrusive_list<waiting_record, &waiting_record::arrival_hook> arrivals_;
    std::vector<waiting_lane*> lanes_, blocked_;
};

} // namespace kurier::core
