// A broker that takes its time: it handles the requests of a connection one after another, each for as long as the others.
// With request.timeout.ms and delivery.timeout.ms of seconds there is little to spare, and still nearly all arrives.
#include "../support/core_script.hpp"

#include <map>
#include <utility>

namespace kurier::core::script {
namespace {

constexpr milliseconds gap = 10ms; // between two records

class slow_broker
{
public:
    explicit slow_broker(milliseconds service, std::size_t partitions) : service_{service}, s_{settings()}
    {
        s_.topics["t"].partitions.resize(partitions);
        s_.warm_up();
        s_.walk_state = false;
    }

    void run(nanoseconds time)
    {
        const auto connections = s_.connects.size();
        const auto end = s_.now.steady + time;
        for (std::size_t i = 0; s_.now.steady < end; ++i) {
            s_.send("t", "value", static_cast<std::int32_t>(i % s_.topics["t"].partitions.size()));
            s_.step(gap);
            while (answer_next()) most_in_flight_ = std::max(most_in_flight_, s_.asked.size());
            count();
        }
        lost_ = s_.connects.size() - connections;
    }

    double delivered() const { return static_cast<double>(delivered_) / static_cast<double>(told_); }
    std::size_t connections_lost() const { return lost_; }
    std::size_t most_in_flight() const { return most_in_flight_; }

private:
    static producer_config settings()
    {
        auto config = plain_config();
        config.batch_size = 262'144;
        config.buffer_memory = 32 * 1024 * 1024;
        config.max_request_size = 1024 * 1024;
        config.request_timeout = 2s;
        config.delivery_timeout = 4s;
        return config;
    }

    bool answer_next() // the next one whose time has come
    {
        for (const auto& question : s_.asked) {
            const std::pair key{question.link, question.correlation_id};
            if (done_at_.contains(key)) continue;
            auto& busy_until = busy_until_[question.link];
            busy_until = std::max(busy_until, s_.now.steady) + service_;
            done_at_[key] = busy_until;
        }
        for (auto at = s_.asked.begin(); at != s_.asked.end(); ++at) {
            if (done_at_.at({at->link, at->correlation_id}) > s_.now.steady) continue;
            const auto question = std::move(*at);
            s_.asked.erase(at);
            s_.answer(question, std::vector<reply>(question.batches.size()));
            return true;
        }
        return false;
    }

    void count()
    {
        for (; !s_.outcomes.empty() && s_.outcomes.front().done(); s_.outcomes.pop_front()) {
            ++told_;
            delivered_ += s_.outcomes.front().ok() ? 1U : 0U;
        }
    }

    milliseconds service_;
    core_script s_;
    std::map<std::pair<connection_id, std::int32_t>, nanoseconds> done_at_;
    std::map<connection_id, nanoseconds> busy_until_;
    std::size_t told_ = 0, delivered_ = 0, lost_ = 0, most_in_flight_ = 0;
};

} // namespace

TEST_CASE(
    "a broker that takes half a second or more for each request: nearly all arrives, in the time there is")
{
    for (const auto service : {500ms, 900ms, 1200ms, 1500ms})
        for (const auto partitions : {std::size_t{1}, std::size_t{3}}) {
            CAPTURE(service.count());
            CAPTURE(partitions);
            slow_broker broker{service, partitions};
            broker.run(60s);
            CHECK(broker.delivered() > 0.88);
            CHECK(broker.connections_lost() <= 2); // until its pace is known
        }
}

TEST_CASE("a broker that is quick enough for it gets max.in.flight.requests.per.connection requests")
{
    slow_broker broker{150ms, 3};
    broker.run(10s);
    CHECK(broker.most_in_flight() == 5);
    CHECK(broker.delivered() == 1.0);
    CHECK(broker.connections_lost() == 0);
}

TEST_CASE("after a request that nobody answered there is one in flight until the next answer")
{
    core_script s;
    s.topics["t"].partitions.resize(3);
    s.warm_up();
    for (std::int32_t i = 0; i < 3; ++i) {
        s.send("t", "a", i);
        s.step();
    }
    CHECK(s.asked.size() == 3);
    s.step(s.core.config().request_timeout + 1s); // all of them are retried
    CHECK(s.asked.size() == 1);
    s.answer_all();
    for (std::int32_t i = 0; i < 3; ++i) {
        s.send("t", "b", i);
        s.step();
    }
    CHECK(s.asked.size() == 3);
    s.answer_all();
}

TEST_CASE("what waits behind others does not make a broker slow")
{
    core_script s;
    s.topics["t"].partitions.resize(5);
    s.warm_up();
    for (const auto* value : {"a", "b"}) {
        for (std::int32_t i = 0; i < 5; ++i) {
            s.send("t", value, i);
            s.step();
        }
        CHECK(s.asked.size() == 5);
        while (!s.asked.empty()) { // the last of them has waited for half of request.timeout.ms
            s.step(s.core.config().request_timeout / 10 - 10ms);
            const auto question = std::move(s.asked.front());
            s.asked.erase(s.asked.begin());
            s.answer(question, std::vector<reply>(question.batches.size()));
        }
    }
}

TEST_CASE("an open batch takes records for twice the time of a request, within bounds of delivery.timeout.ms")
{
    producer_config config;
    config.delivery_timeout = 4s;
    for (const auto& [service, open] :
         {std::pair{0ms, 250ms}, {100ms, 250ms}, {500ms, 1000ms}, {3000ms, 2000ms}}) {
        CAPTURE(service.count());
        accumulator records{config};
        broker_node leader;
        leader.service_time = service;
        topic_state topic;
        auto& partition = topic.partitions.emplace_back();
        partition.topic = &topic;
        partition.leader = &leader;
        const auto place = records.append(partition, {{}, "v", {}, 1000}, {}, config.buffer_memory, 1);
        REQUIRE(place.where);
        place.where->slot_of(0).context = &config;
        CHECK(place.where->takes_until == open);
    }
}

} // namespace kurier::core::script
