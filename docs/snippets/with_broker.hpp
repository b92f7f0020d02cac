// Runs a coroutine with a Kafka cluster inside the program, so that a step needs nothing else.
#pragma once

#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>

namespace asio = boost::asio;

template <class Step> int run_with_broker(Step step)
{
    asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor()};
    asio::co_spawn(context, step(broker), [&broker](std::exception_ptr error) {
        broker.stop();
        if (error) std::rethrow_exception(error);
    });
    context.run();
    return 0;
}
