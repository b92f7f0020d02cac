// Logs in with a password that it proves to know (SCRAM); the broker has to prove the same.
#include <kurier/producer.hpp>
#include <kurier/scram.hpp>
#include <kurier/testing/embedded_broker.hpp>
#include <kurier/testing/scram_users.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>
#include <string>

namespace asio = boost::asio;

asio::awaitable<void> run(kurier::engine engine)
{
    kurier::producer<> producer{std::move(engine)};
    const auto where = co_await producer.send({.topic = "accounts", .value = "opened"});
    std::cout << "delivered to offset " << where.offset << '\n';
    co_await producer.close();
}

// Arguments, for a broker of your own: its address, the user, the file with the password.
int main(int argc, char** argv)
{
    asio::io_context context{1};
    kurier::testing::embedded_broker broker{context.get_executor()};
    broker.cluster().logins().add(
        kurier::testing::scram_users<kurier::sasl::sha512>{{{"alice", "open sesame"}}});

    kurier::producer_config config{broker.bootstrap_servers()};
    config.security_protocol =
        kurier::security_protocol::sasl_plaintext; // sasl_ssl, with kurier::tls{}, outside of tests
    std::string user = "alice";
    auto password = kurier::secret::literal("open sesame");
    if (argc == 4) {
        config.bootstrap_servers = {argv[1]};
        user = argv[2];
        password = kurier::secret::from_file(argv[3]); // read for each login, so it may change
    }
    kurier::engine engine{context.get_executor(), config, kurier::scram_sha512{user, password}};
    asio::co_spawn(context, run(std::move(engine)), [&broker](std::exception_ptr error) {
        broker.stop();
        if (error) std::rethrow_exception(error);
    });
    context.run();
}
