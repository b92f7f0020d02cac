// client.dns.lookup: every address of a name, and bootstrap servers by the names that their addresses have.
#include "../support/loopback.hpp"

#include <kurier/io/system_resolver.hpp>
#include <kurier/io/tcp_transport.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace kurier;
using namespace kurier::testing;
using asio::ip::address;
using asio::ip::make_address;

// What the engine asked, and with which name it opened each address.
struct seen
{
    std::vector<std::string> looked_up, named, opened;
};

struct scripted_resolver final : io::resolver
{
    scripted_resolver(asio::any_io_executor executor, seen& what)
        : executor_{std::move(executor)}, seen_{what}
    {}

    void look_up(const std::string& host, addresses_handler done) override
    {
        seen_.looked_up.push_back(host);
        asio::post(executor_, [done = std::move(done)] {
            done({}, {make_address("127.0.0.7"), make_address("127.0.0.1")}); // nobody listens at the first
        });
    }
    void look_up_canonical(const std::string& host, names_handler done) override
    {
        seen_.named.push_back(host);
        asio::post(executor_, [done = std::move(done)] {
            done({}, {{make_address("127.0.0.7"), "seven.internal"},
                      {make_address("127.0.0.1"), "one.internal"}});
        });
    }
    void cancel() noexcept override {}

    asio::any_io_executor executor_;
    seen& seen_;
};

struct noting_transport final : io::transport
{
    noting_transport(const asio::any_io_executor& executor, const producer_config& config, seen& what)
        : below_{executor, config}, seen_{what}
    {}
    void open(const asio::ip::tcp::endpoint& to, std::string_view host, io::io_handler done) override
    {
        seen_.opened.push_back(to.address().to_string() + " " + std::string{host});
        below_.open(to, host, std::move(done));
    }
    std::size_t write_now(io::buffer_range bytes, error_code& ec) override
    {
        return below_.write_now(bytes, ec);
    }
    void write_later(io::buffer_range bytes, io::io_handler done) override
    {
        below_.write_later(bytes, std::move(done));
    }
    void read_some(asio::mutable_buffer space, io::io_handler done) override
    {
        below_.read_some(space, std::move(done));
    }
    void close() noexcept override { below_.close(); }

    io::tcp_transport below_;
    seen& seen_;
};

struct scripted_world
{
    seen& what;
    std::unique_ptr<io::resolver> make_resolver(const asio::any_io_executor& executor) const
    {
        return std::make_unique<scripted_resolver>(executor, what);
    }
    std::unique_ptr<io::transport> make_transport(const asio::any_io_executor& executor,
                                                  const producer_config& config) const
    {
        return std::make_unique<noting_transport>(executor, config, what);
    }
};

seen deliver_one(client_dns_lookup how)
{
    loopback net;
    net.cluster().create_topic("t");
    net.config.bootstrap_servers = {"kafka.example:" + std::to_string(net.broker->port(1))};
    net.config.client_dns_lookup = how;
    net.cluster().state().set_endpoint(1, "broker-1.example", net.broker->port(1));
    seen what;
    kurier::producer<> producer{net.context.get_executor(), net.config, scripted_world{what},
                                kurier::null_log{}};
    outcome told;
    producer.send({.topic = "t", .value = "x"})(told.take());
    REQUIRE(net.until([&] { return told.told > 0; }));
    CHECK(told.text() == "");
    return what;
}

bool has(const std::vector<std::string>& list, const std::string& text)
{
    return std::ranges::find(list, text) != list.end();
}

} // namespace

TEST_CASE("client.dns.lookup=use_all_dns_ips: each address of a name is tried, under that name")
{
    const auto what = deliver_one(client_dns_lookup::use_all_dns_ips);
    CHECK(what.named.empty());
    CHECK(has(what.looked_up, "kafka.example"));
    CHECK(has(what.opened, "127.0.0.7 kafka.example"));
    CHECK(has(what.opened, "127.0.0.1 kafka.example"));
    CHECK(has(what.opened, "127.0.0.1 broker-1.example"));
}

TEST_CASE("client.dns.lookup=resolve_canonical_bootstrap_servers_only: bootstrap servers go by their own "
          "names, which "
          "certificates are compared with; brokers by those that they tell")
{
    const auto what = deliver_one(client_dns_lookup::resolve_canonical_bootstrap_servers_only);
    CHECK(what.named == std::vector<std::string>(what.named.size(), "kafka.example"));
    CHECK_FALSE(has(what.looked_up, "kafka.example"));
    CHECK(has(what.opened, "127.0.0.7 seven.internal"));
    CHECK(has(what.opened, "127.0.0.1 one.internal"));
    CHECK(has(what.opened, "127.0.0.1 broker-1.example"));
}

TEST_CASE("the system's resolver names addresses: localhost, and digits where there is no name")
{
    asio::io_context context;
    io::system_resolver names{context.get_executor()};
    std::vector<std::string> found;
    names.look_up_canonical("127.0.0.1",
                            [&](error_code ec, const std::vector<io::resolver::named_address>& all) {
                                CHECK_FALSE(ec);
                                for (const auto& one : all) found.push_back(one.name);
                            });
    CHECK(run_until(context, [&] { return !found.empty(); }));
    CHECK(found.size() == 1);
    CHECK(found.front() != "");
}
