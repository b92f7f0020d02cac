// The waiting room: which of the waiting records are tried, in which order, and how often.
#include <kurier/core/intake/waiting_room.hpp>

#include <doctest/doctest.h>

#include <deque>
#include <set>
#include <string>
#include <vector>

namespace kurier::core {
namespace {

// Topics with one partition each, all led by a broker of their own.
struct full_room
{
    std::deque<broker_node> leaders;
    std::deque<topic_state> topics;
    waiting_room room{std::size_t{1} << 30};
    std::set<const topic_state*> full; // whose records are not admitted
    std::vector<std::string> admitted;
    std::size_t tried = 0;

    ~full_room()
    {
        while (auto* left = room.oldest()) {
            room.leave(*left);
            delete left;
        }
    }

    topic_state& add_topic() { return topics.emplace_back(); }

    static void tell(topic_state& topic, broker_node* leader)
    {
        if (topic.partitions.empty()) topic.partitions.emplace_back().topic = &topic;
        topic.partitions[0].leader = leader;
        topic.phase = topic_phase::known;
    }

    topic_state& add_known_topic()
    {
        auto& added = add_topic();
        tell(added, &leaders.emplace_back());
        return added;
    }

    waiting_record& add(topic_state& topic, std::string_view value)
    {
        auto* added = room.add({topic, 0, {{}, value, {}, 0}, {}}, nanoseconds{0});
        REQUIRE(added);
        return *added;
    }

    void let_in()
    {
        room.let_in([&](waiting_record& oldest) {
            ++tried;
            if (full.contains(oldest.topic)) return false;
            admitted.emplace_back(as_text(oldest.value.view()));
            room.leave(oldest);
            delete &oldest;
            return true;
        });
    }

    std::size_t tries() { return std::exchange(tried, 0); }
};

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("waiting_room: records of unknown topics cost nothing")
{
    full_room r;
    for (int i = 0; i < 1000; ++i) r.add(r.add_topic(), "unknown");
    auto& known = r.add_known_topic();
    r.add(known, "a");
    r.let_in();
    CHECK(r.tries() == 1);
    r.let_in();
    CHECK(r.tries() == 0);
    broker_node leader;
    for (auto& topic : r.topics) full_room::tell(topic, &leader);
    r.room.place_all_again();
    r.let_in();
    CHECK(r.tries() == 1000);
    CHECK(r.room.empty());
}

TEST_CASE("waiting_room: a lane without room is tried once, until something has changed")
{
    full_room r;
    for (int i = 0; i < 1000; ++i) {
        auto& topic = r.add_known_topic();
        r.full.insert(&topic);
        r.add(topic, "a");
        r.add(topic, "b");
    }
    r.let_in();
    CHECK(r.tries() == 1000);
    r.let_in();
    CHECK(r.tries() == 0);
    r.add(r.topics[7], "c"); // behind the others
    r.let_in();
    CHECK(r.tries() == 0);

    SUBCASE("its first record goes away: the next one may be smaller")
    {
        auto& first = *r.topics[7].partitions[0].leader->waiting.front();
        r.room.leave(first);
        delete &first;
        r.let_in();
        CHECK(r.tries() == 1);
    }
    SUBCASE("another than the first goes away")
    {
        auto& last = *r.topics[7].partitions[0].leader->waiting.back();
        r.room.leave(last);
        delete &last;
        r.let_in();
        CHECK(r.tries() == 0);
    }
    SUBCASE("memory was freed")
    {
        r.room.unblock_all();
        r.full.erase(&r.topics[7]);
        r.let_in();
        CHECK(r.tries() == 1000 + 2);
        CHECK(r.admitted == strings{"a", "b", "c"});
    }
    SUBCASE("leaders have changed")
    {
        r.room.place_all_again();
        r.let_in();
        CHECK(r.tries() == 1000);
    }
}

TEST_CASE("waiting_room: oldest first over all lanes, whatever holds the others back")
{
    full_room r;
    auto& a = r.add_known_topic();
    auto& b = r.add_known_topic();
    auto& c = r.add_known_topic();
    auto& unknown = r.add_topic();
    r.full.insert(&c);
    r.add(unknown, "?");
    r.add(c, "c1");
    r.add(a, "a1");
    r.add(b, "b1");
    r.add(b, "b2");
    r.add(c, "c2");
    r.add(a, "a2");
    r.add(a, "a3");
    r.add(b, "b3");
    r.let_in();
    CHECK(r.admitted == strings{"a1", "b1", "b2", "a2", "a3", "b3"});
    r.full.clear();
    r.room.unblock_all();
    full_room::tell(unknown, a.partitions[0].leader);
    r.room.place_all_again();
    r.add(a, "a4"); // the same leader
    r.let_in();
    CHECK(r.admitted == strings{"a1", "b1", "b2", "a2", "a3", "b3", "?", "c1", "c2", "a4"});
}

} // namespace kurier::core
