// What producers share: connections, memory, producer id, batches. A server that sends many types to many topics makes
// one engine and a typed producer for each type:
//
//     kurier::engine engine{context.get_executor(), config};
//     kurier::producer<std::string, order> orders{engine};
//     kurier::producer<std::string, payment> payments{engine};
//
// Its operations take any completion token; without one they return what can be awaited (asio::deferred). Of all of them:
//
// Lifetimes: producers, deliveries and operations refer to the engine's state and may outlive the engine object. When the
// last engine or producer object goes without close, what is pending ends with errc::aborted. When the executor's context
// is destroyed, handlers are destroyed without being called.
// Executor: handlers run on their associated executor, by default the engine's, and never inside the call that begins the
// operation.
// Exceptions: std::bad_alloc, and then the operation has not begun.
// Thread safety: none. Use it on its executor, which must not run two handlers at once: an io_context that one thread runs,
// or a strand.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/connect_error.hpp>
#include <kurier/engine_parts.hpp>
#include <kurier/io/driver.hpp>
#include <kurier/io/wait_operation.hpp>
#include <kurier/log.hpp>
#include <kurier/metrics.hpp>
#include <kurier/observer.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/topic.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI {

// What partitions_for tells of each partition.
struct partition_info
{
    std::int32_t partition = 0;
    std::int32_t leader = -1; // broker id; -1: an election goes on
    std::int32_t leader_epoch = -1;
};

// Copies refer to the same state: connections, memory, producer id.
class engine
{
public:
    // Throws config_error with all that is wrong with the configuration. The parts, in any order, are described in
    // engine_parts.hpp:
    //     kurier::engine engine{executor, config, kurier::codecs<kurier::zstd_codec>{}, kurier::null_log{}};
    template <class Executor, class... Part>
        requires std::convertible_to<Executor, boost::asio::any_io_executor>
    engine(Executor executor, producer_config config, Part... parts)
    {
        static_assert(check_engine_parts<Part...>());
        const auto warnings = check(config, parts...);
        io::surroundings around;
        if constexpr (!(log_sink<Part> || ...)) around.log = log_to(std::make_shared<stderr_log>());
        const auto take = [&](const auto&... kept) {
            (surround(around, config, kept), ...);
            driver_ = io::make_driver(std::move(executor), config, std::move(around));
            (install(kept), ...);
        };
        take(std::make_shared<Part>(std::move(parts))...);
        for (const auto& warning : warnings)
            driver_->log({log_level::warning, "config", warning.text, {}, {}});
        driver_->add_user();
        driver_->wake();
    }

    engine(const engine& other) noexcept : driver_{other.driver_}
    {
        if (driver_) driver_->add_user();
    }
    engine(engine&& other) noexcept = default;
    engine& operator=(engine other) noexcept
    {
        std::swap(driver_, other.driver_);
        return *this;
    }
    ~engine()
    {
        if (driver_) driver_->remove_user();
    }

    const boost::asio::any_io_executor& get_executor() const noexcept { return driver_->executor(); }
    const producer_config& config() const noexcept { return driver_->core().config(); }

    // Tells whether this cluster can be used: connects, logs in, and asks for the brokers, also when that was done before.
    // What won't pass by itself (a login that is refused, no broker left) ends it at once, anything else after
    // max.block.ms. The engine itself goes on trying all the same.
    // Completion signature: void(std::exception_ptr)
    // Errors: a connect_error, whose what() says what is wrong with which broker, and what to do. boost::system_error with
    // asio::error::operation_aborted when cancelled, with errc::closed when the engine is.
    // Cancellation: of any type, ends the wait only.
    template <boost::asio::completion_token_for<void(std::exception_ptr)> Token = boost::asio::deferred_t>
    auto connect(Token&& token = {})
    {
        const auto begun = driver_->now().steady;
        const auto give_up = core::later(begun, config().max_block);
        auto attempt = std::make_shared<core::connect_attempt>();
        const auto over = [attempt, give_up](io::driver& machine, error_code& ec) {
            if (machine.core().closing())
                ec = errc::closed;
            else if (machine.core().connect(*attempt))
                ec = attempt->error;
            else if (machine.now().steady >= give_up)
                ec = attempt->error = errc::max_block_exceeded;
            else
                return false;
            return true;
        };
        driver_->wake();
        return boost::asio::async_compose<Token, void(std::exception_ptr)>(
            [machine = driver_, attempt, over, begun, give_up, waits = false](auto& self,
                                                                              error_code ec = {}) mutable {
                if (std::exchange(waits, true))
                    return self.complete(thrown_by(*machine, *attempt, begun, ec));
                self.reset_cancellation_state(boost::asio::enable_total_cancellation());
                auto kept = machine;
                auto until = over;
                const auto deadline = give_up; // what is in here moves with `self`
                io::wait_until(std::move(kept), std::move(self), std::move(until), {.deadline = deadline});
            },
            token, get_executor());
    }

    // Sends everything that was sent before this call without lingering, and completes when all of it is delivered or
    // has failed. It begins with the call, not when the result is awaited.
    // Completion signature: void(error_code)
    // Errors: asio::error::operation_aborted when cancelled, no other: each delivery reports its own record's failure.
    // Cancellation: of any type, ends the wait only. The records stay on their way, and don't linger.
    template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
    auto flush(Token&& token = {})
    {
        const auto epoch = driver_->core().flush();
        driver_->wake();
        return io::wait_until<Token>(
            driver_, std::forward<Token>(token),
            [epoch](io::driver& machine, error_code&) { return machine.core().flushed(epoch); },
            {.line = io::wait_line::flush, .rank = epoch});
    }

    // Takes no more records (send fails with errc::closed), waits until all are delivered or have failed, and closes the
    // connections. It begins with the call, not when the result is awaited.
    // Completion signature: void(error_code)
    // Errors: asio::error::operation_aborted when cancelled; what ended the producer, if it ended by itself before. Each
    // delivery reports its own record's failure.
    // Cancellation: of any type, ends the wait only. The engine closes all the same.
    template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
    auto close(Token&& token = {})
    {
        return close(std::chrono::nanoseconds::max(), std::forward<Token>(token));
    }

    // The same, within a time. Of several calls the earliest deadline counts.
    // Completion signature: void(error_code)
    // Errors: errc::aborted when the time was not enough; what was pending then ended with it too. Else as above.
    // Cancellation: as above.
    template <class Rep, class Period,
              boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
    auto close(std::chrono::duration<Rep, Period> timeout, Token&& token = {})
    {
        driver_->core().close(core::later(driver_->now().steady, to_nanoseconds(timeout)));
        driver_->wake();
        return io::wait_until<Token>(driver_, std::forward<Token>(token),
                                     [](io::driver& machine, error_code& outcome) {
                                         if (machine.core().ended()) outcome = machine.core().close_outcome();
                                         return machine.core().ended();
                                     });
    }

    // Completes when there is room for more records. A loop that sends as fast as it can waits here, so that batches in
    // flight stay few and in the cache.
    // Completion signature: void(error_code)
    // Errors: errc::closed when no more records are taken; asio::error::operation_aborted when cancelled.
    // Cancellation: of any type, ends the wait.
    template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
    auto ready(Token&& token = {})
    {
        driver_->wake();
        return io::wait_until<Token>(driver_, std::forward<Token>(token),
                                     [](io::driver& machine, error_code& ec) {
                                         if (machine.core().closing()) ec = errc::closed;
                                         return machine.core().closing() || machine.core().has_room();
                                     },
                                     {.line = io::wait_line::room});
    }

    // The partitions of a topic, from metadata that is fetched if need be. `topic` is not needed any more when this has
    // returned.
    // Completion signature: void(error_code, std::vector<partition_info>)
    // Errors: errc::invalid_topic; what the cluster says, if waiting won't change it (TOPIC_AUTHORIZATION_FAILED);
    // errc::max_block_exceeded after max.block.ms; errc::closed; asio::error::operation_aborted when cancelled.
    // Cancellation: of any type, ends the wait.
    template <boost::asio::completion_token_for<void(error_code, std::vector<partition_info>)> Token =
                  boost::asio::deferred_t>
    auto partitions_for(std::string_view topic, Token&& token = {})
    {
        const auto now = driver_->now();
        const auto bad_name = check_topic(topic);
        const auto* state = bad_name ? nullptr : &driver_->core().use_topic(topic, now);
        const auto give_up = core::later(now.steady, driver_->core().config().max_block);
        driver_->wake();
        return io::wait_until<Token, std::vector<partition_info>>(
            driver_, std::forward<Token>(token),
            [state, bad_name, give_up](io::driver& machine, error_code& ec,
                                       std::vector<partition_info>& found) {
                if (state && state->phase == core::topic_phase::known) {
                    for (const auto& partition : state->partitions)
                        found.push_back({partition.index, partition.leader ? partition.leader->id : -1,
                                         partition.leader_epoch});
                    return true;
                }
                if (!state)
                    ec = bad_name;
                else if (machine.core().closing())
                    ec = errc::closed;
                else if (!state->wanted && !retriable(state->error))
                    ec = state->error; // it was asked for, in vain
                else if (machine.now().steady >= give_up)
                    ec = errc::max_block_exceeded;
                return ec.failed();
            },
            {.deadline = give_up});
    }

    // Compresses on this executor from now on, a thread pool's as a rule, instead of on the producer's own: large batches
    // with a slow codec then don't hold up the strand. Order, buffer.memory and everything else stay as they are. Each job
    // out has codec contexts of its own.
    // Lifetimes: as long as batches may be compressed, the workers' context must not be destroyed: until the engine is
    // closed, or gone, or its own context is. Jobs that it has not begun when it is destroyed are done by the engine.
    void compress_on(boost::asio::any_io_executor workers) { driver_->compress_on(std::move(workers)); }

    // How a topic's batches are compressed: above all what compression.type=auto has chosen.
    codec_status compression_of(std::string_view topic) const
    {
        return driver_->core().compression_of(topic);
    }

    // What was done so far and what is held right now.
    producer_metrics metrics() const { return driver_->core().metrics(); }

    // The state of everything on one page: brokers and their connections with the requests in flight, and of each
    // partition with something pending what waits there, until when, and why. For a log or a debugger, not for a program
    // to parse: it may read otherwise in the next version. It holds no record's bytes.
    std::string dump() const { return driver_->dump(); }

    // Has the observer told of batches and brokers from now on, see observer.hpp. There may be several. It is kept as long
    // as the engine's state.
    template <class Observer>
        requires observes_batches<Observer> || observes_brokers<Observer>
    void observe(Observer observer)
    {
        detail::check_hooks<Observer>();
        install_observer(std::make_shared<Observer>(std::move(observer)));
    }

    // The event loop below it, for producers.
    const boost::intrusive_ptr<io::driver>& driver() const noexcept { return driver_; }

private:
    template <class... Part> static config_problems check(const producer_config& config, Part&... parts)
    {
        using Codecs = typename detail::codec_list_of<Part...>::type;
        auto problems = io::check_config(config);
        const auto need = [&](compression id) {
            if (auto missing = Codecs::check(id); !missing.empty())
                problems.emplace_back(config_severity::error, "compression.type", std::move(missing));
        };
        need(config.compression_type);
        for (const auto& rule : config.compression_topics) need(rule.type);
        // Another transport than TCP is trusted to keep what the configuration promises.
        if (config.uses_tls() && !(transport_factory<Part> || ...))
            problems.emplace_back(config_severity::error, "security.protocol",
                                  "security.protocol asks for TLS, and this engine was made without; give it "
                                  "kurier::tls{} (kurier/tls.hpp)");
        if (config.uses_sasl() && !(login_part<Part> || ...))
            problems.emplace_back(
                config_severity::error, "security.protocol",
                "security.protocol asks for SASL, which this engine was made without; give it a login, for "
                "instance kurier::sasl::from_config{} (kurier/sasl.hpp)");
        [[maybe_unused]] const auto ask = [&](auto& part) {
            if constexpr (checks_config<std::remove_reference_t<decltype(part)>>)
                part.check(config, problems);
        };
        (ask(parts), ...);
        if (has_errors(problems)) throw config_error{std::move(problems)};
        return problems;
    }

    static std::exception_ptr thrown_by(io::driver& machine, const core::connect_attempt& attempt,
                                        core::nanoseconds begun, error_code ec)
    {
        if (!ec) return nullptr;
        if (ec != attempt.error) return std::make_exception_ptr(boost::system::system_error{ec});
        const auto elapsed =
            std::chrono::duration_cast<std::chrono::milliseconds>(machine.now().steady - begun);
        return std::make_exception_ptr(connect_error{ec, attempt.words, elapsed});
    }

    // What a part replaces in the world around the driver that is made.
    template <class Part> static void surround(io::surroundings& around, const producer_config& settings,
                                               const std::shared_ptr<Part>& part)
    {
        if constexpr (login_part<Part>) around.login = part->make_login(settings);
        if constexpr (log_sink<Part>) around.log = log_to(part);
        if constexpr (transport_factory<Part>)
            around.make_transport = [part](const boost::asio::any_io_executor& executor,
                                           const producer_config& config) {
                return part->make_transport(executor, config);
            };
        if constexpr (resolver_factory<Part>)
            around.make_resolver = [part](const boost::asio::any_io_executor& executor) {
                return part->make_resolver(executor);
            };
    }

    // What a part adds to the driver.
    template <class Part> void install(const std::shared_ptr<Part>& part)
    {
        if constexpr (detail::is_codec_list<Part> && !std::same_as<Part, codecs<>>)
            driver_->keep_codecs({part, codecs_ref{*part}}, [] {
                auto another = std::make_shared<Part>();
                const codecs_ref list{*another};
                return io::kept_codecs{std::move(another), list};
            });
        if constexpr (observes_batches<Part> || observes_brokers<Part>) install_observer(part);
        if constexpr (logs_by_engine<Part>) // which lives as long as the driver, and no longer
            part->log_by([driver = driver_.get()](log_event event) { driver->log(event); });
    }

    template <class Observer> void install_observer(const std::shared_ptr<Observer>& observer)
    {
        io::observer_hooks hooks;
        if constexpr (observes_batches<Observer>)
            hooks.on_batch = [](void* to, const batch_event& event) noexcept {
                static_cast<Observer*>(to)->on_batch(event);
            };
        if constexpr (observes_brokers<Observer>)
            hooks.on_broker = [](void* to, const broker_event& event) noexcept {
                static_cast<Observer*>(to)->on_broker(event);
            };
        hooks.observer = observer;
        driver_->observe(std::move(hooks));
    }

    template <class Log> static std::function<void(const log_event&)> log_to(const std::shared_ptr<Log>& log)
    {
        if constexpr (log_enabled<Log>)
            return [log](const log_event& event) {
                try {
                    write_log(*log, event);
                } catch (...) { // a disk that is full, say, is no reason to stop
                }
            };
        else
            return {};
    }

    template <class Rep, class Period>
    static core::nanoseconds to_nanoseconds(std::chrono::duration<Rep, Period> d)
    {
        return d >= std::chrono::hours{24 * 365 * 100} ? core::never
                                                       : std::chrono::duration_cast<core::nanoseconds>(d);
    }

    boost::intrusive_ptr<io::driver> driver_;
};

} // namespace kurier::inline KURIER_ABI
