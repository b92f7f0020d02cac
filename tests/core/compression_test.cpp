// Which codec a batch gets, and what a producer tells of it.
#include "../support/core_script.hpp"
#include "../support/toy_codecs.hpp"

#include <kurier/compression/adaptive.hpp>

namespace kurier::core::script {
namespace {

using testing::toy_clock;
using testing::toy_codecs;

producer_config automatic(compression_goal goal)
{
    auto config = plain_config();
    config.compression_type = compression::automatic;
    config.compression_goal = goal;
    return config;
}

std::string runs(std::size_t size)
{
    return std::string(size, 'x');
}

std::string noise(std::size_t size, std::uint64_t seed)
{
    std::string text;
    while (text.size() < size) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        text += static_cast<char>('a' + seed % 64 + (seed >> 33U) % 64);
    }
    return text;
}

struct fixture
{
    toy_codecs list;
    core_script s;
    std::map<compression, int> sent; // batches by codec

    explicit fixture(producer_config config) : s{std::move(config)}
    {
        s.core.set_codecs(list, &toy_clock);
        s.decompress = codecs_ref{list};
        s.warm_up();
    }

    void send(int batches, const std::function<std::string(int)>& value)
    {
        for (int i = 0; i < batches; ++i) {
            const auto text = value(i);
            auto& told = s.send("t", text);
            s.step();
            REQUIRE(s.asked.size() == 1);
            const auto& batch = s.asked[0].only();
            REQUIRE(batch.values == std::vector{text});
            ++sent[static_cast<compression>(batch.header.codec())];
            s.answer();
            REQUIRE(told.ok());
        }
    }

    std::vector<std::string> changes() const
    {
        std::vector<std::string> lines;
        for (const auto& line : s.log)
            if (line.starts_with("info compression.changed: ")) lines.push_back(line);
        return lines;
    }
};

struct one_level : testing::cheap_codec
{
    static constexpr level_range levels{4, 4, 4};
};

// What it has compressed can't be had back.
struct one_way : testing::cheap_codec
{
    struct decompressor
    {
        static constexpr compression id = compression::lz4;
        compression_error decompress(bytes_view, std::size_t, std::vector<std::byte>& out) noexcept
        {
            out.assign(100, std::byte{1}); // as far as it got
            return compression_error::corrupt;
        }
    };
};

} // namespace

TEST_CASE("auto: the fewest bytes, whatever they cost")
{
    fixture f{automatic(compression_goal::least_bytes)};
    f.send(300, [](int) { return runs(2000); });
    const auto status = f.s.core.compression_of("t");
    CHECK(status.choice == codec_choice{compression::zstd, 3});
    CHECK(status.ratio < 0.05);
    CHECK(status.ns_per_byte == 10);
    CHECK(status.changes == 1);
    CHECK(f.sent[compression::zstd] > 250);
    REQUIRE(f.changes().size() == 1); // one line in the log, with why
    CHECK(f.changes()[0].starts_with("info compression.changed: lz4 9 -> zstd 3, ratio 0.5"));
    CHECK(f.changes()[0].ends_with("CPU 1.00 -> 10.00 ns/byte topic=t"));
}

TEST_CASE("auto: by the worth of the link")
{
    auto slow = automatic(compression_goal::link);
    slow.compression_link_bytes_per_second = 1'000'000; // 1000 ns a byte
    fixture narrow{slow};
    narrow.send(300, [](int) { return runs(2000); });
    CHECK(narrow.s.core.compression_of("t").choice.id == compression::zstd);

    auto fast =
        automatic(compression_goal::link); // 8 ns a byte: half of it saved for 1 ns, or all of it for 10
    fixture wide{fast};
    wide.send(300, [](int) { return runs(2000); });
    CHECK(wide.s.core.compression_of("t").choice.id == compression::lz4);
    CHECK(wide.changes().empty());
}

TEST_CASE("auto: the least CPU is no compression, and incompressible data gets none")
{
    fixture cpu{automatic(compression_goal::least_cpu)};
    cpu.send(300, [](int) { return runs(2000); });
    CHECK(cpu.s.core.compression_of("t").choice.id == compression::none);

    fixture bytes{automatic(compression_goal::least_bytes)};
    bytes.send(300, [](int i) { return noise(2000, static_cast<std::uint64_t>(i)); });
    CHECK(bytes.s.core.compression_of("t").choice.id == compression::none);
    CHECK(bytes.sent[compression::none] == 300);
    CHECK(bytes.changes().size() == 1);
}

TEST_CASE("auto: each topic has a choice of its own, and rules come first")
{
    auto config = automatic(compression_goal::least_bytes);
    config.compression_topics.emplace_back("plain", compression::none);
    config.compression_topics.emplace_back("fast", compression::lz4);
    fixture f{config};
    for (const char* name : {"plain", "fast", "noisy"})
        f.s.topics[name] = {id_of(static_cast<unsigned char>(name[0])), {{}}, broker_errc::none};
    f.send(100, [](int) { return runs(500); });
    for (const std::string name : {"plain", "fast", "noisy"})
        for (int i = 0; i < 100; ++i) {
            f.s.send(name, name == "noisy" ? noise(500, static_cast<std::uint64_t>(i)) : runs(500));
            f.s.step(1s);
            f.s.answer_all();
        }
    CHECK(f.s.core.compression_of("t").choice.id == compression::zstd);
    CHECK(f.s.core.compression_of("plain").choice.id == compression::none);
    CHECK(f.s.core.compression_of("fast").choice == codec_choice{compression::lz4, 9});
    CHECK(f.s.core.compression_of("noisy").choice.id == compression::none);
}

TEST_CASE("auto: a broker that doesn't know zstd takes it out of the choice")
{
    auto config = automatic(compression_goal::least_bytes);
    toy_codecs list;
    core_script s{config};
    s.core.set_codecs(list, &toy_clock);
    s.decompress = codecs_ref{list};
    s.api[0] = {3, 6};
    s.warm_up();
    for (int i = 0; i < 200; ++i) {
        auto& told = s.send("t", runs(1000));
        s.step();
        s.answer_all();
        REQUIRE(told.ok());
    }
    CHECK(s.core.compression_of("t").choice.id == compression::lz4);
}

TEST_CASE("auto: a broker that doesn't know zstd turns up when topics have made their choice")
{
    fixture f{automatic(compression_goal::least_bytes)};
    f.s.brokers[2] = 9002;
    f.s.topics["t"].partitions = {{1, 0, 0}};
    f.s.topics["noisy"] = {id_of(5), {{1, 0, 0}}, broker_errc::none};
    f.s.topics["old"] = {id_of(6), {{2, 0, 0}}, broker_errc::none};
    f.send(100, [](int) { return runs(2000); });
    for (int i = 0; i < 100; ++i) {
        f.s.send("noisy", noise(500, static_cast<std::uint64_t>(i)));
        f.s.step(1s);
        f.s.answer_all();
    }
    CHECK(f.s.core.compression_of("t").choice.id == compression::zstd);
    CHECK(f.s.core.compression_of("noisy").choice.id == compression::none);
    const auto before = f.changes().size();
    f.s.api[0] = {3, 6};
    f.s.send("old", "a");
    f.s.step(1s);
    f.s.answer_all();
    CHECK(f.s.core.compression_of("t").choice.id == compression::lz4);
    CHECK(f.s.core.compression_of("noisy").choice.id == compression::none);
    REQUIRE(f.changes().size() == before + 1); // only the one topic has changed
    CHECK(f.changes().back().starts_with("info compression.changed: zstd 3 -> lz4 9"));
}

TEST_CASE("auto: zstd at its level 1 is one candidate, not two")
{
    const auto trials = [](int level) {
        auto config = automatic(compression_goal::least_bytes);
        config.compression_zstd_level = level;
        fixture f{config};
        f.send(30, [](int) { return runs(2000); });
        CHECK(f.s.core.compression_of("t").choice.id == compression::zstd);
        return f.s.core.compression_of("t").trials;
    };
    CHECK(trials(1) < trials(3));
}

TEST_CASE("auto: a level that the codec doesn't have is its preset")
{
    codecs<one_level> list;
    core_script s{automatic(compression_goal::least_bytes)}; // lz4 9, as Kafka has it
    s.core.set_codecs(list, &toy_clock);
    s.warm_up();
    CHECK(s.core.compression_of("t").choice == codec_choice{compression::lz4, 4});
}

TEST_CASE("a topic that nobody has sent to: what the configuration says")
{
    auto config = plain_config();
    config.compression_topics.emplace_back("logs", compression::zstd);
    const core_script s{config};
    CHECK(s.core.compression_of("logs").choice == codec_choice{compression::zstd, 3});
    CHECK(s.core.compression_of("other").choice.id == compression::none);
    CHECK(s.core.compression_of("logs").changes == 0);
}

TEST_CASE("a compressed batch that is too large and can't be taken apart again fails as a whole")
{
    auto config = plain_config();
    config.compression_type = compression::lz4;
    config.linger = 5ms;
    codecs<one_way> list;
    toy_codecs reader;
    core_script s{config};
    s.core.set_codecs(list);
    s.decompress = codecs_ref{reader};
    s.warm_up();
    auto& first = s.send("t", runs(500));
    auto& second = s.send("t", runs(600));
    s.step(5ms);
    REQUIRE(s.asked.size() == 1);
    REQUIRE(s.asked[0].only().header.codec() == static_cast<int>(compression::lz4));
    auto written = persisted::no;
    SUBCASE("certainly not written") {}
    SUBCASE("an earlier attempt may be written")
    {
        s.drop(s.asked[0].link);
        s.step(2s);
        REQUIRE(s.asked.size() == 1);
        written = persisted::possibly;
    }
    s.answer(broker_errc::message_too_large);
    for (const auto* told : {&first, &second}) {
        CHECK(told->error == broker_errc::message_too_large);
        CHECK(told->written == written);
    }
    CHECK(s.core.idle());
    s.send("t", "next");
    s.step(1s);
    CHECK(s.asked.at(0).only().header.producer_epoch == 1); // it left a gap
    s.answer_all();
    CHECK(s.outcomes.back().ok());
}

TEST_CASE("the same batches lead to the same choices")
{
    const auto trace = [] {
        auto config = automatic(compression_goal::link);
        config.compression_link_bytes_per_second = 50'000'000;
        fixture f{config};
        f.send(400, [](int i) {
            return i / 100 % 2 == 0 ? runs(1500) : noise(1500, static_cast<std::uint64_t>(i));
        });
        return std::pair{f.sent, f.changes()};
    };
    CHECK(trace() == trace());
}

TEST_CASE("what was compressed and not yet sent can't be taken out of its batch any more")
{
    auto config = plain_config();
    config.compression_type = compression::lz4;
    config.max_request_size = 700;
    config.batch_size = 700;
    toy_codecs list;
    core_script s{config};
    s.core.set_codecs(list);
    s.decompress = codecs_ref{list};
    s.topics["t"].partitions.resize(2);
    s.warm_up();
    s.send("t", noise(150, 1) + runs(450), 0);
    s.send("t", noise(150, 2) + runs(450), 1);
    auto& where = *s.last_place.where;
    s.core.turn(s.now); // compressed, and too large to go with the other
    REQUIRE(where.codec() == compression::lz4);
    REQUIRE(where.attempts == 0);
    CHECK_FALSE(s.core.withdraw(where, 0));
    s.step();
    s.answer_all();
    s.step(1s);
    s.answer_all();
    for (const auto& told : s.outcomes) CHECK(told.ok());
}

// --- compression elsewhere -------------------------------------------------------------------------------------------

namespace {

producer_config lz4_config()
{
    auto config = plain_config();
    config.compression_type = compression::lz4;
    return config;
}

struct elsewhere
{
    toy_codecs list;
    core_script s;

    explicit elsewhere(producer_config config = lz4_config()) : s{std::move(config)}
    {
        s.core.set_codecs(list, &toy_clock);
        s.decompress = codecs_ref{list};
        s.warm_up();
        s.core.compress_elsewhere(true, 0);
    }

    void finish(std::size_t which = 0, bool done = true)
    {
        auto* job = s.jobs.at(which);
        s.jobs.erase(s.jobs.begin() + static_cast<std::ptrdiff_t>(which));
        if (done) run(*job, list, &toy_clock);
        s.core.compressed(*job);
        s.step();
    }

    void nothing_left()
    {
        for (int i = 0; i < 50 && !(s.jobs.empty() && s.asked.empty()); ++i) {
            while (!s.jobs.empty()) finish();
            s.answer_all();
            s.step(1s);
        }
        CHECK(s.core.pool().in_use() == 0);
        CHECK(s.core.idle());
    }
};

} // namespace

TEST_CASE("a batch is sent when its compression job is back")
{
    elsewhere e;
    auto& told = e.s.send("t", runs(1000));
    e.s.step(1s);
    CHECK(e.s.asked.empty());
    REQUIRE(e.s.jobs.size() == 1);
    e.finish();
    REQUIRE(e.s.asked.size() == 1);
    const auto& sent = e.s.asked[0].only();
    CHECK(sent.header.codec() == static_cast<int>(compression::lz4));
    CHECK(sent.values == std::vector{runs(1000)});
    e.s.answer();
    CHECK(told.ok());
    e.nothing_left();
}

TEST_CASE("jobs may end in any order, batches keep theirs")
{
    auto config = lz4_config();
    config.batch_size = 600;
    elsewhere e{config};
    std::vector<std::string> values;
    for (int i = 0; i < 5; ++i) {
        values.push_back(std::to_string(i) + runs(500));
        e.s.send("t", values.back());
    }
    e.s.step();
    REQUIRE(e.s.jobs.size() == 4);
    for (const std::size_t which : {3u, 1u, 1u}) e.finish(which);
    CHECK(e.s.asked.empty());
    std::vector<std::string> received;
    for (int i = 0; i < 50 && received.size() < 5; ++i) {
        while (!e.s.jobs.empty()) e.finish();
        while (!e.s.asked.empty()) {
            const auto question = e.s.take();
            for (const auto& value : question.only().values) received.push_back(value);
            e.s.answer(question, {reply{}});
        }
        e.s.step(1s);
    }
    CHECK(received == values);
    e.nothing_left();
}

TEST_CASE("a batch that doesn't shrink comes back as it is")
{
    elsewhere e;
    const auto text = noise(1000, 1);
    e.s.send("t", text);
    e.s.step();
    e.finish();
    REQUIRE(e.s.asked.size() == 1);
    CHECK(e.s.asked[0].only().header.codec() == 0);
    CHECK(e.s.asked[0].only().values == std::vector{text});
    e.nothing_left();
}

TEST_CASE("a job that nobody does: its batch and those after it are compressed at home")
{
    elsewhere e;
    e.s.send("t", runs(1000));
    e.s.step();
    e.finish(0, false);
    REQUIRE(e.s.asked.size() == 1);
    CHECK(e.s.asked[0].only().header.codec() == static_cast<int>(compression::lz4));
    e.s.answer();
    e.s.send("t", runs(1000));
    e.s.step();
    CHECK(e.s.jobs.empty());
    CHECK(e.s.asked.size() == 1);
    e.nothing_left();
}

TEST_CASE("the memory of a batch that expires while it is compressed stays until the job is back")
{
    auto config = lz4_config();
    config.delivery_timeout = 40s;
    elsewhere e{config};
    auto& told = e.s.send("t", runs(1000));
    e.s.step(41s);
    CHECK(told.error == errc::batch_expired);
    CHECK(told.written == persisted::no);
    CHECK(e.s.core.idle());
    CHECK(e.s.core.pool().in_use() > 0);
    e.finish();
    CHECK(e.s.asked.empty());
    CHECK(e.s.core.pool().in_use() == 0);
    e.s.send("t", runs(1000));
    e.s.step();
    e.nothing_left();
}

TEST_CASE("abort while a job is out, and the end of the core")
{
    elsewhere e;
    auto& told = e.s.send("t", runs(1000));
    e.s.step();
    REQUIRE(e.s.jobs.size() == 1);
    e.s.core.abort(errc::aborted);
    e.s.step();
    CHECK(told.error == errc::aborted);
    SUBCASE("it comes back")
    {
        e.nothing_left();
    }
    SUBCASE("it doesn't, and the memory goes with the core") {}
}

TEST_CASE("without room for the result a batch is compressed at home: buffer.memory holds")
{
    auto config = lz4_config();
    config.buffer_memory = 7168;
    config.batch_size = 4000;
    elsewhere e{config};
    for (int i = 0; i < 3; ++i) e.s.send("t", runs(1200));
    CHECK(e.s.core.pool().in_use() == 4096);
    e.s.step();
    CHECK(e.s.jobs.empty());
    CHECK(e.s.asked.size() == 1);
    CHECK(e.s.core.pool().in_use() <= config.buffer_memory);
    e.nothing_left();
}

TEST_CASE("a record that is being compressed can't be taken back, and one before that can")
{
    auto config = lz4_config();
    config.linger = 10ms;
    elsewhere e{config};
    auto& first = e.s.send("t", runs(1000));
    auto& where = *e.s.last_place.where;
    auto& second = e.s.send("t", runs(900));
    CHECK(e.s.core.withdraw(where, 0));
    e.s.step(10ms);
    REQUIRE(e.s.jobs.size() == 1);
    CHECK_FALSE(e.s.core.withdraw(where, 1));
    e.finish();
    REQUIRE(e.s.asked.size() == 1);
    CHECK(e.s.asked[0].only().values == std::vector{runs(900)});
    e.s.answer();
    CHECK(second.ok());
    CHECK_FALSE(first.done());
    e.nothing_left();
}

TEST_CASE(
    "a batch that is being compressed becomes the next one when those before it fail: it waits for its job")
{
    elsewhere e;
    auto& s = e.s;
    auto& first = s.send("t", runs(1000));
    s.step();
    e.finish();
    auto& second = s.send("t", runs(900));
    s.step();
    e.finish();
    REQUIRE(s.asked.size() == 2);
    auto& third = s.send("t", runs(800));
    s.step();
    REQUIRE(s.jobs.size() == 1); // the third's
    s.drop(s.link_to(9001));     // the others may be written
    s.take_writes = false;
    while (s.connects.back().port != 9001 || s.core.connections().find(s.connects.back().link) == nullptr)
        s.step(10ms);
    const auto link = s.connects.back().link;
    while (s.asked.empty()) {
        s.write(link);
        if (s.asked.empty()) s.step(10ms);
    }
    REQUIRE(s.asked.size() == 1);
    s.answer(broker_errc::invalid_producer_epoch); // under a new id the second could be there twice
    CHECK(first.written == persisted::possibly);
    CHECK(second.written == persisted::possibly);
    CHECK(s.jobs.size() == 1);
    s.take_writes = true;
    s.write(link);
    s.step(1s);
    CHECK(s.asked.empty());
    e.finish();
    s.step(1s);
    REQUIRE(s.asked.size() == 1);
    CHECK(s.asked[0].only().values == std::vector{runs(800)});
    s.answer();
    CHECK(third.ok());
    e.nothing_left();
}

TEST_CASE("a batch whose pieces are compressed elsewhere too")
{
    elsewhere e;
    auto& first = e.s.send("t", runs(1000));
    e.s.step();
    e.finish();
    REQUIRE(e.s.asked.size() == 1);
    for (int i = 0; i < 4; ++i) e.s.send("t", std::to_string(i) + runs(800));
    e.s.answer();
    CHECK(first.ok());
    std::vector<std::string> received;
    for (int i = 0; i < 50 && received.size() < 4; ++i) {
        while (!e.s.jobs.empty()) e.finish(e.s.jobs.size() - 1);
        if (!e.s.asked.empty()) {
            const auto question = e.s.take();
            const bool large = question.only().header.record_count > 1;
            if (!large) received.push_back(question.only().values.at(0));
            e.s.answer(question,
                       {reply{.error = large ? broker_errc::message_too_large : broker_errc::none}});
        }
        e.s.step(1s);
    }
    REQUIRE(received.size() == 4);
    for (int i = 0; i < 4; ++i) CHECK(received[static_cast<std::size_t>(i)].front() == '0' + i);
    e.nothing_left();
}

TEST_CASE("auto, elsewhere: the trials are part of the job")
{
    elsewhere e{automatic(compression_goal::least_bytes)};
    for (int i = 0; i < 100; ++i) {
        e.s.send("t", runs(1000));
        e.s.step();
        e.finish();
        e.s.answer();
    }
    CHECK(e.s.core.compression_of("t").choice.id == compression::zstd);
    e.nothing_left();
}

TEST_CASE("small batches are compressed at home")
{
    elsewhere e;
    e.s.core.compress_elsewhere(true, 2000);
    auto& small = e.s.send("t", runs(1000));
    e.s.step();
    CHECK(e.s.jobs.empty());
    REQUIRE(e.s.asked.size() == 1);
    CHECK(e.s.asked[0].only().header.codec() == static_cast<int>(compression::lz4));
    e.s.answer();
    CHECK(small.ok());
    e.s.send("t", runs(3000));
    e.s.step();
    CHECK(e.s.jobs.size() == 1);
    e.nothing_left();
}

TEST_CASE("a full batch that lost a record isn't compressed before its turn: the record has to go first")
{
    auto config = lz4_config();
    config.batch_size = 1000;
    config.linger = 1s;
    elsewhere e{config};
    e.s.take_writes = false;
    e.s.send("t", "in the way");
    e.s.step(1s);
    for (auto* job : std::exchange(e.s.jobs, {})) e.s.core.compressed((run(*job, e.list, &toy_clock), *job));
    e.s.step();
    e.s.send("t", "a" + runs(400));
    auto& gone = e.s.send("t", "b" + runs(400));
    CHECK(e.s.core.withdraw(*e.s.last_place.where, e.s.last_place.index));
    const auto* full = e.s.last_place.where;
    std::size_t sent = 0;
    while (e.s.partition().open == full && sent++ < 20) e.s.send("t", "c" + runs(400));
    REQUIRE(full->phase == batch_phase::ready);
    CHECK_FALSE(full->compressing);
    e.s.take_writes = true;
    for (const auto& [link, one] : std::map{e.s.peers}) e.s.write(link);
    std::vector<std::string> received;
    for (int i = 0; i < 20; ++i) {
        e.s.step(1s);
        while (!e.s.jobs.empty()) e.finish();
        while (!e.s.asked.empty()) {
            const auto question = e.s.take();
            for (const auto& value : question.only().values) received.push_back(value.substr(0, 1));
            e.s.answer(question, {reply{}});
        }
    }
    CHECK(std::find(received.begin(), received.end(), "b") == received.end());
    CHECK(received.size() == 2 + sent);
    CHECK_FALSE(gone.done());
    e.nothing_left();
}

TEST_CASE(
    "a partition that loses its leader while its batch is compressed: the smaller block counts for nobody")
{
    auto config = lz4_config();
    config.linger = 1s;
    config.batch_size = 5000;
    elsewhere e{config};
    e.s.brokers[2] = 9002;
    e.s.send("t", runs(4000));
    e.s.send("t", runs(2000)); // the first batch is full
    REQUIRE_FALSE(e.s.partition().queue.empty());
    e.s.topics["t"].partitions[0] = {-1, 1, 0};
    e.s.drop(e.s.link_to(9001));
    e.s.step(200ms);
    REQUIRE(e.s.jobs.size() == 1);
    CHECK(e.s.partition().leader == nullptr);
    const auto before = e.s.partition().memory;
    e.finish(); // the script checks what every leader holds
    CHECK(e.s.partition().memory < before);
    CHECK(e.s.core.view().node(1)->memory == 0);
    e.s.topics["t"].partitions[0] = {2, 2, 0};
    e.s.step(2s);
    CHECK(e.s.core.view().node(2)->memory == e.s.partition().memory);
    e.nothing_left();
    for (const auto& told : e.s.outcomes) CHECK(told.ok());
}

TEST_CASE("auto, elsewhere: a trial that came to nothing is made again")
{
    auto config = automatic(compression_goal::least_bytes);
    config.delivery_timeout = 40s;
    elsewhere e{config};
    e.s.send("t", runs(1000));
    e.s.step();
    REQUIRE(e.s.jobs.size() == 1);
    REQUIRE(e.s.jobs[0]->plan.trial);
    const auto tried = *e.s.jobs[0]->plan.trial;
    SUBCASE("the batch expired")
    {
        e.s.step(41s);
        e.finish();
    }
    SUBCASE("nobody did it")
    {
        e.finish(0, false);
        e.s.answer_all();
        e.s.core.compress_elsewhere(true, 0);
    }
    e.s.send("t", runs(1000));
    e.s.step();
    REQUIRE(e.s.jobs.size() == 1);
    REQUIRE(e.s.jobs[0]->plan.trial);
    CHECK(*e.s.jobs[0]->plan.trial == tried);
    e.nothing_left();
}

} // namespace kurier::core::script
