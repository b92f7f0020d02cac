// Every allocation of the core fails in turn, in every small session: a send that throws has not sent, and whatever
// else runs out of memory ends the producer in order. Each record is told of once and truthfully, and nothing is left.
// And nothing of what is over stays: at rest the core holds no more the longer it lives.
#include "../simulation/session_run.hpp"
#include "../support/random_trouble.hpp"
#include "../support/toy_codecs.hpp"
#include "heap.hpp"

#include <kurier/partitioners/round_robin.hpp>

#include <doctest/doctest.h>

#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

constinit allocations heap;

namespace {

constinit long held = 0; // bytes, whoever has them

void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t)) noexcept
{
    if (heap.counted && ++heap.made >= heap.failing && heap.failing > 0)
        if (heap.for_good || heap.made == heap.failing) return nullptr;
    void* memory = alignment <= alignof(std::max_align_t)
                       ? std::malloc(size == 0 ? 1 : size)
                       : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    held += static_cast<long>(malloc_usable_size(memory));
    return memory;
}

void release(void* memory) noexcept
{
    held -= static_cast<long>(malloc_usable_size(memory));
    std::free(memory);
}

struct counting final : simulation_tests::call_watch
{
    void enter() override { heap.counted = true; }
    void leave() override { heap.counted = false; }
};

} // namespace

void* operator new(std::size_t size)
{
    if (void* memory = allocate(size)) return memory;
    throw std::bad_alloc{};
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    return allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment)
{
    if (void* memory = allocate(size, static_cast<std::size_t>(alignment))) return memory;
    throw std::bad_alloc{};
}
void operator delete(void* memory, std::align_val_t) noexcept
{
    release(memory);
}
void operator delete(void* memory) noexcept
{
    release(memory);
}
void operator delete(void* memory, std::size_t) noexcept
{
    release(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept
{
    release(memory);
}

namespace {

long fail_each(bool for_good)
{
    using namespace simulation_tests;
    counting watch;
    long cases = 0;
    for (const auto& session : small_sessions()) {
        long count = 1;
        for (long failing = 0; failing <= count; ++failing) {
            heap = {.counted = false, .made = 0, .failing = failing, .for_good = for_good};
            session_run run{session, disturbance::none, 0, 0, &watch};
            run.run();
            if (failing == 0) count = heap.made;
            CAPTURE(session.name);
            CAPTURE(failing);
            CHECK(run.broken() == "");
            ++cases;
        }
    }
    MESSAGE(cases << " cases");
    return cases;
}

} // namespace

TEST_CASE("every allocation fails in turn")
{
    CHECK(fail_each(false) > 5000);
}

TEST_CASE("memory is exhausted at every allocation in turn, and stays so")
{
    CHECK(fail_each(true) > 5000);
}

TEST_CASE("a batch that has become smaller stays in its block when there is no memory for a smaller one")
{
    using namespace kurier::core;
    kurier::producer_config config;
    accumulator records{config};
    topic_state topic;
    auto& partition = topic.partitions.emplace_back();
    partition.topic = &topic;
    const std::string value(3000, 'v');
    const auto place = records.append(partition, {{}, value, {}, 1000}, {}, config.buffer_memory, 1);
    REQUIRE(place.where);
    records.close(partition);
    auto& closed = *place.where;
    closed.slot_of(0).context = &config;
    closed.size = kurier::batch_header_size + 100; // as if its records had been compressed
    const auto before = closed.memory;
    heap = {.counted = true, .made = 0, .failing = 1, .for_good = true};
    records.shrink(closed);
    heap = {};
    CHECK(closed.memory.data == before.data);
    CHECK(closed.memory.capacity == before.capacity);
    CHECK(partition.memory == before.capacity);
    records.shrink(closed);
    CHECK(closed.memory.capacity <= before.capacity / 2);
    CHECK(partition.memory == closed.memory.capacity);
    CHECK(records.pool().in_use() == closed.memory.capacity);
    CHECK(closed.slot_of(0).context == &config);
}

TEST_CASE("compression.type=auto: without memory for its line in the log a choice is made all the same")
{
    using namespace kurier::core;
    auto config = script::plain_config();
    config.compression_type = kurier::compression::automatic;
    config.compression_goal = kurier::compression_goal::least_bytes;
    kurier::testing::toy_codecs list;
    script::core_script s{config};
    s.core.set_codecs(list, &kurier::testing::toy_clock);
    s.decompress = kurier::codecs_ref{list};
    s.warm_up();
    s.core.compress_elsewhere(true, 0);
    for (int i = 0; i < 100; ++i) {
        s.send("t", std::string(1000, 'x'));
        s.step();
        REQUIRE(s.jobs.size() == 1);
        auto* job = s.jobs.front();
        s.jobs.pop_front();
        run(*job, list, &kurier::testing::toy_clock);
        heap = {.counted = true, .made = 0, .failing = 1, .for_good = true};
        s.core.compressed(*job);
        heap = {};
        s.step();
        s.answer_all();
    }
    CHECK(s.core.compression_of("t").choice.id == kurier::compression::zstd);
    CHECK(s.core.compression_of("t").changes == 1);
    for (const auto& line : s.log) CHECK(line.find("compression.changed") == std::string::npos);
}

namespace {

// At rest, after one of so many rounds of trouble.
long least_held(kurier::core::script::random_trouble& trouble, int rounds)
{
    long least = std::numeric_limits<long>::max();
    for (int i = 0; i < rounds; ++i) {
        trouble.run(100);
        trouble.forget();
        least = std::min(least, held);
    }
    return least;
}

} // namespace

// What is kept for the next time (objects of batches, room in vectors) is as much as was ever needed at once, which
// chance makes a little more now and then.
TEST_CASE("memory at rest does not grow, whatever went on")
{
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        CAPTURE(seed);
        kurier::core::script::random_trouble trouble{seed};
        trouble.script().walk_state = false;
        const auto soon = least_held(trouble, 100);
        least_held(trouble, 900);
        const auto late = least_held(trouble, 100);
        CHECK(late <= soon + 8192);
    }
}

TEST_CASE("a partitioner that remembers topics goes on without memory for another one")
{
    kurier::round_robin_partitioner turns;
    const kurier::partition_query query{.topic = "a topic with a name that no string keeps in itself",
                                        .partition_count = 3};
    heap = {.counted = true, .made = 0, .failing = 1, .for_good = true};
    const auto first = turns.partition(query), second = turns.partition(query);
    heap = {};
    CHECK(first == 0);
    CHECK(second == 0);
    CHECK(turns.partition(query) == 0);
    CHECK(turns.partition(query) == 1);
}
