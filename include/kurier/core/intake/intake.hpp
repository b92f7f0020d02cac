// Records on their way into batches: appended at once where there is room, else kept until their topic is known and
// there is room for them, and then let in, in the order in which they were sent.
#pragma once

#include <kurier/core/batching/sticky.hpp>
#include <kurier/core/cluster/cluster_view.hpp>
#include <kurier/core/intake/expiries.hpp>
#include <kurier/core/intake/send.hpp>
#include <kurier/core/intake/waiting_room.hpp>
#include <kurier/core/produce/drain.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::core {

class intake
{
public:
    intake(const producer_config& config, const cluster_view& view, accumulator& records, batch_lives& lives,
           ready_partitions& ready, drainer& drainer, flush_tracker& flushes, random_source& random,
           producer_metrics& metrics)
        : config_{config}, view_{view}, records_{records}, lives_{lives}, ready_{ready}, drainer_{drainer},
          flushes_{flushes}, random_{random}, metrics_{metrics}, room_{config.waiting_memory}
    {}
    intake(const intake&) = delete;
    intake& operator=(const intake&) = delete;
    ~intake()
    {
        while (auto* waiting = room_.oldest()) {
            room_.leave(*waiting);
            delete waiting;
        }
        for (auto* over : {&failed_, &expired_})
            while (auto* waiting = over->pop_front()) delete waiting;
    }

    // Appends the record or parks it. A value with an owner is not copied: the owner is kept until nothing refers to the
    // bytes.
    sent send(outgoing what, instant now)
    {
        auto& topic = what.topic;
        const bool open = open_for(topic);
        if (!open && !what.may_wait && !has_room_parked(what)) return {{}, nullptr, errc::buffer_full};
        if (topic.phase == topic_phase::unknown) return park(std::move(what), now);
        auto index = what.partition ? *what.partition : what.chooser(topic, what.bytes);
        if (index < 0) index = pick_sticky(topic, what.bytes, records_, config_, now.steady, random_);
        what.partition = index;
        if (!has_partition(topic, index)) {
            if (what.named && what.may_wait) return park(std::move(what), now); // it may have been added
            return {{}, nullptr, errc::invalid_partition, index};
        }
        auto& partition = topic.partitions[static_cast<std::size_t>(index)];
        if (what.expires != never) expiries_.prepare();
        if (open && (!partition.leader || partition.leader->waiting.empty())) [[likely]]
            if (const auto place = append(partition, what.bytes, now, flushes_.current(), what.owner);
                place.where) {
                if (what.expires != never) expiries_.add(what.expires).is_in(place);
                return {place};
            }
        if (!what.may_wait) return {{}, nullptr, errc::buffer_full};
        return park(std::move(what), now);
    }

    // Takes a record back, if it was certainly never sent. It is not announced to its waiter.
    bool withdraw(batch& where, std::uint32_t index)
    {
        if (!take_out(where, index)) return false;
        where.slot_of(index).notify = nullptr;
        end_if_empty(where);
        return true;
    }

    static bool take_out(batch& where, std::uint32_t index)
    {
        auto& slot = where.slot_of(index);
        const bool compressed =
            where.compressing || where.codec() != compression::none; // can't be taken apart
        if (where.done() || where.attempts > 0 || compressed || where.root || slot.withdrawn()) return false;
        slot.withdraw();
        ++where.withdrawn;
        if (where.outside) {
            where.outside->bytes = {};
            where.outside->owner.reset();
        }
        return true;
    }

    void withdraw(waiting_record& waiting)
    {
        if (!waiting.waits()) // it was refused in this very turn, and who waits for it was not told yet
            return;
        leave_room(waiting);
        flushes_.end(waiting.flush_epoch);
        waiting.error = errc::withdrawn;
        forget(waiting);
    }

    // --- those who wait ----------------------------------------------------------------------------------------------

    void let_in(instant now)
    {
        if (memory_was_freed()) room_.unblock_all();
        room_.let_in([&](waiting_record& waiting) { return admit(waiting, now); });
        released_then_ = pool().released();
    }

    // Since records were let in last: those that found no room then may find some now.
    bool memory_was_freed() const noexcept { return !room_.empty() && pool().released() != released_then_; }

    // What waits for room must stand with the new leader, or records sent from now on would overtake it.
    void leaders_moved()
    {
        if (!room_.empty()) room_.place_all_again();
    }

    // Once a topic is known, everything that waits for it has its partition: only then its place among the others of
    // the partition is known too. It is chosen once: records of another partition have overtaken it meanwhile.
    void topics_changed(instant now)
    {
        for (auto* next = room_.oldest(); next;) {
            auto& waiting = *std::exchange(next, room_.next(*next));
            auto& topic = *waiting.topic;
            if (waiting.partition || topic.phase == topic_phase::unknown) continue;
            waiting.partition = choose_partition(topic, bytes_of(waiting), waiting.chooser, now);
            if (!has_partition(topic, *waiting.partition)) fail_without_partition(waiting);
        }
        leaders_moved();
    }

    // The topic is another one, by its id: nobody need wait for partitions of the old one.
    void topic_made_again(topic_state& topic)
    {
        if (topic.held_back == 0) return;
        for (auto* next = room_.oldest(); next;) {
            auto& waiting = *std::exchange(next, room_.next(*next));
            if (waiting.topic == &topic && waiting_room::is_early(waiting)) fail_without_partition(waiting);
        }
    }

    // `trouble`: of the broker that was lost last, if there is any.
    void give_up_late(instant now, const broker_trouble* trouble)
    {
        while (auto* oldest = room_.oldest()) {
            if (oldest->give_up > now.steady) break;
            if (waiting_room::is_early(*oldest))
                fail_without_partition(*oldest);
            else
                fail(*oldest, errc::max_block_exceeded, why_it_waited(*oldest, trouble));
        }
        while (const auto over = expiries_.next(now.steady)) {
            if (over->parked)
                fail(*over->parked, errc::record_expired, why_it_waited(*over->parked, trouble));
            else
                expire(*over->where, over->index);
        }
    }

    void fail_all_of(topic_state& topic, error_code why)
    {
        for (auto* lane : {&topic.waiting, &topic.early})
            while (auto* waiting = lane->front()) fail(*waiting, why);
    }

    void fail_all(error_code why)
    {
        while (auto* waiting = room_.oldest()) fail(*waiting, why);
    }

    nanoseconds deadline() const noexcept { return std::min(room_.deadline(), expiries_.deadline()); }
    const waiting_room& waiting() const noexcept { return room_; }

    // --- results -----------------------------------------------------------------------------------------------------

    waiting_record* next_failed() const noexcept { return failed_.front(); }
    // Told before batches that are done: who is told waits in a batch's slot.
    waiting_record* next_expired() const noexcept { return expired_.front(); }
    void announced(waiting_record& over)
    {
        (over.where ? expired_ : failed_).erase(over);
        over.announced = true;
        if (over.where) {
            --over.where->deliveries;
            lives_.release(*over.where);
        }
        forget(over);
    }
    void drop(waiting_record& waiting)
    {
        waiting.held = false;
        forget(waiting);
    }

private:
    friend struct invariant_access;

    // The record waits for room or for its topic, unless the waiting room is full too.
    sent park(outgoing what, instant now)
    {
        const auto expires = what.expires;
        if (expires != never) expiries_.prepare();
        auto* waiting = room_.add(std::move(what), later(now.steady, config_.max_block));
        if (!waiting) return {{}, nullptr, errc::buffer_full};
        waiting->flush_epoch = flushes_.current();
        flushes_.begin(waiting->flush_epoch);
        if (expires != never) {
            waiting->own_time = &expiries_.add(expires);
            waiting->own_time->parked = waiting;
        }
        return {{}, waiting};
    }

    // Will buffer.memory hold the record, and all that wait before it, once its topic is known? Of a topic that is known,
    // records wait only because there is no room.
    bool has_room_parked(const outgoing& what) const noexcept
    {
        return what.topic.phase == topic_phase::unknown &&
               pool().in_use() + room_.used() + waiting_room::charge_for(what.bytes, what.owner != nullptr) <=
                   pool().limit();
    }

    const buffer_pool& pool() const noexcept { return records_.pool(); }

    static record_bytes bytes_of(const waiting_record& waiting) noexcept
    {
        return {waiting.key, waiting.value, waiting.headers, waiting.timestamp};
    }

    place append(partition_state& partition, const record_bytes& record, instant now, std::uint64_t epoch,
                 std::shared_ptr<const void> owner)
    {
        batch* before = partition.open;
        const auto place =
            owner ? records_.append_outside(partition, record, std::move(owner), now, share(), epoch)
                  : records_.append(partition, record, now, share(), epoch);
        if (place.where && place.where == before) // whose epoch is no later: records get in in their order
            return place;
        if (before && before != partition.open) drainer_.closed(*before);
        if (place.where) {
            lives_.begin(*place.where);
            if (flushes_.flushing()) records_.set_due(*place.where);
        }
        ready_.update(partition);
        return place;
    }

    // No broker may hold more than half of the buffer, unless it is the only one: so a dead one does not stop the rest.
    std::size_t share() const noexcept
    {
        return view_.nodes().size() > 1 ? pool().limit() / 2 : pool().limit();
    }

    // Whatever negative number a partitioner gives leaves the choice to us.
    std::int32_t choose_partition(topic_state& topic, const record_bytes& record,
                                  const partition_chooser& chooser, instant now)
    {
        const auto chosen = chooser(topic, record);
        return chosen < 0 ? pick_sticky(topic, record, records_, config_, now.steady, random_) : chosen;
    }

    bool admit(waiting_record& waiting, instant now)
    {
        auto& topic = *waiting.topic;
        auto& partition = topic.partitions[static_cast<std::size_t>(*waiting.partition)];
        const auto record = bytes_of(waiting);
        const auto place = append(partition, record, now, waiting.flush_epoch, waiting.owner);
        if (!place.where) {
            const auto outside = waiting.owner ? record.value.size() : 0;
            const bool full = !pool().has_room(accumulator::room_for(record) - outside, pool().limit());
            ready_.hurry(full ? nullptr : partition.leader);
            return false;
        }
        auto& slot = place.where->slot_of(place.index);
        slot.notify = waiting.waiter.notify;
        slot.context = waiting.waiter.context;
        waiting.where = place.where;
        waiting.index = place.index;
        if (waiting.held) ++place.where->deliveries;
        if (waiting.own_time) std::exchange(waiting.own_time, nullptr)->is_in(place);
        room_.leave(waiting);
        flushes_.end(waiting.flush_epoch);
        forget(waiting);
        return true;
    }

    broker_trouble why_it_waited(const waiting_record& waiting, const broker_trouble* trouble) const
    {
        const auto& topic = *waiting.topic;
        if (topic.phase == topic_phase::known) return why_no_room(waiting);
        if (topic.error) return {topic.error, "the brokers say " + topic.error.message()};
        if (trouble) return {trouble->code, "no metadata; " + trouble->text};
        if (topic.unlisted) return {{}, "the brokers answered without any of the topic's partitions"};
        return {errc::no_broker_available, "no broker answered"};
    }

    broker_trouble why_no_room(const waiting_record& waiting) const
    {
        broker_trouble why{{},
                           std::to_string(pool().in_use()) + " of " + std::to_string(pool().limit()) +
                               " bytes of buffer.memory are in use"};
        const auto index = static_cast<std::size_t>(waiting.partition.value_or(-1));
        const auto& partitions = waiting.topic->partitions;
        const auto* leader = index < partitions.size() ? partitions[index].leader : nullptr;
        if (!leader || !leader->trouble) return why;
        return {leader->trouble.code, why.text + "; " + leader->trouble.text};
    }

    void fail_without_partition(waiting_record& waiting)
    {
        fail(waiting, errc::invalid_partition, {{}, no_such_partition(*waiting.partition, *waiting.topic)});
    }

    void fail(waiting_record& waiting, error_code why, broker_trouble cause = {})
    {
        ++metrics_.records_failed;
        leave_room(waiting);
        waiting.error = why;
        waiting.last_error = cause.code;
        waiting.text = std::move(cause.text);
        waiting.announced = false;
        failed_.push_back(waiting);
        flushes_.end(waiting.flush_epoch);
    }

    void leave_room(waiting_record& waiting)
    {
        if (waiting.own_time) std::exchange(waiting.own_time, nullptr)->parked = nullptr;
        room_.leave(waiting);
    }

    // A record's own time is over. Nothing else in its batch notices: it is taken out, or if it may have left already, only
    // the wait for it ends.
    void expire(batch& where, std::uint32_t index)
    {
        auto& slot = where.slot_of(index);
        if (slot.withdrawn()) return;
        auto over = std::make_unique<waiting_record>(); // before anything has changed
        const bool taken_out = take_out(where, index);
        if (taken_out) ++metrics_.records_failed; // else the batch's end is counted
        slot.expire();
        over->topic = where.partition->topic;
        over->partition = where.partition->index;
        over->error = errc::record_expired;
        over->where = &where;
        over->index = index;
        over->announced = false;
        ++where.deliveries;
        expired_.push_back(*over.release());
        if (taken_out) end_if_empty(where);
    }

    // Its last record was taken out, and it was never sent: nobody waits until its leader is back.
    void end_if_empty(batch& where)
    {
        if (where.live_records() > 0) return;
        auto& partition = *where.partition;
        if (&where == partition.open) records_.close(partition);
        accumulator::dequeue(partition, where);
        lives_.withdrawn(where);
        ready_.update(partition);
    }

    static void forget(waiting_record& over)
    {
        if (!over.waits() && over.announced && !over.held) delete &over;
    }

    const producer_config& config_;
    const cluster_view& view_;
    accumulator& records_;
    batch_lives& lives_;
    ready_partitions& ready_;
    drainer& drainer_;
    flush_tracker& flushes_;
    random_source& random_;
    producer_metrics& metrics_;
    waiting_room room_;
    expiries expiries_;
    intrusive_list<waiting_record, &waiting_record::arrival_hook> failed_, expired_;
    std::uint64_t released_then_ = 0; // pool().released() when records were let in last
};

} // namespace kurier::inline KURIER_ABI::core
