// Every operation of every connection fails in turn, in each way that it can, over a transport without sockets: each
// record is told of once, is written as often as its outcome says, and the producer works on.
#include "../support/loopback.hpp"

#include <kurier/testing/memory_network.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace kurier::testing;
using failure = network_conduct::failure;

struct kind_of_session
{
    const char* name;
    void (*adjust)(kurier::producer_config&);
};

const kind_of_session kinds[] = {
    {"idempotent", [](kurier::producer_config&) {}},
    {"without retries",
     [](kurier::producer_config& config) {
         config.enable_idempotence = false;
         config.retries = 0;
     }},
    {"acks=0",
     [](kurier::producer_config& config) {
         config.enable_idempotence = false;
         config.acks = kurier::acks::none;
     }},
};

struct session
{
    explicit session(const kind_of_session& kind, network_conduct conduct = {})
    {
        network.cluster().create_topic("t", 2);
        config = quick_config(network.bootstrap_servers());
        config.socket_connection_setup_timeout = 2s;
        config.request_timeout = 2s;
        config.delivery_timeout = 15s;
        kind.adjust(config);
        network.conduct() = conduct;
    }

    void send(kurier::producer<>& producer, std::int32_t partition, std::string value)
    {
        values.push_back(value);
        auto& told = outcomes.emplace_back(std::make_unique<outcome>());
        producer.send({.topic = "t", .value = value, .partition = partition})(told->take());
    }

    bool all_told() const
    {
        return std::ranges::all_of(outcomes, [](const auto& one) { return one->told > 0; });
    }

    bool run_until_told()
    {
        return run_until(context, [&] { return all_told(); });
    }

    std::ptrdiff_t written(const std::string& value)
    {
        std::ptrdiff_t count = 0;
        for (std::int32_t partition = 0; partition < 2; ++partition)
            for (const auto& stored : network.cluster().log("t", partition))
                count += stored.value == value ? 1 : 0;
        return count;
    }

    void check_outcomes()
    {
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            const auto& one = *outcomes[i];
            CAPTURE(values[i]);
            CAPTURE(one.text());
            CHECK(one.told == 1);
            const auto count = written(values[i]);
            if (!one.error)
                CHECK(count <= 1);
            else if (one.persisted() == kurier::persisted::no)
                CHECK(count == 0);
            if (!one.error && config.acks != kurier::acks::none) CHECK(count == 1);
        }
    }

    // Two waves, and then, when nothing fails any more, one more record.
    void run()
    {
        kurier::producer<> producer{context.get_executor(), config, network, log};
        for (const char* wave : {"first ", "second "}) {
            for (int i = 0; i < 4; ++i) send(producer, i % 2, wave + std::to_string(i));
            CHECK(run_until_told());
        }
        operations = network.operations().size();
        network.conduct().fail_at = 0;
        send(producer, 0, "afterwards");
        CHECK(run_until_told());
        CHECK(outcomes.back()->text() == "");
        CHECK(run_until(context, [&] { return written("afterwards") == 1; }));
        bool closed = false;
        producer.close([&](auto&&...) { closed = true; });
        CHECK(run_until(context, [&] { return closed; }));
        check_outcomes();
        for (const auto& violation : network.violations()) FAIL_CHECK(violation);
    }

    asio::io_context context{1};
    memory_network network{context.get_executor()};
    kurier::producer_config config;
    kept_log log;
    std::vector<std::string> values;
    std::vector<std::unique_ptr<outcome>> outcomes;
    std::size_t operations = 0; // until nothing failed any more
};

// How many failures of each operation there were.
using counts = std::map<operation, int>;

void fail_each(const kind_of_session& kind, network_conduct conduct, counts& failed)
{
    session undisturbed{kind, conduct};
    undisturbed.run();
    for (const auto how : {failure::error, failure::moved_first, failure::no_memory, failure::no_resources})
        for (int at = 1; at <= static_cast<int>(undisturbed.operations); ++at) {
            conduct.fail_at = at;
            conduct.how = how;
            session one{kind, conduct};
            CAPTURE(kind.name);
            CAPTURE(at);
            CAPTURE(static_cast<int>(how));
            CAPTURE(conduct.congested);
            one.run();
            CAPTURE(one.log.all());
            REQUIRE(one.network.failed());
            ++failed[*one.network.failed()];
        }
}

} // namespace

TEST_CASE("every operation of a transport fails in turn, in each way")
{
    for (const auto& kind : kinds) {
        counts failed;
        fail_each(kind, {}, failed);
        fail_each(kind, {.bytes_max = 200, .congested = true}, failed);
        for (const auto what : {operation::make, operation::look_up, operation::open, operation::write_now,
                                operation::write_later, operation::read_some}) {
            CAPTURE(to_string(what));
            CHECK(failed[what] >= 4);
        }
    }
}

TEST_CASE("a transport that moves only a few bytes at a time")
{
    for (const auto& kind : kinds)
        for (const std::size_t most : {1U, 2U, 3U, 7U, 64U, 1000U})
            for (const bool congested : {false, true}) {
                CAPTURE(kind.name);
                CAPTURE(most);
                CAPTURE(congested);
                session one{kind, {.bytes_max = most, .congested = congested}};
                one.run();
                for (const auto& told : one.outcomes) CHECK(told->text() == "");
            }
}
