// libFuzzer: a good session whose bytes arrive in pieces. The first byte chooses the session, the others the sizes of
// what is read and written at once. Where a frame is cut must not matter: the core writes the same bytes as without
// cuts, or, when it acts between the pieces, at least the same records in the same order.
#include "driven_core.hpp"
#include "input.hpp"

#include <kurier/testing/cluster_model.hpp>

#include <array>
#include <map>
#include <optional>

namespace {

using namespace kurier;
using namespace std::chrono_literals;
using fuzz::connection_id;
using fuzz::require;

constexpr int partitions = 3, rounds = 3, records_per_round = 4;

producer_config make_config(unsigned session)
{
    producer_config config{"broker:9001"};
    config.acks = session % 4 == 1 ? acks::none : session % 4 == 2 ? acks::leader : acks::all;
    config.batch_size = session & 4 ? 512 : 16384;
    config.linger = 0ms;
    return config;
}

// What an outsider sees of a session.
struct transcript
{
    std::map<connection_id, std::vector<std::byte>> written;
    std::array<std::vector<std::string>, partitions> logs;

    bool operator==(const transcript&) const = default;
};

class session final : public fuzz::network
{
public:
    // Without cuts everything is read and written at once.
    session(unsigned number, std::optional<fuzz::input> cuts, bool acts_between)
        : cuts_{cuts}, sizes_{cuts}, acts_between_{acts_between}, config_{make_config(number)},
          driven_{config_, *this}
    {
        cluster_.create_topic("t", partitions);
    }

    transcript run()
    {
        for (int round = 0; round < rounds; ++round) {
            for (int i = 0; i < records_per_round; ++i) {
                const auto value =
                    std::to_string(round) + std::string(static_cast<std::size_t>(i * i * 20), 'v');
                require(driven_.send("t", value, i % partitions));
            }
            driven_.settle();
            if (round % 2 == 0) exchange();
        }
        for (int steps = 0;; ++steps) {
            require(steps < 100);
            if (exchange()) continue;
            if (driven_.core->idle()) break;
            driven_.pass(driven_.core->deadline() - driven_.now.steady);
            driven_.settle();
        }
        for (const auto& record : driven_.records) require(!record.error);
        for (int i = 0; i < partitions; ++i)
            for (const auto& stored : cluster_.log("t", i))
                seen_.logs[static_cast<std::size_t>(i)].push_back(stored.value.value());
        driven_.check(cluster_.violations().texts().empty(), "the broker complains");
        driven_.finish();
        return seen_;
    }

    void connect(const core::action& wanted) override
    {
        peers_[wanted.link].model = cluster_.accept(1).value();
        driven_.connected(wanted.link);
    }

    void write(connection_id link) override
    {
        for (;;) {
            const auto bytes = driven_.take_output(link, next_size());
            if (bytes.empty()) return;
            auto& all = seen_.written[link];
            all.insert(all.end(), bytes.begin(), bytes.end());
            cluster_.receive(peers_.at(link).model, bytes, driven_.now);
        }
    }

    void close(connection_id link) override
    {
        cluster_.disconnect(peers_.at(link).model, testing::cluster_model::unhandled::dropped, driven_.now);
        peers_.erase(link);
        driven_.closed(link, {});
    }

private:
    struct peer
    {
        testing::connection_id model = 0;
    };

    std::size_t next_size()
    {
        if (!cuts_) return ~std::size_t{0};
        if (sizes_->empty()) sizes_ = cuts_;
        return std::max<std::size_t>(sizes_->byte(), 1);
    }

    // All answers arrive. False: there were none.
    bool exchange()
    {
        bool any = false;
        for (const auto& [link, to] : std::map{peers_}) {
            std::vector<std::byte> answers;
            cluster_.poll_output(to.model, driven_.now, answers);
            any |= !answers.empty();
            for (bytes_view left{answers}; !left.empty();) {
                const auto part = left.first(std::min(next_size(), left.size()));
                driven_.feed(link, part);
                if (acts_between_) driven_.settle_unseen();
                left = left.subspan(part.size());
            }
            driven_.settle();
        }
        return any;
    }

    std::optional<fuzz::input> cuts_, sizes_;
    bool acts_between_;
    producer_config config_;
    testing::cluster_model cluster_;
    fuzz::driven_core driven_;
    std::map<connection_id, peer> peers_;
    transcript seen_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    static std::map<unsigned, transcript> uncut; // by session
    fuzz::input in{data, size};
    const unsigned choice = in.byte(), number = choice % 8;
    if (!uncut.contains(number)) {
        uncut[number] = session{number, {}, false}.run();
        const auto& logs = uncut[number].logs;
        require(logs[0].size() + logs[1].size() + logs[2].size() == rounds * records_per_round);
    }
    const bool acts_between = choice & 8;
    const auto seen = session{number, in, acts_between}.run();
    require(seen.logs == uncut[number].logs);
    require(acts_between || seen.written == uncut[number].written);
    return 0;
}

KURIER_FUZZ_COUNTS_HEAP
