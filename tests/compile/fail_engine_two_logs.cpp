// expect: static assertion failed.*an engine takes one log sink
#include <kurier/engine.hpp>

void make(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::engine engine{executor, config, kurier::null_log{}, kurier::stderr_log{}};
}
