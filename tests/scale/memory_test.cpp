// What is known costs memory, a stated amount each; what is no longer used is forgotten.
#include "cluster.hpp"

namespace kurier::scale {
namespace {

// What one more costs, measured between so many and twice as many.
template <class Measure> double bytes_for_each(std::size_t count, Measure measure)
{
    const auto few = measure(count), many = measure(2 * count);
    const auto each = (static_cast<double>(many) - static_cast<double>(few)) / static_cast<double>(count);
    MESSAGE("bytes: " << each);
    return each;
}

std::size_t idle_after_use(std::size_t topics, nanoseconds wait)
{
    cluster s;
    for (std::size_t i = 0; i < topics; ++i) {
        s.send(numbered("t", i));
        s.run(1s);
    }
    REQUIRE(s.delivered == topics);
    s.run(wait);
    return s.memory();
}

} // namespace

TEST_CASE("a partition that is known")
{
    CHECK(bytes_for_each(8192, [](std::size_t n) {
              cluster s;
              s.model.create_topic("t", static_cast<std::int32_t>(n));
              s.send("t"), s.run(1s);
              return s.memory();
          }) <= 300);
}

TEST_CASE("a topic that is known")
{
    CHECK(bytes_for_each(2048, [](std::size_t n) { return idle_after_use(n, 0s); }) <= 950);
}

TEST_CASE("a broker that is known")
{
    CHECK(bytes_for_each(2048, [](std::size_t n) {
              cluster s{settings(), n};
              s.send("t"), s.run(1s);
              return s.memory();
          }) <= 600);
}

TEST_CASE("a parked record, besides its bytes")
{
    CHECK(bytes_for_each(8192, [](std::size_t n) {
              cluster s;
              for (std::size_t i = 0; i < n; ++i) s.send("t");
              return s.memory();
          }) <= 450);
}

// They are not asked about any more (KIP-526), but stay known: their partitions' sequences must outlive them.
TEST_CASE("a topic that nobody sends to any more costs no more than one that is in use")
{
    CHECK(bytes_for_each(1024, [](std::size_t n) { return idle_after_use(n, 20min); }) <= 950);
}

TEST_CASE("brokers that have left")
{
    // So many that the connection lets go of the buffer in which their names came.
    CHECK(bytes_for_each(4096, [](std::size_t n) {
              auto config = settings();
              config.metadata_max_age = 1min;
              cluster s{config, n};
              s.send("t"), s.run(1s);
              s.model.edit<protocol::metadata_response>(
                  [](broker_id, protocol::metadata_response& response) { response.brokers.resize(1); });
              s.run(5min);
              return s.memory();
          }) <= 16);
}

TEST_CASE("records that were delivered, however many there were")
{
    const auto after = [](std::size_t n) {
        cluster s;
        s.model.create_topic("t");
        for (std::size_t i = 0; i < n; ++i) {
            s.send("t", 0, s.now.steady + 10min);
            s.run();
        }
        REQUIRE(s.delivered == n);
        return s.memory();
    };
    CHECK(after(20'000) <= after(1000) + 4096);
}

} // namespace kurier::scale
