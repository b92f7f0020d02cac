// Record batches as text, to compare them with Kafka's own classes; the format is told in
// java/GoldenBatches.java.
#pragma once

#include <kurier/record/batch_format.hpp>
#include <kurier/record/batch_reader.hpp>

#include <cstdint>
#include <istream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace kurier_golden {

using kurier::bytes_view;
using kurier::nullable_bytes;
using bytes = std::vector<std::byte>;

inline std::string hex(bytes_view view)
{
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * view.size());
    for (std::byte b : view) {
        text += digits[std::to_integer<unsigned>(b) >> 4];
        text += digits[std::to_integer<unsigned>(b) & 15];
    }
    return text;
}

inline std::string hex(nullable_bytes view)
{
    return view.is_null() ? "-" : view.size() == 0 ? "." : hex(view.view());
}

inline bytes from_hex(std::string_view text)
{
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    bytes out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out.push_back(static_cast<std::byte>(digit(text[i]) << 4 | digit(text[i + 1])));
    return out;
}

inline std::string line_of(const kurier::batch_header& h, bytes_view batch)
{
    std::ostringstream line;
    line << "B " << h.base_offset << ' ' << h.partition_leader_epoch << ' ' << h.attributes << ' '
         << h.last_offset_delta << ' ' << h.base_timestamp << ' ' << h.max_timestamp << ' ' << h.producer_id
         << ' ' << h.producer_epoch << ' ' << h.base_sequence << ' ' << h.record_count << ' ' << hex(batch);
    return line.str();
}

inline std::string line_of(const kurier::record_view& r)
{
    std::string line = "R " + std::to_string(r.offset) + ' ' + std::to_string(r.timestamp) + ' ' +
                       hex(r.key) + ' ' + hex(r.value);
    for (const kurier::header_view& header : r.headers)
        line += ' ' + hex(nullable_bytes{header.name}) + '=' + hex(header.value);
    return line;
}

// Writes an uncompressed batch anew, record by record as it is read.
class rebuilt_batch
{
public:
    explicit rebuilt_batch(const kurier::batch_header& header)
        : header_{header}, batch_(kurier::batch_header_size)
    {}

    void add(const kurier::record_view& r)
    {
        const std::int64_t time_delta = r.timestamp - header_.base_timestamp;
        const auto offset_delta = static_cast<std::int32_t>(r.offset - header_.base_offset);
        const std::size_t size = kurier::record_body_size(time_delta, offset_delta, r.key, r.value.size(),
                                                          r.value.is_null(), r.headers);
        const std::size_t before = batch_.size();
        batch_.resize(before + kurier::record_size(size));
        kurier::put_record(batch_.data() + before, size, time_delta, offset_delta, r.key, r.value, r.headers);
    }

    bytes sealed()
    {
        kurier::seal_batch(batch_.data(), batch_.size(),
                           {.attributes = header_.attributes,
                            .base_timestamp = header_.base_timestamp,
                            .max_timestamp = header_.max_timestamp,
                            .producer_id = header_.producer_id,
                            .producer_epoch = header_.producer_epoch,
                            .base_sequence = header_.base_sequence,
                            .record_count = header_.record_count,
                            .partition_leader_epoch = header_.partition_leader_epoch});
        kurier::detail::put_big_endian(batch_.data(),
                                       header_.base_offset); // a broker's, as a producer has none
        return batch_;
    }

private:
    kurier::batch_header header_;
    bytes batch_;
};

// Log-append time replaces the records' own times, and a producer leaves no gaps: those batches kurier only
// reads.
inline bool can_be_rebuilt(const kurier::batch_header& h)
{
    return h.codec() == 0 && !h.log_append_time() && h.last_offset_delta == h.record_count - 1;
}

struct comparison
{
    std::size_t batches = 0;
    std::size_t rebuilt = 0;
    std::size_t records = 0;
};

// Reads every batch of Java's and compares it with what Java says of it; those that kurier could have written
// are written anew and must be the same. Throws on the first difference.
inline comparison compare(std::istream& in, const kurier::batch_decompressor& decompress)
{
    comparison done;
    const auto require = [&done](bool holds, const std::string& java, const std::string& kurier) {
        if (!holds)
            throw std::runtime_error{"batch " + std::to_string(done.batches) + "\n  Java   " + java +
                                     "\n  kurier " + kurier};
    };
    std::string line;
    std::getline(in, line);
    while (!line.empty()) {
        const bytes batch = from_hex(std::string_view{line}.substr(line.rfind(' ') + 1));
        kurier::batch_reader reader{batch, kurier::batch_origin::log, decompress};
        const bool found = reader.next_batch();
        require(found, line, std::string{text(reader.error())});
        require(line == line_of(reader.header(), reader.batch()), line,
                line_of(reader.header(), reader.batch()));
        const bool rebuild = can_be_rebuilt(reader.header());
        rebuilt_batch again{reader.header()};
        for (kurier::record_view r; reader.next_record(r); ++done.records) {
            std::getline(in, line);
            require(line == line_of(r), line, line_of(r));
            if (rebuild) again.add(r);
        }
        const bool more = reader.next_batch();
        require(!more && reader.error() == kurier::batch_error::none, line,
                std::string{text(reader.error())});
        if (rebuild) {
            const bytes sealed = again.sealed();
            require(sealed == batch, hex(batch), hex(sealed));
            ++done.rebuilt;
        }
        ++done.batches;
        line.clear();
        std::getline(in, line);
        require(line.empty() || line.starts_with("B "), line, "has no more records");
    }
    return done;
}

} // namespace kurier_golden
