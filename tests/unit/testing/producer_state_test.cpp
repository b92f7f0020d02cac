#include <kurier/testing/producer_state.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace kurier;
using namespace kurier::testing;

namespace {

constexpr std::int32_t last = std::numeric_limits<std::int32_t>::max();

struct partition
{
    producer_states states;
    std::int64_t end = 0;
    bool before_kip_360 = false;

    // What a broker would say to this batch; base offset of the first one if it is a duplicate.
    std::int64_t duplicate_of = -1;
    broker_errc produce(std::int16_t epoch, std::int32_t first, std::int32_t records,
                        std::int64_t producer_id = 7)
    {
        duplicate_of = -1;
        const sequenced_batch batch{.producer_id = producer_id,
                                    .producer_epoch = epoch,
                                    .first_sequence = first,
                                    .last_sequence = last_sequence_of(first, records),
                                    .base_offset = end,
                                    .last_offset = end + records - 1,
                                    .max_timestamp = 1000};
        if (const auto* known = states.find_duplicate(batch)) {
            duplicate_of = known->base_offset;
            return broker_errc::none;
        }
        const broker_errc error = states.check(batch, before_kip_360);
        if (error == broker_errc::none) {
            states.add(batch);
            end += records;
        }
        return error;
    }
};

} // namespace

TEST_CASE("sequences follow each other and wrap to 0 after 2^31 - 1")
{
    CHECK(sequence_follows(0, 1));
    CHECK_FALSE(sequence_follows(0, 0));
    CHECK_FALSE(sequence_follows(0, 2));
    CHECK(sequence_follows(last, 0));
    CHECK_FALSE(sequence_follows(last, 1));
    CHECK(last_sequence_of(0, 1) == 0);
    CHECK(last_sequence_of(last, 1) == last);
    CHECK(last_sequence_of(last, 2) == 0);
    CHECK(last_sequence_of(last - 1, 5) == 2);
}

TEST_CASE("an unknown producer may start anywhere")
{
    partition p;
    CHECK(p.produce(0, 41, 2) == broker_errc::none);
    CHECK(p.produce(0, 43, 1) == broker_errc::none);
    CHECK(p.produce(0, 43, 2) == broker_errc::out_of_order_sequence_number);
}

TEST_CASE("before KIP-360 an unknown producer starts at 0")
{
    partition p;
    p.before_kip_360 = true;
    CHECK(p.produce(0, 41, 2) == broker_errc::unknown_producer_id);
    CHECK(p.produce(0, 0, 2) == broker_errc::none);
    CHECK(p.produce(0, 2, 2) == broker_errc::none);
    p.states.forget_before(4);
    CHECK(p.produce(0, 4, 1) == broker_errc::unknown_producer_id);
}

TEST_CASE("a gap is out of order")
{
    partition p;
    CHECK(p.produce(0, 0, 3) == broker_errc::none);
    CHECK(p.produce(0, 4, 1) == broker_errc::out_of_order_sequence_number);
    CHECK(p.produce(0, 3, 1) == broker_errc::none);
}

TEST_CASE("one of the last five batches is a duplicate, an older one out of order")
{
    partition p;
    for (std::int32_t i = 0; i != 6; ++i) REQUIRE(p.produce(0, 2 * i, 2) == broker_errc::none);
    CHECK(p.produce(0, 0, 2) == broker_errc::out_of_order_sequence_number);
    for (std::int32_t i = 1; i != 6; ++i) {
        CHECK(p.produce(0, 2 * i, 2) == broker_errc::none);
        CHECK(p.duplicate_of == 2 * i);
    }
    CHECK(p.end == 12);
}

TEST_CASE("a batch with other boundaries is no duplicate")
{
    partition p;
    CHECK(p.produce(0, 0, 4) == broker_errc::none);
    CHECK(p.produce(0, 0, 3) == broker_errc::out_of_order_sequence_number);
    CHECK(p.produce(0, 1, 3) == broker_errc::out_of_order_sequence_number);
    CHECK(p.produce(0, 0, 4) == broker_errc::none);
    CHECK(p.duplicate_of == 0);
}

TEST_CASE("an older epoch is fenced, a newer one starts at 0")
{
    partition p;
    CHECK(p.produce(3, 0, 2) == broker_errc::none);
    CHECK(p.produce(2, 2, 1) == broker_errc::invalid_producer_epoch);
    CHECK(p.produce(4, 2, 1) == broker_errc::out_of_order_sequence_number);
    CHECK(p.produce(4, 0, 1) == broker_errc::none);
    CHECK(p.produce(3, 2, 1) == broker_errc::invalid_producer_epoch);
    CHECK(p.produce(4, 0, 1) == broker_errc::none);
    CHECK(p.duplicate_of == 2);
}

TEST_CASE("producers don't know of each other")
{
    partition p;
    CHECK(p.produce(0, 0, 2, 1) == broker_errc::none);
    CHECK(p.produce(0, 0, 2, 2) == broker_errc::none);
    CHECK(p.duplicate_of == -1);
    CHECK(p.produce(0, 2, 2, 1) == broker_errc::none);
    CHECK(p.states.size() == 2);
}

TEST_CASE("sequences wrap inside a batch and between batches")
{
    partition p;
    CHECK(p.produce(0, last - 3, 2) == broker_errc::none);
    CHECK(p.produce(0, last - 1, 4) == broker_errc::none); // last-1, last, 0, 1
    CHECK(p.produce(0, last - 1, 4) == broker_errc::none);
    CHECK(p.duplicate_of == 2);
    CHECK(p.produce(0, 1, 1) == broker_errc::out_of_order_sequence_number);
    CHECK(p.produce(0, 2, 1) == broker_errc::none);

    partition q;
    CHECK(q.produce(0, last, 1) == broker_errc::none);
    CHECK(q.produce(0, 0, 1) == broker_errc::none);
}

TEST_CASE("after a clean restart only the newest batch is remembered")
{
    partition p;
    for (std::int32_t i = 0; i != 3; ++i) REQUIRE(p.produce(0, i, 1) == broker_errc::none);
    p.states.keep_newest_only();
    CHECK(p.produce(0, 1, 1) == broker_errc::out_of_order_sequence_number);
    CHECK(p.produce(0, 2, 1) == broker_errc::none);
    CHECK(p.duplicate_of == 2);
    CHECK(p.produce(0, 3, 1) == broker_errc::none);
}

TEST_CASE("an idle producer is forgotten after the expiration time")
{
    partition p;
    CHECK(p.produce(0, 0, 1) == broker_errc::none);
    p.states.expire(1000 + 99, 100);
    CHECK(p.states.size() == 1);
    p.states.expire(1000 + 100, 100);
    CHECK(p.states.size() == 0);
    CHECK(p.produce(0, 9, 1) == broker_errc::none);
}
