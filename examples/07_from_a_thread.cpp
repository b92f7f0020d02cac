// A program without coroutines or an event loop of its own: the producer's context runs in a thread, and another thread
// sends and waits by std::future. A producer is not thread-safe, so calls of send go to its executor.
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <future>
#include <iostream>
#include <string>
#include <thread>

namespace asio = boost::asio;

class blocking_producer
{
public:
    explicit blocking_producer(const std::string& servers)
        : producer_{context_.get_executor(), kurier::producer_config{servers}}
    {
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ~blocking_producer()
    {
        asio::dispatch(context_, asio::use_future([this] { return producer_.close(asio::use_future); }))
            .get()
            .get();
        work_.reset();
        thread_.join();
    }

    // Throws what went wrong. May be called from any thread but the context's.
    kurier::record_metadata send(const std::string& topic, const std::string& value)
    {
        return asio::dispatch(context_, asio::use_future([&] {
                                  return producer_.send({.topic = topic, .value = value})(asio::use_future);
                              }))
            .get()
            .get();
    }

private:
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
    kurier::producer<> producer_;
    std::thread thread_;
};

int main(int argc, char** argv)
{
    asio::io_context broker_context{1};
    kurier::testing::embedded_broker broker{broker_context.get_executor()};
    std::thread broker_thread{[&] { broker_context.run(); }};
    {
        blocking_producer producer{argc > 1 ? argv[1] : broker.bootstrap_servers()};
        for (int i = 0; i < 3; ++i)
            std::cout << "offset " << producer.send("blocking", "record " + std::to_string(i)).offset << '\n';
    }
    asio::post(broker_context, [&] { broker.stop(); });
    broker_thread.join();
}
