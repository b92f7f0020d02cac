#include "with_broker.hpp"

#include <kurier/producer.hpp>

#include <iostream>
#include <string>

// snippet
struct payment
{
    std::string customer;
    int cents = 0;
};

template <> struct kurier::serializer<payment>
{
    void serialize(const payment& p, kurier::byte_writer& out) const
    {
        out.put("{\"customer\":\"" + p.customer + "\",\"cents\":" + std::to_string(p.cents) + "}");
    }
};

asio::awaitable<void> own_type(kurier::testing::embedded_broker& broker)
{
    const auto executor = co_await asio::this_coro::executor;
    kurier::producer<std::string, payment> payments{executor,
                                                    kurier::producer_config{broker.bootstrap_servers()}};

    const payment tea{"ann", 450};
    co_await payments.send({.topic = "payments", .key = tea.customer, .value = tea});
    co_await payments.close();

    for (const auto& record : broker.log("payments"))
        std::cout << *record.key << ": " << *record.value << '\n';
}
// end

int main()
{
    return run_with_broker(own_type);
}
