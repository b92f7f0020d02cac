// expect: static assertion failed.*this is no part of an engine
#include <kurier/producer.hpp>

struct something
{};

void make(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::producer<> producer{executor, config, something{}};
}
