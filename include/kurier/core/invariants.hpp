// Walks the whole state of a core and says what does not fit together. For tests and the simulator, which call it
// after every step: a broken rule shows where it broke, not where it hurts.
#pragma once

#include <kurier/core/invariant_access.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class invariants
{
public:
    explicit invariants(const producer_core& core) : core_{core}, records_{access::records(core)} {}

    // What is wrong, one sentence; empty when all is well.
    std::string broken()
    {
        for (const auto& topic : core_.view().topics()) check_topic(*topic);
        check_memory();
        check_places();
        check_requests();
        check_pieces();
        check_ready_lists();
        check_flush_counts();
        check_waiting_room();
        check_connections();
        return std::move(broken_);
    }

private:
    using access = invariant_access;

    void require(bool holds, const char* what)
    {
        if (!holds && broken_.empty()) broken_ = what;
    }

    void require(bool holds, const char* what, const partition_state& partition)
    {
        if (!holds && broken_.empty())
            broken_ = std::string{std::string_view{partition.topic->name}} + "-" +
                      std::to_string(partition.index) + ": " + what;
    }

    // --- partitions --------------------------------------------------------------------------------------------------

    void check_topic(const topic_state& topic)
    {
        std::size_t backlog = 0;
        require(topic.sticky < static_cast<std::int64_t>(topic.partitions.size()),
                "a topic's sticky partition is none of its partitions");
        for (const auto& partition : topic.partitions.all()) {
            require(partition.topic == &topic, "a partition belongs to another topic", partition);
            require(partition.presence == partition_presence::present ||
                        !has_partition(topic, partition.index),
                    "a partition is listed and gone", partition);
            require(partition.presence != partition_presence::gone ||
                        (!partition.leader && !partition.open && partition.queue.empty()),
                    "something waits for a partition that is gone", partition);
            require(partition.backlog_hook.linked == !partition.queue.empty(), "backlog and queue differ",
                    partition);
            backlog += !partition.queue.empty();
            check_batches(partition);
            if (core_.config().idempotent()) check_sequences(partition);
        }
        require(topic.backlog.size() == backlog, "a topic's backlog list has the wrong length");
    }

    void check_batches(const partition_state& partition)
    {
        if (const batch* open = partition.open) {
            require(open->phase == batch_phase::open, "the open batch is not open", partition);
            require(!open->queue_hook.linked, "the open batch is queued", partition);
            require(open->linger_hook.linked == !open->due, "an open batch lingers if it is not due",
                    partition);
            require(!open->has_sequence(), "an open batch has a sequence", partition);
            settle(*open, partition);
        }
        const batch* before = nullptr;
        for (const batch* queued = partition.queue.front(); queued; queued = partition.queue.next(*queued)) {
            require(queued->phase == batch_phase::ready, "a queued batch is not ready", partition);
            require(!before || before->first_record < queued->first_record, "the queue is not in order",
                    partition);
            require(!before || before->has_sequence() || !queued->has_sequence(),
                    "a batch with a sequence is queued behind one without", partition);
            require(!queued->has_sequence() || queued->withdrawn == 0,
                    "a record was taken back that was given a sequence", partition);
            before = queued;
            settle(*queued, partition);
        }
        before = nullptr;
        for (const batch* flight = partition.flights.front(); flight;
             flight = partition.flights.next(*flight)) {
            require(flight->phase == batch_phase::in_flight || flight->done(), "a flight is not in flight",
                    partition);
            require(flight->requests > 0, "a flight is part of no request", partition);
            require(!before || before->first_record < flight->first_record, "the flights are not in order",
                    partition);
            before = flight;
            settle(*flight, partition);
        }
    }

    void settle(const batch& placed, const partition_state& partition)
    {
        require(placed.partition == &partition, "a batch belongs to another partition", partition);
        require(placed.record_count > 0, "a batch has no records", partition);
        require(placed_.insert(&placed).second, "a batch is in two places", partition);
        require(placed.done() || placed.age_hook.linked, "a batch will never expire", partition);
    }

    // What has a sequence of the current epoch runs upward and ends before the next one to be given.
    void check_sequences(const partition_state& partition)
    {
        const auto& state = partition.producer;
        std::map<std::uint64_t, const batch*> by_age;
        for (const batch* flight = partition.flights.front(); flight;
             flight = partition.flights.next(*flight))
            by_age.emplace(flight->first_record, flight);
        for (const batch* queued = partition.queue.front(); queued; queued = partition.queue.next(*queued))
            by_age.emplace(queued->first_record, queued);
        const batch* before = nullptr;
        for (const auto& [age, current] : by_age) {
            if (!current->has_sequence() || current->producer_id != state.id ||
                current->producer_epoch != state.epoch)
                continue;
            if (before)
                require(reaches(end_of(*before), current->base_sequence), "sequences overlap or run backward",
                        partition);
            require(reaches(end_of(*current), state.next_sequence), "a sequence will be given twice",
                    partition);
            before = current;
        }
        if (!before && !state.gap && state.fault == epoch_fault::none && state.last_acked >= 0)
            require(sequence_after(state.last_acked, 1) == state.next_sequence,
                    "all is answered, yet the broker expects another sequence", partition);
    }

    static std::int32_t end_of(const batch& with_sequence)
    {
        return sequence_after(with_sequence.base_sequence, with_sequence.record_count);
    }
    static bool reaches(std::int32_t from, std::int32_t to)
    {
        return sequence_distance(from, to) < 0x40000000u;
    }

    // --- memory ------------------------------------------------------------------------------------------------------

    void check_memory()
    {
        std::map<const partition_state*, std::size_t> held;
        std::size_t total = 0;
        for (const auto& one : access::all(records_)) {
            total += one->memory.capacity;
            if (one->partition)
                held[one->partition] += one->memory.capacity;
            else
                require(!one->memory, "a spare batch has memory");
        }
        for (const auto& job : access::jobs(core_)) total += job->memory.capacity;
        require(total == core_.pool().in_use(), "the pool counts other bytes than the batches hold");
        require(core_.pool().in_use() > core_.pool().limit() ||
                    core_.pool().in_use() + core_.pool().kept() <= core_.pool().limit(),
                "the pool keeps more than buffer.memory allows");
        std::map<const broker_node*, std::size_t> led, lingering, leads;
        for (const auto& topic : core_.view().topics())
            for (const auto& partition : topic->partitions.all()) {
                require(partition.memory == held[&partition], "its memory is counted wrong", partition);
                if (!partition.leader) continue;
                ++leads[partition.leader];
                led[partition.leader] += partition.memory;
                lingering[partition.leader] += partition.open && partition.open->linger_hook.linked;
            }
        for (const auto& [id, node] : core_.view().nodes()) {
            require(node->leads == leads[node.get()], "a leader counts its partitions wrong");
            require(node->memory == led[node.get()], "the memory of a leader is counted wrong");
            require(node->lingering.size() == lingering[node.get()],
                    "a leader lists other open batches than linger");
        }
        for (const batch* spare : access::spare(records_))
            require(!spare->partition, "a spare batch has a partition");
    }

    // --- batches -----------------------------------------------------------------------------------------------------

    // Each unfinished batch is open, queued or in flight; nothing else is.
    void check_places()
    {
        auto oldest = nanoseconds::min();
        const auto& aging = access::aging(core_);
        for (const batch* one = aging.front(); one; one = aging.next(*one)) {
            require(!one->done(), "a batch that is done can expire");
            require(placed_.contains(one), "a batch is nowhere");
            require(one->created >= oldest, "batches don't expire in the order of their age");
            oldest = one->created;
        }
        const auto& done = access::done(core_);
        for (const batch* one = done.front(); one; one = done.next(*one)) {
            require(one->done() && !one->age_hook.linked, "a batch to be announced is not done");
            const auto success = core_.config().acks == acks::none ? persisted::possibly : persisted::yes;
            require(one->record_count == 0 || one->error || one->written == success,
                    "success that says the wrong thing about the log");
        }
    }

    void check_requests()
    {
        std::map<const batch*, std::uint32_t> references;
        std::map<const partition_state*, const batch*> newest;
        std::set<const batch*> settled_by;
        for (const auto& [id, link] : access::connections(core_).all())
            for (const auto& sent : link->requests)
                for (const auto& cut : sent->cuts) {
                    ++references[cut.body];
                    if (sent->answered || cut.left) continue;
                    require(settled_by.insert(cut.body).second, "two requests settle one batch",
                            *cut.body->partition);
                    auto& before = newest[cut.body->partition];
                    require(!before || before->first_record < cut.body->first_record,
                            "the requests are not in the order of the flights", *cut.body->partition);
                    before = cut.body;
                }
        for (const auto& job : access::jobs(core_)) {
            ++references[job->about];
            require(job->about->compressing, "a job is about a batch that isn't compressed");
        }
        for (const auto& one : access::all(records_)) {
            require(one->requests == references[one.get()], "a batch counts its requests wrong");
            if (one->requests > 0)
                require(static_cast<bool>(one->memory), "a request refers to memory that was freed");
        }
    }

    void check_pieces()
    {
        for (const auto& one : access::all(records_)) {
            std::uint32_t open = 0;
            for (const batch* piece : one->pieces) {
                require(piece->root == one.get(), "a piece has another root");
                open += !piece->piece_over;
            }
            require(one->open_pieces == open, "a root counts its pieces wrong");
        }
    }

    void check_ready_lists()
    {
        std::map<const broker_node*, std::size_t> ready;
        for (const auto& topic : core_.view().topics())
            for (const auto& partition : topic->partitions.all()) {
                const bool expected =
                    access::wants_to_send(core_, partition) && partition.leader && partition.leader->current;
                require(partition.ready_hook.linked == expected,
                        expected ? "it could be sent and nobody knows"
                                 : "it is in a ready list and can't be sent",
                        partition);
                if (partition.ready_hook.linked && partition.leader) ++ready[partition.leader];
                require(!partition.backoff.linked ||
                            access::backoffs(core_).deadline() <= partition.backoff.at,
                        "nobody looks when its backoff ends", partition);
            }
        for (const auto& [id, node] : core_.view().nodes()) {
            require(node->ready.size() == ready[node.get()], "a ready list has the wrong length");
            require(node->active_hook.linked || (node->ready.empty() && node->lingering.empty()),
                    "a broker has something to send and nobody looks");
        }
    }

    // --- flush, waiting, connections ---------------------------------------------------------------------------------------

    void check_flush_counts()
    {
        const auto& flushes = access::flushes(core_);
        std::map<std::uint64_t, std::uint64_t> counted;
        const auto& aging = access::aging(core_);
        for (const batch* one = aging.front(); one; one = aging.next(*one)) ++counted[one->flush_epoch];
        for (auto* one = core_.waiting().oldest(); one; one = core_.waiting().next(*one))
            ++counted[one->flush_epoch];
        std::uint64_t epoch = access::first(flushes);
        for (const auto count : access::counts(flushes)) {
            require(count == counted[epoch], "a flush waits for the wrong number");
            counted.erase(epoch++);
        }
        require(counted.empty(), "a flush was over too early");
    }

    void check_waiting_room()
    {
        std::size_t used = 0, waiting = 0, in_lanes = 0, listed = 0;
        std::map<const topic_state*, std::size_t> of_topic;
        std::set<const waiting_lane*> lanes;
        const auto& room = core_.waiting();
        for (auto* one = room.oldest(); one; one = room.next(*one)) {
            used += one->charged;
            ++waiting;
            ++of_topic[one->topic];
            require(one->lane == &access::lane_of(*one), "a record waits in the wrong lane");
            require(one->announced && !one->error, "a record waits and was refused");
            lanes.insert(&access::lane_of(*one));
        }
        require(used == room.used(), "the waiting room counts other bytes than its records hold");
        for (const auto* lane : lanes) {
            if (lane->empty()) continue;
            const waiting_record* before = nullptr;
            for (const auto* one = lane->front(); one; one = lane->next(*one)) {
                require(!before || before->number < one->number, "a lane is not in the order of arrival");
                before = one;
                ++in_lanes;
            }
            const bool moves =
                lane->front()->topic->phase == topic_phase::known && !waiting_room::is_early(*lane->front());
            require(lane->room_hook.linked == moves,
                    moves ? "a lane is forgotten" : "a lane without metadata may move");
            listed += moves;
        }
        require(waiting == in_lanes, "a record waits in no lane");
        require(access::movable(room).size() + access::blocked(room).size() == listed,
                "an empty lane is listed");
        for (const auto* lane = access::blocked(room).front(); lane; lane = access::blocked(room).next(*lane))
            require(lane->blocked, "a lane is among the blocked ones and may move");
        for (const auto& topic : core_.view().topics())
            require(topic->held_back == of_topic[topic.get()], "a topic holds back other records than wait");
    }

    void check_connections()
    {
        std::size_t scheduled = 0;
        std::map<const broker_node*, std::size_t> connections;
        for (const auto& [id, conn] : access::connections(core_).all()) {
            ++connections[conn->node];
            std::size_t unanswered = 0;
            for (const auto& sent : conn->requests) {
                unanswered += !sent->answered && sent->expects_response;
                require(sent->written <= sent->bytes, "more was written than there is");
            }
            require(unanswered == conn->unanswered, "a connection counts its requests wrong");
            if (conn->phase == connection_phase::closing) continue;
            ++scheduled;
            require(conn->node && conn->node->link == conn.get(),
                    "a connection and its broker don't know each other");
            require(conn->busy_hook.linked != conn->idle_hook.linked,
                    "a connection is busy and idle, or neither");
            require(conn->busy_hook.linked || (conn->requests.empty() && conn->accepts_requests()),
                    "an idle connection waits for something");
        }
        for (const auto& [id, node] : core_.view().nodes())
            require(node->connections == connections[node.get()], "a broker counts its connections wrong");
        const auto& schedule = access::schedule(core_);
        require(access::busy(schedule).size() + access::idle(schedule).size() == scheduled,
                "a connection that has ended is still waited for");
        auto before = nanoseconds::min();
        const auto& idle = access::idle(schedule);
        for (const auto* conn = idle.front(); conn; conn = idle.next(*conn)) {
            require(conn->last_used >= before, "idle connections are not in the order of their last use");
            before = conn->last_used;
        }
    }

    const producer_core& core_;
    const accumulator& records_;
    std::set<const batch*> placed_;
    std::string broken_;
};

// Throws std::logic_error where a rule is broken.
inline void check_invariants(const producer_core& core)
{
    if (auto broken = invariants{core}.broken(); !broken.empty()) throw std::logic_error{"kurier: " + broken};
}

} // namespace kurier::inline KURIER_ABI::core
