// What a broker refuses in a batch whatever the producer's state is, and in which order it looks.
#pragma once

#include "cases.hpp"

#include <kurier/record/batch_format.hpp>

namespace kurier::parity {

namespace validation {

inline bytes changed(bytes batch, std::size_t at, std::uint8_t mask)
{
    batch.at(at) ^= static_cast<std::byte>(mask);
    return batch;
}

inline void shapes(run& to)
{
    producing p{to};
    const bytes good = records(2);
    p("good", good);
    p("empty", bytes{});
    p("sixteen bytes", bytes(16));
    p("cut short", {good.begin(), good.end() - 1});
    p("header only", {good.begin(), good.begin() + 61});
    bytes twice = good;
    twice.insert(twice.end(), good.begin(), good.end());
    p("two batches", twice);
    bytes longer = good;
    longer.resize(good.size() + 16);
    p("16 bytes more", longer);
    longer.resize(good.size() + 100);
    p("100 bytes more", longer);
    longer = good;
    longer.insert(longer.end(), good.begin(), good.end() - 5);
    p("one and a half", longer);
    p("magic 0", changed(good, batch_field::magic, 2));
    p("magic 1", changed(good, batch_field::magic, 3));
    p("magic 3", changed(good, batch_field::magic, 1));
    p("negative length", changed(good, batch_field::length, 0x80));
    bytes tiny = good;
    detail::put_big_endian(tiny.data() + batch_field::length, std::int32_t{13});
    p("length 13", tiny);
    detail::put_big_endian(tiny.data() + batch_field::length, std::int32_t{20});
    p("length 20", tiny);
    p("good again", good);
}

inline void corruption(run& to)
{
    producing p{to};
    const bytes good = records(2);
    p("bit in the CRC", changed(good, batch_field::crc, 1));
    p("bit in the attributes", changed(good, batch_field::attributes, 1));
    p("bit in a record", changed(good, good.size() - 3, 1));
    p("leader epoch is not covered", changed(good, batch_field::partition_leader_epoch, 0x7f));
    p("base offset is not covered", changed(good, batch_field::base_offset + 7, 1));
    p("base offset and CRC", changed(changed(good, batch_field::base_offset + 7, 1), batch_field::crc, 1));
}

inline void headers(run& to)
{
    producing p{to};
    p("last offset delta too large", records(2).last_offset_delta(2));
    p("last offset delta too small", records(2).last_offset_delta(0));
    p("last offset delta negative", records(2).last_offset_delta(-1));
    p("no records told", records(2).record_count(0).last_offset_delta(-1));
    p("no records told, offsets right", records(2).record_count(0));
    p("one more told", records(2).record_count(3).last_offset_delta(2));
    p("one less told", records(2).record_count(1).last_offset_delta(0));
    p("negative count", records(2).record_count(-1));
    p("no records at all", batch_builder{wall_ms()}.record_count(0).last_offset_delta(0));
    p("control batch", records(1).attributes(batch_control));
    p("log append time", records(1).attributes(batch_log_append_time));
    p("unused attributes", records(1).attributes(0x4000));
    p("codec 5", records(1).attributes(5));
    p("codec 7", records(1).attributes(7));
    p("wrong max timestamp", records(2).max_timestamp(wall_ms() + 100));
    p("max timestamp out of range", records(2).max_timestamp(wall_ms() + 99'999'999));
}

inline void record_format(run& to)
{
    producing p{to};
    const auto body = [&](const std::string& what, std::string_view text, int count = 1) {
        p(what, batch_builder{wall_ms()}.record_count(count).last_offset_delta(count - 1).body(text));
    };
    using namespace std::string_view_literals;
    // length, attributes, timestamp delta, offset delta, key, value, headers
    body("null key and value", "\x0c\0\0\0\x01\x01\0"sv);
    body("empty key and value", "\x0c\0\0\0\0\0\0"sv);
    body("attributes set", "\x0c\x07\0\0\x01\x01\0"sv);
    body("offset delta 5", "\x0c\0\0\x0a\x01\x01\0"sv);
    body("offset delta -1", "\x0c\0\0\x01\x01\x01\0"sv);
    body("length one less", "\x0a\0\0\0\x01\x01\0"sv);
    body("length one more", "\x0e\0\0\0\x01\x01\0"sv);
    body("length one more, with a byte", "\x0e\0\0\0\x01\x01\0\0"sv);
    body("negative length", "\x01\0\0\0\x01\x01\0"sv);
    body("key length -2", "\x0c\0\0\0\x03\x01\0"sv);
    body("key beyond the record", "\x0c\0\0\0\x20\x01\0"sv);
    body("value beyond the record", "\x0c\0\0\0\x01\x20\0"sv);
    body("negative header count", "\x0c\0\0\0\x01\x01\x01"sv);
    body("a header that is missing", "\x0c\0\0\0\x01\x01\x02"sv);
    body("null header name", "\x10\0\0\0\x01\x01\x02\x01\x01"sv);
    body("empty header name, null value", "\x10\0\0\0\x01\x01\x02\0\x01"sv);
    body("longer form of a number", "\x0e\0\x80\0\0\x01\x01\0"sv);
    body("bytes behind the record", "\x0c\0\0\0\x01\x01\0\0"sv);
    body("two told, one there", "\x0c\0\0\0\x01\x01\0"sv, 2);
    body("offset deltas 0 0", "\x0c\0\0\0\x01\x01\0\x0c\0\0\0\x01\x01\0"sv, 2);
    body("offset deltas 1 0", "\x0c\0\0\x02\x01\x01\0\x0c\0\0\0\x01\x01\0"sv, 2);
}

inline void timestamps(run& to)
{
    producing p{to};
    p("50 minutes ahead", batch_builder{wall_ms() + 3'000'000}.records(1));
    p("70 minutes ahead", batch_builder{wall_ms() + 4'200'000}.records(2));
    p("second record ahead", batch_builder{wall_ms()}.records(2, 4'200'000));
    p("year 1970", batch_builder{0}.records(1));
    p("-1 is no timestamp", batch_builder{-1}.records(1));
    p("-2", batch_builder{-2}.records(1));
    p("least", batch_builder{std::numeric_limits<std::int64_t>::min()}.records(1));
    p("most", batch_builder{std::numeric_limits<std::int64_t>::max()}.records(1));
    p.version(7);
    p("before version 8, no record errors", batch_builder{wall_ms() + 4'200'000}.records(2));

    testing::topic_options options;
    options.message_timestamp_before_max_ms = 600'000;
    producing recent{to, options};
    recent("5 minutes old", batch_builder{wall_ms() - 300'000}.records(1));
    recent("20 minutes old", batch_builder{wall_ms() - 1'200'000}.records(1));

    options = {};
    options.log_append_time = true;
    producing append{to, options};
    append("any time", batch_builder{wall_ms() + 99'999'999}.records(2));
    append("said to be log append time",
           batch_builder{wall_ms()}.records(2).attributes(batch_log_append_time));
}

inline void sizes(run& to)
{
    const bytes one = records(1);
    testing::topic_options options;
    options.max_message_bytes = static_cast<std::int32_t>(one.size());
    producing p{to, options};
    p("exactly", one);
    p("one more", batch_builder{wall_ms()}.record("key", "value 00"));
    p("too large and a wrong CRC", changed(records(2), batch_field::crc, 1));
    p("too large and a base offset", records(2).base_offset(1));
    bytes with_trailer = one;
    with_trailer.resize(one.size() + 10);
    p("exactly, with bytes behind it", with_trailer);
}

inline void compaction(run& to)
{
    testing::topic_options options;
    options.compact = true;
    producing p{to, options};
    p("with key", batch_builder{wall_ms()}.record("k", "v"));
    p("empty key", batch_builder{wall_ms()}.record("", "v"));
    p("null key", batch_builder{wall_ms()}.record(nullptr, "v"));
    p("tombstone", batch_builder{wall_ms()}.record("k", nullptr));
    p("second without", batch_builder{wall_ms()}.record("k", "v").record(nullptr, "v").record(nullptr, "v"));
    p("no key and a wrong time", batch_builder{wall_ms() + 4'200'000}.record("k", "v").record(nullptr, "v"));
}

inline void compression(run& to)
{
    producing p{to};
    p.version(6);
    p("zstd before version 7", records(1).attributes(4));
    p.version(7);
    p("no gzip", records(1).attributes(1).body("this is not gzip"));
    p("no zstd", records(1).attributes(4).body("this is not zstd"));
}

inline void acknowledgements(run& to)
{
    producing p{to};
    for (const int acks : {-1, 1, 2, -2, 100}) {
        p.acks(static_cast<std::int16_t>(acks));
        p("acks " + std::to_string(acks), records(1));
    }
    p.acks(0);
    p("acks 0", records(1));
    p("acks 0, bad", changed(records(1), batch_field::crc, 1));
    p.acks(0).partition(7);
    p("acks 0, no such partition", records(1));
    p.acks(-1).partition(0);
    p("afterwards", records(1));
}

} // namespace validation

inline std::vector<named_case> validation_cases()
{
    using namespace validation;
    return {{"shapes", shapes},         {"corruption", corruption},
            {"headers", headers},       {"record format", record_format},
            {"timestamps", timestamps}, {"sizes", sizes},
            {"compaction", compaction}, {"compression", compression},
            {"acks", acknowledgements}};
}

} // namespace kurier::parity
