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
#include <kurier/io/awaitable_fix.hpp>
#include <kurier/io/delivery_wait.hpp>
#include <kurier/io/driver.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>

#include <coroutine>
#include <cstring>
#include <exception>
#include <memory>
#include <utility>

namespace kurier {

template <bool Throwing, class Handler> class cancellable_wait;

class delivery
{
public:
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
    template <boost::asio::completion_token_for<void(error_code, record_metadata)> Token>
    auto operator()(Token&& token) &&
    {
        return boost::asio::async_initiate<Token, void(error_code, record_metadata)>(
            [](auto handler, delivery&& self) { self.start<false>(std::move(handler)); }, token,
            std::move(*this));
    }

    // What `co_await delivery` uses in boost::asio::awaitable: the same, throwing a delivery_error that says more than
    // an error code can.
    template <class Token>
        requires(boost::asio::completion_token_for<Token, void(std::exception_ptr, record_metadata)> &&
                 !boost::asio::completion_token_for<Token, void(error_code, record_metadata)>)
    auto operator()(Token&& token) &&
    {
        return boost::asio::async_initiate<Token, void(std::exception_ptr, record_metadata)>(
            [](auto handler, delivery&& self) { self.start<true>(std::move(handler)); }, token,
            std::move(*this));
    }
    auto operator()(boost::asio::detail::completion_signature_probe) && -> boost::asio::detail::
        completion_signature_probe_result<void(std::exception_ptr, record_metadata)>
    {
        return {};
    }

    // For coroutines of other libraries: no executor and no frame in between; resumed on the producer's strand.
    class awaiter;
    awaiter operator co_await() &&;

    // Is the fate of the record known? Then awaiting it does not suspend.
    [[gnu::always_inline]] bool resolved() const noexcept { return (!where_ || where_->done()) && known(); }

private:
    template <class, class, class, class, class, class> friend class producer;
    friend class delivery_builder;
    template <bool Throwing, class Handler> friend class cancellable_wait;

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
        const auto [carrier, at] = where.carrier_of(index);
        return carrier->done() && (!carrier->done_hook.linked || at < carrier->notified);
    }

    [[gnu::always_inline]] void drop() noexcept
    {
        if (where_)
            driver_->drop(*std::exchange(where_, nullptr));
        else if (waiting_)
            release_waiting();
    }

    void release_waiting() noexcept
    {
        auto* waiting = std::exchange(waiting_, nullptr);
        if (auto* where = waiting->where) driver_->drop(*where);
        driver_->drop(*waiting);
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
        return io::describe_fate(*driver_, *carrier, at, timestamp_, metadata);
    }

    // Takes the record back if it was certainly never sent; says where it was going.
    bool take_back(delivery_failure& failure)
    {
        const auto [where, index] = place();
        const auto& topic = where ? *where->partition->topic : *waiting_->topic;
        failure.topic = std::string_view{topic.name};
        if (where) {
            failure.partition = where->partition->index;
            failure.attempts = where->attempts;
            return driver_->withdraw(*where, index);
        }
        driver_->withdraw(*waiting_);
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

template <bool Throwing, class Handler> void delivery::start(Handler handler)
{
    if (resolved()) [[unlikely]] {
        record_metadata metadata;
        const auto ec = take_result(metadata);
        io::post_result<Throwing>(*driver_, std::move(handler), ec, std::move(metadata));
        return;
    }
    auto& waiter = slot();
    if (auto cancellation = boost::asio::get_associated_cancellation_slot(handler);
        cancellation.is_connected()) {
        auto* wait = new cancellable_wait<Throwing, Handler>{std::move(*this), std::move(handler)};
        cancellation.assign([wait](boost::asio::cancellation_type) { wait->cancel(); });
        waiter.context = wait;
        waiter.notify = &cancellable_wait<Throwing, Handler>::notify;
    } else if constexpr (!Throwing && io::fits_in_slot<Handler>) {
        waiter.context = nullptr;
        std::memcpy(&waiter.context, &handler, sizeof handler);
        waiter.notify = &io::notify_in_slot<Handler>;
    } else {
        using wait = io::plain_wait<Throwing, Handler>;
        waiter.context =
            new (driver_->operations().allocate(sizeof(wait))) wait{*driver_, std::move(handler), this};
        waiter.notify = &wait::notify;
    }
}

// With a cancellation slot: it keeps the delivery, to be able to take the record back.
template <bool Throwing, class Handler> class cancellable_wait
{
public:
    cancellable_wait(delivery awaited, Handler handler)
        : awaited_{std::move(awaited)}, handler_{*awaited_.driver_, std::move(handler)}
    {}

    static void notify(void* context, const core::fate& what)
    {
        const std::unique_ptr<cancellable_wait> self{static_cast<cancellable_wait*>(context)};
        boost::asio::get_associated_cancellation_slot(self->handler_.handler).clear();
        if (!what.teller) return;
        const auto driver = self->awaited_.driver_;
        auto handler = std::move(self->handler_);
        handler.template complete<Throwing>(what);
    }

    void cancel()
    {
        const std::unique_ptr<cancellable_wait> self{this};
        boost::asio::get_associated_cancellation_slot(handler_.handler)
            .clear(); // a second signal must find nothing
        awaited_.slot().notify = nullptr;
        auto failure = std::make_shared<delivery_failure>();
        const bool taken_back = awaited_.take_back(*failure);
        failure->code = taken_back ? errc::withdrawn : errc::abandoned;
        failure->persisted = taken_back ? persisted::no : persisted::possibly;
        record_metadata metadata;
        metadata.failure = failure;
        const auto driver = awaited_.driver_;
        driver->wake();
        io::post_result<Throwing>(*driver, std::move(handler_.handler), failure->code, std::move(metadata));
    }

private:
    delivery awaited_;
    io::bound_handler<Handler> handler_;
};

} // namespace kurier
