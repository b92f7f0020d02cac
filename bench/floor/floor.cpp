// The floor: how cheap a producer on Boost.Asio can be when it can do nothing else. One broker, one topic,
// Produce v7, a producer id, five requests in flight, one delivery for each record; no retries, no metadata,
// no timeouts, no errors but the fatal one. Not a client: a bound to hold clients against.
//
// Takes the same NAME=VALUE arguments as the peers; x.partitions=N says what metadata would.
#include "../pacer.hpp"
#include "../payload.hpp"
#include "../peer_arguments.hpp"
#include "batches.hpp"
#include "coroutines.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <deque>

using namespace kurier;
using namespace kurier::bench;

namespace {

template <class Int> Int take(const std::byte*& at)
{
    std::make_unsigned_t<Int> value = 0;
    for (std::size_t i = 0; i < sizeof(Int); ++i)
        value = static_cast<std::make_unsigned_t<Int>>((std::uint64_t{value} << 8) |
                                                       std::to_integer<unsigned>(*at++));
    return static_cast<Int>(value);
}

[[noreturn]] void fail(const char* what)
{
    throw std::runtime_error{what};
}

struct deliveries
{
    std::uint64_t ok = 0;
    std::uint64_t failed = 0;
    const pacer* pace = nullptr;
    std::vector<std::uint64_t> sent_ns;
    histogram from_send;
    histogram from_due;
};

// What an application would be told of each record. Through a pointer the compiler can't see through, so that
// it costs what a callback costs.
void on_delivery(deliveries& all, std::uint64_t record, std::int64_t /*offset*/, std::int16_t error)
{
    ++(error == 0 ? all.ok : all.failed);
    if (all.pace == nullptr) return;
    const std::uint64_t now = monotonic_ns();
    all.from_send.record(now - all.sent_ns[record]);
    all.from_due.record(now - all.pace->due_ns(record));
}

using delivery_callback = void (*)(deliveries&, std::uint64_t, std::int64_t, std::int16_t);
delivery_callback volatile deliver = &on_delivery;

class floor_producer
{
public:
    floor_producer(asio::io_context& context, batches& records, const floor_settings& settings,
                   deliveries& all)
        : socket_{context}, records_{records}, settings_{settings}, all_{all}
    {}

    void connect(asio::io_context& context, std::string_view bootstrap)
    {
        const std::size_t colon = bootstrap.rfind(':');
        asio::ip::tcp::resolver resolver{context};
        asio::connect(socket_, resolver.resolve(bootstrap.substr(0, colon), bootstrap.substr(colon + 1)));
        socket_.set_option(asio::ip::tcp::no_delay{true});
        if (settings_.idempotent) init_producer_id();
    }

    void start()
    {
        read_answers();
        write_requests();
    }

    void records_ready() { work_.notify(); }
    event& room() noexcept { return room_; }
    event& finished() noexcept { return finished_; }

private:
    void init_producer_id()
    {
        std::array<std::byte, 4 + 8 + 2 + 2 + 4> request{};
        detail::put_big_endian(request.data(), static_cast<std::int32_t>(request.size() - 4));
        detail::put_big_endian(request.data() + 4, std::int16_t{22});
        detail::put_big_endian(request.data() + 6, std::int16_t{1});
        detail::put_big_endian(request.data() + 12, std::int16_t{-1});
        detail::put_big_endian(request.data() + 14, std::int16_t{-1});
        detail::put_big_endian(request.data() + 16, std::int32_t{60'000});
        asio::write(socket_, asio::buffer(request));
        std::array<std::byte, 4 + 4 + 4 + 2 + 8 + 2> answer{};
        asio::read(socket_, asio::buffer(answer));
        const std::byte* at = answer.data() + 12;
        if (take<std::int16_t>(at) != 0) fail("InitProducerId was refused");
        const auto id = take<std::int64_t>(at);
        records_.set_producer(id, take<std::int16_t>(at));
    }

    fire_and_forget write_requests()
    {
        for (;;) {
            batch* next = nullptr;
            while ((next = records_.next_to_send()) == nullptr) co_await work_.wait();
            while (in_flight_.size() >= settings_.in_flight) co_await window_.wait();
            in_flight_.push_back(next);
            // The answer may be handled before the completion of the write that caused it, and the batch may
            // be in use again by then: from here on only the view.
            bytes_view left = next->request;
            while (!left.empty()) {
                write_some some{socket_, asio::buffer(left.data(), left.size())};
                const std::size_t written = co_await some;
                if (written == 0) fail("the connection was lost while writing");
                left = left.subspan(written);
            }
        }
    }

    fire_and_forget read_answers()
    {
        std::vector<std::byte> buffer(64 * 1024);
        std::size_t held = 0;
        for (;;) {
            read_some some{socket_, asio::buffer(buffer.data() + held, buffer.size() - held)};
            const std::size_t read = co_await some;
            if (read == 0) fail("the connection was lost while reading");
            held += read;
            const std::size_t used = take_answers({buffer.data(), held});
            std::memmove(buffer.data(), buffer.data() + used, held - used);
            held -= used;
            window_.notify();
            room_.notify();
            finished_.notify();
        }
    }

    std::size_t take_answers(bytes_view held)
    {
        std::size_t used = 0;
        while (held.size() - used >= 4) {
            const std::byte* at = held.data() + used;
            const auto size = static_cast<std::size_t>(take<std::int32_t>(at));
            if (held.size() - used - 4 < size) break;
            on_answer(at);
            used += 4 + size;
        }
        return used;
    }

    void on_answer(const std::byte* at)
    {
        if (in_flight_.empty() || take<std::int32_t>(at) != in_flight_.front()->correlation)
            fail("an answer to no request");
        batch* const done = in_flight_.front();
        in_flight_.pop_front();
        at += 4 + 2 + settings_.topic.size() + 4 + 4; // to the partition's error code
        const auto error = take<std::int16_t>(at);
        const auto offset = take<std::int64_t>(at);
        const delivery_callback callback = deliver;
        for (std::int32_t i = 0; i < done->count; ++i)
            callback(all_, done->slots[static_cast<std::size_t>(i)], offset + i, error);
        records_.release(done);
    }

    asio::ip::tcp::socket socket_;
    batches& records_;
    const floor_settings& settings_;
    deliveries& all_;
    std::deque<batch*> in_flight_;
    event work_;     // for the writer: a closed batch
    event window_;   // for the writer: room among the requests in flight
    event room_;     // for the application: a free buffer
    event finished_; // for the application: deliveries
};

class application
{
public:
    application(asio::io_context& context, floor_producer& producer, batches& records, deliveries& all,
                const peer_arguments& arguments)
        : context_{context}, due_{context}, linger_over_{context}, producer_{producer}, records_{records},
          all_{all}, arguments_{arguments}, values_{value_pool::from_file(arguments.payload, "\n")},
          keys_{arguments.keys}
    {}

    fire_and_forget send(std::uint64_t count)
    {
        cycle value{values_.size()};
        cycle key{std::max<std::size_t>(keys_.size(), 1)};
        std::uint64_t closed = records_.closed();
        const std::uint64_t before = all_.ok + all_.failed;
        for (std::uint64_t i = 0; i < count; ++i) {
            if (all_.pace != nullptr && all_.pace->starts_burst(i) && all_.pace->due_ns(i) > monotonic_ns()) {
                due_.expires_at(at(all_.pace->due_ns(i)));
                wait_for due{due_};
                co_await due;
            }
            const bytes_view next_value = as_bytes(values_[value.next()]);
            const nullable_bytes next_key =
                keys_.size() == 0 ? nullable_bytes{} : nullable_bytes{keys_[key.next()]};
            if (all_.pace != nullptr) all_.sent_ns[i] = monotonic_ns();
            while (!records_.append(next_key, next_value, i)) {
                producer_.records_ready();
                if (!records_.room()) co_await producer_.room().wait();
            }
            if (all_.pace != nullptr && i % arguments_.burst == arguments_.burst - 1) end_burst();
            if (closed != records_.closed()) {
                closed = records_.closed();
                producer_.records_ready();
            }
        }
        close_all();
        while (all_.ok + all_.failed < before + count) co_await producer_.finished().wait();
        context_.stop();
    }

private:
    static std::chrono::steady_clock::time_point at(std::uint64_t ns)
    {
        return std::chrono::steady_clock::time_point{std::chrono::nanoseconds{static_cast<std::int64_t>(ns)}};
    }

    void close_all()
    {
        records_.close_all();
        producer_.records_ready();
    }

    void end_burst()
    {
        const double linger_ms = arguments_.linger_ms == "default" ? 0 : std::stod(arguments_.linger_ms);
        if (linger_ms <= 0) return close_all();
        if (std::exchange(lingering_, true)) return;
        linger_over_.expires_after(std::chrono::microseconds{static_cast<std::int64_t>(linger_ms * 1000)});
        linger_over_.async_wait([this](boost::system::error_code) {
            lingering_ = false;
            close_all();
        });
    }

    asio::io_context& context_;
    asio::steady_timer due_;
    asio::steady_timer linger_over_;
    floor_producer& producer_;
    batches& records_;
    deliveries& all_;
    const peer_arguments& arguments_;
    value_pool values_;
    key_pool keys_;
    bool lingering_ = false;
};

floor_settings settings_of(const peer_arguments& arguments)
{
    floor_settings settings;
    settings.topic = arguments.topic;
    settings.idempotent = arguments.idempotent;
    settings.acks =
        arguments.acks == "all" ? std::int16_t{-1} : static_cast<std::int16_t>(std::stoi(arguments.acks));
    if (arguments.batch_bytes != "default") settings.batch_bytes = std::stoull(arguments.batch_bytes);
    for (const auto& [name, value] : arguments.extra) {
        if (name == "partitions") settings.partitions = std::stoull(value);
    }
    if (arguments.codec != "none" || arguments.headers > 0 || arguments.topics != 1)
        fail("the floor knows no codecs, headers or second topic");
    return settings;
}

int run(const peer_arguments& arguments)
{
    const floor_settings settings = settings_of(arguments);
    batches records{settings, settings.in_flight + 2};
    const auto all = std::make_unique<deliveries>();
    asio::io_context context{1};
    floor_producer producer{context, records, settings, *all};
    producer.connect(context, arguments.bootstrap);
    producer.start();
    application app{context, producer, records, *all, arguments};

    const auto send = [&](std::uint64_t count) {
        asio::post(context, [&app, count] { app.send(count); });
        context.run();
        context.restart();
    };
    send(4); // warm-up
    if (all->failed > 0) fail("the warm-up failed");
    all->ok = 0;

    peer_result result;
    result.peer = "floor";
    result.version = "asio";
    result.records = arguments.records;
    const processor_time before = processor_time_used();
    const std::uint64_t start = monotonic_ns();
    const pacer pace{start, std::max<std::uint64_t>(arguments.rate, 1), arguments.burst};
    if (arguments.rate > 0) {
        ask_for_precise_timers();
        all->sent_ns.assign(arguments.records, 0);
        all->pace = &pace;
        result.from_send = &all->from_send;
        result.from_due = &all->from_due;
    }
    send(arguments.records);
    result.wall_ns = monotonic_ns() - start;
    result.processor = processor_time_used() - before;
    result.peak_memory = peak_memory_kb();
    result.ok = all->ok;
    result.failed = all->failed;
    result.print();
    return result.ok == arguments.records ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(peer_arguments::parse(argc, argv));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "floor: %s\n", error.what());
        return 2;
    }
}
