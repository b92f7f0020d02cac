// Compression over real sockets: at home, and on a thread pool that is slower, quicker, or gone too early.
#include "support/loopback.hpp"

#include <kurier/compression/lz4.hpp>
#include <kurier/compression/zstd.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

using namespace kurier;
using namespace kurier::testing;

namespace {

using list = codecs<lz4_codec, zstd_codec>;

// Codecs wait here while it is shut.
class gate
{
public:
    void shut()
    {
        const std::lock_guard lock{mutex_};
        open_ = false;
    }
    void open()
    {
        const std::lock_guard lock{mutex_};
        open_ = true;
        changed_.notify_all();
    }
    void pass()
    {
        std::unique_lock lock{mutex_};
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
        --waiting_;
    }
    void wait_until_used()
    {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return waiting_ > 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = true;
    int waiting_ = 0;
};

gate the_gate;

struct gated_codec
{
    static constexpr compression id = compression::lz4;
    static constexpr level_range levels = lz4_codec::levels;
    using decompressor = lz4_decompressor;
    static constexpr std::size_t bound(std::size_t size) noexcept { return lz4_codec::bound(size); }
    codec_result compress(bytes_view in, std::span<std::byte> out, int level) noexcept
    {
        the_gate.pass();
        return inner.compress(in, out, level);
    }
    lz4_codec inner;
};

cluster_options with_codecs()
{
    cluster_options options;
    options.decompress = [codecs = std::make_shared<list>()](int id, bytes_view in, std::size_t most,
                                                             std::vector<std::byte>& out) {
        return codecs->decompress(static_cast<compression>(id), in, most, out) == compression_error::none;
    };
    return options;
}

struct compressed_elsewhere
{
    loopback net{with_codecs()};
    asio::thread_pool pool{2};

    explicit compressed_elsewhere(compression codec = compression::lz4)
    {
        the_gate.open();
        net.config.compression_type = codec;
        net.broker->create_topic("t", 4);
    }

    template <class Codecs = list> kurier::producer<> make(bool elsewhere = true)
    {
        kurier::engine engine{net.context.get_executor(), net.config, Codecs{}, net.log};
        if (elsewhere) engine.compress_on(pool.get_executor());
        return kurier::producer<>{std::move(engine)};
    }

    // A gated codec, and a job that waits in it.
    kurier::producer<> with_job_out(outcome& told, asio::thread_pool* other = nullptr)
    {
        auto producer = make<codecs<gated_codec>>();
        if (other) producer.engine().compress_on(other->get_executor());
        net.warm_up(producer, "t"); // small: not a job
        the_gate.shut();
        producer.send({.topic = "t", .value = value(0), .partition = 0})(told.take());
        net.settle();
        the_gate.wait_until_used();
        CHECK(told.told == 0);
        return producer;
    }

    static std::string value(int i)
    {
        return std::to_string(i) + std::string(6000, static_cast<char>('a' + i % 26));
    }
};

} // namespace

TEST_CASE("records come out as they went in, whatever compresses them where")
{
    for (const bool elsewhere : {false, true})
        for (const auto codec : {compression::lz4, compression::zstd, compression::automatic}) {
            CAPTURE(elsewhere);
            CAPTURE(compression_name(codec));
            compressed_elsewhere f{codec};
            f.net.config.compression_goal = compression_goal::least_bytes; // auto judges by no clock
            f.net.config.batch_size = 20'000;
            f.net.config.linger = 1ms;
            auto producer = f.make(elsewhere);
            std::vector<std::vector<std::string>> sent(4);
            int confirmed = 0;
            for (int i = 0; i < 400; ++i) {
                sent[static_cast<std::size_t>(i % 4)].push_back(compressed_elsewhere::value(i));
                producer.send({.topic = "t",
                               .value = sent[static_cast<std::size_t>(i % 4)].back(),
                               .partition = i % 4})(
                    [&](error_code ec, const record_metadata&) { confirmed += !ec; });
            }
            f.net.run([&]() -> asio::awaitable<void> { co_await producer.close(); });
            CHECK(confirmed == 400);
            for (std::int32_t partition = 0; partition < 4; ++partition)
                CHECK(f.net.values("t", partition) == sent[static_cast<std::size_t>(partition)]);
            CHECK(producer.engine().compression_of("t").choice.id != compression::none);
            CHECK(producer.engine().compression_of("t").ratio < 1);
        }
}

TEST_CASE("close waits for the jobs")
{
    compressed_elsewhere f;
    outcome told;
    auto producer = f.with_job_out(told);
    bool closed = false;
    producer.close([&](error_code ec) { closed = !ec; });
    f.net.settle();
    CHECK_FALSE(closed);
    the_gate.open();
    REQUIRE(f.net.until([&] { return closed; }));
    CHECK(told.told == 1);
    CHECK_FALSE(told.error);
}

TEST_CASE("the producer goes while a job is out: who waits is told, memory goes when the job is back")
{
    compressed_elsewhere f;
    outcome told;
    {
        auto producer = f.with_job_out(told);
    }
    REQUIRE(f.net.until([&] { return told.told > 0; }));
    CHECK(told.error == errc::aborted);
    CHECK(told.persisted() == persisted::no);
    the_gate.open();
    f.net.broker->stop();
    f.net.context.restart();
    f.net.context.run(); // it ends: the job held it, and is back
}

TEST_CASE("a wait is cancelled while its record is compressed: it may be written")
{
    compressed_elsewhere f;
    outcome told;
    auto producer = f.with_job_out(told);
    asio::cancellation_signal signal;
    outcome cancelled;
    producer.send({.topic = "t", .value = compressed_elsewhere::value(1), .partition = 1})(
        asio::bind_cancellation_slot(signal.slot(), cancelled.take()));
    f.net.settle();
    signal.emit(asio::cancellation_type::total);
    the_gate.open();
    REQUIRE(f.net.until([&] { return told.told > 0 && cancelled.told > 0; }));
    CHECK(cancelled.error == errc::abandoned);
    f.net.run([&]() -> asio::awaitable<void> { co_await producer.close(); });
    CHECK(f.net.values("t", 1).back() ==
          compressed_elsewhere::value(1)); // before it there may be the one of warm_up
}

TEST_CASE("the producer's context ends while a job runs: that is waited for")
{
    outcome told;
    std::thread opens_gate;
    std::promise<void> context_gone;
    bool job_was_first = false; // a context that doesn't wait is gone at once
    std::optional<kurier::producer<>> producer;
    asio::thread_pool pool{1};
    {
        compressed_elsewhere f;
        producer.emplace(f.with_job_out(told, &pool));
        opens_gate = std::thread{[&job_was_first, gone = context_gone.get_future()] {
            job_was_first = gone.wait_for(50ms) == std::future_status::timeout;
            the_gate.open();
        }};
    }
    context_gone.set_value();
    opens_gate.join();
    CHECK(job_was_first);
    CHECK(told.told == 0); // its handler was destroyed with the context
    producer.reset();
}

TEST_CASE("the producer's context ends before a job was begun: it never will be")
{
    outcome told;
    asio::thread_pool pool{1};
    {
        compressed_elsewhere f;
        kurier::engine engine{f.net.context.get_executor(), f.net.config, list{}, f.net.log};
        engine.compress_on(pool.get_executor());
        kurier::producer<> producer{std::move(engine)};
        f.net.warm_up(producer, "t");
        the_gate.shut();
        asio::post(pool, [] { the_gate.pass(); });
        producer.send({.topic = "t", .value = compressed_elsewhere::value(0), .partition = 0})(told.take());
        f.net.settle();
    }
    CHECK(told.told == 0);
    the_gate.open();
    pool.join();
}

TEST_CASE("the workers end before a job was begun: the producer does it itself")
{
    compressed_elsewhere f;
    outcome told;
    auto pool = std::make_optional<asio::thread_pool>(1);
    auto producer = f.make<list>(false);
    f.net.warm_up(producer, "t");
    producer.engine().compress_on(pool->get_executor());
    the_gate.shut();
    asio::post(*pool, [] { the_gate.pass(); });
    the_gate.wait_until_used();
    producer.send({.topic = "t", .value = compressed_elsewhere::value(0), .partition = 0})(told.take());
    f.net.settle();
    pool->stop();
    the_gate.open();
    pool.reset();
    REQUIRE(f.net.until([&] { return told.told > 0; }));
    CHECK_FALSE(told.error);
    outcome next;
    producer.send({.topic = "t", .value = compressed_elsewhere::value(1), .partition = 1})(next.take());
    REQUIRE(f.net.until([&] { return next.told > 0; }));
    CHECK(f.net.values("t", 1).back() ==
          compressed_elsewhere::value(1)); // before it there may be the one of warm_up
}

TEST_CASE("auto needs codecs to choose from")
{
    loopback net;
    net.config.compression_type = compression::automatic;
    CHECK_THROWS_AS(net.make_engine(), config_error);
}
