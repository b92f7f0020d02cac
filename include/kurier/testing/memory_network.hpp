// A Kafka cluster inside your program without any socket: the connections of an engine end in the cluster's model. For
// tests that must not open ports, that count operations, or in which a certain operation goes wrong.
//
//     kurier::testing::memory_network network{context.get_executor()};
//     kurier::producer_config config{network.bootstrap_servers()};
//     kurier::producer<> producer{context.get_executor(), config, network};
//
// Broker 1 is broker-1:9092, and so on; these names resolve here only. cluster() is the model, as in embedded_broker.
//
// Copies share the cluster. Lifetimes: until the last copy and the engine are gone. Thread safety: none; use it on the
// executor, which is the engine's too.
#pragma once

#include <kurier/io/resolver.hpp>
#include <kurier/io/transport.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/testing/cluster_model.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

namespace asio = boost::asio;

// What a transport or a resolver is asked to do.
enum class operation : std::uint8_t { make, look_up, open, write_now, write_later, read_some };

// Its name.
constexpr std::string_view to_string(operation what) noexcept
{
    constexpr std::array<std::string_view, 6> names{"make",      "look_up",     "open",
                                                    "write_now", "write_later", "read_some"};
    return names[static_cast<std::size_t>(what)];
}

// How the network behaves.
struct network_conduct
{
    enum class failure : std::uint8_t {
        error,        // connection_reset, or what a look-up says
        moved_first,  // the same, beside bytes that were moved
        no_memory,    // std::bad_alloc is thrown
        no_resources, // boost::system::system_error is thrown, as when a thread can't be started
    };

    std::size_t bytes_max = 0; // that one operation moves; 0: no limit
    bool congested = false;    // after each write there is no room for another until one has waited for it
    int fail_at = 0;           // the how manyth operation fails; 0: none
    failure how = failure::error;
    void (*inside)(bool) noexcept =
        nullptr; // called when the network begins to run, and with false when it ends
};

class memory_network
{
public:
    explicit memory_network(asio::any_io_executor executor, cluster_options options = {})
        : state_{std::make_shared<state>(std::move(executor), std::move(options))}
    {}

    std::string bootstrap_servers() const
    {
        std::string list;
        for (const auto& [name, addresses] : state_->hosts)
            list += (list.empty() ? "" : ",") + name + ':' + std::to_string(port);
        return list;
    }

    cluster_model& cluster() noexcept { return state_->model; }
    network_conduct& conduct() noexcept { return state_->conduct; }

    // Operations so far, of all connections, and which of them was made to fail.
    const std::vector<operation>& operations() const noexcept { return state_->operations; }
    std::optional<operation> failed() const noexcept { return state_->failed; }

    // What a caller did against the contract of io/transport.hpp.
    const std::vector<std::string>& violations() const noexcept { return state_->violations; }

    // After changes through cluster() that give connections something to do at once.
    void poll() { state_->deliver(); }

    // --- what an engine asks its parts for

    std::unique_ptr<io::transport> make_transport(const asio::any_io_executor&, const producer_config&)
    {
        const state::running inside{*state_};
        if (const auto wrong = state_->begin(operation::make); wrong.fails) throw std::bad_alloc{};
        return std::make_unique<transport>(state_);
    }
    std::unique_ptr<io::resolver> make_resolver(const asio::any_io_executor&)
    {
        const state::running inside{*state_};
        return std::make_unique<resolver>(state_);
    }

    static constexpr std::uint16_t port = 9092;

private:
    class transport;

    struct verdict // about one operation
    {
        bool fails = false;
        bool moves_first = false;
    };

    struct state : std::enable_shared_from_this<state>
    {
        state(asio::any_io_executor e, cluster_options options)
            : executor{std::move(e)}, model{std::move(options)}, timer{executor}
        {
            const auto count = static_cast<broker_id>(model.state().metadata().brokers.size());
            for (broker_id broker = 1; broker <= count; ++broker) {
                const auto name = "broker-" + std::to_string(broker);
                hosts[name] = {asio::ip::address_v4{0x0a000000U + static_cast<std::uint32_t>(broker)}};
                model.state().set_endpoint(broker, name, port);
            }
        }

        static broker_id broker_at(const asio::ip::address& address)
        {
            return static_cast<broker_id>(address.to_v4().to_uint() - 0x0a000000U);
        }

        // While it lives the network runs, and not the producer.
        struct running
        {
            explicit running(state& of) noexcept : network{of}
            {
                if (network.depth++ == 0 && network.conduct.inside) network.conduct.inside(true);
            }
            running(const running&) = delete;
            running& operator=(const running&) = delete;
            ~running()
            {
                if (--network.depth == 0 && network.conduct.inside) network.conduct.inside(false);
            }
            state& network;
        };

        // Counts the operation, and throws if it is to fail so.
        verdict begin(operation what)
        {
            operations.push_back(what);
            if (static_cast<int>(operations.size()) != conduct.fail_at) return {};
            failed = what;
            switch (conduct.how) {
            case network_conduct::failure::no_memory:
                throw std::bad_alloc{};
            case network_conduct::failure::no_resources:
                throw boost::system::system_error{
                    boost::system::errc::make_error_code(boost::system::errc::resource_unavailable_try_again),
                    "thread"};
            case network_conduct::failure::moved_first:
                return {true, true};
            case network_conduct::failure::error:
                return {true, false};
            }
            return {};
        }

        std::size_t limited(std::size_t size) const
        {
            return conduct.bytes_max > 0 ? std::min(conduct.bytes_max, size) : size;
        }

        // Gives every connection that has news its output, and waits for what is due later.
        void deliver();

        void arm()
        {
            const auto due = model.next_due();
            if (due == core::never || due >= armed) return;
            armed = due;
            timer.expires_at(std::chrono::steady_clock::time_point{
                std::chrono::duration_cast<std::chrono::steady_clock::duration>(due)});
            timer.async_wait([self = shared_from_this(), due](error_code ec) {
                if (ec || self->armed != due) return;
                self->armed = core::never;
                self->deliver();
            });
        }

        static core::instant now()
        {
            return {std::chrono::steady_clock::now().time_since_epoch(),
                    std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count()};
        }

        asio::any_io_executor executor;
        cluster_model model;
        asio::steady_timer timer;
        core::nanoseconds armed = core::never;
        std::map<std::string, std::vector<asio::ip::address>> hosts;
        std::map<connection_id, transport*> open;
        network_conduct conduct;
        int depth = 0; // of calls into the network
        std::vector<operation> operations;
        std::optional<operation> failed;
        std::vector<std::string> violations;
    };

    class resolver final : public io::resolver
    {
    public:
        explicit resolver(std::shared_ptr<state> network) : network_{std::move(network)} {}

        void look_up(const std::string& host, addresses_handler done) override
        {
            const state::running inside{*network_};
            const auto wrong = network_->begin(operation::look_up);
            asio::post(network_->executor,
                       [network = network_, cancelled = cancelled_, host, done = std::move(done), wrong] {
                           const auto found = network->hosts.find(host);
                           if (*cancelled)
                               done(asio::error::operation_aborted, {});
                           else if (wrong.fails || found == network->hosts.end())
                               done(asio::error::host_not_found, {});
                           else
                               done({}, found->second);
                       });
        }

        void cancel() noexcept override { *cancelled_ = true; }

    private:
        std::shared_ptr<state> network_;
        std::shared_ptr<bool> cancelled_ = std::make_shared<bool>(false);
    };

    class transport final : public io::transport
    {
    public:
        explicit transport(std::shared_ptr<state> network) : network_{std::move(network)} {}
        ~transport() override { hang_up(); }

        void open(const asio::ip::tcp::endpoint& to, std::string_view, io::io_handler done) override
        {
            const state::running inside{*network_};
            expect(!opening_ && !id_, "open while it is open");
            const auto wrong = network_->begin(operation::open);
            closed_ = false;
            later(std::move(done), opening_, [this, to, wrong](error_code& ec) {
                if (wrong.fails) {
                    ec = asio::error::connection_refused;
                } else if ((id_ = network_->model.accept(state::broker_at(to.address())))) {
                    network_->open[*id_] = this;
                } else {
                    ec = asio::error::connection_refused;
                }
                return std::size_t{0};
            });
        }

        std::size_t write_now(io::buffer_range bytes, error_code& ec) override
        {
            const state::running inside{*network_};
            expect(!writing_, "write_now while write_later is under way");
            expect(sealed_.empty(), "write_now after would_block");
            const auto wrong = network_->begin(operation::write_now);
            if (broken(wrong, ec) && !wrong.moves_first) return 0;
            if (full_ && !ec) {
                ec = asio::error::would_block;
                sealed_ = copy(bytes, asio::buffer_size(bytes));
                sealed_at_ = bytes.first->data();
                return 0;
            }
            full_ = network_->conduct.congested;
            return accept(bytes);
        }

        void write_later(io::buffer_range bytes, io::io_handler done) override
        {
            const state::running inside{*network_};
            expect(!writing_, "two at once of write_later");
            const auto offered = copy(bytes, asio::buffer_size(bytes));
            expect(sealed_.empty() ||
                       (bytes.first->data() == sealed_at_ && offered.size() >= sealed_.size() &&
                        std::equal(sealed_.begin(), sealed_.end(), offered.begin())),
                   "write_later with other bytes than write_now");
            const auto wrong = network_->begin(operation::write_later);
            sealed_.clear();
            later(std::move(done), writing_, [this, bytes, wrong](error_code& ec) {
                if (broken(wrong, ec) && !wrong.moves_first) return std::size_t{0};
                full_ = network_->conduct.congested;
                return accept(bytes);
            });
        }

        void read_some(asio::mutable_buffer space, io::io_handler done) override
        {
            const state::running inside{*network_};
            expect(!reader_ && !reading_, "two at once of read_some");
            const auto wrong = network_->begin(operation::read_some);
            if (wrong.fails) {
                later(std::move(done), reading_, [](error_code& ec) {
                    ec = asio::error::connection_reset;
                    return std::size_t{0};
                });
                return;
            }
            reader_.emplace(std::move(done));
            space_ = space;
            busy_ = asio::prefer(network_->executor, asio::execution::outstanding_work.tracked);
            pass_on();
        }

        void close() noexcept override // NOLINT(bugprone-exception-escape): a test without memory may end
        {
            const state::running inside{*network_};
            hang_up();
            closed_ = true;
            pass_on();
        }

        // From the broker.
        void receive(const std::vector<std::byte>& bytes, bool ended)
        {
            input_.insert(input_.end(), bytes.begin(), bytes.end());
            ended_ = ended;
            pass_on();
        }

    private:
        void expect(bool kept, const char* otherwise)
        {
            if (!kept) network_->violations.emplace_back(otherwise);
        }

        // Ends an operation in a handler of its own. A closed one has done nothing.
        template <class Act> void later(io::io_handler done, bool& under_way, const Act& act)
        {
            const auto memory = done.get_allocator();
            asio::post(network_->executor, asio::bind_allocator(memory, [this, done = std::move(done),
                                                                         &under_way, act]() mutable {
                           under_way = false;
                           error_code ec;
                           if (closed_) ec = asio::error::operation_aborted;
                           std::size_t size = 0;
                           if (!ec) {
                               const state::running inside{*network_};
                               size = act(ec);
                           }
                           done(ec, size); // and may destroy this object
                       }));
            under_way = true;
        }

        bool broken(const verdict& wrong, error_code& ec) const
        {
            if (!id_ || ended_ || wrong.fails) ec = asio::error::connection_reset;
            return ec.failed();
        }

        static std::vector<std::byte> copy(io::buffer_range bytes, std::size_t size)
        {
            std::vector<std::byte> copied(size);
            asio::buffer_copy(asio::buffer(copied), bytes);
            return copied;
        }

        std::size_t accept(io::buffer_range bytes)
        {
            const auto size = network_->limited(asio::buffer_size(bytes));
            const auto moved = copy(bytes, size);
            if (id_) network_->model.receive(*id_, moved, state::now());
            network_->deliver();
            return size;
        }

        // To whoever reads, if there is anything.
        void pass_on()
        {
            if (!reader_ || (!closed_ && !ended_ && input_.empty())) return;
            auto done = *std::exchange(reader_, std::nullopt);
            busy_ = {};
            later(std::move(done), reading_, [this](error_code& ec) {
                const auto size = std::min(network_->limited(input_.size()), space_.size());
                if (size == 0) ec = asio::error::eof;
                if (size > 0) std::memcpy(space_.data(), input_.data(), size);
                input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(size));
                return size;
            });
        }

        void hang_up() noexcept
        {
            const state::running inside{*network_};
            if (!id_) return;
            network_->open.erase(*id_);
            network_->model.disconnect(*std::exchange(id_, std::nullopt), cluster_model::unhandled::handled,
                                       state::now());
        }

        std::shared_ptr<state> network_;
        std::optional<connection_id> id_;
        std::vector<std::byte> input_;
        std::optional<io::io_handler> reader_; // waits for input
        asio::mutable_buffer space_;
        asio::any_io_executor busy_;    // meanwhile the context doesn't run out of work
        std::vector<std::byte> sealed_; // after would_block: what has to be offered again
        const void* sealed_at_ = nullptr;
        bool opening_ = false, reading_ = false, writing_ = false; // a handler is on its way
        bool full_ = false, ended_ = false, closed_ = false;
    };

    std::shared_ptr<state> state_;
};

inline void memory_network::state::deliver()
{
    const running inside{*this};
    while (const auto id = model.take_ready(now())) {
        std::vector<std::byte> fresh;
        const auto outcome = model.poll_output(*id, now(), fresh);
        const auto found = open.find(*id);
        if (found != open.end()) found->second->receive(fresh, outcome == connection_state::closed);
    }
    arm();
}

} // namespace kurier::inline KURIER_ABI::testing
