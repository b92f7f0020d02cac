#include <kurier/record/batch_format.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

namespace {

using namespace kurier;

struct sample
{
    std::int64_t timestamp_delta = 0;
    std::int32_t offset_delta = 0;
    nullable_bytes key{};
    nullable_bytes value{};
    std::span<const header_view> headers{};
};

std::vector<std::byte> encoded(const sample& s)
{
    const std::size_t body = record_body_size(s.timestamp_delta, s.offset_delta, s.key, s.value.size(),
                                              s.value.is_null(), s.headers);
    std::vector<std::byte> out(record_size(body)); // exactly the room promised: ASan sees one byte too many
    const std::byte* end =
        put_record(out.data(), body, s.timestamp_delta, s.offset_delta, s.key, s.value, s.headers);
    REQUIRE(end == out.data() + out.size());
    return out;
}

std::string hex(bytes_view bytes)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::byte b : bytes) {
        text += digits[std::to_integer<unsigned>(b) >> 4];
        text += digits[std::to_integer<unsigned>(b) & 15];
    }
    return text;
}

std::uint32_t stored_crc(bytes_view batch)
{
    std::uint32_t crc = 0;
    for (std::size_t i = 0; i < 4; ++i) crc = crc << 8 | std::to_integer<std::uint32_t>(batch[17 + i]);
    return crc;
}

} // namespace

TEST_CASE("put_record: the fields in their order, lengths and deltas as zigzag varints")
{
    CHECK(hex(encoded({.value = "hello"})) == "16"
                                              "00"
                                              "00"
                                              "00"
                                              "01"
                                              "0a68656c6c6f"
                                              "00");
    CHECK(hex(encoded({.timestamp_delta = 300, .offset_delta = 64, .key = "k", .value = "v"})) == "14"
                                                                                                  "00"
                                                                                                  "d804"
                                                                                                  "8001"
                                                                                                  "026b"
                                                                                                  "0276"
                                                                                                  "00");
    const std::array<header_view, 2> headers{{{"h", "1"}, {"h", nullptr}}};
    CHECK(hex(encoded({.key = "", .value = "", .headers = headers})) == "1a"
                                                                        "00"
                                                                        "00"
                                                                        "00"
                                                                        "00"
                                                                        "00"
                                                                        "04"
                                                                        "0268"
                                                                        "0231"
                                                                        "0268"
                                                                        "01");
}

TEST_CASE("put_record: null and empty are different")
{
    CHECK(hex(encoded({})) == "0c"
                              "00"
                              "00"
                              "00"
                              "01"
                              "01"
                              "00");
    CHECK(hex(encoded({.key = "", .value = ""})) == "0c"
                                                    "00"
                                                    "00"
                                                    "00"
                                                    "00"
                                                    "00"
                                                    "00");
}

TEST_CASE("put_record: timestamps may run backwards")
{
    CHECK(hex(encoded({.timestamp_delta = -1, .value = ""})) == "0c"
                                                                "00"
                                                                "01"
                                                                "00"
                                                                "01"
                                                                "00"
                                                                "00");
}

TEST_CASE("put_record: sizes at the borders of the varints")
{
    for (std::size_t size :
         {0U, 1U, 50U, 55U, 56U, 57U, 63U, 64U, 100U, 127U, 8180U, 8191U, 8192U, 1048575U, 1048576U})
        for (std::int64_t timestamp_delta :
             {std::int64_t{0}, std::int64_t{63}, std::int64_t{64}, std::int64_t{1} << 40}) {
            const std::string value(size, 'x');
            const std::vector<std::byte> record = encoded({.timestamp_delta = timestamp_delta,
                                                           .offset_delta = static_cast<std::int32_t>(size),
                                                           .value = std::string_view{value}});
            CHECK(record[record.size() - 1] == std::byte{0});
        }
}

TEST_CASE("put_record_head and put_record_tail around the value give the same bytes")
{
    const std::array<header_view, 1> headers{{{"name", "value"}}};
    const std::string value(1000, 'v');
    const std::vector<std::byte> whole = encoded({.timestamp_delta = 5,
                                                  .offset_delta = 7,
                                                  .key = "k",
                                                  .value = std::string_view{value},
                                                  .headers = headers});

    const std::size_t body = record_body_size(5, 7, "k", value.size(), false, headers);
    std::array<std::byte, 64> head;
    std::array<std::byte, 64> tail;
    const std::byte* head_end = put_record_head(head.data(), body, 5, 7, "k", value.size(), false);
    const std::byte* tail_end = put_record_tail(tail.data(), headers);
    CHECK(hex(whole) == hex({head.data(), head_end}) + hex(as_bytes(value)) + hex({tail.data(), tail_end}));
}

TEST_CASE("seal_batch: every header field in its place")
{
    std::vector<std::byte> batch(batch_header_size);
    const std::vector<std::byte> record = encoded({.value = "hello"});
    batch.insert(batch.end(), record.begin(), record.end());
    seal_batch(batch.data(), batch.size(),
               {.attributes = 0x0013,
                .base_timestamp = 0x0102030405060708,
                .max_timestamp = 0x1112131415161718,
                .producer_id = 0x2122232425262728,
                .producer_epoch = 0x3132,
                .base_sequence = 0x41424344,
                .record_count = 1});
    CHECK(hex(bytes_view{batch}.first(17)) == "0000000000000000"
                                              "0000003d"
                                              "ffffffff"
                                              "02");
    CHECK(hex(bytes_view{batch}.subspan(21)) == "0013"
                                                "00000000"
                                                "0102030405060708"
                                                "1112131415161718"
                                                "2122232425262728"
                                                "3132"
                                                "41424344"
                                                "00000001" +
                                                    hex(record));
    CHECK(stored_crc(batch) == wire::crc32c_portable(0, bytes_view{batch}.subspan(21)));
}

TEST_CASE("seal_batch: a scattered body gives the header of a contiguous one")
{
    std::vector<std::byte> whole(batch_header_size);
    for (std::int32_t i = 0; i < 100; ++i) {
        const std::vector<std::byte> record = encoded({.offset_delta = i, .value = "some value"});
        whole.insert(whole.end(), record.begin(), record.end());
    }
    const batch_info info{
        .max_timestamp = 9, .producer_id = 5, .producer_epoch = 1, .base_sequence = 3, .record_count = 100};
    seal_batch(whole.data(), whole.size(), info);

    const bytes_view body = bytes_view{whole}.subspan(batch_header_size);
    const std::array<bytes_view, 4> pieces{body.first(1), body.subspan(1, 700), bytes_view{},
                                           body.subspan(701)};
    std::array<std::byte, batch_header_size> header;
    seal_batch(header.data(), pieces, info);
    CHECK(hex(header) == hex(bytes_view{whole}.first(batch_header_size)));

    reseal_sequence(whole.data(), whole.size(), 77, 4, 1000);
    reseal_sequence(header.data(), pieces, 77, 4, 1000);
    CHECK(hex(header) == hex(bytes_view{whole}.first(batch_header_size)));
    CHECK(hex(bytes_view{whole}.subspan(43, 14)) == "000000000000004d"
                                                    "0004"
                                                    "000003e8");
    CHECK(stored_crc(whole) == wire::crc32c_portable(0, bytes_view{whole}.subspan(21)));
}

TEST_CASE("put_plain_record writes what put_record writes, within the room it asks for")
{
    const std::string text(70'000, 'x');
    const std::array<std::size_t, 16> sizes{0,  1,  43, 44, 45, 46, 52,   53,
                                            54, 55, 56, 57, 58, 63, 8183, 70'000};
    const std::array<std::int32_t, 8> numbers{0, 1, 63, 64, 8191, 8192, 1 << 20, 0x7fffffff};
    const auto compare = [](const sample& s) {
        std::vector<std::byte> out(s.key.size() + s.value.size() + plain_record_overhead);
        const auto* end = put_plain_record(out.data(), static_cast<std::int32_t>(s.timestamp_delta),
                                           s.offset_delta, s.key, s.value);
        out.resize(static_cast<std::size_t>(end - out.data()));
        CHECK(out == encoded(s));
    };
    for (const auto size : sizes)
        for (const auto number : numbers) {
            const std::string_view bytes = std::string_view{text}.substr(0, size);
            compare({.timestamp_delta = number, .value = bytes});
            compare({.timestamp_delta = -number, .offset_delta = number, .key = bytes, .value = bytes});
            compare({.offset_delta = number, .key = bytes});
        }
    for (std::size_t size = 0; size < 10'000; ++size)
        compare({.value = std::string_view{text}.substr(0, size)});
}
