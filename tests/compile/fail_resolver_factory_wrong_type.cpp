// expect: static assertion failed.*a resolver factory's make_resolver must be callable as
#include <kurier/engine.hpp>
#include <kurier/io/resolver.hpp>

struct names
{
    kurier::io::resolver* make_resolver(const boost::asio::any_io_executor&);
};

void make(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::engine engine{executor, config, names{}};
}
