// Drives the core on an Asio executor: owns the sockets and one timer, performs the core's actions, and tells those
// who wait. It takes no decision about Kafka.
#pragma once

#include <kurier/core/producer_core.hpp>
#include <kurier/io/compression_workers.hpp>
#include <kurier/io/cpu_clock.hpp>
#include <kurier/io/driver.hpp>
#include <kurier/io/handler_memory.hpp>
#include <kurier/io/impl/loop_registry.hpp>
#include <kurier/io/socket_link.hpp>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace kurier::io {

class event_loop final : public driver
{
public:
    event_loop(asio::any_io_executor executor, producer_config config, std::uint64_t seed, log_function log)
        : driver{std::move(executor)}, core_{std::move(config), seed}, timer_{executor_},
          log_{std::move(log)}, registry_{&asio::use_service<loop_registry<event_loop>>(
                                    asio::query(executor_, asio::execution::context))}
    {
        registry_->add(*this);
        synchronise_clocks();
    }
    ~event_loop()
    {
        if (registry_) registry_->remove(*this);
        abandon_waiters();
    }

    // The executor's context is being destroyed before the producers are: nothing of it may be used from now on.
    void context_ended()
    {
        const auto self = keep();
        registry_ = nullptr;
        closing_ = scheduled_ = true; // so that no turn is asked for
        for (auto& workers : workers_) workers->end();
        abandon_waiters();
        waits_.clear();
        timer_.reset();
        for (auto& [id, link] : links_) { // their memory stays: pending operations are in it
            link->socket.reset();
            link->resolver.reset();
        }
        executor_ = {};
    }

    core::producer_core& core() noexcept { return core_; }
    const core::producer_core& core() const noexcept { return core_; }

    // Writes what has become ready without waiting for the end of the handler that is running.
    void send_early()
    {
        if (in_turn_) return;
        core_.turn(now());
        perform_actions();
    }

    void add_wait(state_wait_ptr wait)
    {
        waits_.push_back(std::move(wait));
        wake();
    }

    void keep_codecs(kept_codecs first, codec_factory more)
    {
        core_.set_codecs(first.codecs, &thread_cpu_time);
        codecs_ = std::move(first.list);
        more_codecs_ = more;
    }

    void compress_on(asio::any_io_executor workers)
    {
        if (!more_codecs_ || closing_) return;
        workers_.push_back(std::make_unique<compression_workers<event_loop>>(*this, std::move(workers),
                                                                             executor_, more_codecs_));
        core_.compress_elsewhere(true);
    }

    void observe(observer_hooks hooks)
    {
        if (hooks.on_broker) core_.observe_brokers();
        observers_.push_back(std::move(hooks));
    }

    // A job is back from the workers.
    void compressed(core::compression_job& job)
    {
        read_clock();
        core_.compressed(job);
        turn();
    }

    void log(log_event event)
    {
        event.when = now();
        if (log_) log_(event);
    }

    void end_all()
    {
        closing_ = true;
        read_clock();
        core_.abort(errc::aborted);
        wake();
    }

    [[gnu::noinline]] void begin_turn()
    {
        read_clock();
        wake();
    }

    [[gnu::noinline]] void schedule_turn()
    {
        scheduled_ = true;
        asio::post(executor_, asio::bind_allocator(handler_allocator<void>{wake_memory_}, [self = keep()] {
                       self->scheduled_ = false;
                       if (!self->again_) return; // another turn, sending early or reading, has done it
                       if (!self->fresh_)
                           self->read_clock(); // else this ends the turn of the handler that has just run
                       self->turn();
                   }));
    }

private:
    boost::intrusive_ptr<event_loop> keep() { return boost::intrusive_ptr<event_loop>{this}; }

    // --- time --------------------------------------------------------------------------------------------------------

    static core::nanoseconds steady_now() { return std::chrono::steady_clock::now().time_since_epoch(); }

    // Wall time follows from steady time; both clocks are read only now and then.
    void synchronise_clocks()
    {
        now_.steady = synchronised_ = steady_now();
        wall_at_synchronisation_ = std::chrono::system_clock::now().time_since_epoch();
        now_.wall_ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(wall_at_synchronisation_).count();
    }

    void read_clock()
    {
        fresh_ = true;
        now_.steady = steady_now();
        const auto passed = now_.steady - synchronised_;
        if (passed > std::chrono::milliseconds{500})
            synchronise_clocks();
        else
            now_.wall_ms =
                std::chrono::duration_cast<std::chrono::milliseconds>(wall_at_synchronisation_ + passed)
                    .count();
    }

    void arm_timer()
    {
        auto at = core_.deadline();
        for (const auto& wait : waits_) at = std::min(at, wait->deadline);
        if (at == core::never &&
            armed_ != core::never) { // nothing is left to wait for: the timer must not hold us
            armed_ = core::never;
            timer_->cancel();
        }
        if (at >= armed_) return; // it rings early and is armed again then: cheaper than moving it each time
        armed_ = at;
        timer_->expires_at(std::chrono::steady_clock::time_point{
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::max(at, now_.steady))});
        timer_->async_wait(asio::bind_allocator(handler_allocator<void>{timer_memory_[timer_flip_ ^= 1]},
                                                [self = keep(), at](error_code ec) {
                                                    if (ec || self->armed_ != at) return;
                                                    self->armed_ = core::never;
                                                    self->read_clock();
                                                    self->turn();
                                                }));
    }

    // --- one turn ----------------------------------------------------------------------------------------------------

    void turn()
    {
        if (std::exchange(in_turn_, true)) {
            again_ = true;
            return;
        }
        turn_guard guard{*this};
        do {
            again_ = false;
            core_.turn(now_);
            closing_ |= core_.closing(); // where memory has run out
            perform_actions();
            announce();
        } while (again_);
        guard.finished = true;
        arm_timer();
    }

    // A user's handler may throw: that leaves the event loop, but not the others untold.
    struct turn_guard
    {
        event_loop& self;
        bool finished = false;
        ~turn_guard()
        {
            self.in_turn_ = false;
            self.fresh_ = false;
            if (!finished) self.wake();
        }
    };

    void perform_actions()
    {
        core::action next;
        while (core_.poll(next)) {
            switch (next.kind) {
            case core::action_kind::connect:
                connect(next);
                break;
            case core::action_kind::write:
                if (auto* link = find(next.link)) write(*link);
                break;
            case core::action_kind::close:
                if (auto* link = find(next.link)) close(*link, {});
                break;
            case core::action_kind::compress:
                begin_compression(*next.job);
                break;
            }
        }
        core::log_entry entry;
        while (core_.poll(entry))
            if (log_) log_({entry.level, entry.event, entry.text, {}, now_});
        core::broker_event_queue::entry happened;
        while (core_.poll(happened))
            for (std::size_t i = 0; i < observers_.size(); ++i) // one may add another
                if (const auto& hooks = observers_[i]; hooks.on_broker)
                    hooks.on_broker(hooks.observer.get(), happened.event);
    }

    void begin_compression(core::compression_job& job)
    {
        try {
            workers_.back()->start(job);
        } catch (const std::bad_alloc&) {
            core_.compressed(job); // undone
            again_ = true;
        }
    }

    static constexpr std::uint32_t told_soon = 6; // memory has until then to bring what they wait in

    void announce()
    {
        while (auto* done = core_.next_done()) {
            metadata_.topic = done->partition->topic->name;
            metadata_.partition = done->partition->index;
            if (!observers_.empty() && done->notified == 0 && done->live_records() > 0) [[unlikely]]
                tell_observers(*done);
            while (done->notified < static_cast<std::uint32_t>(done->accepted)) {
                const auto index = done->notified++;
                auto& slot = done->waiter_of(index);
                if (index + told_soon < static_cast<std::uint32_t>(done->accepted))
                    __builtin_prefetch(done->waiter_of(index + told_soon).context, 1);
                if (const auto notify = std::exchange(slot.notify, nullptr))
                    notify(slot.context, {done, index, nullptr, this, slot.time_delta});
            }
            core_.announced(*done);
        }
        while (auto* failed = core_.next_failed()) {
            if (const auto notify = std::exchange(failed->waiter.notify, nullptr))
                notify(failed->waiter.context, {nullptr, 0, failed, this});
            core_.announced(*failed);
        }
        for (std::size_t i = 0; i < waits_.size();) {
            error_code ec;
            if (!waits_[i]->over(*this, ec)) {
                ++i;
                continue;
            }
            const auto wait = std::move(waits_[i]);
            waits_.erase(waits_.begin() + static_cast<std::ptrdiff_t>(i));
            wait->complete(ec);
        }
    }

    [[gnu::noinline]] void tell_observers(const core::batch& done)
    {
        const auto end = done.attempts > 0 ? done.drained : now_.steady;
        const batch_event event{done.partition->topic->name,
                                done.partition->index,
                                done.live_records(),
                                done.wire_size(),
                                done.codec(),
                                done.attempts,
                                end - done.created,
                                now_.steady - done.created,
                                done.error,
                                done.written,
                                done.base_offset};
        for (std::size_t i = 0; i < observers_.size(); ++i)
            if (const auto& hooks = observers_[i]; hooks.on_batch)
                hooks.on_batch(hooks.observer.get(), event);
    }

    // Frees what waits without running it.
    void abandon_waiters()
    {
        core_.abort(errc::aborted);
        while (auto* done = core_.next_done()) {
            for (auto i = done->notified; i < static_cast<std::uint32_t>(done->accepted); ++i)
                if (const auto notify = std::exchange(done->waiter_of(i).notify, nullptr))
                    notify(done->waiter_of(i).context, {});
            core_.announced(*done);
        }
        while (auto* failed = core_.next_failed()) {
            if (const auto notify = std::exchange(failed->waiter.notify, nullptr))
                notify(failed->waiter.context, {});
            core_.announced(*failed);
        }
    }

    // --- connections -------------------------------------------------------------------------------------------------

    socket_link* find(core::connection_id id) const
    {
        const auto found = links_.find(id);
        return found == links_.end() ? nullptr : found->second.get();
    }

    void connect(const core::action& wanted)
    {
        auto& link =
            *links_.emplace(wanted.link, std::make_unique<socket_link>(executor_, wanted.link)).first->second;
        link.connecting = true;
        error_code ec;
        const auto address = asio::ip::make_address(wanted.host, ec);
        if (!ec) {
            link.endpoints = {{address, wanted.port}};
            connect_next(link, {});
        } else if (wanted.host == "localhost") { // RFC 6761; a look-up would cost a thread
            link.endpoints = {{asio::ip::address_v6::loopback(), wanted.port},
                              {asio::ip::address_v4::loopback(), wanted.port}};
            connect_next(link, {});
        } else {
            resolve(link, wanted.host, wanted.port);
        }
    }

    // Asio looks names up on a thread of its own, because the system's function blocks.
    void resolve(socket_link& link, const std::string& host, std::uint16_t port)
    {
        link.resolver->async_resolve(
            host, std::to_string(port), tcp::resolver::numeric_service,
            [self = keep(), &link](error_code ec, const tcp::resolver::results_type& results) {
                if (ec)
                    ec = ec == asio::error::operation_aborted ? ec : make_error_code(errc::resolve_failed);
                for (const auto& result : results) link.endpoints.push_back(result.endpoint());
                // Another address first each time, so that a dead one is not met again and again.
                if (!link.endpoints.empty()) {
                    const auto shift = self->rotation_++ % link.endpoints.size();
                    std::reverse(link.endpoints.begin(), link.endpoints.end());
                    std::rotate(link.endpoints.begin(),
                                link.endpoints.begin() + static_cast<std::ptrdiff_t>(shift),
                                link.endpoints.end());
                }
                self->connect_next(link, ec);
            });
    }

    void connect_next(socket_link& link, error_code last)
    {
        if (link.closing || link.endpoints.empty()) {
            link.connecting = false;
            close(link, last ? last : make_error_code(errc::resolve_failed));
            return;
        }
        const auto endpoint = link.endpoints.back();
        link.endpoints.pop_back();
        error_code ignored;
        link.socket->close(ignored);
        link.socket->async_connect(endpoint, [self = keep(), &link](error_code ec) {
            if (ec || link.closing) {
                self->connect_next(link, ec);
                return;
            }
            self->connected(link);
        });
    }

    void connected(socket_link& link)
    {
        link.connecting = false;
        error_code ec;
        link.socket->non_blocking(true, ec);
        if (ec) {
            close(link, ec);
            return;
        }
        set_options(*link.socket);
        read_clock();
        core_.connected(link.id, now_);
        read(link);
        turn();
    }

    void set_options(tcp::socket& socket) const
    {
        error_code ignored; // an option that the system refuses costs speed at most
        socket.set_option(tcp::no_delay{true}, ignored);
        socket.set_option(asio::socket_base::keep_alive{true}, ignored);
        const auto& config = core_.config();
        if (config.send_buffer >= 0)
            socket.set_option(asio::socket_base::send_buffer_size{config.send_buffer}, ignored);
        if (config.receive_buffer >= 0)
            socket.set_option(asio::socket_base::receive_buffer_size{config.receive_buffer}, ignored);
    }

    void read(socket_link& link)
    {
        const auto space = core_.read_space(link.id);
        if (space.empty() && core_.closing()) wake(); // memory has run out: the core closes the connection
        if (space.empty() || link.closing) return;
        link.reading = true;
        link.socket->async_read_some(
            asio::buffer(space.data(), space.size()),
            asio::bind_allocator(
                handler_allocator<void>{link.read_memory},
                [self = keep(), &link](error_code ec, std::size_t size) { self->was_read(link, ec, size); }));
    }

    void was_read(socket_link& link, error_code ec, std::size_t size)
    {
        read_clock();
        if (size > 0 && !link.closing) {
            core_.read(link.id, size, now_);
            try {
                turn();
            } catch (...) { // a user's handler: the connection goes on reading all the same
                asio::post(executor_, [self = keep(), &link, ec] { self->was_read(link, ec, 0); });
                throw;
            }
        }
        link.reading = false;
        if (ec)
            close(link, ec == asio::error::eof ? make_error_code(errc::disconnected) : ec);
        else if (link.closing)
            finish(link);
        else
            read(link);
    }

    buffer_range gather(socket_link& link)
    {
        const auto count = core_.gather(link.id, link.views);
        for (std::size_t i = 0; i < count; ++i)
            link.buffers[i] = {link.views[i].data(), link.views[i].size()};
        return {link.buffers.data(), link.buffers.data() + count};
    }

    // At once as much as the socket takes, which is nearly always everything: an operation would end in a turn of its
    // own. Only the rest waits.
    void write(socket_link& link)
    {
        if (link.writing || link.connecting || link.closing) return;
        for (auto range = gather(link); range.first != range.last; range = gather(link)) {
            error_code ec;
            const auto size = link.socket->write_some(range, ec);
            if (size > 0) core_.written(link.id, size, now());
            if (ec == asio::error::would_block) {
                write_later(link, range);
                return;
            }
            if (ec) {
                close(link, ec);
                return;
            }
        }
    }

    void write_later(socket_link& link, buffer_range range)
    {
        link.writing = true;
        link.socket->async_write_some(
            range, asio::bind_allocator(handler_allocator<void>{link.write_memory},
                                        [self = keep(), &link](error_code ec, std::size_t size) {
                                            self->was_written(link, ec, size);
                                        }));
    }

    void was_written(socket_link& link, error_code ec, std::size_t size)
    {
        link.writing = false;
        read_clock();
        if (size > 0)
            core_.written(link.id, size, now_); // also while closing: it decides what may have arrived
        if (ec) {
            close(link, ec);
            return;
        }
        if (link.closing) {
            finish(link);
            return;
        }
        write(link);
        turn();
    }

    void close(socket_link& link, error_code why)
    {
        if (!link.closing) {
            link.closing = true;
            link.error = why;
            link.resolver->cancel();
            error_code ignored;
            link.socket->close(ignored);
        }
        finish(link);
    }

    // Once no operation refers to its memory any more, the connection is over.
    void finish(socket_link& link)
    {
        if (!link.quiet()) return;
        const auto id = link.id;
        const auto why = link.error;
        links_.erase(id);
        if (!fresh_) read_clock();
        core_.closed(id, why, now_);
        turn();
    }

    std::shared_ptr<void> codecs_; // before the core, which refers to them
    codec_factory more_codecs_ = nullptr;
    std::vector<std::unique_ptr<compression_workers<event_loop>>> workers_; // the last ones get the jobs
    core::producer_core core_;
    std::optional<asio::steady_timer> timer_;
    log_function log_;
    std::vector<observer_hooks> observers_;
    std::map<core::connection_id, std::unique_ptr<socket_link>> links_;
    std::vector<state_wait_ptr> waits_;
    handler_memory wake_memory_, timer_memory_[2];
    int timer_flip_ = 0;
    core::nanoseconds armed_ = core::never;
    core::nanoseconds synchronised_{0};
    std::chrono::nanoseconds wall_at_synchronisation_{0};
    std::size_t rotation_ = 0;
    loop_registry<event_loop>* registry_; // nullptr: the context has ended
};

} // namespace kurier::io
