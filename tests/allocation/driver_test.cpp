// Every allocation of a whole producer, event loop and Asio included, fails in turn, over a transport without sockets.
// Afterwards it works again, or it has ended; every record is told of once, and truthfully.
#include "heap.hpp"

#include "../support/loopback.hpp"

#include <kurier/testing/memory_network.hpp>

#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

using namespace kurier::testing;

bool counting = false; // unless the network runs, or the test

void network_runs(bool begins) noexcept
{
    heap.counted = counting && !begins;
}

struct fate
{
    std::string value;
    int told = 0;
    kurier::error_code error;
    kurier::persisted written = kurier::persisted::yes;
};

struct session
{
    // Of the network, the operation with the number `refused` fails too, if there is one: then only a timer goes on.
    session(long failing, int refused)
    {
        network.cluster().create_topic("t", 2);
        network.conduct().inside = &network_runs;
        network.conduct().fail_at = refused;
        config = quick_config(network.bootstrap_servers());
        config.delivery_timeout = 15s;
        config.request_timeout = 2s;
        heap = {.counted = false, .made = 0, .failing = failing, .for_good = false};
    }
    ~session() { counting = heap.counted = false; }

    // Runs a handler after the other as users would who log what is thrown and go on.
    bool run_until_told()
    {
        const auto all_told = [&] {
            const uncounted ours;
            for (const auto& one : fates)
                if (one->told == 0) return false;
            return true;
        };
        for (;;) {
            try {
                return run_until(context, all_told);
            } catch (const std::bad_alloc&) {
            }
        }
    }

    void send(kurier::producer<>& producer, std::int32_t partition, const std::string& value)
    {
        auto* const one = [&] {
            const uncounted ours;
            auto& added = *fates.emplace_back(std::make_unique<fate>());
            added.value = value;
            return &added;
        }();
        try {
            auto sent = producer.send({.topic = "t", .value = value, .partition = partition});
            const uncounted ours; // what a delivery does about a handler is another subject
            std::move(sent)([one](kurier::error_code ec, const kurier::record_metadata& metadata) {
                ++one->told;
                one->error = ec;
                if (metadata.failure) one->written = metadata.failure->persisted;
            });
        } catch (const std::bad_alloc&) { // and nothing was sent
            one->told = 1;
            one->error = kurier::errc::closed;
            one->written = kurier::persisted::no;
        }
    }

    std::ptrdiff_t count_written(const std::string& value)
    {
        std::ptrdiff_t count = 0;
        for (std::int32_t partition = 0; partition < 2; ++partition)
            for (const auto& stored : network.cluster().log("t", partition))
                count += stored.value == value ? 1 : 0;
        return count;
    }

    void run()
    {
        try {
            kurier::producer<> producer{context.get_executor(), config, network, kurier::null_log{}};
            counting = heap.counted = true;
            for (const char* wave : {"first ", "second ", "third "}) {
                for (int i = 0; i < 4; ++i) send(producer, i % 2, wave + std::to_string(i));
                CHECK(run_until_told());
            }
            counting = heap.counted = false;
            send(producer, 0, "afterwards");
            CHECK(run_until_told());
            ended = producer.engine().driver()->core().ended();
            CHECK((!fates.back()->error || ended));
        } catch (const std::bad_alloc&) { // while it was made
        }
        counting = heap.counted = false;
        for (const auto& one : fates) {
            CAPTURE(one->value);
            CHECK(one->told == 1);
            const auto count = count_written(one->value);
            CHECK((one->error ? count <= 1 : count == 1));
            if (one->written == kurier::persisted::no) CHECK(count == 0);
        }
    }

    asio::io_context context{1};
    memory_network network{context.get_executor()};
    kurier::producer_config config;
    std::vector<std::unique_ptr<fate>> fates;
    bool ended = false;
};

} // namespace

TEST_CASE("every allocation of a whole producer fails in turn")
{
    long cases = 0, ended = 0;
    for (const int refused : {0, 1, 3}) {
        long count = 1;
        for (long failing = 0; failing <= count; ++failing, ++cases) {
            session one{failing, refused};
            CAPTURE(refused);
            CAPTURE(failing);
            one.run();
            if (failing == 0) count = heap.made;
            ended += one.ended ? 1 : 0;
        }
    }
    CHECK(cases > 150);
    CHECK(ended > 0); // the core has no memory
    CHECK(ended < cases * 3 / 4);
    MESSAGE(cases << " cases; after " << ended << " of them the producer has ended");
}
