// What every consumer builds. It needs no broker: it only shows that headers and libraries are found.
#include <kurier/producer.hpp>
#include <kurier/version.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdio>

static_assert(KURIER_VERSION >= 100 && KURIER_VERSION / 10000 == KURIER_VERSION_MAJOR);

int main()
{
    boost::asio::io_context context;
    kurier::producer<> producer{context.get_executor(), kurier::producer_config{"localhost:9092"}};
    std::puts("kurier " KURIER_VERSION_STRING);
}
