// expect: static assertion failed.*codecs are given to an engine as a list
#include <kurier/compression/gzip.hpp>
#include <kurier/engine.hpp>

void make(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::engine engine{executor, config, kurier::gzip_codec{}};
}
