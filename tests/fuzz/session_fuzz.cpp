// libFuzzer: a producer among brokers that send anything. Behind each connection stands the embedded broker's model,
// and the input says what becomes of its answers on the way: cut, changed, repeated, lost, late, or replaced by other
// bytes. Then the brokers fall silent. Every record must be told of once, in time; the core must rest between events,
// keep its invariants, and hold no more memory than its configuration and the bytes it was sent allow.
#include "driven_core.hpp"
#include "input.hpp"

#include <kurier/testing/cluster_model.hpp>

#include <map>

namespace {

using namespace kurier;
using namespace std::chrono_literals;
using fuzz::connection_id;

producer_config make_config(fuzz::input& in)
{
    const auto choice = in.byte();
    producer_config config{"broker:9001,other:9001"};
    config.acks = choice % 8 == 1 ? acks::none : choice % 8 == 2 ? acks::leader : acks::all;
    config.linger = choice & 8 ? 5ms : 0ms;
    config.delivery_timeout = 20s;
    config.request_timeout = 5s;
    config.max_block = 10s;
    config.batch_size = choice & 16 ? 512 : 4096;
    config.buffer_memory = 32 * 1024;
    config.waiting_memory = 16 * 1024;
    config.max_request_size = 16 * 1024;
    config.max_in_flight_requests_per_connection = choice & 32 ? 1 : 5;
    return config;
}

testing::cluster_options make_cluster()
{
    testing::cluster_options options;
    options.brokers = 2;
    return options;
}

class hostile_brokers final : public fuzz::network
{
public:
    explicit hostile_brokers(fuzz::input in)
        : in_{in}, config_{make_config(in_)}, cluster_{make_cluster()}, driven_{config_, *this}
    {
        cluster_.state().set_endpoint(1, "broker", 9001);
        cluster_.state().set_endpoint(2, "broker", 9002);
        cluster_.create_topic("t", 3);
    }

    void run()
    {
        for (auto count = 1 + in_.below(4); count > 0; --count) send();
        driven_.settle();
        for (int events = 0; !in_.empty() && events < 400; ++events) {
            one_event();
            if (events % 8 == 7)
                driven_.settle(); // a broken invariant mostly stays broken
            else
                driven_.settle_unseen();
            check_memory();
        }
        silent_ = true;
        driven_.settle_until_idle(config_.delivery_timeout + config_.request_timeout + config_.max_block,
                                  2000);
        check_memory();
        using testing::violation;
        for (const auto never : {violation::malformed_request, violation::not_canonical,
                                 violation::wrong_offset_deltas, violation::wrong_max_timestamp})
            driven_.check(cluster_.violations().count(never) == 0, testing::name_of(never));
        driven_.finish();
    }

    // --- what the core does ------------------------------------------------------------------------------------------

    void connect(const core::action& wanted) override
    {
        if (silent_ ? wanted.link % 2 == 0 : refuse_ > 0) {
            refuse_ -= silent_ ? 0 : 1;
            driven_.closed(wanted.link, errc::disconnected);
            return;
        }
        auto& made = peers_[wanted.link];
        made.model = cluster_.accept(wanted.port % 2 == 0 ? 2 : 1).value();
        driven_.connected(wanted.link);
    }

    void write(connection_id link) override
    {
        const auto found = peers_.find(link);
        if (found == peers_.end()) return;
        const auto bytes = driven_.take_output(link);
        if (silent_ || found->second.deaf) return;
        cluster_.receive(found->second.model, bytes, driven_.now);
        collect(found->second);
    }

    void close(connection_id link) override
    {
        forget(link);
        driven_.closed(link, {});
    }

private:
    struct peer
    {
        testing::connection_id model = 0;
        std::vector<std::byte> answers; // on their way
        bool deaf = false;
    };

    void collect(peer& from) { cluster_.poll_output(from.model, driven_.now, from.answers); }

    void forget(connection_id link)
    {
        const auto found = peers_.find(link);
        if (found == peers_.end()) return;
        cluster_.disconnect(found->second.model, testing::cluster_model::unhandled::dropped, driven_.now);
        peers_.erase(found);
    }

    void send()
    {
        const auto choice = in_.byte();
        const std::string value(choice & 64 ? in_.number<std::uint16_t>() % 6000 : choice % 16, 'x');
        driven_.send(choice & 128 ? "u" : "t", value, choice % 4);
    }

    void deliver(connection_id link, peer& from, std::size_t most)
    {
        const auto size = std::min(most, from.answers.size());
        const std::vector<std::byte> part{from.answers.begin(),
                                          from.answers.begin() + static_cast<std::ptrdiff_t>(size)};
        from.answers.erase(from.answers.begin(), from.answers.begin() + static_cast<std::ptrdiff_t>(size));
        deliver(link, part);
    }
    void deliver(connection_id link, bytes_view bytes)
    {
        fed_ += bytes.size();
        driven_.feed(link, bytes);
    }

    void one_event()
    {
        const auto choice = in_.byte();
        switch (choice % 16) {
        case 0:
            return send();
        case 1:
            refuse_ = static_cast<int>(in_.below(4));
            return;
        case 2:
            return pass(std::chrono::milliseconds{in_.number<std::uint16_t>()});
        case 3:
            if (const auto due = driven_.core->deadline(); due != core::never) pass(due - driven_.now.steady);
            return;
        case 4:
            cluster_.fail_next("t", static_cast<std::int32_t>(in_.below(3)),
                               static_cast<broker_errc>(in_.byte() - 1), 1);
            return;
        case 5:
            (void)driven_.counted([&] { return driven_.core->flush(); });
            return;
        case 7:
            for (auto& [link, from] : peers_) deliver(link, from, from.answers.size());
            return;
        default:
            break;
        }
        if (peers_.empty()) return;
        auto chosen = peers_.begin();
        std::advance(chosen, (choice >> 4) % std::ssize(peers_));
        event_at(choice % 16, chosen->first, chosen->second);
    }

    void event_at(int kind, connection_id link, peer& from)
    {
        auto& answers = from.answers;
        switch (kind) {
        case 6:
            return deliver(link, from, answers.size());
        case 8:
            return deliver(link, from, in_.byte());
        case 9: // bytes of the answers are others
            for (auto count = 1 + in_.below(4); count > 0; --count) {
                const auto at = in_.number<std::uint16_t>();
                const auto value = std::byte{in_.byte()};
                if (!answers.empty()) answers[at % answers.size()] = value;
            }
            return;
        case 10:
            return deliver(link, in_.bytes(in_.byte()));
        case 11:
            return deliver(link, framed(link, in_.bytes(in_.number<std::uint16_t>() % 1024)));
        case 12: // answers that end early, or come again
            if (const auto size = in_.number<std::uint16_t>(); size & 1)
                answers.resize(std::min<std::size_t>(answers.size(), size / 2));
            else if (answers.size() < 4096)
                deliver(link, std::vector<std::byte>{answers});
            return;
        case 13:
            answers.clear();
            return;
        case 14:
            from.deaf = !from.deaf;
            return;
        default:
            forget(link);
            driven_.closed(link, errc::disconnected);
        }
    }

    // An answer to the oldest request, with a body that nobody wrote.
    std::vector<std::byte> framed(connection_id link, bytes_view body) const
    {
        const auto* found = driven_.core->connections().find(link);
        const auto* sent = found ? found->next_to_be_answered() : nullptr;
        std::vector<std::byte> frame;
        wire::writer out{frame};
        out.put_int(static_cast<std::int32_t>(body.size() + 4));
        out.put_int(sent ? sent->correlation_id : 0);
        out.put(body.data(), body.size());
        return frame;
    }

    void pass(core::nanoseconds time)
    {
        driven_.pass(std::clamp<core::nanoseconds>(time, 0ns, 60s));
        while (const auto model = cluster_.take_ready(driven_.now))
            for (auto& [link, from] : peers_)
                if (from.model == *model) collect(from);
    }

    // Both buffers, twice for batches that are split; connections; and what the brokers told.
    void check_memory() const
    {
        const auto bound = 2 * config_.buffer_memory + config_.waiting_memory + 32768 + 32 * fed_;
        driven_.check(fuzz::heap().held_max <= static_cast<std::ptrdiff_t>(bound), "too much memory");
    }

    fuzz::input in_;
    producer_config config_;
    testing::cluster_model cluster_;
    fuzz::driven_core driven_;
    std::map<connection_id, peer> peers_;
    std::size_t fed_ = 0;
    int refuse_ = 0;
    bool silent_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    hostile_brokers{{data, size}}.run();
    return 0;
}

KURIER_FUZZ_COUNTS_HEAP
