// expect: static assertion failed.*an engine takes one list of codecs
#include <kurier/compression/gzip.hpp>
#include <kurier/engine.hpp>

void make(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::engine engine{executor, config, kurier::codecs<kurier::gzip_codec>{}, kurier::codecs<>{}};
}
