// What send returns: a promise of the record's metadata. It can be awaited now, later or never, once.
//
//     kurier::record_metadata where = co_await producer.send(r);          // throws kurier::delivery_error
//     auto [ec, where] = co_await producer.send(r)(asio::as_tuple(asio::deferred));
//     producer.send(r)([](kurier::error_code ec, kurier::record_metadata where) { ... });
//     std::future<kurier::record_metadata> f = producer.send(r)(asio::use_future);
//
// Completion: on the handler's associated executor (the producer's by default), never inside the call that waits.
// Cancellation: total. A record that was not yet handed to a connection is taken back and certainly never written
// (errc::withdrawn); afterwards only the wait ends (errc::abandoned) and the record may be written.
// Errors: everything that can happen to a record; record_metadata::failure says what is known, among it whether the
// record is written. Dropping a delivery does not drop the record.
// Thread safety: none; it belongs to the producer's strand.
#pragma once

#include <kurier/delivery_error.hpp>
#include <kurier/io/driver.hpp>
#include <kurier/io/awaitable_fix.hpp>
#include <kurier/io/fate_of_record.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <utility>

namespace kurier {

class delivery
{
public:
    delivery(delivery&& other) noexcept
        : driver_{std::move(other.driver_)}, where_{std::exchange(other.where_, nullptr)},
          waiting_{std::exchange(other.waiting_, nullptr)}, index_{other.index_}, timestamp_{other.timestamp_},
          refusal_{std::move(other.refusal_)}
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
    ~delivery() { drop(); }

    // An Asio asynchronous operation, void(error_code, record_metadata).
    template <boost::asio::completion_token_for<void(error_code, record_metadata)> Token> auto operator()(Token&& token) &&
    {
        return boost::asio::async_initiate<Token, void(error_code, record_metadata)>(
            [](auto handler, delivery self) { self.start<false>(std::move(handler)); }, token, std::move(*this));
    }

    // What `co_await delivery` uses in boost::asio::awaitable: the same, throwing a delivery_error that says more than
    // an error code can.
    template <class Token>
        requires(boost::asio::completion_token_for<Token, void(std::exception_ptr, record_metadata)> &&
                 !boost::asio::completion_token_for<Token, void(error_code, record_metadata)>)
    auto operator()(Token&& token) &&
    {
        return boost::asio::async_initiate<Token, void(std::exception_ptr, record_metadata)>(
            [](auto handler, delivery self) { self.start<true>(std::move(handler)); }, token, std::move(*this));
    }
    auto operator()(boost::asio::detail::completion_signature_probe) &&
        -> boost::asio::detail::completion_signature_probe_result<void(std::exception_ptr, record_metadata)>
    {
        return {};
    }

    // For coroutines of other libraries: no executor and no frame in between; resumed on the producer's strand.
    class awaiter;
    awaiter operator co_await() &&;

    // Is the fate of the record known? Then awaiting it does not suspend.
    bool resolved() const noexcept
    {
        if (refusal_) return true;
        if (waiting_) return !waiting_->waits() && (!waiting_->where || is_done(*waiting_->where, waiting_->index));
        return !where_ || is_done(*where_, index_);
    }

private:
    template <class, class, class, class, class> friend class producer;
    friend class delivery_builder;
    template <bool Throwing, class Handler> friend struct cancellable_wait;

    delivery() = default;

    static bool is_done(core::batch& where, std::uint32_t index) noexcept
    {
        const auto carrier = where.carrier_of(index).first;
        return carrier->done() && !carrier->done_hook.linked;
    }

    void drop() noexcept
    {
        if (where_) driver_->core().drop(*std::exchange(where_, nullptr));
        if (waiting_) release_waiting();
        driver_.reset();
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

    core::slot& slot() const noexcept
    {
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
        return io::describe_fate(driver_->core(), *carrier, at, timestamp_, metadata);
    }

    // Takes the record back if it was certainly never sent; says where it was going.
    bool take_back(delivery_failure& failure)
    {
        auto& core = driver_->core();
        const auto [where, index] = place();
        const auto& topic = where ? *where->partition->topic : *waiting_->topic;
        failure.topic = std::string_view{topic.name};
        if (where) {
            failure.partition = where->partition->index;
            failure.attempts = where->attempts;
            return core.withdraw(*where, index);
        }
        core.withdraw(*waiting_);
        return true;
    }

    template <bool Throwing, class Handler> void start(Handler handler);

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
            if (what.where) self.error_ = io::describe_fate(self.awaited_.driver_->core(), *what.where, what.index, self.result_);
            else if (what.refused) self.error_ = io::describe_refusal(*what.refused, self.result_);
            else return; // nobody will ever resume it
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

// A handler that waits for a record's fate.
template <bool Throwing, class Handler> struct delivery_operation
{
    using executor_type = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;

    static void call(Handler& handler, error_code ec, record_metadata metadata)
    {
        if constexpr (Throwing)
            std::move(handler)(ec ? std::make_exception_ptr(delivery_error{metadata.failure}) : std::exception_ptr{},
                               std::move(metadata));
        else
            std::move(handler)(ec, std::move(metadata));
    }

    // Hands the result to the handler's executor; directly if that is where we are.
    static void complete(io::driver& driver, Handler handler, error_code ec, record_metadata metadata)
    {
        const auto executor = boost::asio::get_associated_executor(handler, driver.executor());
        if constexpr (std::same_as<executor_type, boost::asio::any_io_executor>) {
            if (executor == driver.executor()) {
                call(handler, ec, std::move(metadata));
                return;
            }
        }
        post(executor, std::move(handler), ec, std::move(metadata));
    }

    template <class Executor>
    static void post(const Executor& executor, Handler handler, error_code ec, record_metadata metadata)
    {
        boost::asio::post(executor, [handler = std::move(handler), ec, metadata = std::move(metadata)]() mutable {
            call(handler, ec, std::move(metadata));
        });
    }
};

namespace io {

// The usual case: nobody can cancel the wait, so all it needs is the handler and the driver.
template <bool Throwing, class Handler> struct plain_wait
{
    driver* producer;
    Handler handler;
    boost::asio::executor_work_guard<typename delivery_operation<Throwing, Handler>::executor_type> work;

    static void notify(void* context, const core::fate& what)
    {
        auto* self = static_cast<plain_wait*>(context);
        auto& producer = *self->producer;
        auto handler = std::move(self->handler);
        const auto work = std::move(self->work);
        self->~plain_wait();
        producer.operations().deallocate(self, sizeof(plain_wait));
        record_metadata metadata;
        error_code ec;
        if (what.where) ec = describe_fate(producer.core(), *what.where, what.index, metadata);
        else if (what.refused) ec = describe_refusal(*what.refused, metadata);
        else return;
        delivery_operation<Throwing, Handler>::complete(producer, std::move(handler), ec, std::move(metadata));
    }
};

} // namespace io

// With a cancellation slot: it keeps the delivery, to be able to take the record back.
template <bool Throwing, class Handler> struct cancellable_wait
{
    delivery awaited;
    Handler handler;
    boost::asio::executor_work_guard<typename delivery_operation<Throwing, Handler>::executor_type> work;

    static void notify(void* context, const core::fate& what)
    {
        std::unique_ptr<cancellable_wait> self{static_cast<cancellable_wait*>(context)};
        self->clear_slot();
        if (!what.where && !what.refused) return;
        finish(std::move(self), {}, what);
    }

    void clear_slot()
    {
        if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected()) slot.clear();
    }

    static void finish(std::unique_ptr<cancellable_wait> self, error_code ec, const core::fate& what)
    {
        const auto producer = self->producer();
        record_metadata metadata;
        if (what.where) ec = io::describe_fate(producer->core(), *what.where, what.index, metadata);
        else if (what.refused) ec = io::describe_refusal(*what.refused, metadata);
        auto handler = std::move(self->handler);
        const auto work = std::move(self->work);
        self.reset();
        delivery_operation<Throwing, Handler>::complete(*producer, std::move(handler), ec, std::move(metadata));
    }

    boost::intrusive_ptr<io::driver> producer() const;
    void cancel();
};

template <bool Throwing, class Handler> void delivery::start(Handler handler)
{
    using operation = delivery_operation<Throwing, Handler>;
    const auto executor = boost::asio::get_associated_executor(handler, driver_->executor());
    if (resolved()) {
        record_metadata metadata;
        const auto ec = take_result(metadata);
        operation::post(executor, std::move(handler), ec, std::move(metadata));
        return;
    }
    auto cancellation = boost::asio::get_associated_cancellation_slot(handler);
    if (cancellation.is_connected()) {
        using wait = cancellable_wait<Throwing, Handler>;
        auto made = std::unique_ptr<wait>{new wait{std::move(*this), std::move(handler), boost::asio::make_work_guard(executor)}};
        auto& slot = made->awaited.slot();
        cancellation.assign([waiting = made.get()](boost::asio::cancellation_type) { waiting->cancel(); });
        slot.context = made.release();
        slot.notify = &wait::notify;
        return;
    }
    using wait = io::plain_wait<Throwing, Handler>;
    auto& waiter = slot();
    void* memory = driver_->operations().allocate(sizeof(wait));
    waiter.context = new (memory) wait{driver_.get(), std::move(handler), boost::asio::make_work_guard(executor)};
    waiter.notify = &wait::notify;
}

template <bool Throwing, class Handler> boost::intrusive_ptr<io::driver> cancellable_wait<Throwing, Handler>::producer() const
{
    return awaited.driver_;
}

template <bool Throwing, class Handler> void cancellable_wait<Throwing, Handler>::cancel()
{
    std::unique_ptr<cancellable_wait> self{this};
    awaited.slot().notify = nullptr;
    auto failure = std::make_shared<delivery_failure>();
    const bool taken_back = awaited.take_back(*failure);
    failure->code = taken_back ? errc::withdrawn : errc::abandoned;
    failure->persisted = taken_back ? persisted::no : persisted::possibly;
    record_metadata metadata;
    metadata.failure = std::move(failure);
    const auto driver = awaited.driver_;
    driver->wake();
    const auto executor = boost::asio::get_associated_executor(handler, driver->executor());
    const auto code = metadata.failure->code;
    delivery_operation<Throwing, Handler>::post(executor, std::move(handler), code, std::move(metadata));
}

} // namespace kurier
