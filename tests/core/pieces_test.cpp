// The small parts of the core by themselves.
#include <kurier/core/batching/accumulator.hpp>
#include <kurier/core/batching/flush_tracker.hpp>
#include <kurier/core/batching/sticky.hpp>
#include <kurier/core/cluster/metadata_plan.hpp>
#include <kurier/core/identity/partition_epochs.hpp>
#include <kurier/core/produce/producer_rules.hpp>
#include <kurier/core/produce/rewrite.hpp>
#include <kurier/core/produce/sequence.hpp>
#include <kurier/core/state/buffer_pool.hpp>
#include <kurier/core/state/deadline_heap.hpp>
#include <kurier/core/state/intrusive_list.hpp>
#include <kurier/core/support/backoff.hpp>
#include <kurier/core/support/log_queue.hpp>
#include <kurier/record/batch_reader.hpp>

#include <doctest/doctest.h>

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace kurier::core {
namespace {

using namespace std::chrono_literals;

struct element
{
    int value;
    list_hook<element> one{}, other{};
};
using one_list = intrusive_list<element, &element::one>;
using other_list = intrusive_list<element, &element::other>;

std::vector<int> values(const one_list& list)
{
    std::vector<int> found;
    for (auto* at = list.front(); at; at = list.next(*at)) found.push_back(at->value);
    std::vector<int> backward;
    for (auto* at = list.back(); at; at = list.previous(*at)) backward.insert(backward.begin(), at->value);
    CHECK(found == backward);
    CHECK(list.size() == found.size());
    CHECK(list.empty() == found.empty());
    return found;
}

} // namespace

TEST_CASE("intrusive_list: insertion and removal at every place, in several lists at once")
{
    std::deque<element> all;
    for (int i = 0; i < 6; ++i) all.push_back({i});
    one_list list;
    other_list others;
    CHECK(values(list).empty());
    CHECK(list.pop_front() == nullptr);
    list.push_back(all[1]);
    list.push_front(all[0]);
    list.push_back(all[3]);
    list.insert_before(&all[3], all[2]);
    list.insert_before(nullptr, all[4]);
    CHECK(values(list) == std::vector<int>{0, 1, 2, 3, 4});
    for (auto& each : all) others.push_back(each);
    CHECK(list.linked(all[2]));
    CHECK_FALSE(list.linked(all[5]));
    list.remove(all[5]); // it isn't there
    list.erase(all[2]);  // middle
    list.erase(all[4]);  // end
    list.erase(all[0]);  // front
    CHECK(values(list) == std::vector<int>{1, 3});
    CHECK(others.size() == 6);
    CHECK(list.pop_front() == &all[1]);
    list.remove(all[3]);
    CHECK(values(list).empty());
}

TEST_CASE("intrusive_list: the same as a vector under random operations")
{
    random_source random{11};
    std::deque<element> all;
    for (int i = 0; i < 20; ++i) all.push_back({i});
    one_list list;
    std::vector<int> model;
    for (int i = 0; i < 3000; ++i) {
        auto& chosen = all[random.below(all.size())];
        const auto at = std::find(model.begin(), model.end(), chosen.value);
        if (at != model.end()) {
            list.erase(chosen);
            model.erase(at);
        } else {
            const auto before = random.below(model.size() + 1);
            list.insert_before(
                before < model.size() ? &all[static_cast<std::size_t>(model[before])] : nullptr, chosen);
            model.insert(model.begin() + static_cast<std::ptrdiff_t>(before), chosen.value);
        }
        REQUIRE(values(list) == model);
    }
}

TEST_CASE("buffer_pool: sizes 2^k and 3 * 2^k up to 1 MiB, then pages; never less than asked")
{
    for (const auto& [asked, given] :
         {std::pair{1u, 512u}, std::pair{512u, 512u}, std::pair{513u, 768u}, std::pair{768u, 768u},
          std::pair{769u, 1024u}, std::pair{1025u, 1536u}, std::pair{1537u, 2048u},
          std::pair{1u << 20, 1u << 20}, std::pair{(1u << 20) + 1, (1u << 20) + 4096}})
        CHECK(buffer_pool::rounded(asked) == given);
    for (std::size_t bytes = 1; bytes < 3'000'000; bytes += 997) {
        CHECK(buffer_pool::rounded(bytes) >= bytes);
        CHECK(buffer_pool::rounded(buffer_pool::rounded(bytes)) == buffer_pool::rounded(bytes));
    }
}

TEST_CASE(
    "buffer_pool: what is in use and what is kept never exceed the limit together; blocks are used again")
{
    buffer_pool pool{100'000};
    random_source random{5};
    std::vector<block> held;
    for (int i = 0; i < 20000; ++i) {
        if (random.below(2) == 0 || held.empty()) {
            const auto bytes = std::size_t{1} << random.below(16);
            const bool room = pool.has_room(bytes, pool.limit());
            auto taken = pool.acquire(bytes);
            CHECK(static_cast<bool>(taken) == room);
            if (taken) {
                CHECK(taken.capacity >= bytes);
                std::memset(taken.data, 0x5a, taken.capacity);
                held.push_back(taken);
            }
        } else {
            const auto at = random.below(held.size());
            pool.release(held[at]);
            CHECK_FALSE(held[at]);
            held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
        }
        std::size_t in_use = 0;
        for (const auto& each : held) in_use += each.capacity;
        REQUIRE(pool.in_use() == in_use);
        REQUIRE(pool.in_use() + pool.kept() <= pool.limit());
    }
    for (auto& each : held) pool.release(each);
    CHECK(pool.in_use() == 0);

    auto first = pool.acquire(1000);
    const auto* where = first.data;
    pool.release(first);
    auto second = pool.acquire(900);
    CHECK(second.data == where); // the one freed last is still in the cache
    pool.release(second);
}

TEST_CASE("buffer_pool: where a rounded block doesn't fit, one of just the size that is asked for may")
{
    buffer_pool pool{2000};
    auto rounded = pool.acquire(1000);
    CHECK(rounded.capacity == 1024);
    auto exact = pool.acquire(700); // 768 would be 1792, and fits
    CHECK(exact.capacity == 768);
    pool.release(exact);
    CHECK(pool.kept() == 768);
    exact = pool.acquire(969); // not 1024; what was kept has to go
    CHECK(exact.capacity == 976);
    CHECK(pool.kept() == 0);
    CHECK_FALSE(pool.has_room(1, pool.limit()));
    pool.release(exact); // nobody will ask for such a block again
    CHECK(pool.kept() == 0);
    pool.release(rounded);
    CHECK(pool.in_use() == 0);
    CHECK(pool.kept() == 1024);
}

TEST_CASE("buffer_pool: what must go on may pass the limit, and doesn't stay")
{
    buffer_pool pool{1024};
    auto first = pool.acquire(1024);
    REQUIRE(first);
    CHECK_FALSE(pool.acquire(1));
    auto beyond = pool.acquire(2000, true);
    REQUIRE(beyond);
    CHECK(pool.in_use() == 1024 + 2048);
    pool.release(beyond);
    pool.release(first);
    CHECK(pool.in_use() == 0);
    CHECK(pool.kept() <= 1024);
    block none;
    pool.release(none); // nothing happens
}

TEST_CASE("buffer_pool: blocks larger than a mebibyte are not kept")
{
    constexpr std::size_t large = buffer_pool::largest_kept + 1;
    buffer_pool pool{8 << 20};
    auto taken = pool.acquire(large);
    REQUIRE(taken);
    CHECK(taken.capacity == buffer_pool::rounded(large));
    CHECK(pool.in_use() == taken.capacity);
    pool.release(taken);
    CHECK(pool.in_use() == 0);
    CHECK(pool.kept() == 0);
    auto largest = pool.acquire(buffer_pool::largest_kept);
    pool.release(largest);
    CHECK(pool.kept() == buffer_pool::largest_kept);
}

TEST_CASE("random: below nothing there is only 0, and nothing is drawn for it")
{
    random_source one{3}, other{3};
    CHECK(one.below(0) == 0);
    CHECK(one.next() == other.next());
    for (int i = 0; i < 100; ++i) CHECK(one.below(3) < 3);
}

namespace {

struct timed
{
    heap_hook<timed> hook;
};

} // namespace

TEST_CASE("deadline_heap: the earliest comes first, whatever is put in, moved and taken out meanwhile")
{
    random_source random{7};
    std::vector<timed> all(300);
    deadline_heap<timed, &timed::hook> heap;
    std::vector<std::optional<nanoseconds>> expected(all.size());
    const auto earliest = [&] {
        auto least = never;
        for (const auto& at : expected) least = std::min(least, at.value_or(never));
        return least;
    };
    for (int i = 0; i < 5000; ++i) {
        const auto which = static_cast<std::size_t>(random.below(all.size()));
        if (random.below(3) == 0) {
            heap.remove(all[which]);
            expected[which].reset();
        } else {
            expected[which] = nanoseconds{static_cast<std::int64_t>(random.below(1000))};
            heap.put(all[which], *expected[which]);
        }
        REQUIRE(heap.deadline() == earliest());
        REQUIRE(all[which].hook.linked == expected[which].has_value());
    }
    while (auto* first = heap.earliest()) {
        REQUIRE(first->hook.at == earliest());
        expected[static_cast<std::size_t>(first - all.data())].reset();
        heap.remove(*first);
    }
    CHECK(earliest() == never);
    CHECK(heap.empty());
}

TEST_CASE("backoff: doubled each time, at most the maximum, +-20 %, for any input")
{
    random_source random{1};
    for (int attempt = 0; attempt < 60; ++attempt)
        for (int i = 0; i < 50; ++i) {
            const auto expected = std::min<nanoseconds>(100ms * (1 << std::min(attempt, 10)), 1000ms);
            const auto pause = backoff(100ms, 1000ms, attempt, random);
            CHECK(pause >= expected * 8 / 10);
            CHECK(pause <= expected * 12 / 10);
        }
    CHECK(backoff(0ms, 0ms, 5, random) == 0ms);
    CHECK(backoff(0ms, 1000ms, 100, random) == 0ms);
    CHECK(backoff(100ms, 1000ms, -1, random) >= 80ms);
    CHECK(backoff(24h * 365 * 100, 24h * 365 * 200, 2147483647, random) > 0ms);
    CHECK(backoff(2000ms, 1000ms, 0, random) <= 1200ms); // first above the maximum
}

TEST_CASE("sequence: runs to 2^31-1 and starts over at 0")
{
    constexpr auto last = 2147483647;
    static_assert(sequence_after(0, 5) == 5);
    static_assert(sequence_after(last, 1) == 0);
    static_assert(sequence_after(last - 2, 5) == 2);
    static_assert(sequence_after(last, last) == last - 1);
    static_assert(sequence_distance(last, 2) == 3);
    static_assert(sequence_distance(5, 5) == 0);
    static_assert(sequence_before(1, 2) && !sequence_before(2, 1) && !sequence_before(2, 2));
    static_assert(sequence_before(last, 0) && !sequence_before(0, last));
    static_assert(sequence_before(last - 1000, 1000) && !sequence_before(1000, last - 1000));
    for (const std::int32_t sequence : {0, 1, last}) {
        CHECK_FALSE(sequence_before(sequence, sequence));
        CHECK(sequence_before(sequence, sequence_after(sequence, 1)));
    }
}

TEST_CASE("later: no overflow")
{
    static_assert(later(5ns, 3ns) == 8ns);
    static_assert(later(never, 0ns) == never);
    static_assert(later(5ns, never) == never);
    static_assert(later(never - 1ns, 2ns) == never);
}

TEST_CASE("flush_tracker: an epoch is over when it and all before it are empty")
{
    flush_tracker flushes;
    const auto first = flushes.current();
    flushes.begin(first);
    flushes.begin(first);
    CHECK_FALSE(flushes.flushing());
    CHECK(flushes.flush() == first);
    CHECK(flushes.flushing());
    const auto second = flushes.current();
    CHECK(second == first + 1);
    flushes.begin(second);
    CHECK(flushes.flush() == second);
    flushes.end(second);
    CHECK_FALSE(flushes.finished(second)); // the first isn't over
    flushes.end(first);
    CHECK_FALSE(flushes.finished(first));
    flushes.begin(first); // a piece of it
    flushes.end(first);
    CHECK_FALSE(flushes.finished(first));
    flushes.end(first);
    CHECK(flushes.finished(first));
    CHECK(flushes.finished(second));
    CHECK_FALSE(flushes.flushing());
    CHECK(flushes.finished(flushes.flush())); // of nothing
}

TEST_CASE("log_queue: bounded, the oldest go first")
{
    log_queue logs;
    for (int i = 0; i < 100; ++i) logs.add(log_level::info, "x", std::to_string(i));
    log_entry entry;
    REQUIRE(logs.poll(entry));
    CHECK(entry.text == "36");
    int count = 1;
    while (logs.poll(entry)) ++count;
    CHECK(count == 64);
    CHECK(entry.text == "99");
}

TEST_CASE("metadata_plan: a new topic does not wait for the pause, except after a fruitless answer")
{
    producer_config config;
    random_source random{1};
    metadata_plan plan{config, random};
    plan.asked(true);
    plan.answered(true, 1s);
    plan.ask_soon();
    CHECK_FALSE(plan.due(1s));
    plan.ask_for_new();
    CHECK(plan.due(1s));
    plan.asked(false);
    plan.answered(false, 1s);
    plan.ask_for_new();
    CHECK_FALSE(plan.due(1s));
    CHECK(plan.due(1s + 120ms));
}

TEST_CASE("metadata_plan: at once, one at a time, with growing pauses while fruitless, and regularly")
{
    producer_config config;
    random_source random{1};
    metadata_plan plan{config, random};
    CHECK(plan.due(0ns));
    plan.asked(true);
    CHECK_FALSE(plan.due(1h));
    CHECK(plan.deadline() == never);
    plan.answered(true, 1s);
    CHECK_FALSE(plan.due(2s));
    CHECK(plan.deadline() == 301s);
    plan.ask_soon();
    CHECK(plan.due(2s));
    plan.asked(false);
    plan.lost(2s);
    CHECK_FALSE(plan.due(2s));
    CHECK(plan.due(2s + 120ms));
    auto now = nanoseconds{3s};
    nanoseconds pause{0};
    for (int i = 0; i < 8; ++i) {
        plan.ask_soon();
        plan.asked(false);
        plan.answered(false, now);
        plan.ask_soon();
        pause = plan.deadline() - now;
        now += 10s;
    }
    CHECK(pause >= 800ms);
    CHECK(pause <= 1200ms);
    CHECK(plan.deadline() < 301s);
}

// --- records in their encoded form -----------------------------------------------------------------------------------

namespace {

struct filled // a batch of records in a partition, without a core
{
    producer_config config;
    accumulator records;
    topic_state topic;
    partition_state& partition;

    explicit filled(producer_config with = {})
        : config{std::move(with)}, records{config}, partition{topic.partitions.emplace_back()}
    {
        partition.topic = &topic;
    }

    place add(std::string_view value, std::int64_t time = 1000, std::string_view key = "k")
    {
        return records.append(partition, {key, value, {}, time}, {1s, 0}, config.buffer_memory, 1);
    }
};

std::vector<std::string> read(batch& from)
{
    seal_batch(from.memory.data, from.size,
               {from.attributes, from.base_timestamp, from.max_timestamp, -1, -1, -1, from.record_count, -1});
    batch_reader reader{{from.memory.data, from.size}, batch_origin::producer};
    std::vector<std::string> found;
    REQUIRE(reader.next_batch());
    record_view record;
    while (reader.next_record(record))
        found.push_back(std::string{as_text(record.value.view())} + "@" + std::to_string(record.timestamp));
    CHECK(reader.error() == batch_error::none);
    return found;
}

} // namespace

TEST_CASE("rewrite: every subset of withdrawn records of a batch")
{
    for (unsigned mask = 0; mask < 31; ++mask) {
        filled f;
        for (int i = 0; i < 5; ++i) f.add(std::to_string(i), 1000 - 70 * i + 500 * (i % 2));
        batch& open = *f.partition.open;
        std::vector<std::string> expected;
        for (std::uint32_t i = 0; i < 5; ++i) {
            if (mask & (1u << i)) {
                open.slot_of(i).withdraw();
                ++open.withdrawn;
            } else {
                expected.push_back(
                    std::to_string(i) + "@" +
                    std::to_string(1000 - 70 * static_cast<int>(i) + 500 * static_cast<int>(i % 2)));
            }
        }
        drop_withdrawn(open);
        CHECK(open.record_count == static_cast<std::int32_t>(expected.size()));
        CHECK(open.withdrawn == 0);
        CHECK(read(open) == expected);
        open.base_offset = 100;
        std::int64_t next = 100;
        for (std::uint32_t i = 0; i < 5; ++i)
            if (!(mask & (1u << i))) CHECK(open.offset_of(i) == next++);
    }
}

TEST_CASE("rewrite: more than 64 and 8192 records, where offset deltas change their length")
{
    producer_config config;
    config.batch_size = 4 << 20;
    filled f{config};
    const int count = 9000;
    for (int i = 0; i < count; ++i) f.add(std::to_string(i));
    batch& open = *f.partition.open;
    REQUIRE(open.record_count == count);
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(count); i += 3) {
        open.slot_of(i).withdraw();
        ++open.withdrawn;
    }
    drop_withdrawn(open);
    const auto found = read(open);
    REQUIRE(found.size() == 6000);
    CHECK(found.front() == "1@1000");
    CHECK(found.back() == "8999@1000");
}

TEST_CASE("rewrite: halves are never empty, and about the same size")
{
    for (int large = 0; large < 4; ++large)
        for (int count = 2; count < 9; ++count) {
            filled f;
            for (int i = 0; i < count; ++i) f.add(std::string(i == large ? 1000 : 10, 'x'));
            batch& open = *f.partition.open;
            const auto cut = find_halves(open.body(), open.record_count);
            CHECK(cut.first_count >= 1);
            CHECK(cut.first_count < count);
            CHECK(cut.first_bytes + cut.second_bytes == open.body().size());
            if (large >= count) CHECK(cut.first_bytes <= cut.second_bytes + 20);
        }
}

// --- accumulator -----------------------------------------------------------------------------------------------------

TEST_CASE("accumulator: a batch grows as its records need, up to batch.size")
{
    producer_config config;
    config.batch_size = 5000;
    config.linger = 1s;
    filled f{config};
    std::vector<std::string> expected;
    for (int i = 0; f.partition.queue.empty(); ++i) {
        REQUIRE(i < 200);
        f.add(std::string(100, 'x') + std::to_string(i));
        CHECK(f.partition.memory == f.records.pool().in_use());
        if (f.partition.queue.empty())
            expected.push_back(std::string(100, 'x') + std::to_string(i) + "@1000");
    }
    batch& full = *f.partition.queue.front();
    CHECK(full.size <= 5000);
    CHECK(full.size + 120 > 5000);
    CHECK(read(full) == expected);
    CHECK(f.partition.open->record_count == 1);
    CHECK(f.partition.open->memory.capacity > full.size); // the next begins where this one ended
}

TEST_CASE("accumulator: the size of a record alone is that of its batch")
{
    const std::vector<header_view> headers{{"name", nullable_bytes{std::string_view{"value"}}}, {"null", {}}};
    for (const std::size_t size : {0u, 1u, 60u, 5000u}) {
        filled f;
        const std::string value(size, 'v');
        const record_bytes record{"key", value, headers, 1000};
        const auto place = f.records.append(f.partition, record, {1s, 0}, f.config.buffer_memory, 1);
        REQUIRE(place.where);
        CHECK(accumulator::size_alone(record) == place.where->size);
    }
}

TEST_CASE("accumulator: a partition that gets less holds less memory, by half with each batch")
{
    producer_config config;
    config.batch_size = 100'000;
    config.linger = 1s;
    filled f{config};
    f.add(std::string(60'000, 'x'));
    std::vector<std::size_t> capacities;
    for (int i = 0; i < 8; ++i) {
        f.records.close(f.partition);
        f.add("small");
        capacities.push_back(f.partition.open->memory.capacity);
    }
    CHECK(capacities.front() >= 60'000);
    CHECK(capacities[1] < capacities[0]);
    CHECK(capacities.back() == buffer_pool::smallest);
}

TEST_CASE("accumulator: times far apart fit into one batch (timestampDelta is a varlong)")
{
    filled f;
    std::vector<std::string> expected;
    constexpr std::int64_t month = 30LL * 24 * 3600 * 1000;
    for (int i = 0; i < 100; ++i) {
        const auto time = 1'700'000'000'000 - (i % 2) * month;
        f.add("v", time);
        expected.push_back("v@" + std::to_string(time));
    }
    for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1} << 31, std::int64_t{1} << 46}) {
        f.add("w", time);
        expected.push_back("w@" + std::to_string(time));
    }
    CHECK(f.partition.queue.empty());
    batch& open = *f.partition.open;
    CHECK(open.record_count == 103);
    CHECK(read(open) == expected);
    for (std::uint32_t i = 0; i < 103; ++i) {
        CHECK("v@" + std::to_string(open.timestamp_of(open.slot_of(i).time_delta())) ==
              "v" + expected[i].substr(1));
        CHECK_FALSE(open.slot_of(i).withdrawn());
    }
    open.slot_of(0).withdraw();
    CHECK(open.slot_of(0).time_delta() == 0);
    CHECK(open.slot_of(1).time_delta() == -month);
}

TEST_CASE("accumulator: 4,000 years don't fit into one batch")
{
    filled f;
    f.add("a", 0);
    f.add("b", time_delta_max);
    CHECK(f.partition.open->record_count == 2);
    f.add("c", time_delta_max + 1);
    CHECK(f.partition.open->record_count == 1);
    CHECK(f.partition.queue.size() == 1);
    f.add("d", 0);
    CHECK(f.partition.queue.size() == 2);
}

TEST_CASE("accumulator: without room the record is not added, and the batch that can't grow goes out")
{
    producer_config config;
    config.buffer_memory = 1024;
    config.linger = 1s;
    filled f{config};
    f.add(std::string(400, 'a'));
    const auto before = f.records.pool().in_use();
    CHECK_FALSE(f.add(std::string(2000, 'b')).where);
    CHECK(f.records.pool().in_use() == before);
    CHECK_FALSE(f.partition.open);
    REQUIRE(f.partition.queue.size() == 1);
    CHECK(f.partition.queue.front()->due);
    CHECK(f.partition.queue.front()->record_count == 1);
}

TEST_CASE("accumulator: where a batch can't grow, the record opens another if there is room for that")
{
    producer_config config;
    config.buffer_memory = 1024 + 512; // not for 1024 beside 768
    config.linger = 1s;
    filled f{config};
    f.add(std::string(600, 'a'));
    REQUIRE(f.records.pool().in_use() == 768);
    CHECK(f.add(std::string(100, 'b')).where == f.partition.open);
    CHECK(f.partition.queue.size() == 1);
    CHECK(f.records.pool().in_use() == 2 * 768); // it begins as large as the last one became
}

TEST_CASE("accumulator: slots survive growing, records of all sizes fit exactly as they say")
{
    producer_config config;
    config.batch_size = 1 << 20;
    filled f{config};
    std::vector<std::string> expected;
    for (std::size_t i = 0; i < 300; ++i) {
        const std::string value(i * i % 777, 'v');
        const auto place = f.add(value, 1000 + static_cast<std::int64_t>(i));
        REQUIRE(place.where);
        place.where->slot_of(place.index).context = &f.config + i;
        expected.push_back(value + "@" + std::to_string(1000 + i));
    }
    batch& open = *f.partition.open;
    for (std::uint32_t i = 0; i < 300; ++i) CHECK(open.slot_of(i).context == &f.config + i);
    CHECK(read(open) == expected);
}

TEST_CASE("accumulator: pieces go back to their place in the queue by age")
{
    filled f;
    for (int i = 0; i < 3; ++i) {
        f.add(std::to_string(i));
        f.records.close(f.partition);
    }
    batch* first = f.partition.queue.front();
    batch* second = f.partition.queue.next(*first);
    accumulator::dequeue(f.partition, *first);
    accumulator::dequeue(f.partition, *second);
    accumulator::enqueue(f.partition, *second);
    accumulator::enqueue(f.partition, *first);
    CHECK(f.partition.queue.front() == first);
    CHECK(f.partition.queue.next(*first) == second);
    CHECK(f.topic.backlog.size() == 1);
}

// --- sticky ----------------------------------------------------------------------------------------------------------

TEST_CASE("sticky: when every partition is left out, one of them is drawn all the same")
{
    producer_config config;
    config.partitioner_availability_timeout = 1s;
    topic_state topic;
    broker_node down;
    down.stalled_since = 0s;
    for (std::int32_t i = 0; i < 3; ++i) {
        auto& added = topic.partitions.emplace_back();
        added.topic = &topic;
        added.index = i;
    }
    random_source random{7};
    std::array<int, 3> hits{};
    const auto draw = [&] {
        hits = {};
        for (int i = 0; i < 300; ++i)
            ++hits[static_cast<std::size_t>(draw_partition(topic, config, 10s, random))];
    };
    draw(); // nobody leads any: all are as good
    for (const auto count : hits) CHECK(count > 50);
    for (auto& partition : topic.partitions) {
        partition.leader = &down;
        topic.available.push_back(partition.index);
    }
    draw(); // all stand still
    for (const auto count : hits) CHECK(count > 50);
    topic.partitions[1].leader = nullptr; // nobody's: not left out for what a broker does
    draw();
    CHECK(hits == std::array<int, 3>{0, 300, 0});
}

// --- rules -----------------------------------------------------------------------------------------------------------

TEST_CASE("rules: sequences, epochs and gaps as pure functions")
{
    filled f;
    auto& state = f.partition.producer;
    producer_config config;
    partition_epochs epochs{config};
    epochs.identity_arrived({7, 3});
    f.add("a");
    f.add("b");
    f.records.close(f.partition);
    batch& head = *f.partition.queue.front();
    CHECK(epochs.needs_epoch(f.partition, head));
    CHECK(epochs.start_epoch(f.partition));
    CHECK(state.id == 7);
    CHECK(state.epoch == 3);
    state.next_sequence = 2147483647;
    assign_sequence(f.partition, head);
    CHECK(head.base_sequence == 2147483647);
    CHECK(state.next_sequence == 1);
    assign_sequence(f.partition, head); // once
    CHECK(state.next_sequence == 1);
    acknowledged(f.partition, head);
    CHECK(state.last_acked == 0);
    left_gap(f.partition, head);
    CHECK(state.gap);
    accumulator::dequeue(f.partition, head);
    close_gap_if_resolved(f.partition);
    CHECK_FALSE(state.gap); // the last acknowledged is the last given
    state.gap = true;
    state.last_acked = -1;
    state.next_sequence = 0;
    close_gap_if_resolved(f.partition);
    CHECK(state.gap); // nothing was acknowledged in this epoch
    state.gap = false;
    state.last_acked = 0;
    state.next_sequence = 1;

    batch old;
    old.producer_id = 7;
    old.producer_epoch = 2;
    old.base_sequence = 500;
    old.record_count = 1;
    acknowledged(f.partition, old); // of an epoch that is over
    CHECK(state.last_acked == 0);
    left_gap(f.partition, old);
    CHECK_FALSE(state.gap);
    old.producer_id = 6; // of another id
    old.producer_epoch = state.epoch;
    acknowledged(f.partition, old);
    CHECK(state.last_acked == 0);
    left_gap(f.partition, old);
    CHECK_FALSE(state.gap);

    state.epoch = last_producer_epoch;
    CHECK_FALSE(epochs.start_epoch(f.partition));
    CHECK_FALSE(epochs.has_identity());
    epochs.identity_arrived({8, 0});
    CHECK(epochs.start_epoch(f.partition));
    CHECK(state.epoch == 0);
    state.fault = epoch_fault::broken;
    CHECK(epochs.start_epoch(f.partition));
    CHECK(state.id == 8);
    CHECK(state.epoch == 1);
    CHECK(state.fault == epoch_fault::none);
    state.fault = epoch_fault::fenced; // epochs are left, but the id belongs to another producer
    CHECK_FALSE(epochs.start_epoch(f.partition));
    CHECK(state.epoch == 1);
    epochs.identity_arrived({9, 5});
    CHECK(epochs.start_epoch(f.partition));
    CHECK(state.id == 9);
    CHECK(state.epoch == 5);
    f.records.store().recycle(head);
}

TEST_CASE("rules: a new batch follows flights of today's leadership only")
{
    filled f;
    broker_node leader;
    leader.id = 1;
    f.partition.leader = &leader;
    f.partition.leader_epoch = 4;
    f.partition.producer = {.id = 7, .epoch = 0, .next_sequence = 1, .last_acked = 0, .proven = true};
    batch flight, head;
    flight.last_attempt_leader = 1;
    flight.last_attempt_epoch = 4;
    f.partition.flights.push_back(flight);
    CHECK(may_follow_flights(f.partition, head, 5, {7, 0}));
    CHECK_FALSE(may_follow_flights(f.partition, head, 1, {7, 0}));
    CHECK_FALSE(may_follow_flights(f.partition, head, 5, {8, 0})); // another producer id is to be used
    flight.last_attempt_epoch = 3;                                 // elected again since
    CHECK_FALSE(may_follow_flights(f.partition, head, 5, {7, 0}));
    flight.last_attempt_epoch = 4;
    flight.last_attempt_leader = 2;
    CHECK_FALSE(may_follow_flights(f.partition, head, 5, {7, 0}));
    f.partition.flights.erase(flight);
    f.partition.leader = nullptr;
}

} // namespace kurier::core
