// expect: static assertion failed.*the observer's on_batch must be callable as
#include <kurier/engine.hpp>

struct careless
{
    void on_batch(const kurier::batch_event&) {}
};

void make(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::engine engine{executor, config, careless{}};
}
