// What send returns: a promise of the record's metadata. It can be awaited now, later or never, once.
//
//     kurier::record_metadata where = co_await producer.send(r);          // throws kurier::delivery_error
//     auto [ec, where] = co_await producer.send(r)(asio::as_tuple(asio::deferred));
//     producer.send(r)([](kurier::error_code ec, kurier::record_metadata where) { ... });
//     std::future<kurier::record_metadata> f = producer.send(r)(asio::use_future);
//
// Completion: on the handler's associated executor (the producer's by default), never inside the call that waits.
// Cancellation: total. A record that was not yet handed to a connection, nor compressed with its batch, is taken back and
// certainly never written (errc::withdrawn); afterwards only the wait ends (errc::abandoned), the record may be written.
// Errors: everything that can happen to a record; record_metadata::failure says what is known, among it whether the
// record is written. Dropping a delivery does not drop the record.
// Thread safety: none; it belongs to the producer's strand.
#pragma once

#include <kurier/delivery_error.hpp>
#include <kurier/io/delivery_exceptions.hpp>
#include <kurier/io/delivery_wait.hpp>
#include <kurier/io/driver.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <coroutine>
#include <cstring>
#include <memory>
#include <tuple>
#include <utility>

namespace kurier::inline KURIER_ABI {

namespace io {
template <class Handler> class delivery_wait;
class group_counter;
} // namespace io

class delivery
{
public:
    using executor_type = boost::asio::any_io_executor; // the producer's, for handlers that Asio makes itself
    executor_type get_executor() const noexcept { return driver_->executor(); }

    delivery(delivery&& other) noexcept
        : driver_{std::move(other.driver_)}, where_{std::exchange(other.where_, nullptr)},
          waiting_{std::exchange(other.waiting_, nullptr)}, index_{other.index_},
          timestamp_{other.timestamp_}, refusal_{std::move(other.refusal_)}
    {}
    delivery& operator=(delivery&& other) noexcept
    {
        if (this != &other) {
            drop();
            driver_ = std::move(other.driver_);
            where_ = std::exchange(other.where_, nullptr);
            waiting_ = std::exchange(other.waiting_, nullptr);
            index_ = other.index_;
            timestamp_ = other.timestamp_;
            refusal_ = std::move(other.refusal_);
        }
        return *this;
    }
    [[gnu::always_inline]] ~delivery() { drop(); }

    // An Asio asynchronous operation, void(error_code, record_metadata).
    template <
        boost::asio::completion_token_for<void(error_code, record_metadata)> Token = boost::asio::deferred_t>
    auto operator()(Token&& token = {}) &&
    {
        return boost::asio::async_initiate<Token, void(error_code, record_metadata)>(
            initiation{driver_.get()}, token, std::move(*this));
    }

    // For coroutines of other libraries: no executor and no frame in between; resumed on the producer's strand.
    class awaiter;
    awaiter operator co_await() &&;

    // Is the fate of the record known? Then awaiting it does not suspend.
    [[gnu::always_inline]] bool resolved() const noexcept
    {
        return (!where_ || where_->done() || where_->slot_of(index_).expired()) && known();
    }

private:
    template <class, class, class, class, class, class> friend class producer;
    friend class delivery_builder;
    template <class Handler> friend class io::delivery_wait;
    friend class io::group_counter;

    struct initiation
    {
        using executor_type = boost::asio::any_io_executor;
        executor_type get_executor() const noexcept { return producer->executor(); }

        template <class Handler> void operator()(Handler&& handler, delivery&& self) const
        {
            self.start(std::forward<Handler>(handler));
        }

        io::driver* producer; // the delivery refers to it
    };

    delivery() = default;

    bool known() const noexcept
    {
        if (refusal_) return true;
        if (waiting_)
            return !waiting_->waits() && (!waiting_->where || is_done(*waiting_->where, waiting_->index));
        return !where_ || is_done(*where_, index_);
    }

    // Not as long as its turn to be told is still to come: then it is told after those before it.
    static bool is_done(core::batch& where, std::uint32_t index) noexcept
    {
        if (where.expired(index)) return true;
        const auto [carrier, at] = where.carrier_of(index);
        return carrier->done() && (!carrier->done_hook.linked || at < carrier->notified);
    }

    [[gnu::always_inline]] void drop() noexcept
    {
        if (where_)
            driver_->core().drop(*std::exchange(where_, nullptr));
        else if (waiting_)
            release_waiting();
    }

    void release_waiting() noexcept
    {
        auto* waiting = std::exchange(waiting_, nullptr);
        if (auto* where = waiting->where) driver_->core().drop(*where);
        driver_->core().drop(*waiting);
    }

    // Where the record is by now, seen from the slots; nullptr: it still waits for room, or it was refused.
    std::pair<core::batch*, std::uint32_t> place() const noexcept
    {
        return waiting_ ? std::pair{waiting_->where, waiting_->index} : std::pair{where_, index_};
    }

    [[gnu::always_inline]] core::slot& slot() const noexcept
    {
        if (where_) [[likely]]
            return where_->slot_of(index_);
        const auto [where, index] = place();
        return where ? where->slot_of(index) : waiting_->waiter;
    }

    // The outcome, once resolved.
    error_code take_result(record_metadata& metadata) const
    {
        if (refusal_) {
            metadata.failure = refusal_;
            return refusal_->code;
        }
        const auto [where, index] = place();
        if (!where) return io::describe_refusal(*waiting_, metadata);
        const auto [carrier, at] = where->carrier_of(index);
        return io::describe_fate(*carrier, at, timestamp_, metadata);
    }

    void say_where_to(delivery_failure& failure) const
    {
        const auto [where, index] = place();
        const auto& topic = where ? *where->partition->topic : *waiting_->topic;
        failure.topic = std::string_view{topic.name};
        if (!where) return;
        failure.partition = where->partition->index;
        failure.attempts = where->attempts;
    }

    // Takes the record back if it was certainly never sent.
    bool take_back()
    {
        const auto [where, index] = place();
        if (where) return driver_->core().withdraw(*where, index);
        driver_->core().withdraw(*waiting_);
        return true;
    }

    // Refers to nothing any more: it may be in a frame that goes on, and ends, on another thread.
    [[gnu::always_inline]] void let_go() noexcept
    {
        drop();
        driver_.reset();
    }

    template <class Handler> void start(Handler handler);
    template <class Handler> void start_simply(Handler handler);

    boost::intrusive_ptr<io::driver> driver_;
    core::batch* where_ = nullptr; // holds it
    core::waiting_record* waiting_ = nullptr;
    std::uint32_t index_ = 0;
    std::int64_t timestamp_ = 0;
    std::shared_ptr<const delivery_failure> refusal_;
};

static_assert(!std::is_copy_constructible_v<delivery> && std::is_nothrow_move_constructible_v<delivery>);

class [[nodiscard]] delivery::awaiter
{
public:
    explicit awaiter(delivery&& awaited) noexcept : awaited_{std::move(awaited)} {}
    awaiter(const awaiter&) = delete;
    awaiter& operator=(const awaiter&) = delete;
    ~awaiter()
    {
        if (waiter_) awaited_.slot().notify = nullptr; // the coroutine is destroyed while it waits
    }

    bool await_ready() const noexcept { return awaited_.resolved(); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept
    {
        waiter_ = waiter;
        auto& slot = awaited_.slot();
        slot.context = this;
        slot.notify = [](void* context, const core::fate& what) {
            auto& self = *static_cast<awaiter*>(context);
            const auto waiting = std::exchange(self.waiter_, {});
            if (!what.teller) return; // nobody will ever resume it
            self.error_ = io::take_fate(what, self.result_);
            self.known_ = true;
            waiting.resume();
        };
    }
    record_metadata await_resume()
    {
        if (!known_) error_ = awaited_.take_result(result_);
        if (error_) throw delivery_error{result_.failure};
        return std::move(result_);
    }

private:
    delivery awaited_;
    std::coroutine_handle<> waiter_;
    record_metadata result_;
    error_code error_;
    bool known_ = false;
};

inline delivery::awaiter delivery::operator co_await() &&
{
    return awaiter{std::move(*this)};
}

// The wait that can be cancelled, or whose handler runs elsewhere, or whose result is known before it begins.
template <class Handler> class io::delivery_wait final
    : public operation<delivery_wait<Handler>, Handler, error_code, record_metadata>
{
    using base = operation<delivery_wait, Handler, error_code, record_metadata>;

public:
    delivery_wait(driver& machine, Handler&& handler) : base{machine, std::move(handler)} {}

    void wait_for(delivery& awaited)
    {
        const bool can_be_cancelled = cancellation().is_connected();
        if (can_be_cancelled) cancellation().assign([this](boost::asio::cancellation_type) { cancel(); });
        auto& waiter = awaited.slot();
        waiter.context = this;
        waiter.notify = &notify;
        if (can_be_cancelled)
            awaited_ = std::move(awaited); // to be able to take the record back
        else
            awaited.let_go();
    }

    void know(delivery& resolved)
    {
        auto& [ec, metadata] = this->results_;
        ec = resolved.take_result(metadata);
        resolved.let_go();
    }

private:
    static void notify(void* context, const core::fate& what)
    {
        auto& self = *static_cast<delivery_wait*>(context);
        self.clear();
        if (what.teller) {
            auto& [ec, metadata] = self.results_;
            ec = take_fate(what, metadata);
        }
        self.awaited_.let_go();
        if (!what.teller)
            self.destroy();
        else if (self.ends_here())
            self.call();
        else
            static_cast<driver*>(what.teller)->end(self);
    }

    void cancel()
    {
        auto failure = std::make_shared<delivery_failure>();
        awaited_.say_where_to(*failure);
        clear(); // a second signal must find nothing
        awaited_.slot().notify = nullptr;
        const bool taken_back = awaited_.take_back();
        failure->code = taken_back ? errc::withdrawn : errc::abandoned;
        failure->persisted = taken_back ? persisted::no : persisted::possibly;
        auto& [ec, metadata] = this->results_;
        ec = failure->code;
        metadata.failure = std::move(failure);
        const auto machine = awaited_.driver_;
        awaited_.let_go();
        machine->wake();
        machine->end(*this);
    }

    auto cancellation() const noexcept
    {
        return boost::asio::get_associated_cancellation_slot(this->handler_);
    }
    void clear() noexcept
    {
        if (auto slot = cancellation(); slot.is_connected()) slot.clear();
    }

    delivery awaited_; // empty unless it can be cancelled
};

template <class Handler> void delivery::start(Handler handler)
{
    if constexpr (!io::has_allocator<Handler>) {
        const bool can_be_cancelled = boost::asio::get_associated_cancellation_slot(handler).is_connected();
        if (!resolved() && !can_be_cancelled && io::runs_here(*driver_, handler)) [[likely]] {
            start_simply(std::move(handler));
            return;
        }
    }
    // Whatever throws destroys the handler, and maybe with it the coroutine in whose frame *this is.
    using wait = io::delivery_wait<Handler>;
    std::unique_ptr<wait, io::destroy_operation> made{wait::make(*driver_, std::move(handler))};
    if (!resolved()) {
        made->wait_for(*this);
        made.release();
    } else {
        const auto machine = driver_;
        made->know(*this);
        machine->end(*made.release());
    }
}

template <class Handler> void delivery::start_simply(Handler handler)
{
    auto& waiter = slot();
    if constexpr (io::fits_in_slot<Handler>) {
        waiter.context = nullptr;
        std::memcpy(&waiter.context, &handler, sizeof handler);
        waiter.notify = &io::notify_in_slot<Handler>;
    } else {
        using wait = io::plain_wait<Handler>;
        waiter.context = wait::make(*driver_, std::move(handler), this);
        waiter.notify = &wait::notify;
    }
    let_go();
}

} // namespace kurier::inline KURIER_ABI
