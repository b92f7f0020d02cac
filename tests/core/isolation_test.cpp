// Brokers don't feel each other: with one of a hundred dead, silent or slow, the records for the other 99 arrive as
// many and as fast as if nothing were wrong, also when what waits for that one has filled its share of buffer.memory.
#include "../support/core_script.hpp"

#include <algorithm>

namespace kurier::core::script {
namespace {

constexpr std::int32_t brokers_count = 100;
constexpr int ticks = 400; // milliseconds of virtual time
constexpr int pause = 4;   // of them, between two records for a partition
constexpr int burst = 20;  // of them, between two moments when every partition gets one
const std::string two_kilobytes(2000, 'x');

enum class trouble { none, refused, silent, slow };

struct result
{
    std::size_t delivered = 0;
    int p99 = 0; // milliseconds
};

class hundred_brokers
{
public:
    explicit hundred_brokers(trouble kind) : kind_{kind}, script_{configuration()}
    {
        auto& partitions = script_.topics["t"].partitions;
        partitions.clear();
        for (std::int32_t id = 1; id <= brokers_count; ++id) {
            script_.brokers[id] = static_cast<std::uint16_t>(9000 + id);
            partitions.push_back({id, 0, 0});
        }
        script_.warm_up();
        script_.walk_state = false;
        if (kind == trouble::refused) script_.lose_for_good(9001);
        script_.accept_connections = true;
    }

    result run()
    {
        for (int tick = 0; tick < ticks; ++tick) {
            for (std::int32_t index = 0; index < brokers_count; ++index)
                if ((tick + index) % pause == 0 || tick % burst == 0) send(index, tick);
            if (tick % pause == 1) // as many as buffer.memory could not hold
                for (int i = 0; i < 4; ++i) send(0, tick);
            answer(); // what came a millisecond ago
            script_.step(1ms);
            if (kind_ == trouble::refused) refuse();
            look(tick);
        }
        result summary{latencies_.size(), 0};
        const auto at = latencies_.begin() + static_cast<std::ptrdiff_t>(latencies_.size() * 99 / 100);
        std::nth_element(latencies_.begin(), at, latencies_.end());
        summary.p99 = *at;
        CHECK(troubled_ > 300'000); // bytes for the broker in trouble, so that there was something to feel
        return summary;
    }

private:
    struct pending
    {
        const outcome* told;
        int sent;
    };

    static producer_config configuration()
    {
        auto config = plain_config();
        config.buffer_memory = 768 * 1024;
        config.batch_size = 16384;
        return config;
    }

    void send(std::int32_t index, int tick)
    {
        const auto& told = script_.send("t", two_kilobytes, index);
        if (index != 0) pending_.push_back({&told, tick});
    }

    bool is_troubled(const produce_question& question) const
    {
        return kind_ != trouble::none && question.only().partition == 0;
    }

    void answer()
    {
        std::vector<produce_question> ready;
        for (auto& question : std::exchange(script_.asked, {}))
            (is_troubled(question) ? script_.asked.emplace_back() : ready.emplace_back()) =
                std::move(question);
        for (const auto& question : ready) script_.answer(question, {{}});
        if (kind_ == trouble::slow && !script_.asked.empty() && ++slowness_ % 500 == 0) script_.answer();
    }

    void refuse() // what the troubled broker's address says
    {
        std::vector<connection_id> attempts;
        for (const auto& [id, one] : script_.peers)
            if (one.port == 9001) attempts.push_back(id);
        for (const auto id : attempts) script_.drop(id, errc::disconnected);
    }

    void look(int tick)
    {
        std::erase_if(pending_, [&](const pending& one) {
            if (!one.told->done()) return false;
            if (!one.told->ok()) FAIL(one.told->error.message());
            latencies_.push_back(tick - one.sent);
            return true;
        });
        troubled_ = std::max(troubled_, script_.core.view().node(1)->memory);
        if (kind_ == trouble::none) troubled_ = ~std::size_t{0};
        if (script_.core.pool().in_use() > script_.core.pool().limit()) FAIL("more than buffer.memory");
        if (tick % 100 == 0) CHECK(invariants{script_.core}.broken() == "");
    }

    trouble kind_;
    core_script script_;
    std::vector<pending> pending_;
    std::vector<int> latencies_;
    std::size_t troubled_ = 0;
    int slowness_ = 0;
};

} // namespace

TEST_CASE("One of a hundred brokers is refused, silent or slow: the others deliver as many records, as fast")
{
    const auto healthy = hundred_brokers{trouble::none}.run();
    CHECK(healthy.delivered >= std::size_t{ticks / pause - 2} * (brokers_count - 1));
    for (const auto kind : {trouble::refused, trouble::silent, trouble::slow}) {
        CAPTURE(static_cast<int>(kind));
        const auto others = hundred_brokers{kind}.run();
        CHECK(others.delivered * 100 >= healthy.delivered * 98);
        CHECK(others.p99 * 10 <= healthy.p99 * 11);
    }
}

} // namespace kurier::core::script
