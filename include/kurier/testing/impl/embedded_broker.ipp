// The bodies of embedded_broker: its sockets. See <kurier/testing/src.hpp>.
#pragma once

#include <kurier/testing/embedded_broker.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing::inline KURIER_TESTING_ABI {

struct embedded_broker::client
{
    client(boost::asio::ip::tcp::socket accepted, connection_id number)
        : socket{std::move(accepted)}, id{number}
    {}
    boost::asio::ip::tcp::socket socket;
    connection_id id;
    std::array<std::byte, 65536> input;
    std::unique_ptr<connection_filter> filter; // may be missing
    std::vector<std::byte> output, writing;    // `writing` belongs to the operation under way
    bool busy = false, closing = false;
    bool reading = false;
};

struct embedded_broker::state : std::enable_shared_from_this<state>
{
    using tcp = boost::asio::ip::tcp;

    // From a client that sends more than is handled, or doesn't take its answers, nothing more is read.
    static constexpr std::size_t unanswered_max = 8 * 1024 * 1024;

    state(boost::asio::any_io_executor e, cluster_options options)
        : executor{std::move(e)}, model{std::move(options)}, timer{executor}
    {}

    void listen()
    {
        const auto count = static_cast<broker_id>(model.state().metadata().brokers.size());
        for (broker_id broker = 1; broker <= count; ++broker) {
            const auto acceptor = open_acceptor(broker, 0);
            ports[broker] = acceptor->local_endpoint().port();
            model.state().set_endpoint(broker, "127.0.0.1", ports[broker]);
            accept(broker, acceptor);
        }
    }

    using shared_acceptor = std::shared_ptr<tcp::acceptor>;

    shared_acceptor open_acceptor(broker_id broker, std::uint16_t port)
    {
        const auto acceptor = std::make_shared<tcp::acceptor>(executor);
        const tcp::endpoint endpoint{boost::asio::ip::address_v4::loopback(), port};
        acceptor->open(endpoint.protocol());
        acceptor->set_option(tcp::acceptor::reuse_address{true});
        acceptor->bind(endpoint);
        acceptor->listen();
        acceptors.insert_or_assign(broker, acceptor);
        return acceptor;
    }

    // A connection may have been accepted just before the broker was stopped, and its handler run only now: then
    // this acceptor is closed, and the broker may even have another one.
    void accept(broker_id broker, const shared_acceptor& acceptor)
    {
        acceptor->async_accept(
            [self = shared_from_this(), broker, acceptor](error_code ec, tcp::socket socket) {
                if (!acceptor->is_open()) return;
                if (ec) return self->accept_later(broker, acceptor);
                self->accepted(broker, std::move(socket));
                self->accept(broker, acceptor);
            });
    }

    void accept_later(broker_id broker,
                      const shared_acceptor& acceptor) // out of file descriptors, most likely
    {
        auto pause = std::make_shared<boost::asio::steady_timer>(executor, std::chrono::milliseconds{100});
        pause->async_wait([self = shared_from_this(), pause, broker, acceptor](error_code) {
            if (acceptor->is_open()) self->accept(broker, acceptor);
        });
    }

    void accepted(broker_id broker, tcp::socket socket)
    {
        const auto id = model.accept(broker);
        if (!id) return; // the socket closes
        error_code ignored;
        socket.set_option(tcp::no_delay{true}, ignored);
        const auto added = std::make_shared<client>(std::move(socket), *id);
        if (make_filter) added->filter = make_filter();
        clients.emplace(*id, added);
        read(added);
    }

    void read(const std::shared_ptr<client>& from)
    {
        if (from->reading || model.backlog(from->id) > unanswered_max || from->output.size() > unanswered_max)
            return;
        from->reading = true;
        const auto space = boost::asio::buffer(from->input.data(), from->input.size());
        from->socket.async_read_some(space,
                                     [self = shared_from_this(), from](error_code ec, std::size_t size) {
                                         from->reading = false;
                                         if (ec || self->stopped || from->closing) {
                                             self->gone(*from);
                                             return;
                                         }
                                         self->received(*from, bytes_view{from->input.data(), size});
                                         self->deliver();
                                         self->write(from);
                                         if (!from->closing) self->read(from);
                                     });
    }

    void received(client& from, bytes_view raw)
    {
        std::vector<std::byte> plain;
        if (from.filter) {
            from.closing = !from.filter->receive(raw, plain, from.output);
            raw = plain;
        }
        if (!raw.empty()) model.receive(from.id, raw, now());
    }

    void gone(client& from)
    {
        if (clients.erase(from.id) > 0) model.disconnect(from.id, cluster_model::unhandled::handled, now());
        error_code ignored;
        from.socket.close(ignored);
    }

    // Gives every connection that has news its output, and waits for what is due later.
    void deliver()
    {
        if (stopped) return;
        while (const auto id = model.take_ready(now())) {
            const auto found = clients.find(*id);
            std::vector<std::byte> fresh;
            const auto outcome = model.poll_output(*id, now(), fresh);
            if (found == clients.end()) continue;
            const auto to = found->second;
            const bool ends = outcome == connection_state::closed && !to->closing;
            if (!to->filter)
                to->output.insert(to->output.end(), fresh.begin(), fresh.end());
            else
                to->filter->send(fresh, to->output);
            if (to->filter && ends) to->filter->end(to->output);
            to->closing |= ends;
            write(to);
            if (!to->closing) read(to);
        }
        arm();
    }

    void write(const std::shared_ptr<client>& to)
    {
        if (to->busy) return;
        if (to->output.empty()) {
            if (to->closing) gone(*to);
            return;
        }
        to->busy = true;
        to->writing.swap(to->output);
        boost::asio::async_write(to->socket, boost::asio::buffer(to->writing.data(), to->writing.size()),
                                 [self = shared_from_this(), to](error_code ec, std::size_t) {
                                     to->busy = false;
                                     to->writing.clear();
                                     if (ec) return self->gone(*to);
                                     self->write(to);
                                     if (!to->closing && !self->stopped) self->read(to);
                                 });
    }

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

    void stop_broker(broker_id broker)
    {
        model.stop_broker(broker);
        close_acceptor(broker);
        deliver();
    }

    void close_acceptor(broker_id broker)
    {
        const auto found = acceptors.find(broker);
        if (found == acceptors.end()) return;
        error_code ignored;
        found->second->close(ignored);
        acceptors.erase(found);
    }

    void start_broker(broker_id broker)
    {
        model.start_broker(broker);
        close_acceptor(broker); // started twice
        accept(broker, open_acceptor(broker, ports.at(broker)));
    }

    void stop()
    {
        if (std::exchange(stopped, true)) return;
        while (!acceptors.empty()) close_acceptor(acceptors.begin()->first);
        timer.cancel();
        for (auto& [id, open] : clients) {
            error_code ignored;
            open->socket.close(ignored);
        }
        clients.clear();
    }

    static core::instant now()
    {
        return {std::chrono::steady_clock::now().time_since_epoch(),
                std::chrono::duration_cast<std::chrono::milliseconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count()};
    }

    boost::asio::any_io_executor executor;
    cluster_model model;
    boost::asio::steady_timer timer;
    core::nanoseconds armed = core::never;
    std::function<std::unique_ptr<connection_filter>()> make_filter;
    std::map<broker_id, shared_acceptor> acceptors;
    std::map<broker_id, std::uint16_t> ports;
    std::map<connection_id, std::shared_ptr<client>> clients;
    bool stopped = false;
};

KURIER_TESTING_DECL embedded_broker::embedded_broker(boost::asio::any_io_executor executor,
                                                     cluster_options options)
    : state_{std::make_shared<state>(std::move(executor), std::move(options))}
{
    state_->listen();
}

// NOLINTNEXTLINE(bugprone-exception-escape): without memory nobody could go on
KURIER_TESTING_DECL embedded_broker::~embedded_broker()
{
    if (state_) state_->stop();
}

KURIER_TESTING_DECL std::string embedded_broker::bootstrap_servers() const
{
    std::string list;
    for (const auto& [id, port] : state_->ports)
        list += (list.empty() ? "" : ",") + std::string{"127.0.0.1:"} + std::to_string(port);
    return list;
}

KURIER_TESTING_DECL std::uint16_t embedded_broker::port(broker_id broker) const
{
    return state_->ports.at(broker);
}

KURIER_TESTING_DECL cluster_model& embedded_broker::cluster() noexcept
{
    return state_->model;
}

KURIER_TESTING_DECL void embedded_broker::create_topic(std::string_view name, std::int32_t partitions)
{
    cluster().create_topic(name, partitions);
}

KURIER_TESTING_DECL std::int32_t embedded_broker::partition_count(std::string_view topic)
{
    const auto* known = cluster().state().metadata().find_topic(topic);
    return known ? static_cast<std::int32_t>(known->partitions.size()) : 0;
}

KURIER_TESTING_DECL std::vector<stored_record> embedded_broker::log(std::string_view topic,
                                                                    std::int32_t partition)
{
    return cluster().log(topic, partition);
}

KURIER_TESTING_DECL void embedded_broker::stop_broker(broker_id broker)
{
    state_->stop_broker(broker);
}

KURIER_TESTING_DECL void embedded_broker::start_broker(broker_id broker)
{
    state_->start_broker(broker);
}

KURIER_TESTING_DECL void
embedded_broker::filter_by(std::function<std::unique_ptr<connection_filter>()> make_filter)
{
    state_->make_filter = std::move(make_filter);
}

KURIER_TESTING_DECL void embedded_broker::poll()
{
    state_->deliver();
}

KURIER_TESTING_DECL void embedded_broker::stop()
{
    state_->stop();
}

} // namespace kurier::inline KURIER_ABI::testing::inline KURIER_TESTING_ABI
