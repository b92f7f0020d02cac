// kurier's side of tests/golden/run_batches:
//   batches_interop compare FILE            Java's batches, read and written anew
//   batches_interop write FILE COUNT SEED   random batches, as text
#include "batch_lines.hpp"

#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>

namespace {

using namespace kurier_golden;
using every_codec =
    kurier::codecs<kurier::gzip_codec, kurier::snappy_codec, kurier::lz4_codec, kurier::zstd_codec>;

constexpr std::size_t max_decompressed = 256 * 1024 * 1024;

class generator
{
public:
    explicit generator(std::uint64_t seed) : random_{seed} {}

    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

    std::optional<std::string> field()
    {
        std::size_t size = below(20);
        switch (below(12)) {
        case 0:
            return std::nullopt;
        case 1:
            size = 0;
            break;
        case 2:
            size = 50 + below(30);
            break;
        case 3:
            size = longer();
            break;
        default:
            break;
        }
        std::string text(size, '\0');
        for (char& c : text) c = static_cast<char>(random_() & 0xff);
        return text;
    }

private:
    std::size_t longer()
    {
        if (below(20) != 0) return below(300);
        return below(400) == 0 ? 1'048'000 + below(1000) : 8100 + below(200);
    }

    std::mt19937_64 random_;
};

nullable_bytes view_of(const std::optional<std::string>& text)
{
    return text ? nullable_bytes{std::string_view{*text}} : nullable_bytes{};
}

// A random record at the end of the body.
void append_record(generator& random, bytes& body, std::int64_t time_delta, std::int32_t offset_delta)
{
    static constexpr std::string_view names[] = {"", "h", "trace-id", "h", "\u00e4\u20ac\U0001f600"};
    const auto key = random.field();
    const auto value = random.field();
    std::vector<std::optional<std::string>> header_values(random.below(3) == 0 ? random.below(80) : 0);
    std::vector<kurier::header_view> headers;
    for (auto& header_value : header_values) {
        header_value = random.field();
        headers.push_back({names[random.below(std::size(names))], view_of(header_value)});
    }
    const nullable_bytes value_view = view_of(value);
    const std::size_t size = kurier::record_body_size(time_delta, offset_delta, view_of(key),
                                                      value_view.size(), value_view.is_null(), headers);
    const std::size_t before = body.size();
    body.resize(before + kurier::record_size(size));
    kurier::put_record(body.data() + before, size, time_delta, offset_delta, view_of(key), value_view,
                       headers);
}

kurier::batch_info random_info(generator& random)
{
    kurier::batch_info info;
    info.base_timestamp = static_cast<std::int64_t>(1'500'000'000'000 + random.below(1ULL << 38));
    if (random.below(2) == 0) {
        info.producer_id = static_cast<std::int64_t>(random.below(1ULL << 40));
        info.producer_epoch = static_cast<std::int16_t>(random.below(32768));
        info.base_sequence = static_cast<std::int32_t>(random.below(0x7fffffff));
        if (random.below(3) == 0) info.attributes = kurier::batch_transactional;
    }
    const std::uint64_t count = random.below(50) == 0 ? random.below(9000) : random.below(70);
    info.record_count = static_cast<std::int32_t>(1 + count);
    return info;
}

bytes random_batch(generator& random, every_codec& codecs, kurier::compression codec)
{
    kurier::batch_info info = random_info(random);
    std::int64_t latest = 0;
    bytes body;
    for (std::int32_t i = 0; i < info.record_count; ++i) {
        std::int64_t delta = 0; // the first record's time is the base, as in Java
        if (i != 0)
            delta = static_cast<std::int64_t>(random.below(random.below(20) == 0 ? 1ULL << 40 : 300)) - 100;
        latest = std::max(latest, delta);
        if (info.record_count > 1000) {
            const std::size_t size = kurier::record_body_size(delta, i, {}, 1, false, {});
            const std::size_t before = body.size();
            body.resize(before + kurier::record_size(size));
            kurier::put_record(body.data() + before, size, delta, i, {}, "v", {});
        } else {
            append_record(random, body, delta, i);
        }
    }
    info.max_timestamp = info.base_timestamp + latest;
    if (codec != kurier::compression::none) {
        info.attributes = static_cast<std::uint16_t>(info.attributes | static_cast<unsigned>(codec));
        bytes packed(codecs.bound(codec, body.size()));
        const auto result = codecs.compress(codec, body, packed, codecs.levels(codec).preset);
        if (!result) throw std::runtime_error{"cannot compress"};
        packed.resize(result.size);
        body = std::move(packed);
    }
    bytes batch(kurier::batch_header_size + body.size());
    std::copy(body.begin(), body.end(), batch.begin() + kurier::batch_header_size);
    if (random.below(2) == 0) {
        kurier::seal_batch(batch.data(), batch.size(), info);
    } else { // as a batch whose body lies in pieces
        const std::size_t cut = random.below(body.size() + 1);
        const bytes_view pieces[] = {bytes_view{body}.first(cut), bytes_view{body}.subspan(cut)};
        kurier::seal_batch(batch.data(), pieces, info);
    }
    return batch;
}

int write(const char* file, std::size_t count, std::uint64_t seed,
          const kurier::batch_decompressor& decompress)
{
    generator random{seed};
    every_codec codecs;
    std::ofstream out{file};
    for (std::size_t i = 0; i < count; ++i) {
        const bytes batch =
            random_batch(random, codecs, static_cast<kurier::compression>(i % 2 == 0 ? 0 : 1 + i / 2 % 4));
        kurier::batch_reader reader{batch, kurier::batch_origin::producer, decompress, max_decompressed};
        if (!reader.next_batch()) throw std::runtime_error{std::string{text(reader.error())}};
        out << line_of(reader.header(), batch) << '\n';
        for (kurier::record_view r; reader.next_record(r);) out << line_of(r) << '\n';
        if (reader.error() != kurier::batch_error::none)
            throw std::runtime_error{std::string{text(reader.error())}};
    }
    std::cout << "kurier wrote " << count << " batches\n";
    return out.good() ? 0 : 1;
}

int compare_file(const char* file, const kurier::batch_decompressor& decompress)
{
    std::ifstream in{file};
    const comparison done = compare(in, decompress);
    std::cout << "kurier read " << done.batches << " batches of " << done.records
              << " records, as Java wrote them, and " << done.rebuilt
              << " of them gave the same bytes when written anew\n";
    return done.batches == 0 || done.rebuilt == 0 ? 1 : 0;
}

} // namespace

int main(int argc, char** argv)
try {
    every_codec codecs;
    const kurier::batch_decompressor decompress = [&codecs](int codec, bytes_view in, std::size_t max_output,
                                                            bytes& out) {
        return codecs.decompress(static_cast<kurier::compression>(codec), in, max_output, out) ==
               kurier::compression_error::none;
    };
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "compare" && argc == 3) return compare_file(argv[2], decompress);
    if (mode == "write" && argc == 5)
        return write(argv[2], std::stoul(argv[3]), std::stoull(argv[4]), decompress);
    std::cerr << "usage: batches_interop compare FILE | write FILE COUNT SEED\n";
    return 2;
} catch (const std::exception& ex) {
    std::cerr << ex.what() << '\n';
    return 1;
}
