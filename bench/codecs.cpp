// What the codecs cost and save on several kinds of data, and how near compression.type=auto comes to the best
// fixed choice.
//
//   codecs [--batch BYTES] [--batches N] [--repeat N] [--check]
//
// First table: CPU nanoseconds per byte and ratio of each codec, each batch measured --repeat times with warm
// contexts. Second: for several goals, the cost of the adaptive choice over --batches batches as a share of the
// best fixed choice's; it sees the measured times, one run of each batch after the other, and its trials count.
// --check fails if a share is above 1.05.
#include <kurier/compression/adaptive.hpp>
#include <kurier/compression/gzip.hpp>
#include <kurier/compression/lz4.hpp>
#include <kurier/compression/snappy.hpp>
#include <kurier/compression/zstd.hpp>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <iterator>
#include <random>
#include <stdexcept>

#include <time.h>

namespace {

using kurier::codec_choice;
using kurier::codec_prices;
using kurier::codec_sample;
using kurier::compression;
using bytes = std::vector<std::byte>;
using every_codec =
    kurier::codecs<kurier::gzip_codec, kurier::snappy_codec, kurier::lz4_codec, kurier::zstd_codec>;

constexpr std::array choices{codec_choice{},
                             codec_choice{compression::lz4, 9},
                             codec_choice{compression::zstd, 3},
                             codec_choice{compression::zstd, 1},
                             codec_choice{compression::snappy, 0},
                             codec_choice{compression::gzip, -1}};

struct options
{
    std::size_t batch = 64 * 1024;
    std::size_t batches = 10000;
    std::size_t repeat = 3;
    bool check = false;
};

std::size_t number(const char* text)
{
    std::size_t value = 0;
    if (std::from_chars(text, text + std::strlen(text), value).ec != std::errc{} || value == 0)
        throw std::invalid_argument{std::string{"not a number: "} + text};
    return value;
}

options parse(int argc, char** argv)
{
    options o;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--check")
            o.check = true;
        else if (i + 1 < argc && name == "--batch")
            o.batch = number(argv[++i]);
        else if (i + 1 < argc && name == "--batches")
            o.batches = number(argv[++i]);
        else if (i + 1 < argc && name == "--repeat")
            o.repeat = number(argv[++i]);
        else
            throw std::invalid_argument{"usage: codecs [--batch BYTES] [--batches N] [--repeat N] [--check]"};
    }
    return o;
}

std::uint64_t cpu_ns()
{
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

void append(bytes& to, std::string_view text)
{
    const auto view = kurier::as_bytes(text);
    to.insert(to.end(), view.begin(), view.end());
}

using generator = std::function<bytes(std::mt19937_64&, std::size_t)>;

bytes json_logs(std::mt19937_64& random, std::size_t size)
{
    static constexpr std::array<std::string_view, 6> paths{"/cart",  "/checkout",  "/search?q=shoes",
                                                           "/login", "/item/4711", "/static/app.js"};
    bytes data;
    for (auto time = 1700000000000 + random() % 1000000; data.size() < size; time += random() % 40) {
        append(data, R"({"time":)" + std::to_string(time) + R"(,"level":"info","service":"shop-)" +
                         std::to_string(random() % 9) + R"(","path":")");
        append(data, paths[random() % paths.size()]);
        append(data, R"(","user":"u)" + std::to_string(random() % 100000) + R"(","status":200,"trace":")" +
                         std::to_string(random()) + R"(","micros":)" + std::to_string(random() % 90000) +
                         "}\n");
    }
    data.resize(size);
    return data;
}

bytes random_bytes(std::mt19937_64& random, std::size_t size)
{
    bytes data(size);
    for (auto& byte : data) byte = static_cast<std::byte>(random() & 0xffU);
    return data;
}

// As an archive or an image is: no repeats left.
bytes already_compressed(std::mt19937_64& random, std::size_t size)
{
    static kurier::gzip_codec codec;
    bytes data;
    while (data.size() < size) {
        const auto text = json_logs(random, size * 2);
        bytes packed(codec.bound(text.size()));
        packed.resize(codec.compress(text, packed, 9).size);
        data.insert(data.end(), packed.begin(), packed.end());
    }
    data.resize(size);
    return data;
}

// Tags, varints, small floats, a short name: 20 to 30 bytes a record.
bytes small_messages(std::mt19937_64& random, std::size_t size)
{
    static constexpr std::array<std::string_view, 4> names{"sensor", "engine", "cabin", "wheel-left"};
    bytes data;
    std::uint64_t time = random() % 1000;
    while (data.size() < size) {
        const auto put = [&](std::uint64_t value) { data.push_back(static_cast<std::byte>(value & 0xffU)); };
        time += random() % 3;
        put(0x08), put(time | 0x80U), put((time >> 7U | 0x80U)), put(time >> 14U & 0x7fU);
        put(0x15), put(random()), put(random() % 16), put(0x41), put(0x42);
        const auto name = names[random() % names.size()];
        put(0x1a), put(name.size());
        append(data, name);
        put(0x20), put(random() % 120);
    }
    data.resize(size);
    return data;
}

// Each batch of one of the kinds, as when one topic carries several.
bytes mixed(std::mt19937_64& random, std::size_t size)
{
    switch (random() % 4) {
    case 0:
        return json_logs(random, size);
    case 1:
        return small_messages(random, size);
    case 2:
        return already_compressed(random, size);
    default:
        return json_logs(random, size);
    }
}

// measured[choice][run of all batches][batch]
struct measured
{
    std::array<std::vector<std::vector<codec_sample>>, choices.size()> samples;
    std::size_t batch;
    std::size_t count;

    const codec_sample& at(std::size_t choice, std::size_t i) const
    {
        const auto& runs = samples[choice];
        return runs[i / count % runs.size()][i % count];
    }
};

measured measure(const generator& make, const options& o)
{
    std::mt19937_64 random{1};
    std::vector<bytes> batches;
    for (std::size_t made = 0; made < 8 * 1024 * 1024 || batches.size() < 64; made += o.batch)
        batches.push_back(make(random, o.batch));
    measured result{.samples = {}, .batch = o.batch, .count = batches.size()};
    every_codec codecs;
    for (std::size_t c = 0; c < choices.size(); ++c) {
        const auto [id, level] = choices[c];
        bytes out(codecs.bound(id, o.batch));
        if (id != compression::none) codecs.compress(id, batches[0], out, level);
        for (std::size_t run = 0; run < o.repeat; ++run) {
            auto& row = result.samples[c].emplace_back();
            for (const auto& batch : batches) {
                const auto before = cpu_ns();
                const auto size =
                    id == compression::none ? o.batch : codecs.compress(id, batch, out, level).size;
                row.push_back({size, id == compression::none ? 0 : cpu_ns() - before});
            }
        }
    }
    return result;
}

double cost(const measured& m, codec_prices prices, codec_sample s)
{
    const auto size = static_cast<double>(m.batch);
    const auto sent = static_cast<double>(std::min(s.size, m.batch));
    return prices.cost(sent / size, static_cast<double>(s.cpu_ns) / size);
}

std::size_t index_of(codec_choice choice)
{
    return static_cast<std::size_t>(std::find(choices.begin(), choices.end(), choice) - choices.begin());
}

std::string name_of(codec_choice choice)
{
    auto name = std::string{compression_name(choice.id)};
    if (choice.id == compression::zstd || choice.id == compression::lz4 || choice.id == compression::gzip)
        name.append(" ").append(
            std::to_string(choice.level)); // "+" makes g++ 12 -O3 warn of a memcpy that isn't there
    return name;
}

void print_costs(std::string_view kind, const measured& m)
{
    for (std::size_t c = 0; c < choices.size(); ++c) {
        double ns = 0, out = 0;
        for (std::size_t i = 0; i < m.count * m.samples[c].size(); ++i) {
            ns += static_cast<double>(m.at(c, i).cpu_ns);
            out += static_cast<double>(m.at(c, i).size);
        }
        const auto in = static_cast<double>(m.batch * m.count * m.samples[c].size());
        std::printf("%-20s %-9s %8.3f %10.2f\n", std::string{kind}.c_str(), name_of(choices[c]).c_str(),
                    out / in, ns / in);
    }
}

// The share of the best fixed choice's cost.
double print_adaptive(std::string_view kind, const measured& m, std::string_view goal, codec_prices prices,
                      std::size_t batches)
{
    kurier::adaptive_codec chooser{std::span{choices}.subspan(1), prices};
    double spent = 0;
    std::array<double, choices.size()> fixed{};
    for (std::size_t i = 0; i < batches; ++i) {
        const auto plan = chooser.next();
        const auto used = m.at(index_of(plan.use), i);
        const auto trial = plan.trial ? m.at(index_of(*plan.trial), i) : codec_sample{};
        spent += cost(m, prices, used) +
                 prices.cost(0, static_cast<double>(trial.cpu_ns) / static_cast<double>(m.batch));
        chooser.observe(plan, m.batch, used, trial);
        for (std::size_t c = 0; c < choices.size(); ++c) fixed[c] += cost(m, prices, m.at(c, i));
    }
    const auto best = static_cast<std::size_t>(std::min_element(fixed.begin(), fixed.end()) - fixed.begin());
    const double share = spent / fixed[best];
    std::printf("%-20s %-16s %-9s %-9s %7.3f %8llu %8llu\n", std::string{kind}.c_str(),
                std::string{goal}.c_str(), name_of(choices[best]).c_str(), name_of(chooser.current()).c_str(),
                share, static_cast<unsigned long long>(chooser.changes()),
                static_cast<unsigned long long>(chooser.trials()));
    return share;
}

int run(const options& o)
{
    const std::pair<std::string_view, generator> kinds[] = {{"JSON logs", json_logs},
                                                            {"random", random_bytes},
                                                            {"already compressed", already_compressed},
                                                            {"small messages", small_messages},
                                                            {"mixed", mixed}};
    const std::pair<std::string_view, codec_prices> goals[] = {
        {"least bytes", codec_prices::least_bytes()},
        {"least CPU", codec_prices::least_cpu()},
        {"link 1 GB/s", codec_prices::link(1e9)},
        {"link 125 MB/s", codec_prices::link(125e6)},
        {"link 12.5 MB/s", codec_prices::link(12.5e6)}};
    std::printf("batches of %zu bytes\n%-20s %-9s %8s %10s\n", o.batch, "data", "codec", "ratio", "ns/byte");
    std::vector<measured> all;
    for (const auto& [name, make] : kinds) {
        all.push_back(measure(make, o));
        print_costs(name, all.back());
    }
    std::printf("\n%zu batches\n%-20s %-16s %-9s %-9s %7s %8s %8s\n", o.batches, "data", "goal", "best",
                "chosen", "share", "changes", "trials");
    double worst = 0;
    for (std::size_t k = 0; k < std::size(kinds); ++k)
        for (const auto& [goal, prices] : goals)
            worst = std::max(worst, print_adaptive(kinds[k].first, all[k], goal, prices, o.batches));
    std::printf("worst share: %.3f\n", worst);
    return o.check && worst > 1.05 ? 1 : 0;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(parse(argc, argv));
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 2;
    }
}
