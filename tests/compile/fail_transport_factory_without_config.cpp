// expect: static assertion failed.*a transport factory's make_transport must be callable as
#include <kurier/engine.hpp>
#include <kurier/io/transport.hpp>

struct network
{
    std::unique_ptr<kurier::io::transport> make_transport(const boost::asio::any_io_executor&);
};

void make(const boost::asio::any_io_executor& executor, const kurier::producer_config& config)
{
    kurier::engine engine{executor, config, network{}};
}
