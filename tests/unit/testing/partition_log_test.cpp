#include <kurier/testing/partition_log.hpp>

#include "batch_builder.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>

using namespace kurier;
using namespace kurier::testing;

namespace {

constexpr std::int64_t now_ms = 1'700'000'000'000;

struct log_fixture
{
    cluster_options cluster;
    topic_options topic;
    partition_log log;

    append_result produce(const std::vector<std::byte>& batch, std::int16_t version = 9)
    {
        kept = batch; // the check views it
        validation checked = batch_validator::check_shape(kept, version);
        append_result refused;
        refused.error = checked.error;
        if (checked.failed()) return refused;
        return log.append(std::move(checked), topic, cluster, 3, now_ms);
    }
    std::vector<std::byte> kept;
};

batch_builder plain(int records = 1)
{
    return batch_builder{now_ms}.records(records);
}

} // namespace

TEST_CASE_FIXTURE(log_fixture, "offsets are given in order; base offset and leader epoch are written")
{
    CHECK(produce(plain(3)).base_offset == 0);
    const append_result second = produce(plain(2));
    CHECK(second.error == broker_errc::none);
    CHECK(second.base_offset == 3);
    CHECK(second.log_append_time == -1);
    CHECK(second.log_start_offset == 0);
    CHECK(log.end_offset() == 5);
    const batch_header stored = load_batch_header(log.bytes(log.batches()[1]));
    CHECK(stored.base_offset == 3);
    CHECK(stored.partition_leader_epoch == 3);
    for (const stored_batch& batch : log.batches())
        CHECK(check_batches(log.bytes(batch), batch_origin::log) == batch_error::none);
}

TEST_CASE_FIXTURE(log_fixture, "the shape of a batch")
{
    CHECK(produce({}).error == broker_errc::invalid_record);
    std::vector<std::byte> batch = plain();
    CHECK(produce({batch.begin(), batch.end() - 1}).error == broker_errc::invalid_record); // not all there

    SUBCASE("two batches")
    {
        const std::vector<std::byte> once = batch;
        batch.insert(batch.end(), once.begin(), once.end());
        CHECK(produce(batch).error == broker_errc::invalid_record);
    }
    SUBCASE("a few bytes more are taken for the start of a batch that is not there")
    {
        batch.resize(batch.size() + 11);
        CHECK(produce(batch).error == broker_errc::none);
    }
    SUBCASE("old format")
    {
        batch[batch_field::magic] = std::byte{1};
        CHECK(produce(batch).error == broker_errc::invalid_record);
    }
    SUBCASE("unknown format")
    {
        batch[batch_field::magic] = std::byte{3};
        CHECK(produce(batch).error == broker_errc::corrupt_message);
    }
    SUBCASE("impossible length")
    {
        batch[batch_field::length] = std::byte{0xff};
        CHECK(produce(batch).error == broker_errc::corrupt_message);
    }
    SUBCASE("zstd needs Produce v7")
    {
        const std::vector<std::byte> zstd = plain().attributes(4);
        CHECK(produce(zstd, 6).error == broker_errc::unsupported_compression_type);
        CHECK(produce(zstd, 7).error == broker_errc::none);
    }
}

TEST_CASE_FIXTURE(log_fixture, "a flipped bit is corrupt, a wrong header field invalid")
{
    std::vector<std::byte> batch = plain();
    batch.back() ^= std::byte{1};
    CHECK(produce(batch).error == broker_errc::corrupt_message);
    CHECK(produce(plain().base_offset(1)).error == broker_errc::invalid_record);
    CHECK(produce(plain(2).last_offset_delta(2)).error == broker_errc::invalid_record);
    CHECK(produce(plain(2).last_offset_delta(-1)).error == broker_errc::invalid_record);
    CHECK(produce(plain(2).record_count(0).last_offset_delta(-1)).error == broker_errc::invalid_record);
    CHECK(produce(plain(2).record_count(3).last_offset_delta(2)).error == broker_errc::invalid_record);
    CHECK(produce(plain(2).record_count(1).last_offset_delta(0)).error == broker_errc::invalid_record);
    CHECK(produce(plain().attributes(batch_control)).error == broker_errc::invalid_record);
    CHECK(produce(plain().producer(5, 0, -1)).error == broker_errc::invalid_record);
    CHECK(produce(plain().attributes(7)).error == broker_errc::unknown_server_error);
    CHECK(log.end_offset() == 0);
}

TEST_CASE_FIXTURE(log_fixture, "brokers before 2.4 know no INVALID_RECORD")
{
    const auto batch = plain().producer(7, 0, -1);
    CHECK(produce(batch).error == broker_errc::invalid_record);
    cluster.before_kip_360 = true;
    const append_result refused = produce(batch);
    CHECK(refused.error == broker_errc::corrupt_message);
    CHECK(refused.log_start_offset == -1);
}

TEST_CASE_FIXTURE(log_fixture, "sizes and times")
{
    topic.max_message_bytes = static_cast<std::int32_t>(std::vector<std::byte>(plain()).size());
    CHECK(produce(plain()).error == broker_errc::none);
    const append_result large = produce(plain(2));
    CHECK(large.error == broker_errc::message_too_large);
    CHECK(large.log_start_offset == -1);
    topic.max_message_bytes = 1 << 20;

    CHECK(produce(batch_builder{now_ms + 3'600'000}.records(1)).error == broker_errc::none);
    const append_result late = produce(batch_builder{now_ms + 3'600'001}.records(2));
    CHECK(late.error == broker_errc::invalid_timestamp);
    REQUIRE(late.record_errors.size() == 2);
    CHECK(late.record_errors[1].batch_index == 1);
    CHECK(late.log_start_offset == 0);
    CHECK(produce(batch_builder{-1}.records(1, 0)).error == broker_errc::none); // no timestamp
    CHECK(produce(batch_builder{0}.records(1)).error == broker_errc::none);
    topic.message_timestamp_before_max_ms = 1000;
    CHECK(produce(batch_builder{now_ms - 1001}.records(1)).error == broker_errc::invalid_timestamp);
    CHECK(produce(batch_builder{std::numeric_limits<std::int64_t>::min()}.records(1)).error ==
          broker_errc::invalid_timestamp);
}

TEST_CASE_FIXTURE(log_fixture, "log-append time replaces what the client sent")
{
    topic.log_append_time = true;
    const append_result appended = produce(batch_builder{now_ms + 9'000'000}.records(2));
    CHECK(appended.error == broker_errc::none);
    CHECK(appended.log_append_time == now_ms);
    batch_reader in{log.bytes(log.batches()[0])};
    REQUIRE(in.next_batch());
    record_view record;
    REQUIRE(in.next_record(record));
    CHECK(record.timestamp == now_ms);
    CHECK(check_batches(log.bytes(log.batches()[0]), batch_origin::log) == batch_error::none);
}

TEST_CASE_FIXTURE(log_fixture, "a compacted topic wants keys")
{
    topic.compact = true;
    const append_result refused = produce(batch_builder{now_ms}.record("k", "v").record(nullptr, "v"));
    CHECK(refused.error == broker_errc::invalid_record);
    REQUIRE(refused.record_errors.size() == 1);
    CHECK(refused.record_errors[0].batch_index == 1);
    CHECK(produce(batch_builder{now_ms}.record("k", "v").record("", nullptr)).error == broker_errc::none);
}

TEST_CASE_FIXTURE(log_fixture, "a wrong max timestamp is put right and told to the checker")
{
    const append_result appended = produce(plain(2).max_timestamp(now_ms + 77));
    CHECK(appended.error == broker_errc::none);
    CHECK(appended.wrong_max_timestamp);
    CHECK(load_batch_header(log.bytes(log.batches()[0])).max_timestamp == now_ms + 1);
    CHECK(check_batches(log.bytes(log.batches()[0]), batch_origin::log) == batch_error::none);
}

TEST_CASE_FIXTURE(log_fixture, "compressed batches are looked into when there is a decompressor")
{
    CHECK(produce(plain(2).attributes(1).body("not gzip")).error == broker_errc::none);
    cluster.decompress = [](int, bytes_view in, std::size_t, std::vector<std::byte>& out) {
        out.assign(in.begin(), in.end());
        return in.size() != 8;
    };
    CHECK(produce(plain(2).attributes(1).body("not gzip")).error == broker_errc::unknown_server_error);
    CHECK(produce(plain(2).attributes(1)).error == broker_errc::none); // "compressed" by doing nothing
}

TEST_CASE_FIXTURE(log_fixture, "a duplicate gets the first offset, and tells the first batch's time")
{
    CHECK(produce(plain(2).producer(9, 0, 0)).base_offset == 0);
    CHECK(produce(plain(2).producer(9, 0, 2)).base_offset == 2);
    const append_result again = produce(plain(2).producer(9, 0, 0));
    CHECK(again.error == broker_errc::none);
    CHECK(again.duplicate);
    CHECK(again.base_offset == 0);
    CHECK(again.log_append_time == now_ms + 1);
    CHECK_FALSE(again.duplicate_of_other_content);
    CHECK(log.end_offset() == 4);

    const append_result other =
        produce(batch_builder{now_ms}.record("other", "x").record("records", "y").producer(9, 0, 2));
    CHECK(other.duplicate);
    CHECK(other.duplicate_of_other_content);
}

TEST_CASE_FIXTURE(log_fixture, "deleting and cutting keep offsets and producers right")
{
    for (int i = 0; i != 8; ++i) REQUIRE(produce(plain(2).producer(9, 0, 2 * i)).error == broker_errc::none);
    log.delete_before(5, false);
    CHECK(log.start_offset() == 5);
    CHECK(log.batches().size() == 6); // the batch of offsets 4 and 5 stays
    CHECK(load_batch_header(log.bytes(log.batches()[0])).base_offset == 4);
    CHECK(produce(plain(2).producer(9, 0, 16)).log_start_offset == 5);

    log.truncate_to(13, producer_memory::rebuilt); // loses 12..17
    CHECK(log.end_offset() == 12);
    CHECK(produce(plain(2).producer(9, 0, 10)).duplicate);
    CHECK(produce(plain(2).producer(9, 0, 16)).error == broker_errc::out_of_order_sequence_number);
    CHECK(produce(plain(2).producer(9, 0, 12)).base_offset == 12);

    log.truncate_to(13, producer_memory::lost);
    CHECK(produce(plain(2).producer(9, 0, 77)).base_offset == 12);
    log.truncate_to(0, producer_memory::rebuilt);
    CHECK(log.end_offset() == 0);
    CHECK(log.start_offset() == 0);
    CHECK(produce(plain(2).producer(9, 0, 5)).base_offset == 0);
}
