#include <kurier/record/batch_reader.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace kurier;
using bytes = std::vector<std::byte>;

struct made_record
{
    std::int64_t timestamp = 0;
    std::optional<std::string> key{};
    std::optional<std::string> value{};
    std::vector<std::pair<std::string, std::optional<std::string>>> headers{};
};

nullable_bytes view_of(const std::optional<std::string>& text)
{
    return text ? nullable_bytes{std::string_view{*text}} : nullable_bytes{};
}

std::optional<std::string> text_of(nullable_bytes view)
{
    return view.is_null() ? std::nullopt : std::optional{std::string{as_text(view.view())}};
}

bytes body_of(const std::vector<made_record>& records, std::int64_t base_timestamp)
{
    bytes body;
    std::int32_t offset = 0;
    for (const made_record& r : records) {
        std::vector<header_view> headers;
        for (const auto& [name, value] : r.headers) headers.push_back({name, view_of(value)});
        const std::int64_t delta = r.timestamp - base_timestamp;
        const nullable_bytes value = view_of(r.value);
        const std::size_t size =
            record_body_size(delta, offset, view_of(r.key), value.size(), value.is_null(), headers);
        const std::size_t before = body.size();
        body.resize(before + record_size(size));
        put_record(body.data() + before, size, delta, offset, view_of(r.key), value, headers);
        ++offset;
    }
    return body;
}

bytes sealed(const bytes& body, const batch_info& info)
{
    bytes batch(batch_header_size);
    batch.insert(batch.end(), body.begin(), body.end());
    seal_batch(batch.data(), batch.size(), info);
    return batch;
}

bytes batch_of(const std::vector<made_record>& records, batch_info info = {})
{
    info.base_timestamp = records.front().timestamp;
    info.max_timestamp = std::max_element(records.begin(), records.end(), [](auto& a, auto& b) {
                             return a.timestamp < b.timestamp;
                         })->timestamp;
    info.record_count = static_cast<std::int32_t>(records.size());
    return sealed(body_of(records, info.base_timestamp), info);
}

// Batch with a body written by hand.
bytes raw_batch(const bytes& body, std::int32_t count = 1)
{
    return sealed(body, {.record_count = count});
}

bytes from_hex(std::string_view text)
{
    bytes out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out.push_back(static_cast<std::byte>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
    return out;
}

void repair_crc(bytes& batch)
{
    detail::put_batch_crc(batch.data(), batch.size());
}

batch_error producer_check(const bytes& batch)
{
    return check_batches(batch, batch_origin::producer);
}
batch_error log_check(const bytes& batch)
{
    return check_batches(batch, batch_origin::log);
}

const std::vector<made_record> some_records{
    {.timestamp = 1000, .key = "k1", .value = "v1"},
    {.timestamp = 1007,
     .value = std::string(300, 'x'),
     .headers = {{"a", "1"}, {"a", std::nullopt}, {"", ""}}},
    {.timestamp = 990, .key = ""},
};

batch_error changed(std::size_t at, std::initializer_list<int> to)
{
    bytes batch = batch_of(some_records, {.producer_id = 5, .producer_epoch = 0, .base_sequence = 0});
    for (int b : to) batch[at++] = static_cast<std::byte>(b);
    repair_crc(batch);
    return producer_check(batch);
}

} // namespace

TEST_CASE("batch_reader: gives back what was written")
{
    bytes log = batch_of(some_records, {.producer_id = 7, .producer_epoch = 2, .base_sequence = 0x7fffffff});
    const bytes second = batch_of({{.timestamp = 5, .value = "alone"}}, {.attributes = batch_transactional});
    log.insert(log.end(), second.begin(), second.end());

    batch_reader in{log};
    REQUIRE(in.next_batch());
    CHECK(in.header().producer_id == 7);
    CHECK(in.header().producer_epoch == 2);
    CHECK(in.header().max_timestamp == 1007);
    CHECK(in.header().last_sequence() == 1); // after 2^31 - 1 comes 0
    CHECK(in.header().last_offset() == 2);
    CHECK_FALSE(in.header().transactional());
    std::int64_t offset = 0;
    for (const made_record& expected : some_records) {
        record_view r;
        REQUIRE(in.next_record(r));
        CHECK(r.offset == offset++);
        CHECK(r.timestamp == expected.timestamp);
        CHECK(text_of(r.key) == expected.key);
        CHECK(text_of(r.value) == expected.value);
        REQUIRE(r.headers.size() == expected.headers.size());
        for (std::size_t i = 0; i < expected.headers.size(); ++i) {
            CHECK(r.headers[i].name == expected.headers[i].first);
            CHECK(text_of(r.headers[i].value) == expected.headers[i].second);
        }
    }
    record_view none;
    CHECK_FALSE(in.next_record(none));
    CHECK_FALSE(in.next_record(none));
    CHECK(in.error() == batch_error::none);

    REQUIRE(in.next_batch());
    CHECK(in.header().transactional());
    CHECK(in.batch().size() == second.size());
    CHECK_FALSE(in.next_batch());
    CHECK(in.error() == batch_error::none);
}

TEST_CASE("batch_reader: base offset is added, log-append time replaces the records' own")
{
    bytes batch = batch_of(some_records, {.attributes = batch_log_append_time});
    detail::put_big_endian(batch.data(), std::int64_t{1'000'000'000'000}); // not covered by the CRC
    batch_reader in{batch};
    REQUIRE(in.next_batch());
    record_view r;
    REQUIRE(in.next_record(r));
    CHECK(r.offset == 1'000'000'000'000);
    REQUIRE(in.next_record(r));
    REQUIRE(in.next_record(r));
    CHECK(r.offset == 1'000'000'000'002);
    CHECK(r.timestamp == 1007);
    CHECK(log_check(batch) == batch_error::none);
    CHECK(producer_check(batch) == batch_error::bad_attributes);
}

TEST_CASE("batch_reader: an empty input is no error, every truncation is one")
{
    CHECK(producer_check({}) == batch_error::none);
    const bytes whole = batch_of(some_records);
    CHECK(producer_check(whole) == batch_error::none);
    for (std::size_t size = 1; size < whole.size(); ++size) {
        const bytes part(whole.begin(),
                         whole.begin() + static_cast<std::ptrdiff_t>(size)); // ASan guards its end
        CHECK(producer_check(part) == batch_error::truncated);
    }
}

TEST_CASE("batch_reader: header fields that a broker refuses")
{
    namespace field = batch_field;
    CHECK(changed(field::magic, {1}) == batch_error::unsupported_magic);
    CHECK(changed(field::length, {0, 0, 0, 48}) == batch_error::bad_length);
    CHECK(changed(field::length, {0xff, 0xff, 0xff, 0xff}) == batch_error::bad_length);
    CHECK(changed(field::length, {0x7f, 0xff, 0xff, 0xff}) == batch_error::truncated);
    CHECK(changed(field::attributes, {0x80, 0}) == batch_error::bad_attributes);
    CHECK(changed(field::attributes, {0, 5}) == batch_error::bad_attributes); // no such codec
    CHECK(changed(field::attributes, {0, batch_control}) == batch_error::control_batch);
    CHECK(changed(field::attributes, {0, 1}) == batch_error::no_decompressor);
    CHECK(changed(field::record_count, {0, 0, 0, 0}) == batch_error::bad_record_count);
    CHECK(changed(field::record_count, {0xff, 0xff, 0xff, 0xff}) == batch_error::bad_record_count);
    CHECK(changed(field::record_count, {0, 0, 0, 2}) == batch_error::bad_offset_range);
    CHECK(changed(field::last_offset_delta, {0, 0, 0, 3}) == batch_error::bad_offset_range);
    CHECK(changed(field::last_offset_delta, {0xff, 0xff, 0xff, 0xff}) == batch_error::bad_offset_range);
    CHECK(changed(field::base_offset, {0xff}) == batch_error::bad_offset_range);
    CHECK(changed(field::base_offset, {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfd}) == batch_error::none);
    CHECK(changed(field::base_offset, {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}) ==
          batch_error::bad_offset_range); // the last offset would be beyond 2^63 - 1
    CHECK(changed(field::max_timestamp, {1}) == batch_error::bad_timestamps);
    CHECK(changed(field::base_sequence, {0xff, 0xff, 0xff, 0xff}) == batch_error::bad_producer_state);
    CHECK(changed(field::producer_id, {0xff}) == batch_error::bad_producer_state);
    CHECK(changed(field::producer_epoch, {0xff, 0xff}) == batch_error::bad_producer_state);
    CHECK(producer_check(batch_of(some_records, {.attributes = batch_transactional})) ==
          batch_error::bad_producer_state);
    // Without a producer id: neither an epoch nor a sequence
    CHECK(producer_check(batch_of(some_records)) == batch_error::none);
    CHECK(producer_check(batch_of(some_records, {.producer_epoch = 0})) == batch_error::bad_producer_state);
    CHECK(producer_check(batch_of(some_records, {.base_sequence = 0})) == batch_error::bad_producer_state);
}

TEST_CASE("batch_reader: record counts that agree with each other but not with the body")
{
    bytes batch = batch_of(some_records);
    detail::put_big_endian(batch.data() + batch_field::record_count, 2);
    detail::put_big_endian(batch.data() + batch_field::last_offset_delta, 1);
    repair_crc(batch);
    CHECK(producer_check(batch) == batch_error::bytes_after_last_record);
    detail::put_big_endian(batch.data() + batch_field::record_count, 0x7fffffff);
    detail::put_big_endian(batch.data() + batch_field::last_offset_delta, 0x7ffffffe);
    repair_crc(batch);
    CHECK(producer_check(batch) == batch_error::fewer_records_than_told);
}

TEST_CASE("batch_reader: one changed bit anywhere under the CRC is seen")
{
    const bytes whole = batch_of(some_records);
    for (std::size_t at = batch_field::crc; at < whole.size(); ++at) {
        bytes batch = whole;
        batch[at] ^= std::byte{0x10};
        CHECK(producer_check(batch) == batch_error::crc_mismatch);
    }
}

TEST_CASE("batch_reader: malformed records")
{
    const auto check = [](std::string_view body) { return producer_check(raw_batch(from_hex(body))); };
    // length, attributes, timestamp delta, offset delta, key, value, header count
    CHECK(check("0c"
                "00"
                "00"
                "00"
                "01"
                "01"
                "00") == batch_error::none);
    CHECK(check("0e"
                "00"
                "00"
                "00"
                "01"
                "01"
                "00") == batch_error::bad_record_length); // beyond the batch
    CHECK(check("01"
                "00"
                "00"
                "00"
                "01"
                "01"
                "00") == batch_error::bad_record_length); // negative
    CHECK(check("0e"
                "00"
                "00"
                "00"
                "01"
                "01"
                "00"
                "00") == batch_error::bad_record_length);
    CHECK(check("0c"
                "01"
                "00"
                "00"
                "01"
                "01"
                "00") == batch_error::bad_record_attributes);
    CHECK(check("0c"
                "00"
                "00"
                "02"
                "01"
                "01"
                "00") == batch_error::bad_offset_delta);
    CHECK(check("0c"
                "00"
                "00"
                "01"
                "01"
                "01"
                "00") == batch_error::bad_offset_delta);
    CHECK(check("0c"
                "00"
                "02"
                "00"
                "01"
                "01"
                "00") == batch_error::bad_timestamps); // later than the maximum
    CHECK(check("0c"
                "00"
                "00"
                "00"
                "03"
                "01"
                "00") == batch_error::bad_key); // length -2
    CHECK(check("0c"
                "00"
                "00"
                "00"
                "10"
                "01"
                "00") == batch_error::bad_key); // beyond the record
    CHECK(check("0c"
                "00"
                "00"
                "00"
                "01"
                "03"
                "00") == batch_error::bad_value);
    CHECK(check("0c"
                "00"
                "00"
                "00"
                "01"
                "10"
                "00") == batch_error::bad_value);
    CHECK(check("0c"
                "00"
                "00"
                "00"
                "01"
                "01"
                "01") == batch_error::bad_header_count);
    CHECK(check("0c"
                "00"
                "00"
                "00"
                "01"
                "01"
                "02") == batch_error::bad_header_count);
    CHECK(check("14"
                "00"
                "00"
                "00"
                "01"
                "01"
                "feffffff0f") == batch_error::bad_header_count); // 2^31 - 1 of them
    CHECK(check("10"
                "00"
                "00"
                "00"
                "01"
                "01"
                "02"
                "01"
                "01") == batch_error::bad_header); // null name
    CHECK(check("10"
                "00"
                "00"
                "00"
                "01"
                "01"
                "02"
                "00"
                "02") == batch_error::bad_header);
    CHECK(check("10"
                "00"
                "00"
                "00"
                "01"
                "01"
                "02"
                "00"
                "01") == batch_error::none);
    CHECK(check("0e"
                "00"
                "8000"
                "00"
                "01"
                "01"
                "00") == batch_error::bad_varint); // 0 in two bytes
    CHECK(check("8c00"
                "00"
                "00"
                "00"
                "01"
                "01"
                "00") == batch_error::bad_varint);
    CHECK(check("ffffffffffff") == batch_error::bad_varint);
    CHECK(check("1e"
                "00"
                "ffffffffffffffffffff"
                "00"
                "01"
                "01"
                "00") == batch_error::bad_varint); // 70 bits
    CHECK(check("00") != batch_error::none);
}

TEST_CASE("batch_reader: timestamps that overflow are refused")
{
    bytes batch = sealed(body_of({{.timestamp = 10, .value = "v"}}, 0),
                         {.base_timestamp = INT64_MAX, .max_timestamp = INT64_MAX, .record_count = 1});
    CHECK(producer_check(batch) == batch_error::bad_timestamps);
}

TEST_CASE("batch_reader: a stored log may have gaps, control batches and empty batches; a producer may not")
{
    bytes gaps = raw_batch(from_hex("0c000000010100"
                                    "0c000008010100"),
                           2);
    detail::put_big_endian(gaps.data() + batch_field::last_offset_delta, 9);
    detail::put_big_endian(gaps.data() + batch_field::max_timestamp, std::int64_t{3});
    repair_crc(gaps);
    CHECK(log_check(gaps) == batch_error::none);
    CHECK(producer_check(gaps) == batch_error::bad_offset_range);

    bytes empty = raw_batch({}, 0);
    detail::put_big_endian(empty.data() + batch_field::last_offset_delta, 9);
    repair_crc(empty);
    CHECK(log_check(empty) == batch_error::none);
    CHECK(producer_check(empty) == batch_error::bad_record_count);
    // Nothing is in it, so nobody needs its codec, or what is left of its body
    bytes emptied = sealed(bytes(5), {.attributes = 3, .record_count = 0});
    detail::put_big_endian(emptied.data() + batch_field::last_offset_delta, 9);
    repair_crc(emptied);
    CHECK(log_check(emptied) == batch_error::none);

    const bytes control =
        batch_of({{.key = std::string("\0\0\0\1", 4), .value = ""}},
                 {.attributes = batch_control | batch_transactional, .producer_id = 1, .producer_epoch = 0});
    CHECK(log_check(control) == batch_error::none);
    CHECK(producer_check(control) == batch_error::control_batch);
}

TEST_CASE("batch_reader: compressed batches go through the caller's function, within the bound")
{
    // A "codec" that reverses the bytes.
    const auto reverse = [](int codec, bytes_view in, std::size_t max_output, bytes& out) {
        if (codec != 3 || in.size() > max_output) return false;
        out.assign(in.rbegin(), in.rend());
        return true;
    };
    bytes body = body_of(some_records, 1000);
    std::reverse(body.begin(), body.end());
    const bytes batch =
        sealed(body, {.attributes = 3, .base_timestamp = 1000, .max_timestamp = 1007, .record_count = 3});
    CHECK(check_batches(batch, batch_origin::producer, reverse) == batch_error::none);
    CHECK(check_batches(batch, batch_origin::producer) == batch_error::no_decompressor);
    CHECK(check_batches(batch, batch_origin::producer, reverse, body.size()) == batch_error::none);
    CHECK(check_batches(batch, batch_origin::producer, reverse, body.size() - 1) ==
          batch_error::decompression_failed);
    const auto careless = [](int, bytes_view, std::size_t, bytes& out) {
        return out.assign(100, std::byte{}), true;
    };
    CHECK(check_batches(batch, batch_origin::producer, careless, 99) == batch_error::decompression_failed);
}

TEST_CASE("batch_reader: random damage under a repaired CRC never reads beyond the bytes")
{
    std::mt19937 random{4};
    const bytes whole = batch_of(some_records, {.producer_id = 5, .producer_epoch = 0, .base_sequence = 0});
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        bytes batch = whole;
        for (std::uint32_t changes = 1 + random() % 4; changes != 0; --changes)
            batch[batch_field::attributes + random() % (batch.size() - batch_field::attributes)] =
                static_cast<std::byte>(random() & 0xff);
        if (random() % 4 == 0)
            batch.resize(batch_header_size + random() % (batch.size() - batch_header_size));
        detail::put_big_endian(batch.data() + batch_field::length,
                               static_cast<std::int32_t>(batch.size() - 12));
        batch.shrink_to_fit();
        repair_crc(batch);
        accepted += producer_check(batch) == batch_error::none ? 1 : 0;
        accepted += log_check(batch) == batch_error::none ? 1 : 0;
    }
    CHECK(accepted > 0); // changes of values are none of the reader's business
}

TEST_CASE("batch_header: the last sequence, which starts over after 2^31 - 1; none without a first one")
{
    batch_header header;
    header.last_offset_delta = 2;
    header.base_sequence = 5;
    CHECK(header.last_sequence() == 7);
    header.base_sequence = 0x7fffffff;
    CHECK(header.last_sequence() == 1);
    header.base_sequence = -1;
    CHECK(header.last_sequence() == -1);
}

TEST_CASE("batch_error: every error has a text of its own")
{
    CHECK(text(static_cast<batch_error>(200)) == "unknown error");
    std::vector<std::string_view> seen;
    for (int i = 0; i <= static_cast<int>(batch_error::bytes_after_last_record); ++i) {
        const std::string_view words = text(static_cast<batch_error>(i));
        CHECK(words != "unknown error");
        CHECK(std::find(seen.begin(), seen.end(), words) == seen.end());
        seen.push_back(words);
    }
}
