// Holds parked records and lets them in when they can be appended: see waiting.hpp. Its memory has a bound of its own
// (kurier.waiting.memory), besides buffer.memory.
#pragma once

#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/intake/send.hpp>
#include <kurier/core/state/topic.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class waiting_room
{
public:
    explicit waiting_room(std::size_t limit) : limit_{limit} {}

    // What a record would take of the waiting room's memory.
    static std::size_t charge_for(const record_bytes& record, bool value_has_owner) noexcept
    {
        auto bytes = sizeof(waiting_record) + record.key.size() + (value_has_owner ? 0 : record.value.size());
        for (const auto& header : record.headers)
            bytes += header.name.size() + header.value.size() + sizeof(header_view);
        return bytes;
    }

    // nullptr: no room here either. A single record is always taken, whatever its size.
    waiting_record* add(outgoing what, nanoseconds give_up)
    {
        const auto& record = what.bytes;
        auto& topic = what.topic;
        const auto charge = charge_for(record, what.owner != nullptr);
        const auto bytes = charge - sizeof(waiting_record);
        if (used_ > 0 && used_ + charge > limit_) return nullptr;
        auto made = std::make_unique<waiting_record>();
        made->topic = &topic;
        made->partition = what.partition;
        made->chooser = std::move(what.chooser);
        made->timestamp = record.timestamp;
        made->give_up = give_up;
        made->charged = charge;
        made->number = next_number_++;
        made->owner = std::move(what.owner);
        copy(record, bytes, *made);
        place(*made); // nothing throws from here on
        used_ += charge;
        ++topic.held_back;
        auto* added = made.release();
        arrivals_.push_back(*added);
        return added;
    }

    // Queues it behind the others of its leader, or of its topic while there is no leader. Records are placed in order of
    // arrival: a new one is the youngest, and place_all_again() starts from the oldest.
    void place(waiting_record& waiting) noexcept
    {
        auto& lane = lane_of(waiting);
        if (lane.empty() && can_move(waiting)) movable_.push_back(lane);
        lane.push_back(waiting);
        waiting.lane = &lane;
    }

    // After a change of leaders or topics: records may belong to other lanes, and every lane may move again.
    void place_all_again() noexcept
    {
        for (auto* waiting = arrivals_.front(); waiting; waiting = arrivals_.next(*waiting))
            leave_lane(*waiting);
        for (auto* waiting = arrivals_.front(); waiting; waiting = arrivals_.next(*waiting)) place(*waiting);
    }

    // Memory was freed: lanes that found no room may move again.
    void unblock_all() noexcept
    {
        while (auto* lane = blocked_.pop_front()) unblock(*lane);
    }

    // Lets in what fits: `admit(record)` returns whether the record left the room. Oldest first over all lanes; a lane whose
    // oldest record can't go in holds back only itself, and is not tried again until something has changed.
    template <class Admit> void let_in(Admit admit)
    {
        const auto younger = [](const waiting_lane* a, const waiting_lane* b) {
            return a->front()->number > b->front()->number;
        };
        by_age_.clear();
        for (auto* lane = movable_.front(); lane; lane = movable_.next(*lane)) by_age_.push_back(lane);
        std::make_heap(by_age_.begin(), by_age_.end(), younger);
        while (!by_age_.empty()) {
            std::pop_heap(by_age_.begin(), by_age_.end(), younger);
            auto& lane = *by_age_.back();
            if (!admit(*lane.front()))
                block(lane);
            else if (!lane.empty()) {
                std::push_heap(by_age_.begin(), by_age_.end(), younger);
                continue;
            }
            by_age_.pop_back();
        }
    }

    // It is no longer parked.
    void leave(waiting_record& waiting)
    {
        leave_lane(waiting);
        arrivals_.erase(waiting);
        used_ -= waiting.charged;
        --waiting.topic->held_back;
        waiting.bytes = {};
        waiting.owner.reset();
        waiting.headers = {};
        waiting.key = waiting.value = {};
    }

    // Its partition is not in the metadata, not yet or no longer.
    static bool is_early(const waiting_record& waiting) noexcept
    {
        const auto& topic = *waiting.topic;
        return topic.phase == topic_phase::known && waiting.partition &&
               !has_partition(topic, *waiting.partition);
    }

    waiting_record* oldest() const noexcept { return arrivals_.front(); }
    waiting_record* next(waiting_record& waiting) const noexcept { return arrivals_.next(waiting); }
    nanoseconds deadline() const noexcept { return arrivals_.empty() ? never : arrivals_.front()->give_up; }
    bool empty() const noexcept { return arrivals_.empty(); }
    std::size_t size() const noexcept { return arrivals_.size(); }
    std::size_t used() const noexcept { return used_; }

private:
    friend struct invariant_access;
    static waiting_lane& lane_of(const waiting_record& waiting) noexcept
    {
        auto& topic = *waiting.topic;
        if (topic.phase == topic_phase::unknown) return topic.waiting;
        if (is_early(waiting)) return topic.early; // all have a partition, see intake::topics_changed
        auto* leader = topic.partitions[static_cast<std::size_t>(*waiting.partition)].leader;
        return leader ? leader->waiting : topic.waiting;
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

    // Records of an unknown topic or partition wait for metadata, not for room.
    static bool can_move(const waiting_record& waiting) noexcept
    {
        return waiting.topic->phase == topic_phase::known && !is_early(waiting);
    }

    void leave_lane(waiting_record& waiting) noexcept
    {
        auto& lane = *std::exchange(waiting.lane, nullptr);
        const bool was_first = lane.front() == &waiting;
        lane.erase(waiting);
        if (was_first && lane.blocked) { // the next one may be smaller
            blocked_.erase(lane);
            unblock(lane);
        }
        if (lane.empty()) movable_.remove(lane);
    }

    void block(waiting_lane& lane) noexcept
    {
        movable_.erase(lane);
        blocked_.push_back(lane);
        lane.blocked = true;
    }

    void unblock(waiting_lane& lane) noexcept
    {
        lane.blocked = false;
        movable_.push_back(lane);
    }

    std::size_t limit_, used_ = 0;
    std::uint64_t next_number_ = 0;
    intrusive_list<waiting_record, &waiting_record::arrival_hook> arrivals_;
    intrusive_list<waiting_lane, &waiting_lane::room_hook> movable_, blocked_; // lanes that are not empty
    std::vector<waiting_lane*> by_age_;                                        // a heap, during let_in()
};

} // namespace kurier::inline KURIER_ABI::core
