// What deliveries, engines and producers see of the event loop (io/impl/event_loop.ipp) that drives the core. Kept small,
// so that it is cheap to include.
//
// Everything runs on the executor, which must not run two handlers at once (an io_context with one thread, or a
// strand). Handlers keep the driver alive until the last operation has completed.
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

// If some of a program's sources define KURIER_SEPARATE_COMPILATION and others don't, every body exists twice and the linker
// silently takes either. So one variable is thread-local in one mode and global in the other, which linkers reject.
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

// The parts of an engine (engine_parts.hpp) with their types erased.
struct surroundings
{
    std::function<void(const log_event&)> log; // empty: nothing is logged
    std::function<std::unique_ptr<transport>(const asio::any_io_executor&, const producer_config&)>
        make_transport; // empty: TCP
    std::function<std::unique_ptr<resolver>(const asio::any_io_executor&)>
        make_resolver; // empty: the system's
    io::login login;
};

// The hooks of an engine's observer, type-erased. nullptr: it has no such hook.
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

    // Topic and partition of the batch being announced, built once for all its records.
    record_metadata& metadata() noexcept { return metadata_; }

    // The time of this turn of the event loop: the clock is read once, by whoever asks first.
    core::instant now()
    {
        if (!clock_.fresh()) [[unlikely]]
            begin_turn();
        return clock_.now();
    }

    // The core was changed from outside, so a turn must follow: one for any number of changes.
    void wake()
    {
        again_ = true;
        if (!in_turn_ && !scheduled_) [[unlikely]]
            schedule_turn();
    }

    // The handler is called on its own executor, never from within this call.
    void end(ended_operation& over)
    {
        ended_.add(over, executor_);
        if (!in_turn_) submit_ended();
    }
    void submit_ended() // those of a turn together
    {
        if (executor_) ended_.submit(); // else the context is gone
    }

    // Engines and producers count as users. When the last one goes, everything ends; whoever waits is notified later, on
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

// Everything wrong with a configuration (config/validation.hpp).
KURIER_DECL config_problems check_config(const producer_config& config);

} // namespace kurier::inline KURIER_ABI::io

#if !defined(KURIER_SEPARATE_COMPILATION)
#include <kurier/io/impl/driver.ipp>
#endif
