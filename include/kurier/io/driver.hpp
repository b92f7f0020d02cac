// What a delivery, an engine and a producer see of the machinery below them: the event loop (io/impl/event_loop.ipp)
// that drives the core. Little is known here, so that this file is cheap to include.
//
// Everything runs on the executor, which must not run two handlers at once (an io_context with one thread, or a
// strand). Handlers hold the driver, so it lives until the last operation has ended.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/config.hpp>
#include <kurier/config/problem.hpp>
#include <kurier/core/intake/send.hpp>
#include <kurier/core/port.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/delivery_error.hpp>
#include <kurier/io/counted.hpp>
#include <kurier/io/credential_source.hpp>
#include <kurier/io/hand_over.hpp>
#include <kurier/io/kept_codecs.hpp>
#include <kurier/io/operation_pool.hpp>
#include <kurier/io/state_waits.hpp>
#include <kurier/io/turn_clock.hpp>
#include <kurier/log.hpp>
#include <kurier/metrics.hpp>
#include <kurier/observer.hpp>
#include <kurier/producer_config.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace kurier::inline KURIER_ABI::io {

namespace asio = boost::asio;

// A program whose parts have KURIER_SEPARATE_COMPILATION and have it not would have every body twice, and the linker would
// take either. One variable that is of a thread here and of the program there is what linkers refuse.
#if defined(__ELF__)
#if defined(KURIER_SEPARATE_COMPILATION)
[[gnu::used]] inline constinit char compiled_and_header_only_in_one_program = 0;
#else
[[gnu::used]] inline constinit thread_local char compiled_and_header_only_in_one_program = 0;
#endif
#endif

class driver;
class resolver;
class transport;

// What of the world outside the parts of an engine stand for (engine_parts.hpp), without their types.
struct surroundings
{
    std::function<void(const log_event&)> log; // empty: nothing is logged
    std::function<std::unique_ptr<transport>(const asio::any_io_executor&, const producer_config&)>
        make_transport; // empty: TCP
    std::function<std::unique_ptr<resolver>(const asio::any_io_executor&)>
        make_resolver; // empty: the system's
    io::login login;
};

// The hooks of an engine's observer, without its type. nullptr: it has none of this kind.
struct observer_hooks
{
    std::shared_ptr<void> observer;
    void (*on_batch)(void* observer, const batch_event& event) noexcept = nullptr;
    void (*on_broker)(void* observer, const broker_event& event) noexcept = nullptr;
};

class driver : public counted
{
public:
    const asio::any_io_executor& executor() const noexcept { return executor_; }
    core::port& core() noexcept { return port_; }
    const core::port& core() const noexcept { return port_; }
    operation_pool& operations() noexcept { return operations_; }

    // Topic and partition of the batch that is being announced, so that they are not made for each of its records.
    record_metadata& metadata() noexcept { return metadata_; }

    // The time of this turn of the event loop: the clock is read once, by whoever asks first.
    core::instant now()
    {
        if (!clock_.fresh()) [[unlikely]]
            begin_turn();
        return clock_.now();
    }

    // The core was changed from outside: a turn must follow. Many changes, one turn.
    void wake()
    {
        again_ = true;
        if (!in_turn_ && !scheduled_) [[unlikely]]
            schedule_turn();
    }

    // Its handler is called on the handler's executor, never inside the call that is made now.
    void end(ended_operation& over)
    {
        ended_.add(over, executor_);
        if (!in_turn_) submit_ended();
    }
    void submit_ended() // those of a turn together
    {
        if (executor_) ended_.submit(); // else the context is gone
    }

    // Engines and producers count as users. When the last one goes, everything ends; those who wait are told, later, on
    // the executor.
    void add_user() noexcept { ++users_; }
    void remove_user()
    {
        if (--users_ == 0) end_all();
    }

    virtual void keep_codecs(kept_codecs first, codec_factory more) = 0;
    virtual void compress_on(asio::any_io_executor workers) = 0;
    virtual void observe(observer_hooks hooks) = 0;
    virtual void log(log_event event) = 0;
    virtual void
    send_early() = 0; // what has become ready, without waiting for the end of the handler that runs
    virtual void add_wait(state_wait_ptr wait) = 0;
    virtual void cancel_wait(state_wait& wait) = 0;

    virtual std::string dump() const = 0;

    // What is known about a failed record.
    KURIER_DECL static std::shared_ptr<const delivery_failure> explain(const core::batch& where,
                                                                       std::uint32_t index);
    KURIER_DECL static std::shared_ptr<const delivery_failure> explain(const core::waiting_record& refused);
    KURIER_DECL static bool begins_batch(const core::topic_state& topic, std::int32_t partition,
                                         const core::record_bytes& record, core::instant now) noexcept;
    KURIER_DECL static std::size_t size_alone(const core::record_bytes& record) noexcept;

protected:
    driver(asio::any_io_executor executor, core::port& port) : executor_{std::move(executor)}, port_{port} {}
    ~driver() override = default;

    asio::any_io_executor executor_;
    operation_pool operations_;
    hand_over ended_;
    turn_clock clock_;
    record_metadata metadata_;
    bool scheduled_ = false, in_turn_ = false, again_ = false;

private:
    virtual void begin_turn() = 0;
    virtual void schedule_turn() = 0;
    virtual void end_all() = 0;

    core::port& port_;
    std::size_t users_ = 0;
};

KURIER_DECL boost::intrusive_ptr<driver> make_driver(asio::any_io_executor executor,
                                                     const producer_config& config, surroundings around);

// All that is wrong with a configuration (config/validation.hpp).
KURIER_DECL config_problems check_config(const producer_config& config);

} // namespace kurier::inline KURIER_ABI::io

#if !defined(KURIER_SEPARATE_COMPILATION)
#include <kurier/io/impl/driver.ipp>
#endif
