// Sends records of two types from several coroutines and prints where each one went. Without
// --bootstrap-server HOST:PORT it brings its own broker, inside the program, and shows what that holds at the end.
#include <kurier/producer.hpp>
#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>
#include <optional>
#include <string>

namespace asio = boost::asio;

struct order
{
    std::int64_t id = 0;
    std::string item;
    double price = 0;
};

// How an order becomes bytes: specialise kurier::serializer, as one specialises std::formatter.
template <> struct kurier::serializer<order>
{
    void serialize(const order& o, kurier::byte_writer& out) const
    {
        out.put(std::string{"{\"id\":"} + std::to_string(o.id) + ",\"item\":\"" + o.item +
                "\",\"price\":" + std::to_string(o.price) + "}");
    }
};

void print(const kurier::record_metadata& where)
{
    std::cout << where.topic << '-' << where.partition << " offset " << where.offset << " time "
              << where.time.time_since_epoch().count() << '\n';
}

asio::awaitable<void> place_orders(kurier::producer<std::int64_t, order>& orders, std::int64_t first)
{
    for (std::int64_t id = first; id < first + 3; ++id) {
        const order placed{id, "tea", 4.5};
        const kurier::record_metadata where =
            co_await orders.send({.topic = "orders", .key = id, .value = placed});
        print(where);
    }
}

asio::awaitable<void> write_log(kurier::producer<>& lines)
{
    for (const char* line : {"started", "working", "done"})
        print(co_await lines.send({.topic = "log", .value = line}));
}

asio::awaitable<void> run(std::string servers)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::engine engine{executor, kurier::producer_config{servers}};
    kurier::producer<std::int64_t, order> orders{engine}; // two types, one set of connections
    kurier::producer<> lines{engine};

    using namespace asio::experimental::awaitable_operators;
    co_await (place_orders(orders, 100) && place_orders(orders, 200) && write_log(lines));
    co_await engine.close();
}

int main(int argc, char** argv)
{
    asio::io_context context{1};
    std::optional<kurier::testing::embedded_broker> broker;
    std::string servers;
    if (argc == 3 && std::string{argv[1]} == "--bootstrap-server")
        servers = argv[2];
    else if (argc == 1)
        servers = broker.emplace(context.get_executor()).bootstrap_servers();
    else
        return std::cerr << "usage: quickstart [--bootstrap-server HOST:PORT]\n", 2;

    int status = 0;
    asio::co_spawn(context, run(servers), [&](std::exception_ptr error) {
        try {
            if (error) std::rethrow_exception(error);
            if (!broker) return;
            for (const char* topic : {"orders", "log"})
                for (std::int32_t partition = 0; partition < broker->partition_count(topic); ++partition)
                    for (const auto& stored : broker->log(topic, partition))
                        std::cout << "the broker holds " << topic << '-' << partition << " offset "
                                  << stored.offset << ": " << stored.value.value_or("(null)") << '\n';
        } catch (const std::exception& failure) {
            std::cerr << "quickstart: " << failure.what() << '\n';
            status = 1;
        }
        if (broker) broker->stop();
    });
    context.run();
    return status;
}
