// Records whose value is not copied: what goes over the wire, and how long the value is kept.
#include "../support/core_script.hpp"

#include <memory>

namespace kurier::core::script {
namespace {

using enum broker_errc;

struct large_script : core_script
{
    using core_script::core_script;

    std::weak_ptr<const void> kept; // the last one's owner

    outcome& send_large(std::string_view value, std::int32_t partition = 0, std::string_view topic_name = "t",
                        std::span<const header_view> headers = {}, nullable_bytes key = {})
    {
        auto& told = outcomes.emplace_back();
        auto owner = std::make_shared<std::string>(value);
        kept = owner;
        const record_bytes record{key, std::string_view{*owner}, headers, now.wall_ms};
        const auto result =
            core.send({core.use_topic(topic_name, now), partition, record, {}, true, owner}, now);
        last_place = result.appended;
        last_waiting = result.parked;
        REQUIRE((last_place.where || last_waiting));
        listen(last_waiting ? last_waiting->waiter : last_place.where->slot_of(last_place.index), told);
        return told;
    }
};

std::string large(char with = 'L')
{
    return std::string(300'000, with);
}

} // namespace

TEST_CASE("a large value goes out inside an ordinary batch")
{
    large_script s;
    s.warm_up();
    const std::vector<header_view> headers{{"a", nullable_bytes{std::string_view{"b"}}}, {"null", {}}};
    auto& told = s.send_large(large(), 0, "t", headers, std::string_view{"key"});
    CHECK(s.core.pool().in_use() < 1000);
    s.step();
    REQUIRE(s.asked.size() == 1);
    const auto& sent = s.asked[0].only();
    CHECK(sent.header.record_count == 1);
    CHECK(sent.values == std::vector{large()});
    batch_reader reader{as_bytes(sent.bytes), batch_origin::producer}; // the checksum too
    record_view record;
    REQUIRE(reader.next_batch());
    REQUIRE(reader.next_record(record));
    CHECK(as_text(record.key.view()) == "key");
    REQUIRE(record.headers.size() == 2);
    CHECK(record.headers[0].name == "a");
    CHECK(record.headers[1].value.is_null());
    CHECK_FALSE(s.kept.expired());
    s.answer();
    CHECK(told.ok());
    CHECK(s.kept.expired());
    CHECK(s.core.pool().in_use() == 0);
}

TEST_CASE("it keeps its place among the others of its partition")
{
    auto config = plain_config();
    config.linger = 1s;
    large_script s{config};
    s.warm_up();
    s.send("t", "1");
    s.send("t", "2");
    s.send_large(large());
    s.send("t", "4");
    s.send_large(large('M'));
    std::vector<std::string> received;
    for (int i = 0; i < 20 && received.size() < 5; ++i) {
        s.step(1s);
        while (!s.asked.empty()) {
            const auto question = s.take();
            for (const auto& value : question.only().values) received.push_back(value);
            s.answer(question, {reply{}});
        }
    }
    CHECK(received == std::vector<std::string>{"1", "2", large(), "4", large('M')});
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

TEST_CASE("it doesn't share a request beyond max.request.size, and small ones do")
{
    auto config = plain_config();
    config.max_request_size = 400'000;
    large_script s{config};
    s.topics["t"].partitions.resize(3);
    s.warm_up();
    s.send("t", "small", 0);
    s.send_large(large(), 1);
    s.send_large(large(), 2);
    s.step();
    REQUIRE(s.asked.size() == 2);
    CHECK(s.asked[0].batches.size() == 2);
    CHECK(s.asked[1].batches.size() == 1);
    s.answer_all();
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

TEST_CASE("a retry sends the same bytes, whole, in pieces of any size")
{
    large_script s;
    s.warm_up();
    auto& told = s.send_large(large());
    s.take_writes = false;
    s.step();
    const auto link = s.link_to(9001);
    for (int i = 0; i < 40; ++i) s.write(link, 9973);
    s.step();
    REQUIRE(s.asked.size() == 1);
    const auto first = s.asked[0].only().bytes;
    s.take_writes = true;
    s.answer(not_enough_replicas);
    CHECK_FALSE(s.kept.expired());
    s.step(1s);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().bytes == first);
    s.answer();
    CHECK(told.ok());
    CHECK(s.kept.expired());
}

TEST_CASE("the owner stays while the socket may read the value, though the delivery is over")
{
    auto config = plain_config();
    config.delivery_timeout = 31s;
    large_script s{config};
    s.warm_up();
    auto& told = s.send_large(large());
    s.take_writes = s.confirm_close = false;
    s.step();
    const auto link = s.link_to(9001);
    s.write(link, 1000); // the rest lies with the socket
    s.step(32s);
    CHECK(told.error == errc::delivery_timeout);
    CHECK_FALSE(s.kept.expired());
    s.confirm_closed(link);
    CHECK(s.kept.expired());
}

TEST_CASE("taken back: it is released at once, and never sent")
{
    auto config = plain_config();
    config.linger = 1s;
    large_script s{config};
    s.warm_up();
    s.take_writes = false;
    s.send("t", "in the way");
    s.step(1s);
    s.send_large(large());
    auto& where = *s.last_place.where;
    CHECK(s.core.withdraw(where, 0));
    CHECK(s.kept.expired());
    s.take_writes = true;
    s.write(s.link_to(9001));
    s.step(1s);
    s.answer_all();
    s.step(1s);
    CHECK(s.asked.empty());
    CHECK(s.core.idle());
    CHECK(s.core.pool().in_use() == 0);
}

TEST_CASE("one that waits for its topic isn't copied either")
{
    auto config = plain_config();
    config.waiting_memory = 1000; // its bytes are not kurier's
    large_script s{config};
    auto& told = s.send_large(large());
    REQUIRE(s.last_waiting);
    CHECK_FALSE(s.kept.expired());
    s.step();
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().values == std::vector{large()});
    s.answer();
    CHECK(told.ok());
    CHECK(s.kept.expired());

    large_script never;
    never.answer_metadata = false;
    auto& failed = never.send_large(large());
    never.step(never.core.config().max_block + 1s);
    CHECK(failed.error == errc::max_block_exceeded);
    CHECK(never.kept.expired());
}

TEST_CASE(
    "it waits where its leader has no share left, or the buffer no room: it needs some for what is around it")
{
    auto config = plain_config();
    config.buffer_memory = 4096;
    config.batch_size = 400;
    large_script s{config};
    SUBCASE("no share: others' records go on")
    {
        s.brokers[2] = 9002;
        s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    }
    SUBCASE("no room: what has no leader takes all of it")
    {
        s.topics["u"] = {id_of(2), {{-1, 0, 0}}, none};
        s.send("u", "first");
    }
    s.warm_up();
    s.take_writes = false;
    const auto* filler = s.brokers.size() > 1 ? "t" : "u";
    do s.send(filler, std::string(300, 'x'));
    while (s.last_place.where);
    s.core.withdraw(*s.last_waiting);
    s.outcomes.pop_back();
    auto& waits = s.send_large(large());
    CHECK(s.last_waiting);
    s.topics["u"].partitions = {{1, 1, 0}};
    CHECK_FALSE(s.kept.expired());
    CHECK(s.core.pool().in_use() <= config.buffer_memory);
    if (s.brokers.size() > 1) {
        auto& other = s.send_large(large('M'), 1);
        CHECK(s.last_place.where);
        s.take_writes = true;
        s.step();
        s.write(s.link_to(9001));
        s.write(s.link_to(9002));
        s.answer_all();
        CHECK(other.ok());
    }
    s.take_writes = true;
    for (int i = 0; i < 10; ++i) {
        for (const auto& [link, one] : std::map{s.peers}) s.write(link);
        s.step(1s);
        s.answer_all();
    }
    CHECK(waits.ok());
    for (const auto& told : s.outcomes) CHECK(told.ok());
    CHECK(s.core.pool().in_use() == 0);
}

TEST_CASE("who waits for a leader's share hurries that leader's batches only, however large the value is")
{
    auto config = plain_config();
    config.buffer_memory = 4096;
    config.linger = 20s;
    large_script s{config};
    s.brokers[2] = 9002;
    s.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}};
    s.warm_up();
    s.send("t", "lingers", 1);
    s.send("t", std::string(1900, 'x'), 0);
    s.send_large(large());
    REQUIRE(s.last_waiting);
    s.step();
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].link == s.link_to(9001));
    CHECK_FALSE(s.partition(1).open->due);
    s.answer();
    s.step(20s);
    s.answer_all();
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

TEST_CASE("too large for the broker: it fails alone, its neighbours arrive")
{
    auto config = plain_config();
    config.linger = 1s;
    large_script s{config};
    s.warm_up();
    s.send("t", "before");
    auto& told = s.send_large(large());
    s.send("t", "after");
    for (int i = 0; i < 10; ++i) {
        s.step(1s);
        if (s.asked.empty()) continue;
        s.answer(reply{.error = s.asked[0].only().bytes.size() > 100'000 ? message_too_large : none});
    }
    CHECK(told.error == message_too_large);
    CHECK(told.written == persisted::no);
    CHECK(s.outcomes[0].ok());
    CHECK(s.outcomes[2].ok());
    CHECK(s.kept.expired());
}

TEST_CASE("abort releases it")
{
    large_script s;
    s.warm_up();
    s.send_large(large());
    s.core.abort(errc::aborted);
    s.step();
    CHECK(s.kept.expired());
}

} // namespace kurier::core::script
