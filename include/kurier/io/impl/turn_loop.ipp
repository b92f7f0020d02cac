// When the core gets its turn: after events, once for everything that happened in one handler, and at its deadline.
#pragma once

#include <kurier/core/producer_core.hpp>
#include <kurier/io/driver.hpp>
#include <kurier/io/handler_memory.hpp>
#include <kurier/io/impl/completions.ipp>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

class turn_loop : public driver
{
public:
    turn_loop(asio::any_io_executor executor, producer_config config, std::uint64_t seed)
        : driver{std::move(executor), core_}, core_{std::move(config), seed}, timer_{executor_}
    {}

    core::producer_core& core() noexcept { return core_; }
    const core::producer_core& core() const noexcept { return core_; }
    boost::intrusive_ptr<turn_loop> keep() { return boost::intrusive_ptr<turn_loop>{this}; }

    // A handler begins: what it reports to the core happens now.
    core::instant read_clock()
    {
        clock_.read();
        return clock_.now();
    }

    void turn()
    {
        if (std::exchange(in_turn_, true)) {
            again_ = true;
            return;
        }
        turn_guard guard{*this};
        do_round();
        if (again_) do_round(); // what the handlers just called have sent goes out as well
        arm_timer();
        guard.finished = true;
    }

    // A connection is over and no operation refers to it: it is destroyed.
    virtual void connection_over(core::connection_id id, error_code why, std::string words) = 0;

    // Writes what has become ready without waiting for the running handler to return. Nobody is notified: this is inside
    // the user's call to send.
    void send_early() final
    {
        if (in_turn_ || core_.busy()) return;
        if (!clock_.fresh()) clock_.read();
        core_.turn(clock_.now());
        perform_actions();
    }

    void add_wait(state_wait_ptr wait) final
    {
        completions_.waits().add(std::move(wait));
        wake();
    }

    void cancel_wait(state_wait& wait) final
    {
        completions_.waits().cancel(wait);
        wake();
    }

protected:
    ~turn_loop() = default;

    virtual void perform_actions() = 0;
    virtual void report() = 0; // what has happened, to the log and to observers

    // Without memory, the turn comes with the next event.
    void wake_if_possible() noexcept
    {
        try {
            wake();
        } catch (...) {
        }
    }

    void end_turns() // the executor is gone
    {
        scheduled_ = true; // so that none is asked for
        completions_.abandon(core_);
        ended_.abandon();
        timer_.reset();
    }

    std::shared_ptr<void> codecs_; // before the core, which refers to them
    core::producer_core core_;
    completions completions_;

private:
    void do_round()
    {
        again_ = false;
        core_.turn(clock_.now());
        perform_actions();
        report();
        completions_.announce(*this, core_, metadata_);
    }

    // What is left to do is left to another turn, so that other handlers run first: with acks=0 there may always be more.
    // If a user's handler throws, the exception leaves the event loop, but the other handlers are called all the same.
    struct turn_guard
    {
        turn_loop& self;
        bool finished = false;
        ~turn_guard()
        {
            self.in_turn_ = false;
            self.clock_.turn_over();
            if (self.again_ || !finished) self.wake_if_possible();
        }
    };

    void begin_turn() final
    {
        clock_.read();
        wake();
    }

    void schedule_turn() final
    {
        scheduled_ = true;
        try {
            asio::post(executor_, asio::bind_allocator(handler_allocator<void>{wake_memory_},
                                                       [self = keep()] { self->scheduled_turn(); }));
        } catch (...) {
            scheduled_ = false;
            throw;
        }
    }

    void scheduled_turn()
    {
        scheduled_ = false;
        if (!again_) return;                // done already by another turn, by sending early or by reading
        if (!clock_.fresh()) clock_.read(); // else this ends the turn of the handler that has just run
        turn();
    }

    void arm_timer()
    {
        const auto at = std::min(core_.deadline(), completions_.waits().deadline());
        if (at == core::never &&
            armed_ != core::never) { // nothing to wait for: the timer must not keep the context running
            armed_ = core::never;
            timer_->cancel();
        }
        if (at >= armed_)
            return; // it fires early and is re-armed then, which is cheaper than moving it each time
        armed_ = core::never; // until it is
        timer_->expires_at(std::chrono::steady_clock::time_point{
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                std::max(at, clock_.now().steady))});
        timer_->async_wait(asio::bind_allocator(handler_allocator<void>{timer_memory_[timer_flip_ ^= 1]},
                                                [self = keep(), at](error_code ec) {
                                                    if (ec || self->armed_ != at) return;
                                                    self->armed_ = core::never;
                                                    self->clock_.read();
                                                    self->turn();
                                                }));
        armed_ = at;
    }

    std::optional<asio::steady_timer> timer_;
    handler_memory wake_memory_, timer_memory_[2];
    int timer_flip_ = 0;
    core::nanoseconds armed_ = core::never;
};

} // namespace kurier::inline KURIER_ABI::io
