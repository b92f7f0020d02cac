// What the pages docs/pages/from show beside code of other clients. Compiled with the plugins, not run.
#include <kurier/partitioners/crc32.hpp>
#include <kurier/producer.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <future>
#include <iostream>
#include <string>

namespace asio = boost::asio;

// snippet callback
void produce_with_callback(kurier::producer<>& producer, const std::string& line)
{
    producer.send({.topic = "lines", .value = line})(
        [](kurier::error_code error, const kurier::record_metadata& where) {
            if (error)
                std::cerr << kurier::describe(*where.failure) << '\n';
            else
                std::cerr << "delivered to partition " << where.partition << '\n';
        });
}
// end

// snippet partitioner
#include <kurier/partitioners/crc32.hpp>

using like_librdkafka = kurier::producer<std::string_view, std::string_view, kurier::crc32_partitioner>;
// end
using producer_with_crc32 [[maybe_unused]] = like_librdkafka;

// snippet shutdown
asio::awaitable<void> shut_down(kurier::producer<>& producer)
{
    using namespace std::chrono_literals;
    co_await producer.close(10s); // throws errc::aborted if something was left
}
// end

// snippet await
asio::awaitable<void> produce_and_await(kurier::producer<>& producer, const std::string& line)
{
    try {
        const auto where = co_await producer.send({.topic = "lines", .value = line});
        std::cout << "delivered to " << where.topic << '-' << where.partition << '@' << where.offset << '\n';
    } catch (const kurier::delivery_error& error) {
        std::cerr << error.what() << '\n';
    }
}
// end

// snippet future
void produce_from_another_thread(kurier::producer<>& producer, std::string line)
{
    std::promise<kurier::record_metadata> promise;
    auto written = promise.get_future();
    asio::post(producer.get_executor(), [&] { // the io_context runs on a thread of its own
        producer.send({.topic = "lines", .value = line})(
            [&promise](kurier::error_code error, kurier::record_metadata where) {
                if (error)
                    promise.set_exception(std::make_exception_ptr(kurier::delivery_error{where.failure}));
                else
                    promise.set_value(std::move(where));
            });
    });
    std::cout << written.get().offset << '\n';
}
// end

// snippet flush
asio::awaitable<void> produce_and_flush(kurier::producer<>& producer, std::istream& in)
{
    for (std::string line; std::getline(in, line);) {
        producer.send({.topic = "lines", .value = line});
        co_await producer.ready(); // a pace: at once, unless a quarter of the buffer is in use
    }
    co_await producer.flush();
}
// end

// snippet java
asio::awaitable<void> as_in_java(std::string servers)
{
    kurier::producer_config config{servers};
    config.linger = std::chrono::milliseconds{10};
    config.compression_type = kurier::compression::none;
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<std::string, std::string> producer{executor, config};

    producer.send({.topic = "lines", .key = "k", .value = "v"})(
        [](kurier::error_code error, const kurier::record_metadata& where) {
            if (error) std::cerr << kurier::describe(*where.failure) << '\n';
        });
    co_await producer.close();
}
// end
