import kurier; // before Asio, some of whose friends clang 19 loses otherwise

#include <boost/asio/io_context.hpp>

#include <cstdio>
#include <string>

int main()
{
    boost::asio::io_context context;
    kurier::producer<std::string, std::string> producer{context.get_executor(),
                                                        kurier::producer_config{"localhost:9092"}};
    std::puts(kurier::compression_name(kurier::compression::zstd).data());
}
