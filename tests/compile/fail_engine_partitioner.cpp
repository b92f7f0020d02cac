// expect: static assertion failed.*a partitioner is no part of an engine
#include <kurier/engine.hpp>
#include <kurier/partitioners/round_robin.hpp>

void make(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::engine engine{executor, config, kurier::round_robin_partitioner{}};
}
