// Who watches the watchman: what the invariants are for is broken on purpose, one thing at a time, and they say so.
#include "../support/core_script.hpp"

#include <stdexcept>

namespace kurier::core::script {
namespace {

using access = invariant_access;

// What the invariants say while the member has another value.
template <class T> std::string bent(const core_script& s, T& member, std::type_identity_t<T> to)
{
    std::swap(member, to);
    auto said = invariants{s.core}.broken();
    std::swap(member, to);
    CHECK(invariants{s.core}.broken() == "");
    return said;
}

template <class T> T& writable(const T& member) // the test may
{
    return const_cast<T&>(member);
}

// Five batches in flight, some queued, and some records that wait for room.
struct busy : core_script
{
    busy() : core_script{config()}
    {
        topics["t"].partitions.resize(2);
        warm_up();
        for (int i = 0; i < 5; ++i) {
            send("t", "flies");
            step();
        }
        for (int i = 0; i < 6; ++i) send("t", std::string(800, 'q'));
        REQUIRE(partition().flights.size() == 5);
        REQUIRE(partition().queue.size() >= 2);
        REQUIRE(core.waiting().size() >= 2);
    }

    static producer_config config()
    {
        auto made = plain_config();
        made.batch_size = 900;
        made.buffer_memory = 6000;
        return made;
    }

    batch& flight() { return *partition().flights.front(); }
    batch& queued() { return *partition().queue.front(); }
    batch& last_queued() { return *partition().queue.back(); }
    waiting_record& oldest() { return *core.waiting().oldest(); }
    connection& link() { return *core.connections().find(link_to(9001)); }
};

} // namespace

TEST_CASE("invariants: queues and flights out of order, or with batches that don't belong there")
{
    busy s;
    CHECK(bent(s, s.queued().first_record, 1'000'000) == "t-0: the queue is not in order");
    CHECK(bent(s, s.flight().first_record, 1'000'000) == "t-0: the flights are not in order");
    CHECK(bent(s, s.last_queued().base_sequence, 500) ==
          "t-0: a batch with a sequence is queued behind one without");
    CHECK(bent(s, s.queued().phase, batch_phase::open) == "t-0: a queued batch is not ready");
    CHECK(bent(s, s.flight().phase, batch_phase::ready) == "t-0: a flight is not in flight");
    CHECK(bent(s, s.flight().age_hook.linked, false) == "t-0: a batch will never expire");
    CHECK(bent(s, s.flight().requests, 0) == "t-0: a flight is part of no request");
    s.queued().base_sequence = 500;
    const auto said = bent(s, s.queued().withdrawn, 1);
    CHECK(said == "t-0: a record was taken back that was given a sequence");
    s.queued().base_sequence = -1;
    CHECK_THROWS_WITH_AS(
        [&] {
            s.flight().phase = batch_phase::ready;
            check_invariants(s.core);
        }(),
        "kurier: t-0: a flight is not in flight", std::logic_error);
    s.flight().phase = batch_phase::in_flight;
    check_invariants(s.core);
}

TEST_CASE("invariants: sequences that don't fit")
{
    busy s;
    auto& state = s.change().producer;
    CHECK(bent(s, state.id, 5) == "t-0: all is answered, yet the broker expects another sequence");
    CHECK(bent(s, state.epoch, 5) == "t-0: all is answered, yet the broker expects another sequence");
    CHECK(bent(s, state.next_sequence, 1) == "t-0: a sequence will be given twice");
    CHECK(bent(s, s.flight().base_sequence, 3) == "t-0: sequences overlap or run backward");
}

TEST_CASE("invariants: requests that are counted wrong, or not in the order of the flights")
{
    busy s;
    auto& requests = s.link().requests;
    REQUIRE(requests.size() == 5);
    std::swap(requests[0], requests[1]);
    CHECK(invariants{s.core}.broken() == "t-0: the requests are not in the order of the flights");
    std::swap(requests[0], requests[1]);
    CHECK(bent(s, s.flight().requests, 2) == "a batch counts its requests wrong");
    CHECK(bent(s, requests[0]->written, 1'000'000) == "more was written than there is");
    CHECK(bent(s, s.link().unanswered, 1) == "a connection counts its requests wrong");
    CHECK(bent(s, s.link().node, nullptr) == "a connection and its broker don't know each other");
    CHECK(bent(s, s.link().node->link, nullptr) == "a connection and its broker don't know each other");
}

TEST_CASE("invariants: memory that is counted wrong")
{
    busy s;
    CHECK(bent(s, s.change().memory, 1) == "t-0: its memory is counted wrong");
    CHECK(bent(s, s.partition().leader->memory, 1) == "the memory of a leader is counted wrong");
    CHECK(bent(s, s.queued().memory, block{}) == "the pool counts other bytes than the batches hold");
    CHECK(bent(s, writable(access::kept(s.core.pool())), 1'000'000) ==
          "the pool keeps more than buffer.memory allows");
}

TEST_CASE("invariants: batches that are done, and those that are not")
{
    busy s;
    auto& queued = s.queued();
    s.core.abort(errc::aborted);
    CHECK(invariants{s.core}.broken() == "");
    CHECK(bent(s, queued.age_hook.linked, true) == "a batch to be announced is not done");
    CHECK(bent(s, queued.phase, batch_phase::ready) == "a batch to be announced is not done");
    CHECK(bent(s, queued.error, {}) == "success that says the wrong thing about the log");
    s.step();
}

TEST_CASE("invariants: ready lists")
{
    core_script s;
    s.topics["u"] = {id_of(2), {{-1, 0, 0}}, broker_errc::none};
    s.warm_up();
    s.send("u", "waits for a leader");
    s.step(1s);
    s.send("t", "goes next");
    CHECK(bent(s, s.change().ready_hook.linked, false) == "t-0: it could be sent and nobody knows");
    CHECK(bent(s, s.change(0, "u").ready_hook.linked, true) ==
          "u-0: it is in a ready list and can't be sent");
    CHECK(bent(s, s.change().leader->active_hook.linked, false) ==
          "a broker has something to send and nobody looks");
    CHECK(bent(s, s.change(0, "u").backoff.linked, true) == "u-0: nobody looks when its backoff ends");
}

TEST_CASE("invariants: the waiting room")
{
    busy s;
    auto& first = s.oldest();
    CHECK(bent(s, first.announced, false) == "a record waits and was refused");
    CHECK(bent(s, first.error, errc::aborted) == "a record waits and was refused");
    CHECK(bent(s, first.number, 1'000) == "a lane is not in the order of arrival");
    CHECK(bent(s, first.charged, 1) == "the waiting room counts other bytes than its records hold");
    CHECK(bent(s, first.flush_epoch, 7) == "a flush waits for the wrong number");
    auto& topic = s.core.use_topic("t", s.now);
    CHECK(bent(s, topic.held_back, topic.held_back + 1) == "a topic holds back other records than wait");
    auto& lane = topic.waiting;
    CHECK(bent(s, first.lane, &lane) == "a record waits in the wrong lane");
    CHECK(bent(s, first.lane->room_hook.linked, false) == "a lane is forgotten");
    CHECK(bent(s, topic.phase, topic_phase::unknown) == "a record waits in the wrong lane");
    s.step(); // it is tried, in vain
    CHECK(bent(s, first.lane->blocked, false) == "a lane is among the blocked ones and may move");
}

TEST_CASE("invariants: partitions that are gone")
{
    core_script s;
    s.topics["t"].partitions.resize(2);
    s.warm_up();
    s.send("t", "waits to be sent");
    auto& topic = s.core.use_topic("t", s.now);
    CHECK(bent(s, s.change().presence, partition_presence::doubtful) ==
          "t-0: a partition is listed and gone");
    CHECK(bent(s, topic.sticky, 2) == "a topic's sticky partition is none of its partitions");
    topic.partitions.shrink(0);
    CHECK(bent(s, s.change().presence, partition_presence::gone) ==
          "t-0: something waits for a partition that is gone");
    topic.partitions.shrink(2);
}

TEST_CASE("invariants: a lane of an unknown topic is not tried")
{
    core_script s;
    s.send("nowhere", "a");
    s.step();
    auto& lane = *s.core.waiting().oldest()->lane;
    CHECK(bent(s, lane.room_hook.linked, true) == "a lane without metadata may move");
}

TEST_CASE("invariants: a leader knows its open batches")
{
    auto config = plain_config();
    config.linger = 1h;
    core_script s{config};
    s.warm_up();
    s.send("t", "lingers");
    CHECK(bent(s, s.change().open, nullptr) == "a leader lists other open batches than linger");
    CHECK(bent(s, s.change().leader->leads, 7) == "a leader counts its partitions wrong");
    CHECK(bent(s, s.change().leader->connections, 7) == "a broker counts its connections wrong");
}

} // namespace kurier::core::script
